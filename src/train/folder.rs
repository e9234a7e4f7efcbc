//! Folders that transformers and the `model` room load, written so that a crash leaves the old or the new one whole.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Tensor};
use serde_json::{Value, json};

use super::error::{Result, TrainError, io};
use super::params::Params;
use super::shape::{ModelShape, TokenIds};
use crate::model::tokenizer::Tokenizer;

/// Largest tokenizer or configuration that is copied along, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// The files of a model that training does not change.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    tokenizer: Arc<Tokenizer>,
    files: Vec<(&'static str, Vec<u8>)>,
    /// Rows of the vocabulary.
    pub vocab: usize,
    /// Special tokens.
    pub tokens: TokenIds,
}

impl ModelFiles {
    /// Reads `tokenizer.json` and `preprocessor_config.json`, and `generation_config.json` if it is there.
    ///
    /// # Errors
    /// A missing file, or a tokenizer without the Qwen special tokens.
    pub fn open(folder: &Path) -> Result<Self> {
        let bytes = read(&folder.join("tokenizer.json"))?;
        let (tokenizer, tokens) = vocabulary(&folder.join("tokenizer.json"), &bytes)?;
        let vocab = tokenizer.vocab_size();
        let processor = read(&folder.join("preprocessor_config.json"))?;
        let mut files = vec![("tokenizer.json", bytes), ("preprocessor_config.json", processor)];
        for optional in ["generation_config.json", "tokenizer_config.json"] {
            let path = folder.join(optional);
            if path.exists() {
                files.push((optional, read(&path)?));
            }
        }
        if !files.iter().any(|(name, _)| *name == "generation_config.json") {
            let ends = [tokens.im_end, tokens.end_of_text];
            let greedy = json!({"do_sample": false, "bos_token_id": tokens.end_of_text,
                "pad_token_id": tokens.end_of_text, "eos_token_id": ends});
            files.push(("generation_config.json", greedy.to_string().into_bytes()));
        }
        Ok(Self { tokenizer: Arc::new(tokenizer), files, vocab, tokens })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The first token of a text.
    ///
    /// # Errors
    /// A text that has none.
    pub fn first_token(&self, text: &str) -> Result<u32> {
        let ids = self.tokenizer.encode(text).map_err(|error| TrainError::Data(error.to_string()))?;
        ids.first().copied().ok_or_else(|| TrainError::Data(format!("{text:?} has no token")))
    }

    /// The bytes of one of the files.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.as_slice())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(path).map_err(io(path))?.len();
    if size > MAX_FILE {
        return Err(TrainError::Settings { path: path.into(), message: format!("{size} bytes are too many") });
    }
    fs::read(path).map_err(io(path))
}

fn vocabulary(path: &Path, bytes: &[u8]) -> Result<(Tokenizer, TokenIds)> {
    let fail = |message: String| TrainError::Settings { path: path.into(), message };
    let tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| fail(error.to_string()))?;
    let id = |token: &str| tokenizer.id(token).ok_or_else(|| fail(format!("it has no token {token}")));
    let tokens = TokenIds {
        image_pad: id("<|image_pad|>")?,
        video_pad: id("<|video_pad|>")?,
        vision_start: id("<|vision_start|>")?,
        vision_end: id("<|vision_end|>")?,
        im_end: id("<|im_end|>")?,
        end_of_text: id("<|endoftext|>")?,
    };
    Ok((tokenizer, tokens))
}

/// The files of a model folder: `config.json`, `model.safetensors` and the unchanged ones.
///
/// # Errors
/// A weight that does not fit the type; `place` is what the error names.
pub fn model_files(
    place: &Path,
    shape: &ModelShape,
    params: &Params,
    files: &ModelFiles,
    dtype: DType,
) -> Result<Vec<(String, Vec<u8>)>> {
    let name = if dtype == DType::F16 { "float16" } else { "float32" };
    let mut config = serde_json::to_vec_pretty(&shape.config_json(name)).unwrap_or_default();
    config.push(b'\n');
    let mut all = vec![("config.json".to_owned(), config)];
    all.extend(files.files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())));
    let mut tensors = BTreeMap::new();
    for param in params.list().iter().filter(|param| param.shipped) {
        for (name, value) in param.split(param.var.as_tensor())? {
            tensors.insert(name, value.to_dtype(dtype)?);
        }
    }
    if dtype == DType::F16 {
        check_range(place, &tensors)?;
    }
    all.push(("model.safetensors".to_owned(), safetensors_bytes(place, &tensors)?));
    Ok(all)
}

/// Writes [`model_files`] into an existing folder.
///
/// # Errors
/// As [`model_files`], or a file that cannot be written.
pub fn write_model(folder: &Path, shape: &ModelShape, params: &Params, files: &ModelFiles, dtype: DType) -> Result<()> {
    let files = model_files(folder, shape, params, files, dtype)?;
    files.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// Writes the model in 16 bits to `out/model`, whole or not at all.
///
/// # Errors
/// As [`write_model`].
pub fn export_model(out: &Path, shape: &ModelShape, params: &Params, files: &ModelFiles) -> Result<PathBuf> {
    let folder = out.join("model");
    atomically(&folder, |to| write_model(to, shape, params, files, DType::F16))?;
    Ok(folder)
}

fn check_range(folder: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    for (name, value) in tensors {
        let sum = value.to_dtype(DType::F32)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            let message = format!("{name} does not fit into 16 bits");
            return Err(TrainError::Checkpoint { path: folder.into(), message });
        }
    }
    Ok(())
}

/// Writes a safetensors file with the metadata transformers asks for.
///
/// # Errors
/// A file that cannot be written.
pub fn write_tensors(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    write(path, &safetensors_bytes(path, tensors)?)
}

fn safetensors_bytes(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(tensors.iter(), Some(metadata))
        .map_err(|error| TrainError::Checkpoint { path: path.into(), message: error.to_string() })
}

/// Writes a file and waits until it is on the disk.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(io(path))?;
    file.write_all(bytes).map_err(io(path))?;
    file.sync_all().map_err(io(path))
}

/// Makes a folder appear whole or not at all: `fill` writes into a temporary one, which is then renamed.
///
/// # Errors
/// What `fill` fails with, or a rename that fails.
pub fn atomically(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io(parent))?;
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = parent.join(format!("{TEMPORARY}{name}"));
    if temporary.exists() {
        fs::remove_dir_all(&temporary).map_err(io(&temporary))?;
    }
    fs::create_dir(&temporary).map_err(io(&temporary))?;
    fill(&temporary)?;
    sync(&temporary)?;
    let aside = parent.join(format!("{TEMPORARY}old-{name}"));
    if folder.exists() {
        fs::rename(folder, &aside).map_err(io(folder))?;
    }
    fs::rename(&temporary, folder).map_err(io(folder))?;
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(io(&aside))?;
    }
    sync(parent)
}

/// What unfinished folders begin with.
pub(crate) const TEMPORARY: &str = ".unfinished-";

fn sync(folder: &Path) -> Result<()> {
    // Only Unix can flush a folder; elsewhere the rename itself has to do.
    #[cfg(unix)]
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(io(folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Blake3 of every file in a folder, by name.
///
/// # Errors
/// A file that cannot be read.
pub fn digests(folder: &Path) -> Result<Value> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path: PathBuf = entry.map_err(io(folder))?.path();
        let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else { continue };
        let bytes = fs::read(&path).map_err(io(&path))?;
        found.insert(name, blake3::hash(&bytes).to_hex().to_string());
    }
    Ok(json!(found))
}
