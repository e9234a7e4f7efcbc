//! `panelscope bench`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: BenchArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
