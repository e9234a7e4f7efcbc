//! Opens a pack and believes nothing it says.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;
use zip::read::{OwnedZipFileEntry, ZipFileEntry};
use zip::{CompressionMethod, ZipArchive, ZipReadOptions};

use super::{Kind, MANIFEST, MAX_ENTRIES, MAX_ENTRY, MAX_MANIFEST, MAX_PACK, Manifest, VERSION};
use crate::page::{Limited, Page, declared_entries};
use crate::session::error::SessionError;
use crate::session::reader::{LogReader, read_log_from};
use crate::session::{PixelStore, is_hash};
use crate::trace::Body;

/// Most bytes that are read to find out what a pack holds.
const MAX_DIRECTORY: u64 = 32 << 20;

/// Whether a file is a ZIP archive and so perhaps a pack, but surely no log.
pub fn is_pack(path: &Path) -> bool {
    let mut head = [0; 4];
    let is_file = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"PK\x03\x04"
}

/// An open pack whose names and sizes have been checked; contents are checked as they are read.
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    manifest: Manifest,
    entries: HashMap<String, OwnedZipFileEntry>,
}

/// Most pixels of a packed recording that are held at once.
const MOST_SHOWN: u64 = 1 << 27;

impl Pack {
    /// Opens a pack.
    ///
    /// # Errors
    /// [`SessionError::Pack`] says what is wrong with it; [`SessionError::Io`].
    pub fn open(path: &Path) -> Result<Self, SessionError> {
        let (entries, manifest) = directory(path).map_err(|fault| fault.at(path))?;
        let mut pack = Self { path: path.to_owned(), manifest: Manifest::default(), entries };
        let text = pack.unpacked(&manifest, MAX_MANIFEST).map_err(|why| pack.wrong(format!("{MANIFEST}: {why}")))?;
        pack.manifest = serde_json::from_slice(&text).map_err(|e| pack.wrong(format!("{MANIFEST}: {e}")))?;
        pack.agree()?;
        Ok(pack)
    }

    /// Ids of the sessions it was made for.
    pub fn sessions(&self) -> &[String] {
        &self.manifest.sessions
    }

    /// A session's log and its pixels, for reading without unpacking.
    ///
    /// # Errors
    /// [`SessionError::Pack`] where the log is not what is listed.
    pub fn recording(&self, id: &str) -> Result<(LogReader, PixelStore), SessionError> {
        let (_, bytes) = self.log(id)?;
        let log = read_log_from(bytes.as_slice());
        let mut pixels = PixelStore::new(Vec::new(), &log.records);
        let hashes = log.records.iter().filter_map(|record| match &record.body {
            Body::Image(image) => Some(&image.hash),
            _ => None,
        });
        let (mut seen, mut sum) = (HashSet::new(), 0u64);
        for hash in hashes.filter(|hash| is_hash(hash) && self.entries.contains_key(&format!("blobs/{hash}"))) {
            if !seen.insert(hash) {
                continue;
            }
            let image = self.blob(hash)?.1;
            sum += u64::from(image.width()) * u64::from(image.height());
            if sum > MOST_SHOWN {
                return Err(self.wrong(format!("its images have more than {} million pixels", MOST_SHOWN >> 20)));
            }
            pixels.insert(image);
        }
        Ok((log, pixels))
    }

    /// A log's file name and bytes.
    pub(super) fn log(&self, id: &str) -> Result<(String, Vec<u8>), SessionError> {
        let files = [format!("{id}.jsonl.zst"), format!("{id}.jsonl")];
        let found = files.into_iter().find(|file| self.entries.contains_key(&format!("logs/{file}")));
        let file = found.ok_or_else(|| self.wrong(format!("it has no log of session \"{}\"", id.escape_debug())))?;
        let bytes = self.checked(&format!("logs/{file}"))?;
        Ok((file, bytes))
    }

    /// A blob's bytes and pixels; the pixels have the hash.
    pub(super) fn blob(&self, hash: &str) -> Result<(Vec<u8>, Arc<RgbImage>), SessionError> {
        let name = format!("blobs/{hash}");
        let bytes = self.checked(&name)?;
        let page = Page::from_bytes(&bytes).map_err(|e| self.wrong(format!("{name}: {e}")))?;
        if page.hash != hash {
            return Err(self.wrong(format!("{name}: its pixels have another hash")));
        }
        Ok((bytes, page.pixels))
    }

