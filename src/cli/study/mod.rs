//! What `failures`, `compare` and `report` share: which sessions, and how figures are printed.

pub(in crate::cli) mod csv;
pub(in crate::cli) mod text;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{CliError, CliResult, Global};
use crate::session::filter::Filter;
use crate::session::{self, SessionSummary, locate_dir};
use crate::study::{OpenError, StudyRun, open_run};

/// The sessions folder of the flags.
pub(in crate::cli) fn folder(global: &Global) -> Result<PathBuf, CliError> {
    locate_dir(global.sessions_dir()).map_err(CliError::failed)
}

/// Opens runs by folder or name.
pub(in crate::cli) fn open_runs(names: &[String], global: &Global) -> Result<Vec<StudyRun>, CliError> {
    let sessions = folder(global)?;
    let open = |name: &String| open_run(name, &sessions, &global.settings.analysis).map_err(failure);
    let runs = names.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    for run in runs.iter().filter(|run| run.sessions.len() < run.manifest.items) {
        eprintln!("{}: {} of {} sessions have ended", run.name, run.sessions.len(), run.manifest.items);
    }
    Ok(runs)
}

fn failure(error: OpenError) -> CliError {
    match error {
        OpenError::Missing { .. } => CliError::usage(error),
        OpenError::Run(_) => CliError::failed(error),
    }
}

/// Which sessions are meant.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Chosen {
    /// Runs: folders, or names in the sessions folder (default: every recorded session)
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// Only sessions that fit, such as 'family:depth zooms:>=2' (docs/FILTERS.md)
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<Filter>,
    /// Count forks too
    #[arg(long)]
    forks: bool,
}

impl Chosen {
    /// The sessions, labelled by the configuration's thresholds. Forks are left out (they are one question asked in another
    /// way) unless they are asked for.
    pub(in crate::cli) fn sessions(&self, global: &Global) -> Result<Vec<SessionSummary>, CliError> {
        let mut all = if self.runs.is_empty() { self.every(global)? } else { self.of_runs(global)? };
        let before = all.len();
        all.retain(|(_, session)| self.forks || session.parent.is_none());
        if all.len() < before {
            eprintln!("{} forks are left out; --forks counts them", before - all.len());
        }
        if let Some(filter) = &self.filter {
            all.retain(|(log, session)| filter.matches_with(session, &|| session::full_text(log, &session.id)));
        }
        Ok(all.into_iter().map(|(_, session)| session).collect())
    }

    fn every(&self, global: &Global) -> Result<Vec<(PathBuf, SessionSummary)>, CliError> {
        let store = crate::cli::sessions::existing(global)?;
        let listed = session::listed(&store).into_iter().map(|(log, mut session)| {
            session.relabel(&global.settings.analysis);
            (log.path, session)
        });
        Ok(listed.collect())
    }

    fn of_runs(&self, global: &Global) -> Result<Vec<(PathBuf, SessionSummary)>, CliError> {
        let runs = open_runs(&self.runs, global)?;
        let mut seen = BTreeSet::new();
        // A run that is named twice counts once.
        let fresh = runs.into_iter().filter(|run| seen.insert(run.dir.canonicalize().unwrap_or(run.dir.clone())));
        let with_log = |run: StudyRun| {
            let StudyRun { dir, sessions, .. } = run;
            sessions.into_iter().map(move |session| (dir.join(format!("{}.jsonl.zst", session.id)), session))
        };
        Ok(fresh.flat_map(with_log).collect())
    }
}

/// Writes to stdout; a reader that closed the pipe has what it wanted.
pub(in crate::cli) fn print(text: &str) -> CliResult {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    crate::cli::sessions::printed(written, ExitCode::SUCCESS)
}

/// Writes JSON on one line.
pub(in crate::cli) fn print_json(value: &Value) -> CliResult {
    print(&format!("{value}\n"))
}

/// Anything as JSON.
pub(in crate::cli) fn to_json(what: &impl serde::Serialize) -> Result<Value, CliError> {
    serde_json::to_value(what).map_err(CliError::failed)
}
