//! `panelscope completions SHELL`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::CliResult;
use super::sessions::printed;

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell they are for
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints what the shell is to read, made from the definitions of the arguments.
///
/// # Errors
/// Nothing can be printed.
pub fn run(args: &CompletionsArgs) -> CliResult {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "panelscope", &mut text);
    printed(io::stdout().write_all(&text), ExitCode::SUCCESS)
}
