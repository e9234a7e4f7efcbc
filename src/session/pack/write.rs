//! Makes a pack.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Listed, MANIFEST, MAX_ENTRY, Manifest, VERSION};
use crate::page::Page;
use crate::session::error::{Doing, SessionError};
use crate::session::trash::move_new;
use crate::session::{LogFile, PixelStore, SessionStore, is_hash, read_log};
use crate::trace::{Body, Record};

/// Longest chain of forks that is followed.
const MAX_CHAIN: usize = 10_000;

/// What was packed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PackReport {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Ids of the sessions asked for.
    pub sessions: Vec<String>,
    /// Ids of the sessions they are forks of.
    pub ancestors: Vec<String>,
    /// Pages and crops.
    pub blobs: usize,
    /// What is missing, a sentence each.
    pub warnings: Vec<String>,
}

/// Packs sessions, their ancestors and, with `images`, the pixels that are kept of them, into a new file.
///
/// # Errors
/// [`SessionError::NotFound`], [`SessionError::Ambiguous`], [`SessionError::Exists`] where `out` is there,
/// [`SessionError::Pack`] where a log is too large, [`SessionError::Io`]; then there is no file.
pub fn pack(store: &SessionStore, ids: &[String], images: bool, out: &Path) -> Result<PackReport, SessionError> {
    if out.symlink_metadata().is_ok() {
        return Err(SessionError::Exists { path: out.to_owned() });
    }
    let mut report = PackReport { file: out.to_owned(), ..PackReport::default() };
    let files = gather(store, ids, images, &mut report)?;
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = out.with_file_name(format!(".{name}.tmp-{}", std::process::id()));
    // A file of this name can only be a leftover of a killed process that had our number.
    let _ = fs::remove_file(&temporary);
    let written = write(&temporary, &files, images, &report.sessions).and_then(|bytes| {
        move_new(&temporary, out)?;
        Ok(bytes)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    report.bytes = written?;
    Ok(report)
}

/// Entry names with the files they are made of.
type Files = BTreeMap<String, PathBuf>;

fn gather(store: &SessionStore, ids: &[String], images: bool, report: &mut PackReport) -> Result<Files, SessionError> {
    let mut files = Files::new();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    for id in ids {
        queue.push_back((store.one(id)?, true));
    }
    while let Some((log, asked)) = queue.pop_front() {
        if !seen.insert(log.id.clone()) || seen.len() > MAX_CHAIN {
            continue;
        }
        if asked { &mut report.sessions } else { &mut report.ancestors }.push(log.id.clone());
        let records = read_log(&log.path)?.records;
        let ending = if log.live { "jsonl" } else { "jsonl.zst" };
        files.insert(format!("logs/{}.{ending}", log.id), log.path.clone());
        let notes = format!("{}.notes.jsonl", log.id);
        let beside = log.path.with_file_name(&notes);
        if beside.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
            files.insert(format!("notes/{notes}"), beside);
        }
        if images {
            blobs(&log, &records, &mut files, report);
        }
        if let Some(parent) = parent_of(&records) {
            match parent_log(store, &log, &parent) {
                Some(found) => queue.push_back((found, false)),
                None => report.warnings.push(format!("{} is a fork of {parent}, which is not here", log.id)),
            }
        }
    }
    Ok(files)
}

fn parent_of(records: &[Record]) -> Option<String> {
    records.iter().find_map(|record| match &record.body {
        Body::SessionStart(start) => start.parent.as_ref().map(|parent| parent.session.clone()),
        _ => None,
    })
}

/// The parent's log: beside the fork where several have the id.
fn parent_log(store: &SessionStore, fork: &LogFile, parent: &str) -> Option<LogFile> {
    let mut logs: Vec<LogFile> = store.logs().into_iter().filter(|log| log.id == parent).collect();
    let at = logs.iter().position(|log| log.sub == fork.sub).unwrap_or(0);
    (at < logs.len()).then(|| logs.swap_remove(at))
}

/// Adds the pixels that are kept; crops that the page gives back are not.
fn blobs(log: &LogFile, records: &[Record], files: &mut Files, report: &mut PackReport) {
    let pixels = PixelStore::for_log(&log.path, records);
    let mut page = true;
    for record in records {
        let Body::Image(image) = &record.body else { continue };
        let name = format!("blobs/{}", image.hash);
        let is_page = std::mem::take(&mut page);
        if !is_hash(&image.hash) || files.contains_key(&name) {
            continue;
        }
        match pixels.kept(&image.hash) {
            Some(path) if Page::open(&path).is_ok_and(|kept| kept.hash == image.hash) => {
                files.insert(name, path);
                report.blobs += 1;
            }
            Some(_) => report.warnings.push(format!("{}: the kept pixels of an image are damaged; left out", log.id)),
            None if is_page => report.warnings.push(format!("{}: its page is not kept here", log.id)),
            None => {}
        }
    }
}

fn write(path: &Path, files: &Files, images: bool, sessions: &[String]) -> Result<u64, SessionError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path).doing("write", path)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let broken = |error: zip::result::ZipError| io::Error::other(error.to_string());
    let mut manifest = Manifest {
        v: VERSION,
        program: concat!("panelscope ", env!("CARGO_PKG_VERSION")).to_owned(),
        sessions: sessions.to_vec(),
        images,
        files: Vec::new(),
    };
    for (name, source) in files {
        let bytes = bounded(source)?;
        manifest.files.push(Listed {
            name: name.clone(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(&bytes).to_hex().to_string(),
        });
        zip.start_file(name.as_str(), options).map_err(broken).doing("write", path)?;
        zip.write_all(&bytes).doing("write", path)?;
    }
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other).doing("write", path)?;
    zip.start_file(MANIFEST, options).map_err(broken).doing("write", path)?;
    zip.write_all(&text).doing("write", path)?;
    let mut out = zip.finish().map_err(broken).doing("write", path)?;
    out.flush().doing("write", path)?;
    let file = out.into_inner().map_err(io::Error::from).doing("write", path)?;
    file.sync_all().doing("write", path)?;
    Ok(file.metadata().doing("read", path)?.len())
}

/// A file's bytes, no more than a pack's reader takes.
fn bounded(path: &Path) -> Result<Vec<u8>, SessionError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_ENTRY + 1).read_to_end(&mut bytes)).doing("read", path)?;
    if bytes.len() as u64 > MAX_ENTRY {
        let why = format!("larger than {} MiB, the most that one file of a pack may have", MAX_ENTRY >> 20);
        return Err(SessionError::Pack { path: path.to_owned(), why });
    }
    Ok(bytes)
}
