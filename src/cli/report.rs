//! `panelscope report`: runs as one page to read.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::sessions::printed;
use super::study::{open_runs, print};
use super::{CliError, CliResult, Global};
use crate::exchange::report::{Format, Options, Report};
use crate::text::sanitise;

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Runs: folders, or names in the sessions folder; two are compared
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,
    /// What it is written as [default: by the name of --out, else html]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// The file to write (default: stdout)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Example sessions of each label and run
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=50))]
    examples: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Md,
    Html,
    Json,
}

impl FormatArg {
    const fn format(self) -> Format {
        match self {
            Self::Md => Format::Markdown,
            Self::Html => Format::Html,
            Self::Json => Format::Json,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A run that is not there or cannot be read; a file that cannot be written.
pub fn run(args: &ReportArgs, global: &Global) -> CliResult {
    let ending = args.out.as_ref().and_then(|out| out.extension()).and_then(|ending| ending.to_str());
    let by_name = ending.and_then(|ending| ending.to_ascii_lowercase().parse().ok());
    let format = args.format.map(FormatArg::format).or(by_name).unwrap_or(Format::Html);
    let runs = open_runs(&args.runs, global)?;
    let options = Options {
        examples: usize::from(args.examples),
        lines: global.settings.analysis,
        pictures: format == Format::Html,
    };
    let text = Report::of(runs, &options).write(format);
    let Some(out) = &args.out else { return print(&text) };
    fs::write(out, text).map_err(|error| CliError::failed(format!("cannot write {}: {error}", out.display())))?;
    printed(writeln!(std::io::stdout(), "{}", sanitise(&out.display().to_string())), ExitCode::SUCCESS)
}
