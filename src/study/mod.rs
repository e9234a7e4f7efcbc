//! Many sessions as figures: failures by task and label, what a task's sessions measure, two runs question by question.
//!
//! Takes: [`SessionSummary`](crate::session::SessionSummary)s, of a [`StudyRun`] or of any other choice; no log is read. Gives:
//! a [`Table`] of labels, [`Figures`] by task and family, a [`Comparison`] of two runs with the list of flips, a
//! [`RunsTable`] of more. All of it is plain data that serialises; the same sessions in the same order give the same figures,
//! and they are cheap enough to be made anew while a run goes on (`docs/PERFORMANCE.md`). Every figure is defined in
//! `docs/MEASURES.md`. Uses the rooms from `geometry` to `run`.

mod compare;
mod confusion;
mod figures;
mod group;
mod json;
mod open;
mod pairing;
mod runs_table;
mod seeds;
mod table;
#[cfg(test)]
mod tests;
mod zooms;

pub use compare::{Comparison, Flip, Intervals, Side};
pub use confusion::Confusion;
pub use figures::{Figures, Heuristic, Spread, TaskFigures};
pub use group::{Cell, Group, Quadrant, shown_label};
pub use open::{OpenError, StudyRun, open_run};
pub use pairing::Pairing;
pub use runs_table::{RunFigures, RunsTable};
pub use seeds::Seeds;
pub use table::{Looked, Row, Share, Table};
pub use zooms::ZoomFigures;
