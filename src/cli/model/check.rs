//! `panelscope model check`: every file of a model read and compared.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::pace::Pace;
use crate::cli::CliResult;
use crate::cli::model_flags::FetchFlags;
use crate::cli::model_load::fetched;
use crate::model::inspect::{Finding, Level, check};
use crate::text::one_line;

/// Arguments of `model check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(value_name = "MODEL", default_value = "demo")]
    model: String,
    #[command(flatten)]
    fetch: FetchFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command; exit 1 where something does not work.
///
/// # Errors
/// The model cannot be had at all.
pub fn run(args: &CheckArgs) -> CliResult {
    let choice = args.fetch.choice(&args.model)?;
    let choice = fetched(&choice, None)?;
    let mut pace = Pace::new("reading the weights");
    let findings = check(&choice.source, &mut |done, all| pace.at(done, all));
    pace.finish();
    let name = super::name(&choice);
    let lines = if args.json {
        vec![json!({ "v": 1, "model": name, "ok": passed(&findings), "findings": findings }).to_string()]
    } else {
        lines(&findings)
    };
    super::print(&lines)?;
    Ok(if passed(&findings) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn passed(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.level != Level::Fail)
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |f: &Finding| one_line(&format!("{:<5} {:<16} {}", f.level.word(), f.what, f.found)).into_owned();
    let count = |level| findings.iter().filter(|f| f.level == level).count();
    let mut lines: Vec<String> = findings.iter().map(line).collect();
    lines.push(format!("{} ok, {} warn, {} fail", count(Level::Ok), count(Level::Warn), count(Level::Fail)));
    lines
}
