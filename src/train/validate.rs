//! Validation: the model answers held-out questions with its tool, as a user would run it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use serde::Serialize;

use super::error::{Result, TrainError};
use crate::benchmark::{Selection, open_with};
use crate::model::{FileSource, Model};
use crate::protocol::Profile;
use crate::run::{Job, Progress, RunSettings};
use crate::session::SessionSummary;

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

/// Asks a benchmark's questions through the engine, with the real tool, greedily, unrecorded.
#[derive(Debug)]
pub struct ToolValidator {
    /// The benchmark, such as `synth:4001`.
    pub bench: String,
    /// How the model is talked to.
    pub profile: Arc<Profile>,
    /// Whether the tool is offered.
    pub tool: bool,
    /// Ends a validation early.
    pub stop: Arc<AtomicBool>,
}

struct Silent;

impl Progress for Silent {
    fn finished(&mut self, _: &SessionSummary) {}
}

impl Validator for ToolValidator {
    fn validate(&mut self, model: &Path, questions: usize) -> Result<Validation> {
        let failed = |error: &dyn std::fmt::Display| TrainError::Validation(error.to_string());
        let wanted = Selection { limit: Some(questions), ..Selection::default() };
        let benchmark = open_with(&self.bench, &wanted).map_err(|e| failed(&e))?;
        let source = FileSource::Folder(model.into());
        let model = Arc::new(Model::load(&source, &Device::Cpu).map_err(|e| failed(&e))?);
        let settings = RunSettings {
            benchmark: self.bench.clone(),
            tasks: Vec::new(),
            limit: Some(questions),
            profile: self.profile.name.clone(),
            tool: self.tool,
            concurrency: 32,
            ..RunSettings::default()
        };
        let job = Job {
            model: &model,
            questions: &benchmark,
            profile: &self.profile,
            settings: &settings,
            no_more: &self.stop,
        };
        let sessions = crate::run::run(&job, &mut Silent).map_err(|e| failed(&e))?;
        Ok(measure(&sessions))
    }
}

fn measure(sessions: &[SessionSummary]) -> Validation {
    let mean = |value: &dyn Fn(&SessionSummary) -> f64| {
        sessions.iter().map(value).sum::<f64>() / if sessions.is_empty() { 1.0 } else { sessions.len() as f64 }
    };
    let share = |yes: bool| if yes { 1.0 } else { 0.0 };
    Validation {
        questions: sessions.len(),
        accuracy: mean(&|s| share(s.right == Some(true))),
        zoom_rate: mean(&|s| share(s.zooms > 0)),
        coverage: mean(&|s| s.coverage.unwrap_or(0.0)),
        iou: mean(&|s| s.iou.unwrap_or(0.0)),
        refused: mean(&|s| share(s.refused > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_over_all_sessions() {
        let one = |score: f64, zooms: u32, iou: f64| SessionSummary {
            right: Some(score >= 1.0),
            zooms,
            iou: Some(iou),
            coverage: Some(1.0),
            ..SessionSummary::default()
        };
        let found = measure(&[one(1.0, 1, 0.8), one(0.5, 0, 0.0), one(1.0, 2, 0.4), one(0.0, 1, 0.0)]);
        assert_eq!((found.questions, found.accuracy, found.zoom_rate), (4, 0.5, 0.75));
        assert!((found.iou - 0.3).abs() < 1e-12);
        assert_eq!(measure(&[]).accuracy, 0.0);
    }
}
