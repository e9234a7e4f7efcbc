//! Probes: forks of a recorded session that test one cause, and end in one sentence and a small table.
//!
//! Takes: a [`Subject`] (a recorded session with its pixels), an engine, a [`ProbeFolder`]. Gives: a [`Report`] of one session,
//! a [`RunReport`] of many. Uses `geometry`, `page`, `benchmark`, `trace`, `analysis`, `protocol`, `engine`, `session` and `run`.
//!
//! Every fork is an ordinary recorded session in the probe's folder (`sessions/probe-<name>-<subject>-<digest>/`, with what the
//! probe is and came to in `probe.json`): what is recorded is not run again, so a killed probe goes on with the same command,
//! and comes to the same bytes. To that end every fork begins in a context of its own, and the cells of a sweep in one that was
//! computed in one piece.

mod crop;
mod error;
mod find;
mod folder;
mod guess;
mod kind;
mod lab;
mod report;
mod subject;
mod sweep;
#[cfg(test)]
mod tests;
mod tool;
mod total;

pub use error::ProbeError;
pub use folder::{PROBE_FILE, ProbeFolder, Setup, usual_place};
pub use kind::ProbeKind;
pub use lab::{Lab, Settings, Step, probe};
pub use report::{Arm, Report, Verdict};
pub use subject::{Sources, Subject};
pub use sweep::{Cell, CellFigures, Grid, Share, SweepFigures, brief, heat_colour};
pub use total::{ArmTotal, Count, Group, RunReport, Skipped, chosen, probe_run};
