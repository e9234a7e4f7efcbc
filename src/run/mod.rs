//! Many sessions under one setting, and the figures they give.
//!
//! Takes: a benchmark, a model and [`RunSettings`]. Gives: every question as a session in the ordinary log, and a
//! [`RunReport`]. One question after the other for now.

mod driver;
mod report;
mod settings;

pub use driver::{Outcome, Progress, Recording, RunError, run};
pub use report::{RunReport, TaskReport, report};
pub use settings::{CropChoice, RunSettings};
