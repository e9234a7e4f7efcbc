//! Questions about comic pages: the seven task kinds and their families, answers, scorers, loaders.
//!
//! Takes: a benchmark's name or folder. Gives: [`Question`]s with their truth, and a [`Score`] for an answer. `synthetic`
//! draws pages whose truth is known. Uses `geometry` and `page`.

mod definition;
mod question;
mod score;
mod source;
pub mod synthetic;

pub use definition::{Definition, definition};
pub use question::{AnswerForm, Family, LEGIBLE, Question, Task};
pub use score::{Score, chance, resolve_answer, score_answer};
pub use source::{Benchmark, BenchmarkError, DEMO_QUESTIONS, Selection, open, open_with};
