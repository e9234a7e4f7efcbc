//! Models by name: `owner/name[@revision][:file.gguf]`, from the Hugging Face cache or downloaded into it.
//!
//! Takes: a [`Reference`] and [`Settings`] (environment variables that Hugging Face's own tools obey). Gives: a [`Local`]
//! folder with the files a model needs. The cache is the one those tools use (`models--owner--name/{refs,snapshots,blobs}`),
//! laid out and locked as they do it, so that both share what either has fetched. What is there is used without asking the
//! network. A leaf: it knows of no room, and gives back paths.
//!
//! Nothing a server says is trusted: names of files are compared with those a model needs and never leave the snapshot's
//! folder, answers are bounded, every file's size and checksum are compared before it gets its name. A token goes to the
//! endpoint alone, and stands in no message.

mod beside;
mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod fetch;
mod progress;
mod reference;
mod refusal;
mod settings;
mod url;
mod waiting;
mod wanted;
mod whole;

pub use error::HubError;
pub use fetch::{Hub, Local};
pub use progress::{Progress, Quiet, Step};
pub use reference::{Meaning, Reference, meaning};
pub use settings::{Settings, Token};
pub use whole::Cut;
