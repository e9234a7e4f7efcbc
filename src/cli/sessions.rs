//! `panelscope sessions`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `sessions`.
#[derive(Args, Debug)]
pub struct SessionsArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: SessionsArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
