//! `panelscope show`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: ShowArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