    /// What its entries are, in the order of the list.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.manifest.files.iter().filter_map(|listed| Kind::of(&listed.name))
    }

    /// An entry's bytes, as they are listed.
    pub(super) fn checked(&self, name: &str) -> Result<Vec<u8>, SessionError> {
        let listed = self.manifest.files.iter().find(|listed| listed.name == name);
        let (Some(listed), Some(entry)) = (listed, self.entries.get(name)) else {
            return Err(self.wrong(format!("it has no {name}")));
        };
        let bytes = self.unpacked(entry, MAX_ENTRY).map_err(|why| self.wrong(format!("{name}: {why}")))?;
        let hash = blake3::hash(&bytes).to_hex();
        if bytes.len() as u64 == listed.bytes && hash.as_str() == listed.blake3 {
            Ok(bytes)
        } else {
            Err(self.wrong(format!("{name} is not what {MANIFEST} says")))
        }
    }

    pub(super) fn wrong(&self, why: String) -> SessionError {
        SessionError::Pack { path: self.path.clone(), why }
    }

    fn unpacked(&self, entry: &OwnedZipFileEntry, most: u64) -> Result<Vec<u8>, String> {
        let said = |error: &dyn std::fmt::Display| format!("cannot be read: {error}");
        let mut file = BufReader::new(File::open(&self.path).map_err(|e| said(&e))?);
        let reader = entry.as_ref().with_reader(&mut file, ZipReadOptions::new()).map_err(|e| said(&e))?;
        let mut bytes = Vec::new();
        reader.take(most + 1).read_to_end(&mut bytes).map_err(|e| said(&e))?;
        if bytes.len() as u64 > most { Err(format!("larger than {} MiB", most >> 20)) } else { Ok(bytes) }
    }

    /// The list names the entries that are there, each once, and sessions that have logs.
    fn agree(&self) -> Result<(), SessionError> {
        let manifest = &self.manifest;
        if manifest.v != VERSION {
            return Err(self.wrong(format!("it has format version {}; this program reads {VERSION}", manifest.v)));
        }
        let mut names: Vec<&str> = manifest.files.iter().map(|listed| listed.name.as_str()).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        let same = names.len() == before
            && before == self.entries.len()
            && manifest.files.iter().all(|l| self.entries.get(&l.name).is_some_and(|e| e.size() == l.bytes));
        if !same {
            return Err(self.wrong(format!("{MANIFEST} does not list what is in it")));
        }
        let has_log = |id: &String| {
            self.entries.contains_key(&format!("logs/{id}.jsonl.zst"))
                || self.entries.contains_key(&format!("logs/{id}.jsonl"))
        };
        match manifest.sessions.iter().find(|id| !has_log(id)) {
            Some(id) => Err(self.wrong(format!("it has no log of session \"{}\"", id.escape_debug()))),
            None if manifest.sessions.is_empty() => Err(self.wrong("it has no session".to_owned())),
            None => Ok(()),
        }
    }
}

/// Why a directory cannot be used.
enum Fault {
    Io(io::Error),
    Wrong(String),
}

impl Fault {
    fn at(self, path: &Path) -> SessionError {
        match self {
            Self::Io(source) => SessionError::Io { doing: "read", path: path.to_owned(), source },
            Self::Wrong(why) => SessionError::Pack { path: path.to_owned(), why },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The entries by name, the manifest apart.
fn directory(path: &Path) -> Result<(HashMap<String, OwnedZipFileEntry>, OwnedZipFileEntry), Fault> {
    let wrong = |why: String| Err(Fault::Wrong(why));
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(Fault::Io(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    if meta.len() > MAX_PACK {
        return wrong(format!("it is larger than {} MiB", MAX_PACK >> 20));
    }
    let mut file = File::open(path)?;
    // Counted before the reader makes room for so many.
    let declared = match declared_entries(&mut file, meta.len())? {
        Some(n) if n <= MAX_ENTRIES => n,
        Some(n) => return wrong(format!("it has {n} entries; at most {MAX_ENTRIES} are read")),
        None => return wrong("it is a ZIP64 archive, which no pack is".to_owned()),
    };
    let limited = BufReader::new(Limited::new(file, MAX_DIRECTORY));
    let zip = ZipArchive::new(limited).map_err(|e| Fault::Wrong(format!("not a ZIP archive: {e}")))?;
    // Entries of one name fold into one; a pack has none twice.
    if zip.len() != declared {
        return wrong("it has two entries of one name".to_owned());
    }
    let (mut entries, mut manifest, mut sum) = (HashMap::new(), None, 0u64);
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(|e| Fault::Wrong(format!("not a ZIP archive: {e}")))?;
        let (name, kind) = name_of(&entry).map_err(Fault::Wrong)?;
        sum = sum.saturating_add(entry.size());
        if sum > meta.len() {
            return wrong("its entries claim more bytes than it has".to_owned());
        }
        match kind {
            Kind::Manifest => manifest = Some(OwnedZipFileEntry::from(entry)),
            _ => drop(entries.insert(name, OwnedZipFileEntry::from(entry))),
        }
    }
    match manifest {
        Some(manifest) => Ok((entries, manifest)),
        None => wrong(format!("it has no {MANIFEST}; it was not made by sessions pack")),
    }
}

/// The name of an entry that may be in a pack.
fn name_of(entry: &ZipFileEntry<'_>) -> Result<(String, Kind), String> {
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    let quoted = || name.chars().take(120).collect::<String>().escape_debug().to_string();
    let kind = Kind::of(&name).ok_or_else(|| format!("\"{}\" is no name of a file in a pack", quoted()))?;
    if !entry.is_file() || entry.is_symlink() {
        return Err(format!("{} is no regular file", quoted()));
    }
    if entry.encrypted() || entry.compression() != CompressionMethod::Stored || entry.size() != entry.compressed_size()
    {
        return Err(format!("{} is compressed or encrypted, as nothing in a pack is", quoted()));
    }
    let most = if kind == Kind::Manifest { MAX_MANIFEST } else { MAX_ENTRY };
    if entry.size() > most {
        return Err(format!("{} is larger than {} MiB", quoted(), most >> 20));
    }
    Ok((name, kind))
}
