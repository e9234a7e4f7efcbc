//! `panelscope sessions rm` and `sessions trash`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{CliError, CliResult, Global, existing, printed};
use crate::session::{self, SessionStore, Trashed};
use crate::text::one_line;

/// What to do with the trash.
#[derive(Subcommand, Debug)]
pub enum TrashCommand {
    /// List what was deleted, latest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring sessions back to where they were
    Restore {
        /// Session ids
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// Moves sessions to the trash.
pub fn rm(ids: &[String], global: &Global) -> CliResult {
    let store = existing(global)?;
    // All are found before one is moved: a slip of the keys should not leave half of the work done.
    let logs = ids.iter().map(|id| store.one(id)).collect::<Result<Vec<_>, _>>().map_err(CliError::failed)?;
    let mut done = std::collections::HashSet::new();
    for log in logs.into_iter().filter(|log| done.insert((log.sub.clone(), log.id.clone()))) {
        let gone = session::trash(&store, &log.sub, &log.id).map_err(CliError::failed)?;
        said(&format!("{} is in {}", gone.id, gone.dir.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command about the trash.
pub fn run(command: TrashCommand, global: &Global) -> CliResult {
    let store = existing(global)?;
    match command {
        TrashCommand::List { json } => list(&session::trashed(&store), json),
        TrashCommand::Restore { ids } => ids.iter().try_for_each(|id| restore(&store, id)).map(|()| ExitCode::SUCCESS),
    }
}

fn list(trashed: &[Trashed], json: bool) -> CliResult {
    let mut out = io::stdout().lock();
    let written = if json {
        writeln!(out, "{}", json!({ "trashed": trashed }))
    } else {
        trashed.iter().try_for_each(|t| {
            let from = if t.sub.is_empty() { "." } else { &t.sub };
            writeln!(out, "{}", one_line(&format!("{}  from {from}  deleted {}", t.id, t.deleted)))
        })
    };
    printed(written, ExitCode::SUCCESS)
}

fn restore(store: &SessionStore, id: &str) -> Result<(), CliError> {
    // Of several that were deleted under one id, the latest.
    let Some(found) = session::trashed(store).into_iter().find(|t| t.id == id) else {
        return Err(CliError::failed(format!(
            "there is no session \"{}\" in the trash; see sessions trash list",
            one_line(id)
        )));
    };
    let log = session::restore(store, &found).map_err(CliError::failed)?;
    said(&format!("{} is back", log.display()))
}

fn said(text: &str) -> Result<(), CliError> {
    printed(writeln!(io::stdout(), "{}", one_line(text)), ExitCode::SUCCESS).map(|_| ())
}
