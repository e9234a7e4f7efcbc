//! `panelscope run`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: RunArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
