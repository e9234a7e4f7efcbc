//! `panelscope model`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `model`.
#[derive(Args, Debug)]
pub struct ModelArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: ModelArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
