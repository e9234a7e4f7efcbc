//! Many sessions under one setting, and the figures they give.
//!
//! Takes: a benchmark ([`Questions`]), a model and [`RunSettings`]. Gives: every question as a session in the ordinary log, a
//! [`Manifest`] that says what was asked of whom, and a [`RunReport`] over the summaries. A [`RunFolder`] can be gone on with
//! after the program was stopped or killed at any moment: its finished logs are the truth, and no question is lost or
//! doubled. Uses the rooms from `geometry` to `session`.

mod desk;
mod driver;
mod error;
mod folder;
#[cfg(test)]
mod folder_tests;
mod manifest;
mod questions;
mod report;
mod settings;
mod table;

pub use driver::{Job, Progress, run};
pub use error::RunError;
pub use folder::{RunFolder, RunPlace, summaries};
pub use manifest::{BatchInfo, BenchmarkInfo, BlobsPlace, MANIFEST, Machine, Manifest, ManifestError, ProfileInfo};
pub use questions::{Item, Questions, plan, questions_hash, session_id};
pub use report::{Accuracy, RunReport, TaskReport};
pub use settings::{CropChoice, PageChoice, RunSettings};
pub use table::table;
