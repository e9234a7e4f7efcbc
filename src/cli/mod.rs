//! The command line: one file a command, arguments and calls, nothing else.
//!
//! stdout carries what was asked for, stderr what a person may like to know. Exit 0: done and answered; 1: the session or
//! check failed; 2: wrong use; 130: interrupted.

mod ask;
mod at_once;
mod attention;
mod bench;
mod compare;
mod completions;
mod config;
mod card;
mod doctor;
mod error;
mod escapes;
mod explore;
mod failures;
mod fork;
pub mod images_flag;
mod interrupt;
mod look;
mod man;
mod misplaced;
mod model;
mod model_flags;
mod model_load;
mod pixel_flags;
mod plain;
pub mod print_image;
mod probe;
mod replay;
mod record_flags;
mod report;
mod run;
mod selection;
mod sessions;
mod show;
mod story;
mod study;
mod swallowed;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Config;
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
    #[arg(long, global = true, value_name = "DIR", help_heading = "Options of every command")]
    pub sessions: Option<PathBuf>,
    /// Configuration to read (default: $PANELSCOPE_CONFIG, else config.toml in the user's configuration folder)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Options of every command")]
    pub config_file: Option<PathBuf>,
    /// What the configuration says.
    #[arg(skip)]
    pub settings: Config,
}

impl Global {
    /// The sessions folder that was asked for: by flag, else by configuration.
    pub fn sessions_dir(&self) -> Option<PathBuf> {
        self.sessions.clone().or_else(|| self.settings.sessions.clone())
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Ask one question about a page
    Ask(ask::AskArgs),
    /// Say what a token of a session attended to, and what the layers would have said
    Attention(attention::AttentionArgs),
    /// Look at benchmarks
    Bench(bench::BenchArgs),
    /// Hold two runs against each other, question by question, or several beside each other
    Compare(compare::CompareArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Say where the configuration is, what it says, and what it may say
    Config(config::ConfigArgs),
    /// Say what the terminal can do and draw a test card
    Doctor(doctor::DoctorArgs),
    /// Open the explorer, as without a command; --run follows a run
    Explore(explore::ExploreArgs),
    /// Count how sessions failed, by family and task
    Failures(failures::FailuresArgs),
    /// Depart from a recorded session with one thing changed, and see what would have happened
    Fork(fork::ForkArgs),
    /// Print the manual page, or write all of them into a folder
    Man(man::ManArgs),
    /// Inspect and probe a model
    Model(model::ModelArgs),
    /// Find out why: forks of a session, of a question or of a run's failures that test one cause
    Probe(probe::ProbeArgs),
    /// Watch a recorded session again, without a model
    Replay(replay::ReplayArgs),
    /// Write runs as one page to read: settings, figures, failures, examples
    Report(report::ReportArgs),
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
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let words: Vec<_> = std::env::args_os().collect();
    let checked = misplaced::check(&matches).and_then(|()| swallowed::check(&matches, &words));
    match checked.and_then(|()| run_command(cli)) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn run_command(mut cli: Cli) -> CliResult {
    let named = std::env::var_os("PANELSCOPE_CONFIG").filter(|name| !name.is_empty());
    cli.global.config_file = cli.global.config_file.or(named.map(PathBuf::from));
    // What helps to mend a broken configuration works with one.
    if !matches!(&cli.command, Some(Command::Completions(_) | Command::Config(_) | Command::Man(_))) {
        cli.global.settings = Config::load(cli.global.config_file.as_deref()).map_err(CliError::usage)?;
    }
    match cli.command {
        None => explore::run(cli.explore, &cli.global),
        Some(Command::Ask(args)) => ask::run(args, &cli.global),
        Some(Command::Attention(args)) => attention::run(&args, &cli.global),
        Some(Command::Bench(args)) => bench::run(args, &cli.global),
        Some(Command::Compare(args)) => compare::run(&args, &cli.global),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Config(args)) => config::run(&args, &cli.global),
        Some(Command::Doctor(args)) => doctor::run(args, &cli.global),
        Some(Command::Explore(args)) => explore::run(args, &cli.global),
        Some(Command::Failures(args)) => failures::run(&args, &cli.global),
        Some(Command::Fork(args)) => fork::run(args, &cli.global),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Model(args)) => model::run(args, &cli.global),
        Some(Command::Probe(args)) => probe::run(args, &cli.global),
        Some(Command::Replay(args)) => replay::run(args, &cli.global),
        Some(Command::Report(args)) => report::run(&args, &cli.global),
        Some(Command::Run(args)) => run::run(args, &cli.global),
        Some(Command::Sessions(args)) => sessions::run(args, &cli.global),
        Some(Command::Show(args)) => show::run(args, &cli.global),
        Some(Command::Train(args)) => train::run(args, &cli.global),
    }
}
