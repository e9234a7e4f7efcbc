//! The two files of a model as llama.cpp has it: the language model's, and beside it the image part's (`mmproj`).

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;

use super::beside::beside;
use super::error::GgufError;
use super::file::Gguf;
use super::{settings, vocabulary};
use crate::model::error::ModelError;
use crate::model::source::map_file;

/// Which files, not opened yet.
#[derive(Clone, Debug)]
pub struct GgufFiles {
    text: PathBuf,
    vision: Option<PathBuf>,
    opened: Arc<OnceLock<Arc<Opened>>>,
}

/// Both files, mapped and their beginnings read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) text: Part,
    pub(crate) vision: Part,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Part {
    /// How errors call it.
    pub(crate) name: String,
    pub(crate) gguf: Gguf,
    pub(crate) map: Mmap,
}

impl GgufFiles {
    /// The language model's file and the image part's; `None` looks for that beside it.
    pub fn new(text: impl Into<PathBuf>, vision: Option<PathBuf>) -> Self {
        Self { text: text.into(), vision, opened: Arc::default() }
    }

    /// What a path names: such a file, or a folder that holds such files and no Hugging Face model. A folder of several
    /// language models is taken as it is, and refused when it is opened.
    pub fn at(path: &Path) -> Option<Self> {
        if path.is_dir() {
            let hugging = path.join("config.json").is_file();
            let found = if hugging { Vec::new() } else { listed(path, false) };
            return (!found.is_empty()).then(|| Self::new(path, None));
        }
        is_gguf(path).then(|| Self::new(path, None))
    }

    /// The same with this image part.
    #[must_use]
    pub fn with_vision(self, vision: Option<PathBuf>) -> Self {
        Self::new(self.text, vision)
    }

    /// The language model's file, or the folder.
    pub fn path(&self) -> &Path {
        &self.text
    }

    /// Both files, opened once.
    ///
    /// # Errors
    /// A file is not there, or [`ModelError::Gguf`].
    pub(crate) fn open(&self) -> Result<Arc<Opened>, ModelError> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let text = self.text_file()?;
        let part = Part::open(&text, settings::check_text)?;
        let vision = match &self.vision {
            Some(path) => path.clone(),
            None => beside(&text)?,
        };
        let opened = Arc::new(Opened { text: part, vision: Part::open(&vision, settings::check_vision)? });
        Ok(Arc::clone(self.opened.get_or_init(|| opened)))
    }

    fn text_file(&self) -> Result<PathBuf, ModelError> {
        if !self.text.is_dir() {
            return Ok(self.text.clone());
        }
        let found = listed(&self.text, false);
        match found.as_slice() {
            [only] => Ok(only.clone()),
            several => {
                let names: Vec<String> = several.iter().map(|path| short(path)).collect();
                let reason = format!("{} language models ({}); name one of the files", names.len(), names.join(", "));
                Err(ModelError::Gguf { file: self.text.display().to_string(), source: GgufError::Other(reason) })
            }
        }
    }

    /// A file of a Hugging Face folder, made of the values of these.
    ///
    /// # Errors
    /// As [`GgufFiles::open`]; [`ModelError::NoFile`] for a file nothing corresponds to.
    pub(crate) fn read(&self, file: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let opened = self.open()?;
        let (text, vision) = (&opened.text, &opened.vision);
        let made = match file {
            "config.json" => settings::config(&text.gguf, &vision.gguf),
            "tokenizer.json" => vocabulary::tokenizer(&text.gguf),
            "generation_config.json" => settings::generation(&text.gguf),
            "preprocessor_config.json" => settings::processor(&vision.gguf),
            other => return Err(ModelError::NoFile { place: self.text.display().to_string(), file: other.to_owned() }),
        };
        let json = made.map_err(|source| {
            let part = if file == "preprocessor_config.json" { vision } else { text };
            ModelError::Gguf { file: part.name.clone(), source }
        })?;
        Ok(Cow::Owned(json.to_string().into_bytes()))
    }

    /// The folder the language model's file is in.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        if self.text.is_dir() { Some(self.text.clone()) } else { self.text.parent().map(Path::to_path_buf) }
    }

    /// Whether a file of that name beside the models is read instead of what they say.
    pub(crate) fn may_lie_beside(file: &str) -> bool {
        ["generation_config.json", "preprocessor_config.json"].contains(&file)
    }

    /// Whether [`GgufFiles::read`] makes such a file.
    pub(crate) fn has(file: &str) -> bool {
        ["config.json", "tokenizer.json", "generation_config.json", "preprocessor_config.json"].contains(&file)
    }
}

impl Part {
    fn open(path: &Path, check: impl Fn(&Gguf) -> Result<(), GgufError>) -> Result<Self, ModelError> {
        let io = |source| ModelError::Io { path: path.to_owned(), source };
        let handle = File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ModelError::NoPlace { place: path.to_owned() },
            _ => io(source),
        })?;
        let map = map_file(&handle).map_err(io)?;
        let name = short(path);
        let wrong = |source| ModelError::Gguf { file: name.clone(), source };
        let gguf = Gguf::read(&map).map_err(wrong)?;
        check(&gguf).map_err(wrong)?;
        Ok(Self { name, gguf, map })
    }
}

/// The GGUF files of a folder, sorted: image parts, or the others.
pub(super) fn listed(folder: &Path, image: bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    let mut found = entries.unwrap_or_default();
    found.retain(|path| {
        is_gguf(path) && path.is_file() && (short(path).to_ascii_lowercase().contains("mmproj") == image)
    });
    found.sort();
    found
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
}

pub(super) fn short(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
