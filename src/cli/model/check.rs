//! `panelscope model check`: every file of a model read and compared.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

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
    let bar = bar();
    let findings = check(&choice.source, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
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

fn bar() -> ProgressBar {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target).with_message("reading the weights");
    match ProgressStyle::with_template("{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec}") {
        Ok(style) => bar.with_style(style.progress_chars("━╸─")),
        Err(_) => bar,
    }
}
