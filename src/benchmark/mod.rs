//! Questions about comic pages: the seven task kinds and their families, answers, scorers, loaders.
//!
//! Takes: a benchmark's name or folder. Gives: [`Question`]s with their truth, and a [`Score`] for an answer. `synthetic`
//! draws pages whose truth is known, `folder` is a benchmark on disk. Uses `geometry` and `page`.

mod definition;
pub mod folder;
mod question;
mod region;
mod score;
mod source;
pub mod synthetic;

pub use definition::{Definition, definition};
pub use folder::{Manifest, Split};
pub use question::{AnswerForm, Family, LEGIBLE, Question, Task};
pub use region::{Facts, Region, RegionKind, drawn_regions};
pub use score::{Score, chance, normalise, resolve_answer, score_answer};
pub use source::{Benchmark, BenchmarkError, DEMO_QUESTIONS, Selection, open, open_with};
