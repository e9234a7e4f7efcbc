//! `panelscope bench check`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::CliResult;

/// Arguments of `bench check`.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// The benchmark's folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn run(_args: &CheckArgs) -> CliResult {
    Ok(std::process::ExitCode::SUCCESS)
}
