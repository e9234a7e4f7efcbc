//! Unpacks a pack into a sessions folder: all of it or nothing.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::{Kind, MAX_PIXELS, MAX_UNFOLDED, Pack, UNPACKED};
use crate::session::error::{Doing, SessionError};
use crate::session::reader::{MAX_LOG, ProblemKind, read_log_from};
use crate::session::summariser::Summariser;
use crate::session::summary::{SessionSummary, append_summary};
use crate::session::trash::move_new;
use crate::session::{LogFile, SessionStore, notes_from};
use crate::trace::Body;

/// What was unpacked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UnpackReport {
    /// Logs that are new here.
    pub logs: Vec<PathBuf>,
    /// Ids of sessions that were here already, with the same log.
    pub known: Vec<String>,
    /// Pages and crops that are new here.
    pub blobs: usize,
    /// What deserves a word, a sentence each.
    pub warnings: Vec<String>,
}

/// Unpacks a file into the folder `unpacked` of a sessions folder.
///
/// # Errors
/// [`SessionError::Pack`] says what is wrong with the file; [`SessionError::Exists`] where a session of one of its ids is here
/// and says something else; [`SessionError::Io`]. Then nothing was added.
pub fn unpack(store: &SessionStore, path: &Path) -> Result<UnpackReport, SessionError> {
    let pack = Pack::open(path)?;
    let mut report = UnpackReport::default();
    let staging = Staging::new(store)?;
    let here: HashMap<String, LogFile> = store.logs().into_iter().map(|log| (log.id.clone(), log)).collect();
    let mut plan = Plan { sub: store.make_sub(UNPACKED)?, moves: Vec::new(), summaries: Vec::new() };
    let (mut unfolded, mut pixels) = (0u64, 0u64);
    for kind in pack.kinds() {
        match kind {
            Kind::Blob { hash } => {
                let (bytes, image) = pack.blob(&hash)?;
                pixels += u64::from(image.width()) * u64::from(image.height());
                if pixels > MAX_PIXELS {
                    return Err(pack.wrong(format!("its images have more than {} million pixels", MAX_PIXELS >> 20)));
                }
                let target = store.blob(&hash)?;
                if !fs::metadata(&target).is_ok_and(|meta| meta.len() > 0) {
                    plan.moves.push((staging.write(&format!("blob-{hash}"), &bytes)?, target));
                    report.blobs += 1;
                }
            }
            Kind::Log { id, .. } => {
                let (file, bytes) = pack.log(&id)?;
                unfolded += check_log(&pack, &id, &bytes, &mut plan, &mut report)?;
                if unfolded > MAX_UNFOLDED {
                    return Err(pack.wrong(format!("its logs unfold into more than {} MiB", MAX_UNFOLDED >> 20)));
                }
                match here.get(&id) {
                    Some(log) if same(&log.path, &bytes)? => {
                        plan.summaries.retain(|summary| summary.id != id);
                        report.known.push(id);
                    }
                    Some(log) => return Err(SessionError::Exists { path: log.path.clone() }),
                    None => {
                        let target = plan.sub.join(&file);
                        plan.moves.push((staging.write(&file, &bytes)?, target.clone()));
                        report.logs.push(target);
                    }
                }
            }
            Kind::Notes { id, file } => {
                let bytes = pack.checked(&format!("notes/{file}"))?;
                let broken = notes_from(bytes.as_slice()).problems.len();
                if broken > 0 {
                    report.warnings.push(format!("{broken} lines of the notes on {id} cannot be read"));
                }
                match here.get(&id) {
                    // Notes that a person has written here are not changed by what someone sent.
                    Some(_) => report.warnings.push(format!("{id} is here already; its notes are left as they are")),
                    None => plan.moves.push((staging.write(&file, &bytes)?, plan.sub.join(&file))),
                }
            }
            Kind::Manifest => {}
        }
    }
    if report.blobs > 0 {
        store.make_blobs()?;
    }
    plan.carry_out()?;
    for summary in &plan.summaries {
        if let Err(error) = append_summary(&plan.sub, summary) {
            // Lists read the log itself where there is no summary.
            report.warnings.push(error.to_string());
        }
    }
    Ok(report)
}

/// Checks that a log is that of the session it is named after; gives how many bytes it unfolds into.
fn check_log(
    pack: &Pack,
    id: &str,
    bytes: &[u8],
    plan: &mut Plan,
    report: &mut UnpackReport,
) -> Result<u64, SessionError> {
    let log = read_log_from(bytes);
    let about = |why: &str| pack.wrong(format!("logs/{id}: {why}"));
    if log.problems.list.iter().any(|problem| problem.kind == ProblemKind::TooLarge) {
        return Err(about("it unfolds into more than is read of one log"));
    }
    match log.records.first().map(|record| &record.body) {
        Some(Body::SessionStart(start)) if start.id == id => {}
        Some(Body::SessionStart(_)) => return Err(about("it is the log of another session")),
        _ => return Err(about("it does not begin with the start of a session")),
    }
    if log.problems.damage() {
        report.warnings.push(format!("{id} is damaged; see sessions verify"));
    }
    if log.ended() {
        plan.summaries.push(Summariser::of(&log.records).summary());
    }
    Ok(log.length)
}

/// What will be moved where, once everything has been checked.
struct Plan {
    sub: PathBuf,
    moves: Vec<(PathBuf, PathBuf)>,
    summaries: Vec<SessionSummary>,
}

impl Plan {
    fn carry_out(&self) -> Result<(), SessionError> {
        let mut done: Vec<&Path> = Vec::new();
        for (from, to) in &self.moves {
            match move_new(from, to) {
                Ok(()) => done.push(to),
                // Another program has stored the same pixels meanwhile.
                Err(SessionError::Exists { path }) if path.parent() != Some(&self.sub) => {}
                Err(error) => {
                    for path in done.into_iter().rev() {
                        // It was made a moment ago, by us; where it stays, it is whole.
                        let _ = fs::remove_file(path);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// A hidden folder that is gone when this is dropped.
struct Staging(PathBuf);

impl Staging {
    fn new(store: &SessionStore) -> Result<Self, SessionError> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let root = store.make_hidden(&[])?;
        let dir = root.join(format!(".unpacking-{}-{call}", std::process::id()));
        // A folder of this name can only be a leftover of a killed process that had our number.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).doing("create the folder", &dir)?;
        Ok(Self(dir))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, SessionError> {
        let path = self.0.join(name);
        let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.doing("write", &path)?;
        Ok(path)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is hidden from every list.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a log says the same as these bytes, compressed or not.
fn same(path: &Path, bytes: &[u8]) -> Result<bool, SessionError> {
    let here = plain_hash(File::open(path).doing("read", path)?).doing("read", path)?;
    Ok(plain_hash(bytes).doing("read", path)? == here)
}

/// The hash of what a log says, decompressed.
fn plain_hash(mut source: impl Read) -> io::Result<blake3::Hash> {
    let mut head = Vec::new();
    source.by_ref().take(4).read_to_end(&mut head)?;
    let compressed = head == [0x28, 0xb5, 0x2f, 0xfd];
    let whole = io::Read::chain(head.as_slice(), source);
    let mut hasher = blake3::Hasher::new();
    if compressed {
        let mut decoder = zstd::stream::read::Decoder::new(whole)?;
        decoder.window_log_max(27)?;
        io::copy(&mut decoder.take(MAX_LOG), &mut hasher)?;
    } else {
        io::copy(&mut whole.take(MAX_LOG), &mut hasher)?;
    }
    Ok(hasher.finalize())
}
