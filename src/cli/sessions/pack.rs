//! `panelscope sessions pack` and `sessions unpack`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{CliError, CliResult, Global, existing, printed, store};
use crate::session;
use crate::text::one_line;

/// Arguments of `sessions pack`.
#[derive(Args, Debug)]
pub struct PackArgs {
    /// Session ids; FOLDER/ID where several folders have one
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// The file to make (default: the first id with .pack.zip)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave the pages out: replay then draws blank ones with the boxes
    #[arg(long)]
    no_images: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sessions unpack`.
#[derive(Args, Debug)]
pub struct UnpackArgs {
    /// What sessions pack made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes a pack.
pub fn pack(args: &PackArgs, global: &Global) -> CliResult {
    let store = existing(global)?;
    let first = args.ids.first().and_then(|id| id.rsplit('/').next()).unwrap_or_default();
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{first}.pack.zip")));
    let report = session::pack(&store, &args.ids, !args.no_images, &out).map_err(CliError::failed)?;
    warn(&report.warnings);
    if args.json {
        return json(&report);
    }
    let n = report.sessions.len() + report.ancestors.len();
    said(&format!("{}: {n} sessions, {} images, {} kB", out.display(), report.blobs, report.bytes.div_ceil(1000)))
}

/// Reads a pack.
pub fn unpack(args: &UnpackArgs, global: &Global) -> CliResult {
    let report = session::unpack(&store(global)?, &args.file).map_err(CliError::failed)?;
    warn(&report.warnings);
    if args.json {
        return json(&report);
    }
    for id in &report.known {
        said(&format!("{id} was here already"))?;
    }
    report.logs.iter().try_for_each(|log| said(&log.display().to_string()).map(|_| ()))?;
    Ok(ExitCode::SUCCESS)
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("note: {}", one_line(warning));
    }
}

fn json(report: &impl serde::Serialize) -> CliResult {
    let text = serde_json::to_string(report).map_err(CliError::failed)?;
    printed(writeln!(io::stdout(), "{text}"), ExitCode::SUCCESS)
}

fn said(text: &str) -> CliResult {
    printed(writeln!(io::stdout(), "{}", one_line(text)), ExitCode::SUCCESS)
}
