//! `panelscope replay`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: ReplayArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
