//! Where a model's files come from: a folder, or bytes inside the program.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use super::error::ModelError;
use super::gguf::{GgufFiles, Opened};

/// Largest configuration or tokenizer file that is read (bytes).
const TEXT_LIMIT: u64 = 256 << 20;

/// Named files of one model.
#[derive(Clone, Debug)]
pub enum FileSource {
    /// A Hugging Face model folder.
    Folder(PathBuf),
    /// Two GGUF files, as llama.cpp has a model; their values appear as a folder's files.
    Gguf(GgufFiles),
    /// `(file name, contents)` pairs, such as the ones embedded in the program.
    Embedded(&'static [(&'static str, &'static [u8])]),
    /// Files made in memory, such as a checkpoint in training.
    Memory(Arc<Vec<(String, Vec<u8>)>>),
}

/// The bytes of a weight file: mapped, or part of the program.
#[derive(Debug)]
pub(crate) enum FileBytes {
    Mapped(Mmap),
    Static(&'static [u8]),
    Shared(Arc<Vec<(String, Vec<u8>)>>, usize),
    /// The language model's file, or the image part's.
    Gguf(Arc<Opened>, bool),
}

impl FileBytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Static(bytes) => bytes,
            Self::Gguf(opened, false) => &opened.text.map,
            Self::Gguf(opened, true) => &opened.vision.map,
            Self::Shared(files, index) => files.get(*index).map_or(&[][..], |(_, bytes)| bytes),
        }
    }
}

impl FileBytes {
    /// Lets the system take the pages of these bytes out of this process; they come back when they are read again.
    pub(crate) fn forget(&self, range: std::ops::Range<usize>) {
        let map = match self {
            Self::Mapped(map) => map,
            Self::Gguf(opened, false) => &opened.text.map,
            Self::Gguf(opened, true) => &opened.vision.map,
            Self::Static(_) | Self::Shared(..) => return,
        };
        forget_pages(map, range);
    }
}

/// Only whole pages, so that neighbours stay.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the advice is unsafe for private maps, which this is not")]
fn forget_pages(map: &Mmap, range: std::ops::Range<usize>) {
    const PAGE: usize = 1 << 16;
    let (start, end) = (range.start.next_multiple_of(PAGE), range.end / PAGE * PAGE);
    if start < end && end <= map.len() {
        // SAFETY: the map is of a file, shared and never written: dropped pages are read from the file again.
        let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, end - start) };
    }
}

#[cfg(not(unix))]
fn forget_pages(_: &Mmap, _: std::ops::Range<usize>) {}

impl FileSource {
    /// What a path names: GGUF files, or a Hugging Face folder (also one that is not there, which is told on opening).
    pub fn at(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        GgufFiles::at(path).map_or_else(|| Self::Folder(path.to_owned()), Self::Gguf)
    }

