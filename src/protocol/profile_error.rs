//! What may be wrong with a profile, said so that its author can mend it.

use std::path::PathBuf;

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
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut message = error.message().trim().replace('\n', " ");
        if let Some(near) = nearest_key(error.message()) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        Self::Syntax { origin: origin.to_owned(), line, column, message }
    }
}

/// The expected key nearest to the unknown one in "unknown field `a`, expected one of `b`, `c`" (serde's wording; where
/// it ever changes, the hint is missing and the message stays whole).
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    crate::text::nearest(wrong, &known).map(str::to_owned)
}
