//! `panelscope man`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use super::sessions::printed;
use super::{CliError, CliResult};
use crate::text::one_line;

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// The command whose page is printed, such as `run` or `train plot` (default: the program's own)
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write every page into this folder instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints one page, or writes them all.
///
/// # Errors
/// There is no such command, or the folder cannot be written.
pub fn run(args: &ManArgs) -> CliResult {
    let mut program = super::Cli::command();
    program.build();
    if let Some(dir) = &args.out {
        return write_all(&program, dir);
    }
    let mut command = &program;
    for name in &args.command {
        let found = command.get_subcommands().find(|c| c.get_name() == name);
        command = found.ok_or_else(|| {
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            CliError::usage(one_line(&format!("there is no command \"{name}\" here; there are {}", known.join(", "))))
        })?;
    }
    let page = page(command).map_err(CliError::failed)?;
    printed(io::stdout().write_all(&page), ExitCode::SUCCESS)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    Ok(text)
}

/// Writes `panelscope.1`, `panelscope-run.1`, … and prints how many.
fn write_all(program: &Command, dir: &Path) -> CliResult {
    let failed = |path: &Path, error| CliError::failed(one_line(&format!("{}: {error}", path.display())));
    fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
    let mut waiting = vec![program];
    let mut written = 0;
    while let Some(command) = waiting.pop() {
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = dir.join(format!("{name}.1"));
        fs::write(&path, page(command).map_err(|e| failed(&path, e))?).map_err(|e| failed(&path, e))?;
        written += 1;
        waiting.extend(command.get_subcommands());
    }
    let line = format!("{written} pages in {}", dir.display());
    printed(writeln!(io::stdout(), "{}", one_line(&line)), ExitCode::SUCCESS)
}
