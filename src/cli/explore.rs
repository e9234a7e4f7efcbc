//! `panelscope explore`.

use clap::Args;

use super::{CliError, CliResult, Global};

/// Arguments of `explore`.
#[derive(Args, Debug)]
pub struct ExploreArgs {}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(_args: ExploreArgs, _global: &Global) -> CliResult {
    Err(CliError::failed("not here yet"))
}
