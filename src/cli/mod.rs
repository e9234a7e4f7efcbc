//! The command line: one file a command, arguments and calls, nothing else.
//!
//! stdout carries what was asked for, stderr what a person may like to know. Exit 0: done and answered; 1: the session or
//! check failed; 2: wrong use; 130: interrupted.

mod ask;
mod bench;
mod card;
mod doctor;
mod error;
mod escapes;
mod explore;
pub mod images_flag;
mod interrupt;
mod model;
pub mod print_image;
mod replay;
mod run;
mod selection;
mod sessions;
mod show;
mod story;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use error::{CliError, CliResult};
use interrupt::interrupt_flag;

/// Watch a vision-language model read a comic page, zoom by zoom and token by token.
#[derive(Parser, Debug)]
#[command(name = "panelscope", version)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    explore: explore::ExploreArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Flags every command takes.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Folder of recorded sessions (default: ./sessions if it exists, else the user's data folder)
    #[arg(long, global = true, value_name = "DIR")]
    pub sessions: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Ask one question about a page
    Ask(ask::AskArgs),
    /// Look at benchmarks
    Bench(bench::BenchArgs),
    /// Say what the terminal can do and draw a test card
    Doctor(doctor::DoctorArgs),
    /// Open the explorer, as without a command; --run follows a run
    Explore(explore::ExploreArgs),
    /// Inspect and probe a model
    Model(model::ModelArgs),
    /// Watch a recorded session again, without a model
    Replay(replay::ReplayArgs),
    /// Ask every question of a benchmark and measure
    Run(run::RunArgs),
    /// List and check recorded sessions
    Sessions(sessions::SessionsArgs),
    /// Print a page to the terminal
    Show(show::ShowArgs),
    /// Train a model
    Train(train::TrainArgs),
}

/// Parses the arguments, runs the command, reports its error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => explore::run(cli.explore, &cli.global),
        Some(Command::Ask(args)) => ask::run(args, &cli.global),
        Some(Command::Bench(args)) => bench::run(args, &cli.global),
        Some(Command::Doctor(args)) => doctor::run(args, &cli.global),
        Some(Command::Explore(args)) => explore::run(args, &cli.global),
        Some(Command::Model(args)) => model::run(args, &cli.global),
        Some(Command::Replay(args)) => replay::run(args, &cli.global),
        Some(Command::Run(args)) => run::run(args, &cli.global),
        Some(Command::Sessions(args)) => sessions::run(args, &cli.global),
        Some(Command::Show(args)) => show::run(args, &cli.global),
        Some(Command::Train(args)) => train::run(args, &cli.global),
    };
    match result {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}
