//! Several runs beside each other.

use serde::Serialize;

use super::figures::Figures;
use super::open::StudyRun;
use crate::analysis::Thresholds;

/// One run of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFigures {
    /// The run.
    pub run: String,
    /// Whom it asked.
    pub model: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Runs beside each other, each with its own intervals; nothing is paired.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunsTable {
    /// The runs, in the order given.
    pub runs: Vec<RunFigures>,
}

impl RunsTable {
    /// Of these runs.
    pub fn of(runs: &[StudyRun], lines: &Thresholds) -> Self {
        let one = |run: &StudyRun| RunFigures {
            run: run.name.clone(),
            model: run.manifest.model.name.clone(),
            figures: Figures::of(&run.sessions, lines),
        };
        Self { runs: runs.iter().map(one).collect() }
    }
}
