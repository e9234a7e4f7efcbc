//! Flags of the explorer before a subcommand would be dropped in silence; they are wrong use instead.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory};

use super::CliError;
use super::explore::ExploreArgs;

/// Says which of the explorer's arguments stand before a subcommand, and where they belong.
pub(super) fn check(matches: &ArgMatches) -> Result<(), CliError> {
    let Some((name, _)) = matches.subcommand() else { return Ok(()) };
    let explorer = ExploreArgs::augment_args(Command::new("explore"));
    let given = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    // A page is no trouble: after one, nothing is taken for a command.
    let Some(long) = explorer.get_arguments().find(given).and_then(|arg| arg.get_long()) else { return Ok(()) };
    let program = super::Cli::command();
    let takes = program.find_subcommand(name).is_some_and(|c| c.get_arguments().any(|a| a.get_long() == Some(long)));
    let advice = if takes {
        format!("write it after the command: panelscope {name} --{long} …")
    } else {
        "without a command it opens the explorer".to_owned()
    };
    Err(CliError::usage(format!("--{long} before `{name}` is the explorer's and is not used by `{name}`; {advice}")))
}
