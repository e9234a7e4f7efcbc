//! An option whose texts may begin with `-` takes the flag after it for its text; that is wrong use, not a text.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command, CommandFactory};

use super::CliError;

/// Says which flag was taken for the text of the option before it.
pub(super) fn check(matches: &ArgMatches, words: &[OsString]) -> Result<(), CliError> {
    let mut program = super::Cli::command();
    // Options of every command become those of the command, too.
    program.build();
    let command = command_of(&program, matches);
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let Some((option, flag)) = swallowed(command, &words) else { return Ok(()) };
    Err(CliError::usage(format!(
        "--{option} takes a text, and what follows is the flag {flag}; give the text first, or write --{option}={flag} if it \
         is meant"
    )))
}

/// The command that was given, without its parents.
fn command_of<'c>(program: &'c Command, matches: &ArgMatches) -> &'c Command {
    let mut at = (program, matches);
    while let Some((name, inner)) = at.1.subcommand() {
        let Some(command) = at.0.find_subcommand(name) else { break };
        at = (command, inner);
    }
    at.0
}

/// An option that takes hyphens and the flag behind it.
fn swallowed<'w>(command: &Command, words: &[&'w str]) -> Option<(&'w str, &'w str)> {
    let named = |word: &str| {
        let name = word.strip_prefix("--").map(|name| name.split_once('=').map_or(name, |(name, _)| name))?;
        command.get_arguments().find(|arg| arg.get_long() == Some(name) && !name.is_empty())
    };
    let takes = |word: &str| !word.contains('=') && named(word).is_some_and(Arg::is_allow_hyphen_values_set);
    let options = words.iter().take_while(|word| **word != "--");
    let mut pairs = options.clone().zip(options.skip(1));
    let found = pairs.find(|(option, flag)| takes(option) && named(flag).is_some())?;
    Some((found.0.trim_start_matches('-'), found.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_no_text() {
        let mut command = Command::new("fork")
            .arg(Arg::new("text").long("text").allow_hyphen_values(true))
            .arg(Arg::new("json").long("json").num_args(0))
            .arg(Arg::new("bench").long("bench"));
        command.build();
        let found = |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            swallowed(&command, &words).map(|(option, flag)| format!("{option} {flag}"))
        };
        assert_eq!(found("fork --text --json"), Some("text --json".to_owned()));
        assert_eq!(found("fork --json --text --bench=x"), Some("text --bench=x".to_owned()));
        assert_eq!(found("fork --text --help"), Some("text --help".to_owned()));
        for fine in [
            "fork --text=--json",
            "fork --text -x --json",
            "fork --text --other",
            "fork --bench --json",
            "fork -- --text --json",
        ] {
            assert_eq!(found(fine), None, "{fine}");
        }
    }
}