    /// A short name: the folder's own name, or `embedded`.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(path) => {
                let full = path.canonicalize().unwrap_or_else(|_| path.clone());
                full.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
            }
            Self::Gguf(files) => {
                files.path().file_stem().map_or_else(|| self.place(), |name| name.to_string_lossy().into_owned())
            }
            Self::Embedded(_) => "embedded".to_owned(),
            Self::Memory(_) => "in memory".to_owned(),
        }
    }

    /// How errors call the place.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Gguf(files) => files.path().display().to_string(),
            Self::Embedded(_) => "embedded model".to_owned(),
            Self::Memory(_) => "model in memory".to_owned(),
        }
    }

    /// Whether a file of that name is there.
    pub fn has(&self, file: &str) -> bool {
        match self {
            Self::Folder(path) => path.join(file).is_file(),
            Self::Gguf(_) => GgufFiles::has(file),
            Self::Embedded(files) => files.iter().any(|(name, _)| *name == file),
            Self::Memory(files) => files.iter().any(|(name, _)| name == file),
        }
    }

    /// A whole small file (configuration, tokenizer).
    ///
    /// # Errors
    /// [`ModelError::NoFile`], [`ModelError::TooLarge`] beyond 256 MiB, or [`ModelError::Io`].
    pub fn read(&self, file: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        match self {
            Self::Gguf(files) => match files.folder() {
                // Settings that lie beside the files say more than the files do.
                Some(folder) if GgufFiles::may_lie_beside(file) && folder.join(file).is_file() => {
                    Self::Folder(folder).read(file)
                }
                _ => files.read(file),
            },
            Self::Folder(folder) => {
                let path = folder.join(file);
                let handle = self.open(file)?;
                let size = handle.metadata().map_err(|source| ModelError::Io { path: path.clone(), source })?.len();
                if size > TEXT_LIMIT {
                    return Err(ModelError::TooLarge { file: path.display().to_string(), size, limit: TEXT_LIMIT });
                }
                let mut bytes = Vec::new();
                handle.take(TEXT_LIMIT).read_to_end(&mut bytes).map_err(|source| ModelError::Io { path, source })?;
                Ok(Cow::Owned(bytes))
            }
            Self::Embedded(_) => Ok(Cow::Borrowed(self.embedded(file)?)),
            Self::Memory(files) => {
                let index = self.held(file)?;
                Ok(Cow::Owned(files.get(index).map(|(_, bytes)| bytes.clone()).unwrap_or_default()))
            }
        }
    }

    /// A whole small file, or `None` where it is not there.
    ///
    /// # Errors
    /// As [`FileSource::read`], except for a missing file.
    pub fn read_optional(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, ModelError> {
        if self.has(file) { self.read(file).map(Some) } else { Ok(None) }
    }

    /// A weight file, memory-mapped where it is a file.
    pub(crate) fn map(&self, file: &str) -> Result<FileBytes, ModelError> {
        match self {
            Self::Folder(folder) => {
                let handle = self.open(file)?;
                map_file(&handle)
                    .map(FileBytes::Mapped)
                    .map_err(|source| ModelError::Io { path: folder.join(file), source })
            }
            Self::Gguf(_) => Err(self.no_file(file)),
            Self::Embedded(_) => Ok(FileBytes::Static(self.embedded(file)?)),
            Self::Memory(files) => Ok(FileBytes::Shared(Arc::clone(files), self.held(file)?)),
        }
    }

    fn open(&self, file: &str) -> Result<File, ModelError> {
        let Self::Folder(folder) = self else { return Err(self.no_file(file)) };
        let path = folder.join(file);
        match File::open(&path) {
            Ok(handle) => Ok(handle),
            Err(_) if folder.is_file() => Err(ModelError::NotAModel { file: folder.clone() }),
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(ModelError::Io { path, source }),
            Err(_) if folder.symlink_metadata().is_ok() => Err(self.no_file(file)),
            Err(_) => Err(ModelError::NoPlace { place: folder.clone() }),
        }
    }

    fn embedded(&self, file: &str) -> Result<&'static [u8], ModelError> {
        let Self::Embedded(files) = self else { return Err(self.no_file(file)) };
        files.iter().find(|(name, _)| *name == file).map(|(_, bytes)| *bytes).ok_or_else(|| self.no_file(file))
    }

    /// Place of a file held in memory.
    fn held(&self, file: &str) -> Result<usize, ModelError> {
        let Self::Memory(files) = self else { return Err(self.no_file(file)) };
        files.iter().position(|(name, _)| name == file).ok_or_else(|| self.no_file(file))
    }

    fn no_file(&self, file: &str) -> ModelError {
        ModelError::NoFile { place: self.place(), file: file.to_owned() }
    }
}

#[allow(unsafe_code, reason = "memory-mapping a file has no safe form")]
pub(crate) fn map_file(handle: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only, and shared with whoever else has the file; every offset used later is checked against
    // its length. What remains is another process that shrinks the file, which would end this one with a bus error as
    // soon as it reads there: while weights are loaded or hashed, and, for GGUF files, while the source they were opened
    // by is kept, which reads values and tokens from memory of its own afterwards.
    unsafe { Mmap::map(handle) }
}
