//! What a command may fail with.

use std::fmt::Display;
use std::process::ExitCode;

use crate::text::sanitise;

/// A command's result: the exit code, or an error to report.
pub type CliResult = Result<ExitCode, CliError>;

/// One clear sentence and an exit code.
#[derive(Debug)]
pub enum CliError {
    /// The session or check failed (exit 1).
    Failed(String),
    /// Wrong use (exit 2).
    Usage(String),
    /// Interrupted by the user (exit 130).
    Interrupted,
}

impl CliError {
    /// The work failed.
    pub fn failed(what: impl Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// The command was used wrongly.
    pub fn usage(what: impl Display) -> Self {
        Self::Usage(what.to_string())
    }

    /// Prints the sentence to stderr, without what a terminal would obey (it can quote files), and gives the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Failed(message) => {
                eprintln!("error: {}", sanitise(message));
                ExitCode::from(1)
            }
            Self::Usage(message) => {
                eprintln!("error: {}", sanitise(message));
                ExitCode::from(2)
            }
            Self::Interrupted => ExitCode::from(130),
        }
    }
}
