//! `panelscope ask`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `ask`.
#[derive(Args, Debug)]
pub struct AskArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: AskArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
