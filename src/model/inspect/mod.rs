//! What a model's files hold, without loading them: [`ModelFacts`] for people who choose, [`check()`] for people who doubt.
//!
//! Takes: a [`FileSource`](super::FileSource). Gives: sizes, parameters, formats, limits and needs; or findings, a line each.

pub mod check;
mod facts;
mod fallen;
mod files;
mod kind;
mod needs;
mod template;

pub use check::{Finding, Level, check};
pub use facts::{Images, ModelFacts, Parameters, Sizes, StoredAs, Vocabulary};
pub use fallen::{Fallen, fallen_back};
pub use needs::{GpuRoom, Need, Needs};
pub use template::Template;
