//! Validation: the model answers held-out questions with its tool, as a user would run it.

use std::path::Path;

use serde::Serialize;

use super::error::Result;

/// What a validation measured; shares are 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Validation {
    /// Questions asked.
    pub questions: usize,
    /// Share answered rightly with the tool.
    pub accuracy: f64,
    /// Share of sessions with at least one zoom.
    pub zoom_rate: f64,
    /// Mean coverage of the target by the best zoom.
    pub coverage: f64,
    /// Mean IoU of the best zoom with its target.
    pub iou: f64,
    /// Share of sessions with a refused tool call.
    pub refused: f64,
}

/// Runs a saved model on held-out questions.
pub trait Validator {
    /// Measures the model in a Hugging Face folder.
    ///
    /// # Errors
    /// Why it could not be run; a model that answers badly is no error.
    fn validate(&mut self, model: &Path, questions: usize) -> Result<Validation>;
}
