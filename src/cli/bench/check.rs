//! `panelscope bench check`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::printed;
use crate::benchmark::folder::check::{Report, Thoroughness, check};
use crate::cli::{CliError, CliResult};
use crate::text::one_line;

/// Arguments of `bench check`.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// The benchmark's folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Decode every page, not only its header
    #[arg(long)]
    decode: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exit 0 where there are no errors (there may be warnings), 1 where there are, 2 where there is no folder.
pub(super) fn run(args: &CheckArgs) -> CliResult {
    if !args.dir.is_dir() {
        let what = if args.dir.exists() { "is not a folder" } else { "does not exist" };
        return Err(CliError::usage(one_line(&format!("{} {what}; a benchmark is a folder", args.dir.display()))));
    }
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} pages · {per_sec} · {eta} left") {
        bar.set_style(style);
    }
    let report = check(&args.dir, Thoroughness { decode: args.decode }, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let text = if args.json { json_of(args, &report) } else { text_of(&report) };
    printed(std::io::stdout().write_all(text.as_bytes()))?;
    Ok(if report.errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn json_of(args: &CheckArgs, report: &Report) -> String {
    let mut json = json!({"v": 1, "dir": args.dir.display().to_string(), "clean": report.errors == 0});
    if let (Some(fields), Ok(serde_json::Value::Object(rest))) = (json.as_object_mut(), serde_json::to_value(report)) {
        fields.extend(rest);
    }
    format!("{json}\n")
}

fn text_of(report: &Report) -> String {
    let mut text = String::new();
    for p in &report.problems {
        let line = p.line.map(|n| format!(":{n}")).unwrap_or_default();
        text.push_str(&one_line(&format!("{}{line}: {}: {}", p.file, p.severity.word(), p.what)));
        text.push('\n');
    }
    if report.hidden > 0 {
        text.push_str(&format!("… and {} more\n", report.hidden));
    }
    let many = |n: u64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let verdict = if report.errors == 0 { "clean" } else { "not clean" };
    text.push_str(&format!(
        "{verdict}: {}, {}; {}, {}, {}\n",
        many(report.questions, "question"),
        many(report.pages, "page"),
        many(report.errors, "error"),
        many(report.warnings, "warning"),
        many(report.notes, "note"),
    ));
    text
}
