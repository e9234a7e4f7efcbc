//! What can go wrong in this room.

use std::fmt;
use std::path::PathBuf;

use super::device::{DeviceError, told};
use super::generation::GenerationError;
use super::gguf::GgufError;
use super::processor::ProcessorError;
use super::tokenizer::TokenizerError;

/// What can be named.
const A_MODEL_IS: &str = "a model is `demo`, a Hugging Face folder, a .gguf file, or owner/name on a hub";

/// Anything the model room may fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing is where a model was said to be.
    #[error("{}: there is no such folder or file; {A_MODEL_IS}", place.display())]
    NoPlace {
        /// Where.
        place: PathBuf,
    },
    /// A file was named that is no model.
    #[error("{}: this file is no model; {A_MODEL_IS}", file.display())]
    NotAModel {
        /// The file.
        file: PathBuf,
    },
    /// A file the model needs is not there.
    #[error("{place}: no {file}; {A_MODEL_IS}")]
    NoFile {
        /// The folder, or "embedded model".
        place: String,
        /// The missing file.
        file: String,
    },
    /// A file is larger than any honest one.
    #[error("{file}: {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file is not the JSON it should be.
    #[error("{file}: {source}")]
    Json {
        /// The file.
        file: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A configuration value is missing, out of range or not supported.
    #[error("config.json: {key}: {reason}")]
    Config {
        /// The key, with its section.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file is damaged or not a safetensors file.
    #[error("{file}: {reason}")]
    WeightFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file ends before its header says.
    #[error("{file} has {has} bytes, its {words} {says}: the download was not completed; fetch the file again")]
    Cut {
        /// The file, with its folder.
        file: String,
        /// Bytes it has.
        has: u64,
        /// What of the file is meant: `header says`, or `header alone has` where not even that is there.
        words: &'static str,
        /// Bytes it, or its header, should have.
        says: u64,
    },
    /// Several image parts lie beside a language model's GGUF file, and none is called as that is.
    #[error("{text}: {} image parts lie beside it ({}), and none is called as it is: keep one beside it", found.len(), some(found))]
    ImageParts {
        /// The language model's file.
        text: String,
        /// Names of the image parts.
        found: Vec<String>,
    },
    /// A GGUF file is damaged, or of another model.
    #[error("{file}: {source}")]
    Gguf {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: GgufError,
    },
    /// Numbers that are quantised already were to be quantised.
    #[error("the weights are quantised already ({kept}); leave out --quant {asked}")]
    Quantised {
        /// What they are.
        kept: String,
        /// What they were to be.
        asked: String,
    },
    /// The checkpoint's tensors are not those of its configuration; every difference is listed.
    #[error("the checkpoint does not fit its config.json: {}", list(.0))]
    Tensors(Vec<TensorProblem>),
    /// The work would not fit into memory.
    #[error("not enough memory for {what}: {} needed, {} available", mebibytes(*needed), mebibytes(*available))]
    Memory {
        /// What the memory was for.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes available.
        available: u64,
    },
    /// The work would not fit, or did not fit, into a device's memory.
    #[error("not enough memory on {device} for {what}: {}; {advice}", device_figures(*needed, *free))]
    DeviceMemory {
        /// The device, such as `cuda:0`.
        device: String,
        /// What the memory was for.
        what: &'static str,
        /// Bytes needed, where they were counted beforehand.
        needed: Option<u64>,
        /// Bytes free, where the device tells.
        free: Option<u64>,
        /// What would fit.
        advice: String,
    },
    /// The device that was asked for cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The tokenizer cannot be read.
    #[error("tokenizer.json: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The image processor's settings cannot be read.
    #[error("{file}: {source}")]
    Processor {
        /// The settings file.
        file: String,
        /// What is wrong with it.
        source: ProcessorError,
    },
    /// Images cannot be seen as large or small as was asked for.
    #[error(transparent)]
    Pixels(ProcessorError),
    /// The generation settings cannot be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A settings file is not UTF-8.
    #[error("{file}: not UTF-8")]
    Utf8 {
        /// The file.
        file: String,
    },
    /// A token id outside the vocabulary.
    #[error("token id {id} is outside the vocabulary of {vocabulary}")]
    TokenId {
        /// The id.
        id: u32,
        /// Entries of the vocabulary.
        vocabulary: usize,
    },
    /// A sequence was asked to go on with nothing.
    #[error("nothing to feed: a step needs at least one token or image")]
    EmptyFeed,
    /// A step cannot be looked at as was asked.
    #[error("cannot look at this step: {0}")]
    Watch(String),
    /// A sequence made for another model.
    #[error("the sequence has {found} layers, the model {expected}")]
    ForeignSequence {
        /// Layers of the model.
        expected: usize,
        /// Layers of the sequence's cache.
        found: usize,
    },
    /// A truncation beyond the end.
    #[error("cannot truncate a sequence of {have} tokens to {asked}")]
    BeyondEnd {
        /// Length asked for.
        asked: usize,
        /// Length there is.
        have: usize,
    },
    /// A truncation inside an image, where no running position is defined.
    #[error("cannot truncate to {asked} tokens: that is inside an image")]
    InsideImage {
        /// Length asked for.
        asked: usize,
    },
    /// Patches that do not fit the vision tower.
    #[error("image patches do not fit the model: {0}")]
    Patches(String),
    /// The model's files could not be had.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// The tensor library failed.
    #[error("computation failed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// One difference between a checkpoint and what its configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorProblem {
    /// Asked for, not in any weight file.
    Missing {
        /// Name in the layout of the checkpoint's other names.
        name: String,
        /// Shape asked for.
        shape: Vec<usize>,
    },
    /// In a weight file, not part of the architecture.
    Extra {
        /// Name as it stands in the file.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// There, with another shape.
    Shape {
        /// Name as it stands in the file.
        name: String,
        /// Shape asked for.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// There, with numbers of a kind that cannot be widened to f32.
    DType {
        /// Name as it stands in the file.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its type.
        dtype: String,
    },
    /// There twice: in two shards, or under its old and its new name.
    Twice {
        /// The second name found.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
}

impl fmt::Display for TensorProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, shape } => write!(f, "missing {name} {shape:?}"),
            Self::Extra { name, shape } => write!(f, "unknown {name} {shape:?}"),
            Self::Shape { name, expected, found } => {
                write!(f, "misshaped {name}: {found:?}, should be {expected:?}")
            }
            Self::DType { name, shape, dtype } => write!(f, "unreadable {name} {shape:?}: its type is {dtype}"),
            Self::Twice { name, shape } => write!(f, "given twice {name} {shape:?}"),
        }
    }
}

/// The first of these names.
fn some(names: &[String]) -> String {
    const MOST: usize = 8;
    let more = if names.len() > MOST { ", …" } else { "" };
    names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ") + more
}

fn list(problems: &[TensorProblem]) -> String {
    let lines: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    format!("{} tensor(s){lines}", problems.len())
}

fn device_figures(needed: Option<u64>, free: Option<u64>) -> String {
    match (needed, free) {
        (Some(needed), Some(free)) => format!("{} needed, {} free", told(needed), told(free)),
        (Some(needed), None) => format!("{} needed", told(needed)),
        (None, Some(free)) => format!("it ran out, {} free", told(free)),
        (None, None) => "it ran out".to_owned(),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}
