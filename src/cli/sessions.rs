//! `panelscope sessions`.

mod indexed;
mod notes;
mod pack;
mod prune;
mod trash;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, CliResult, Global};
use crate::session::filter::Filter;
use crate::session::{self, LogReader, Report, SessionStore, SessionSummary, State};
use crate::text::one_line;

/// Most problems of one log that are told to a person.
const TOLD: usize = 20;

/// Arguments of `sessions`.
#[derive(Args, Debug)]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List recorded sessions, newest first
    List {
        /// Only those that fit, such as label:looked-wrong zooms:>=2 (docs/FILTERS.md)
        #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
        filter: Option<Filter>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        #[command(flatten)]
        how: indexed::How,
    },
    /// Find sessions by words of question, reasoning, answer and notes, or by a filter
    Search(indexed::SearchArgs),
    /// Move sessions nobody needs to the trash, and pages no session shows
    Prune(prune::PruneArgs),
    /// Compress finished logs that a killed program left uncompressed
    Compress(prune::CompressArgs),
    /// Make the index anew that lists and searches use
    Reindex(indexed::ReindexArgs),
    /// Say what a session is, in place of the automatic label, or print what was said
    Label(notes::LabelArgs),
    /// Put tags on a session, take them off, or print them
    Tag(notes::TagArgs),
    /// Write a note on a session, or print all that was said of it
    Note(notes::NoteArgs),
    /// Check logs: exit 0 when they are whole or merely cut off, 1 when something in them is damaged
    Verify {
        /// Logs: files, session ids, or - for stdin (default: every log of the sessions folder)
        #[arg(value_name = "FILE")]
        files: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of a log line
    Schema,
    /// Move sessions to the trash (`.trash` in the sessions folder)
    Rm {
        /// Session ids; FOLDER/ID where several folders have one
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Look into the trash, or bring sessions back
    #[command(subcommand)]
    Trash(trash::TrashCommand),
    /// Make one file of sessions, the sessions they are forks of, and their pages
    Pack(pack::PackArgs),
    /// Read what `sessions pack` made into the sessions folder
    Unpack(pack::UnpackArgs),
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: SessionsArgs, global: &Global) -> CliResult {
    match args.command {
        Command::List { filter, limit, how } => {
            indexed::give(global, &filter.unwrap_or_default(), limit.unwrap_or(usize::MAX), &how, false)
        }
        Command::Search(args) => indexed::search(&args, global),
        Command::Prune(args) => prune::prune(&args, global),
        Command::Compress(args) => prune::compress(&args, global),
        Command::Reindex(args) => indexed::reindex(&args, global),
        Command::Label(args) => notes::label(&args, global),
        Command::Tag(args) => notes::tag(&args, global),
        Command::Note(args) => notes::note(&args, global),
        Command::Verify { files, json } => verify(&files, json, global),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&session::schema()).map_err(CliError::failed)?;
            printed(writeln!(io::stdout(), "{text}"), ExitCode::SUCCESS)
        }
        Command::Rm { ids } => trash::rm(&ids, global),
        Command::Trash(command) => trash::run(command, global),
        Command::Pack(args) => pack::pack(&args, global),
        Command::Unpack(args) => pack::unpack(&args, global),
    }
}

/// The sessions folder of the flags.
pub(super) fn store(global: &Global) -> Result<SessionStore, CliError> {
    let dir = session::locate_dir(global.sessions_dir()).map_err(CliError::usage)?;
    SessionStore::open(dir).map_err(CliError::usage)
}

/// The sessions folder to look into: where a flag names one, it must be there.
pub(super) fn existing(global: &Global) -> Result<SessionStore, CliError> {
    match &global.sessions {
        Some(dir) if !dir.exists() => {
            let dir = dir.display().to_string();
            Err(CliError::failed(format!("there is no folder {}", one_line(&dir))))
        }
        _ => store(global),
    }
}

/// A command's result after printing: a reader that closed the pipe has what it wanted.
pub(super) fn printed(result: io::Result<()>, code: ExitCode) -> CliResult {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot print: {error}")))
        }
        _ => Ok(code),
    }
}

/// One session on one line.
fn row(s: &SessionSummary) -> String {
    let verdict = match s.right {
        Some(true) => "✓ right",
        Some(false) => "✗ wrong",
        None => "· open ",
    };
    let zooms = if s.zooms == 1 { "zoom " } else { "zooms" };
    let coverage = s.coverage.map_or_else(|| "         ".into(), |c| format!("cover {c:.2}"));
    let task = s.task.map_or("typed", |task| task.name());
    let run = s.run.as_deref().unwrap_or("-");
    let text = format!(
        "{}  {verdict}  {:>2} {zooms}  {coverage}  {task:<23}  {:<27}  {}  {run}",
        s.id,
        s.zooms,
        s.label_shown(),
        s.question_id
    );
    one_line(&text).into_owned()
}

fn verify(files: &[String], json: bool, global: &Global) -> CliResult {
    let reports = if files.is_empty() {
        let store = existing(global)?;
        store.logs().iter().map(|log| check_file(&log.path)).collect::<Result<Vec<_>, _>>()?
    } else {
        files.iter().map(|file| check(file, global)).collect::<Result<Vec<_>, _>>()?
    };
    let wrong = if files.is_empty() {
        indexed::differences(&mut indexed::open(global)?).map_err(CliError::failed)?
    } else {
        Vec::new()
    };
    for id in wrong.iter().take(TOLD) {
        eprintln!(
            "note: the index says something else of {} than its log; sessions reindex makes it anew",
            one_line(id)
        );
    }
    let damaged = reports.iter().any(|(_, report)| report.state == State::Damaged) || !wrong.is_empty();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if json {
        let logs: Vec<_> = reports.iter().map(|(file, report)| with_file(file, report)).collect();
        writeln!(out, "{}", json!({ "logs": logs, "index": { "wrong": wrong } }))
    } else {
        reports.iter().try_for_each(|(file, report)| tell(&mut out, file, report))
    };
    printed(written.and_then(|()| out.flush()), ExitCode::from(u8::from(damaged)))
}

fn check(file: &str, global: &Global) -> Result<(String, Report), CliError> {
    if file == "-" {
        return Ok(("stdin".to_owned(), session::verify(&session::read_log_from(io::stdin().lock()))));
    }
    check_file(&store(global)?.resolve(file).map_err(CliError::failed)?)
}

fn check_file(path: &std::path::Path) -> Result<(String, Report), CliError> {
    let log: LogReader = session::read_log(path).map_err(CliError::failed)?;
    Ok((path.display().to_string(), session::verify(&log)))
}

fn with_file(file: &str, report: &Report) -> serde_json::Value {
    let mut value = json!({ "file": file });
    if let (Some(object), Ok(serde_json::Value::Object(fields))) = (value.as_object_mut(), serde_json::to_value(report))
    {
        object.extend(fields);
    }
    value
}

fn tell(out: &mut impl Write, file: &str, report: &Report) -> io::Result<()> {
    let state = match report.state {
        State::Whole => "whole  ",
        State::CutOff => "cut off",
        State::Damaged => "damaged",
    };
    writeln!(out, "{state}  {}  {} records", one_line(file), report.records)?;
    for problem in report.problems.iter().take(TOLD) {
        let place = if problem.line > 0 { format!("line {}: ", problem.line) } else { String::new() };
        writeln!(out, "         {place}{}", one_line(&problem.message))?;
    }
    let more = report.problems.len().saturating_sub(TOLD) + report.more_problems;
    if more > 0 { writeln!(out, "         and {more} more") } else { Ok(()) }
}
