//! `panelscope train`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `train`.
#[derive(Args, Debug)]
pub struct TrainArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: TrainArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
