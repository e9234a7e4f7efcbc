//! The filter language: which sessions one means, as text.
//!
//! Takes: a filter such as `family:depth label:looked-wrong zooms:>=2 "red hat"`. Gives: whether a summary fits, completions
//! while it is typed, and errors with their column. The same on every screen and in every command; the index turns it into SQL
//! and must find the same sessions as [`Filter::matches_with`]. `docs/FILTERS.md` is its manual, its table made from [`fields`].

mod complete;
mod field;
mod node;
mod parse;
#[cfg(test)]
pub(in crate::session) mod tests;
mod time;
mod words;

use std::fmt;
use std::str::FromStr;

pub use complete::{Completion, complete, complete_with};
pub(in crate::session) use field::Found;
pub use field::{Field, Kind, fields};
pub(in crate::session) use node::{LAST, Node, Relation, Test, Want, Words};
pub use words::join_texts;

use super::SessionSummary;

/// A filter may not be longer, in bytes.
pub const MAX_FILTER: usize = 1000;

/// A filter, as written and as understood. An empty one lets everything through.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    node: Node,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter \"{text}\", column {column}: {message}")]
pub struct FilterError {
    /// The filter as written, at most 80 characters of it.
    pub text: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// Says where it is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.trim().to_owned(), node: parse::parse(text)? })
    }

    /// The filter as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        matches!(&self.node, Node::All(parts) if parts.is_empty())
    }

    /// Whether a session fits, by its summary alone: words are looked for in what the summary says.
    pub fn matches(&self, summary: &SessionSummary) -> bool {
        self.node.holds(summary, &|| None)
    }

    /// Whether a session fits; `text` gives its full text (question, reasoning, answer, notes: see [`join_texts`]) and is only
    /// asked where the answer hangs on it.
    pub fn matches_with(&self, summary: &SessionSummary, text: &dyn Fn() -> Option<String>) -> bool {
        self.node.holds(summary, text)
    }

    /// Whether it looks into what was written, which a summary does not hold.
    pub fn needs_text(&self) -> bool {
        self.node.needs_text()
    }

    /// What fits both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let parts = [self, other].into_iter().filter(|filter| !filter.is_empty());
        match parts.collect::<Vec<_>>().as_slice() {
            [] => Self::default(),
            [one] => (*one).clone(),
            both => {
                let node = Node::All(both.iter().map(|filter| filter.node.clone()).collect());
                Self { text: node.to_string(), node }
            }
        }
    }

    pub(in crate::session) fn node(&self) -> &Node {
        &self.node
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self { text: String::new(), node: Node::All(Vec::new()) }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

/// As it was understood, which reads back as the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}
