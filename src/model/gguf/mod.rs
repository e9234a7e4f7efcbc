//! GGUF files as llama.cpp writes them: a language model and its image part (`mmproj`).
//!
//! Takes: paths. Gives: the values as the JSON files of a Hugging Face folder, so that nothing else has to know of the
//! format, and the tensors under their canonical names. Nothing is believed before it is checked: counts against the
//! bytes that follow, offsets against the file and each other.

mod cursor;
mod cut;
mod describe;
mod error;
mod export;
mod file;
mod files;
mod kind;
mod mixture;
pub(crate) mod names;
mod same;
mod settings;
mod value;
mod vocabulary;
mod write;

pub use cut::is_cut;
pub use error::GgufError;
pub use export::{ExportError, Exported, Progress, export, format_of};
pub(crate) use file::Gguf;
pub use files::GgufFiles;
pub(crate) use files::Opened;
pub(crate) use kind::Kind;
