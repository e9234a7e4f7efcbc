//! `panelscope model`: what a checkpoint computes, for comparison with other programs.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CliError, CliResult, Global};
use crate::demo;
use crate::model::{FileSource, Format, ModelChoice, Quant};
use check::CheckArgs;
use compare::CompareArgs;
use get::GetArgs;
use info::InfoArgs;
use probe::ProbeArgs;
use quantize::QuantizeArgs;

mod check;
mod compare;
mod get;
mod info;
mod pace;
mod probe;
mod quantize;
mod report;

/// Arguments of `model`.
#[derive(Args, Debug)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand, Debug)]
enum ModelCommand {
    /// Read every file of a model and compare them: shapes, numbers, tokens, settings
    Check(CheckArgs),
    /// Say what a model is, how large, and what it needs, without loading it
    Info(InfoArgs),
    /// Hold a format or another model against a model: how far its next tokens are from the reference's
    Compare(CompareArgs),
    /// Fetch a model from a hub into the Hugging Face cache, and print its folder
    Get(GetArgs),
    /// Show what a checkpoint says next: ids, positions, likeliest tokens, greedy continuation
    Probe(ProbeArgs),
    /// Write a model as GGUF files, quantised or not
    Quantize(QuantizeArgs),
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ModelArgs, global: &Global) -> CliResult {
    match args.command {
        ModelCommand::Check(args) => check::run(&args),
        ModelCommand::Info(args) => info::run(&args, global).map(|()| ExitCode::SUCCESS),
        ModelCommand::Compare(args) => compare::run(&args, global),
        ModelCommand::Get(args) => get::run(&args).map(|()| ExitCode::SUCCESS),
        ModelCommand::Probe(args) => probe::run(&args, global).map(|()| ExitCode::SUCCESS),
        ModelCommand::Quantize(args) => quantize::run(&args).map(|()| ExitCode::SUCCESS),
    }
}

/// What a model is called.
fn name(choice: &ModelChoice) -> String {
    match choice.source {
        FileSource::Embedded(_) => demo::MODEL_NAME.to_owned(),
        _ => choice.name(),
    }
}

/// How many matrices could not be kept in the format asked for, where there are any.
fn fallen_line(fallen: &[(String, Format)], matrices: usize, asked: Option<Quant>) -> Option<String> {
    let asked = asked.filter(|_| !fallen.is_empty())?;
    let block = if asked == Quant::Q8_0 { 32 } else { 256 };
    let mut kept: Vec<(Format, usize)> = Vec::new();
    for (_, format) in fallen {
        match kept.iter_mut().find(|(known, _)| known == format) {
            Some((_, count)) => *count += 1,
            None => kept.push((*format, 1)),
        }
    }
    let kept: Vec<String> =
        kept.iter().map(|(format, count)| format!("{count} in {}", format.name().to_ascii_lowercase())).collect();
    let (count, kept, asked) = (fallen.len(), kept.join(", "), asked.name());
    Some(format!(
        "{count} of {matrices} matrices have rows that are no multiples of {block} numbers and are kept otherwise than in \
         {asked}: {kept}"
    ))
}

/// A reader that went away is no error.
fn print(lines: &[String]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::failed(error)),
        _ => Ok(()),
    }
}
