//! Comic archives (`.cbz`: images in a ZIP file).
//!
//! An archive is hostile until shown otherwise. Nothing is ever written to disk, so names are only labels; entries are
//! counted before they are read, and each is read only as far as its bound. Only stored and deflated entries are read.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::read::{OwnedZipFileEntry, ZipFileEntry};
use zip::result::ZipError;
use zip::{ZipArchive, ZipReadOptions};

use super::{Page, PageError, decode, is_image_name};

/// Most entries of an archive.
pub const MAX_ENTRIES: usize = 10_000;
/// Most bytes of one page in an archive, unpacked.
pub const MAX_ENTRY: u64 = 64 << 20;
/// Most bytes that are read to find out what an archive holds.
const MAX_DIRECTORY: u64 = 32 << 20;
/// Where the record at the end of an archive can begin: 22 bytes and a comment of at most 65,535 before the end, and 20
/// for the locator of a ZIP64 record before it.
const TAIL: u64 = 22 + 65_535 + 20;
/// Longest name of a page in bytes.
const MAX_NAME: usize = 1024;

/// An open archive: its pages in natural order.
///
/// The file is opened again for every page, so that pages can be read by several threads at once.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    pages: Vec<(String, OwnedZipFileEntry)>,
}

impl Archive {
    /// Reads the archive's directory; no page is unpacked.
    ///
    /// Folders, links, hidden files, names that lead out of the archive and files that are no images are passed over.
    ///
    /// # Errors
    /// [`PageError::Archive`] where it is no ZIP archive, is damaged or has too many entries; [`PageError::Read`].
    pub fn open(path: &Path) -> Result<Self, PageError> {
        let fault = |fault: String| PageError::Archive { path: path.to_owned(), entry: None, fault };
        let (mut file, length) = decode::open(path)?;
        // Counted before the reader makes room for so many.
        let entries = declared_entries(&mut file, length).map_err(|e| fault(format!("cannot be read: {e}")))?;
        match entries {
            Some(n) if n <= MAX_ENTRIES => {}
            Some(n) => return Err(fault(format!("it has {n} entries; at most {MAX_ENTRIES} are read"))),
            None => return Err(fault("a ZIP64 archive (of more than 4 GiB or 65,535 entries) is not read".to_owned())),
        }
        let broken = |e: ZipError| fault(format!("not a readable ZIP archive: {e}"));
        let zip = ZipArchive::new(BufReader::new(Limited::new(file, MAX_DIRECTORY))).map_err(broken)?;
        let mut pages = Vec::new();
        for index in 0..zip.len().min(MAX_ENTRIES) {
            let entry = zip.by_index_data(index).map_err(broken)?;
            if let Some(name) = page_name(&entry) {
                pages.push((name, OwnedZipFileEntry::from(entry)));
            }
        }
        pages.sort_by(|(a, _), (b, _)| alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b)));
        // Of two entries with one name the first is as good as the other.
        pages.dedup_by(|(a, _), (b, _)| a == b);
        Ok(Self { path: path.to_owned(), pages })
    }

    /// Names of the pages, in natural order; no name comes twice.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|(name, _)| name.as_str())
    }

    /// Unpacks and decodes a page; none where there are not so many.
    ///
    /// # Errors
    /// [`PageError::Archive`] where the entry is encrypted, too large, damaged (its checksum is compared) or no image.
    pub fn page(&self, index: usize) -> Option<Result<Page, PageError>> {
        let (name, entry) = self.pages.get(index)?;
        let named = |fault: String| PageError::Archive { path: self.path.clone(), entry: Some(name.clone()), fault };
        let page = self.bytes(entry).map_err(named).and_then(|bytes| {
            Page::from_bytes(&bytes).map_err(|e| match e {
                PageError::Image { fault, .. } => named(fault.to_string()),
                other => other,
            })
        });
        Some(page)
    }

    fn bytes(&self, entry: &OwnedZipFileEntry) -> Result<Vec<u8>, String> {
        let too_large = || format!("larger than {} MiB unpacked, the most that is read for a page", MAX_ENTRY >> 20);
        if entry.encrypted() {
            return Err("it is encrypted".to_owned());
        }
        if entry.size() > MAX_ENTRY {
            return Err(too_large());
        }
        let mut file = BufReader::new(File::open(&self.path).map_err(|e| e.to_string())?);
        let reader = entry.as_ref().with_reader(&mut file, ZipReadOptions::new());
        let mut bytes = Vec::new();
        // The declared size is not trusted; the checksum is compared at the end of the entry.
        reader.map_err(damaged)?.take(MAX_ENTRY + 1).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 > MAX_ENTRY { Err(too_large()) } else { Ok(bytes) }
    }
}

/// The largest number of entries that a record at the end of the archive declares, 0 where there is no such record; none
/// for ZIP64, which can declare any number.
pub(crate) fn declared_entries(file: &mut File, length: u64) -> io::Result<Option<usize>> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.by_ref().take(TAIL).read_to_end(&mut tail)?;
    file.rewind()?;
    let mut most = 0;
    for record in tail.windows(12) {
        match record {
            [b'P', b'K', 6, 7, ..] => return Ok(None),
            [b'P', b'K', 5, 6, _, _, _, _, a, b, c, d] => {
                let (here, all) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
                most = most.max(usize::from(here.max(all)));
            }
            _ => {}
        }
    }
    Ok(Some(most))
}

/// A file of which only so many bytes are read.
pub(crate) struct Limited {
    file: File,
    left: u64,
}

impl Limited {
    pub(crate) fn new(file: File, left: u64) -> Self {
        Self { file, left }
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other("its directory is too long"))?;
        Ok(read)
    }
}

impl Seek for Limited {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("it cannot be unpacked: {error}")
}

/// The name of an entry that is a page.
fn page_name(entry: &ZipFileEntry<'_>) -> Option<String> {
    if !entry.is_file() || entry.name_raw().len() > MAX_NAME {
        return None;
    }
    entry.enclosed_name()?;
    let name = entry.name().ok()?.into_owned();
    let apart = name.starts_with(['/', '\\']) || name.starts_with("__MACOSX/");
    (is_image_name(&name) && !apart).then_some(name)
}
