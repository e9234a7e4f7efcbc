//! What may be wrong with a profile, said so that its author can mend it.

use std::path::PathBuf;

use crate::config::Fault;

/// Why a profile could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a shipped name nor a file.
    #[error("there is no profile \"{name}\"; shipped are {known}, or give the path of a TOML file")]
    Unknown {
        /// As asked for.
        name: String,
        /// Shipped names.
        known: String,
    },
    /// The file could not be read.
    #[error("cannot read profile {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or not of a profile's shape.
    #[error("{origin}:{line}:{column}: {message}")]
    Syntax {
        /// File or shipped name.
        origin: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong, with the nearest right key where one is near.
        message: String,
    },
    /// Well-formed, but the values make no sense.
    #[error("{origin}: {key}: {message}")]
    Invalid {
        /// File or shipped name.
        origin: String,
        /// The key, such as `limits.max_turns`.
        key: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl ProfileError {
    /// From what the TOML reader says, with line, column and a hint.
    pub(super) fn syntax(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let Fault { line, column, message } = Fault::of(text, error);
        Self::Syntax { origin: origin.to_owned(), line, column, message }
    }
}
