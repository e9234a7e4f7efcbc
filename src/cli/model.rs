//! `panelscope model`: what a checkpoint computes, for comparison with other programs.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CliResult, Global};
use probe::ProbeArgs;

mod probe;
mod report;

/// Arguments of `model`.
#[derive(Args, Debug)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand, Debug)]
enum ModelCommand {
    /// Show what a checkpoint says next: ids, positions, likeliest tokens, greedy continuation
    Probe(ProbeArgs),
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ModelArgs, global: &Global) -> CliResult {
    match args.command {
        ModelCommand::Probe(args) => probe::run(&args, global).map(|()| ExitCode::SUCCESS),
    }
}
