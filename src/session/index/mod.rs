//! The index of sessions: a cache over summaries, logs and notes that answers quickly however many there are.
//!
//! Takes: a sessions folder. Gives: which sessions a [`Filter`](crate::session::filter::Filter) lets through, in which order, a window of them as summaries, and
//! words found in what was written. The files are the truth; the index follows from them and may be deleted at any time.
//!
//! ```text
//! sessions/index.db       SQLite: folders, sessions, cells (a column a field), words, many, seek and wrote (FTS5), bodies
//! sessions/.index.lock    held by the one program that brings it up to date
//! ```
//!
//! - [`refresh`](Index::refresh) looks at folders whose time or summary has changed, and in them at files whose size or time has: first
//!   what summaries say, so that lists are there at once; [`read_texts`](Index::read_texts) then reads what was written, and can be
//!   stopped and gone on with.
//! - Fields are stored by column, in blobs of some thousand rows; a text of a field is stored once, in `words`, as a number in its
//!   column. So a filter reads the columns it names and compares numbers: a few milliseconds each for a million sessions.
//! - A database that is broken, someone else's or of another version is put away and made anew; where none can be written, it is made
//!   in memory. A link in its place is refused.

mod answer;
mod cells;
mod fill;
mod mask;
mod open;
mod put;
mod refresh;
mod scan;
#[cfg(test)]
mod tests;

pub use answer::{Hits, Order, Sort};
pub use open::Index;
pub use refresh::{Progress, Refreshed};

use super::filter::{Field, Kind, fields};

/// The database's name in the sessions folder.
pub const INDEX_FILE: &str = "index.db";

/// Whether a field's values are stored as numbers of words.
fn is_worded(kind: Kind) -> bool {
    matches!(kind, Kind::Word(_) | Kind::Text | Kind::Time)
}

/// The place of a field in the table of fields: its number in `words` and `many`.
fn number_of(field: &Field) -> i64 {
    let at = fields().iter().position(|f| f == field);
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
}
