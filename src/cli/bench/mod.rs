//! `panelscope bench`: look at benchmarks, write and check them.

mod check;
mod list;
mod page;
mod paint;
mod show;
mod synth;
mod tasks;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::selection::SelectionArgs;
use super::{CliError, CliResult, Global};
use crate::benchmark::BenchmarkError;

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the questions of a benchmark, or its pages where it has no questions
    List(list::ListArgs),
    /// Print a page with its boxes and what is true of it
    Show(show::ShowArgs),
    /// Write drawn pages and their questions as a folder
    Synth(synth::SynthArgs),
    /// Report everything that is wrong with a benchmark's folder
    Check(check::CheckArgs),
    /// Write the page of a question as PNG
    Page(page::PageArgs),
    /// List the seven tasks
    Tasks(tasks::TasksArgs),
}

/// Which questions.
#[derive(Args, Debug)]
struct Which {
    /// Benchmark: demo, synth:SEED, a benchmark's folder, a folder of images, or a .cbz
    #[arg(long, value_name = "B", default_value = "demo")]
    bench: String,
    #[command(flatten)]
    of: SelectionArgs,
}

/// A name that does not exist is wrong use; a file that is broken is a failure.
fn benchmark_error(error: BenchmarkError) -> CliError {
    use BenchmarkError as E;
    match error {
        E::Unknown(_)
        | E::NoSuchTask { .. }
        | E::NothingSelected
        | E::NoSuchQuestion { .. }
        | E::NoSuchPage { .. }
        | E::NoPages { .. } => CliError::usage(error),
        _ => CliError::failed(error),
    }
}

/// Runs the command.
///
/// # Errors
/// An unknown benchmark, task or question; a file that cannot be read or written.
pub fn run(args: BenchArgs, _global: &Global) -> CliResult {
    match args.command {
        Command::List(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Synth(args) => synth::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Page(args) => page::run(&args),
        Command::Tasks(args) => tasks::run(&args),
    }
}

/// What was printed; a reader that closed the pipe wants no more, and that is no failure.
fn printed(written: std::io::Result<()>) -> CliResult {
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::failed(e)),
        _ => Ok(ExitCode::SUCCESS),
    }
}
