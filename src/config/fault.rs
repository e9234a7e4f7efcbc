//! What is wrong with a configuration, said so that its author can mend it.

use std::fmt;
use std::path::PathBuf;

use crate::text::nearest;

/// A place in a TOML text and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, with the nearest right key where one is near.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl Fault {
    /// From what the TOML reader says of a text.
    pub fn of(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut message = error.message().trim().replace('\n', " ");
        if let Some(near) = nearest_key(error.message()) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        Self { line, column, message }
    }
}

/// The expected key nearest to the unknown one in "unknown field `a`, expected one of `b`, `c`" (serde's wording; where
/// it ever changes, the hint is missing and the message stays whole).
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    nearest(wrong, &known).map(str::to_owned)
}

/// Why a configuration could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Larger than any configuration is.
    #[error("{} is larger than a megabyte; is it a configuration?", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, or not of a configuration's shape.
    #[error("{}:{fault}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and what.
        fault: Fault,
    },
}
