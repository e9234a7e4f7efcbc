//! `panelscope config`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::sessions::printed;
use super::{CliError, CliResult, Global, look, model_flags};
use crate::config::{self, Config};
use crate::text::{one_line, sanitise};
use crate::tui::config_troubles;

/// Arguments of `config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Print where the configuration is read from, whether or not it is there
    Path,
    /// Print what the configuration says, and on stderr what of it does not hold: exit 1 where there is any
    Show,
    /// Print the JSON Schema of a configuration
    Schema,
}

/// Runs the command.
///
/// # Errors
/// The configuration cannot be read, or what it says is wrong.
pub fn run(args: &ConfigArgs, global: &Global) -> CliResult {
    match args.command {
        Command::Path => {
            let path = place(global)?;
            printed(writeln!(io::stdout(), "{}", one_line(&path.display().to_string())), ExitCode::SUCCESS)
        }
        Command::Show => show(global),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&config::schema()).map_err(CliError::failed)?;
            printed(writeln!(io::stdout(), "{text}"), ExitCode::SUCCESS)
        }
    }
}

fn place(global: &Global) -> Result<PathBuf, CliError> {
    let nowhere = || CliError::failed("no home folder is known; name a file with --config-file");
    global.config_file.clone().or_else(config::usual_file).ok_or_else(nowhere)
}

fn show(global: &Global) -> CliResult {
    let config = Config::load(global.config_file.as_deref()).map_err(CliError::usage)?;
    let path = place(global)?;
    let there = if path.is_file() { "" } else { " (not there; everything is as usual)" };
    let text = toml::to_string(&config).map_err(CliError::failed)?;
    let head = format!("# {}{there}", one_line(&path.display().to_string()));
    printed(write!(io::stdout(), "{head}\n{}", sanitise(&text)), ExitCode::SUCCESS)?;
    look::check(&config)?;
    model_flags::check(&config)?;
    let troubles = config_troubles(&config.keys, look::themes_folder().as_deref());
    for trouble in &troubles {
        eprintln!("warning: {}", one_line(trouble));
    }
    Ok(ExitCode::from(u8::from(!troubles.is_empty())))
}
