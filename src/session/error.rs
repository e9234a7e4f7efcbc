//! What can fail with sessions on disk.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a session cannot be written, read or found. A program can go on without recording after any of these.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// A verb, such as `write`.
        doing: &'static str,
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is not a folder stands where the sessions should be.
    #[error("{} is not a folder; name another", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// No home folder is known, so there is no default place.
    #[error("no folder for sessions is known here; name one with --sessions")]
    NoPlace,
    /// A name that could lead out of the sessions folder.
    #[error("\"{}\" cannot be {what}: up to 100 letters, digits, - and _ (in a folder's name also .), the first a letter or digit", name.escape_debug())]
    BadName {
        /// `a session id`, `a run` or `a blob`.
        what: &'static str,
        /// The name, cut to 100 characters.
        name: String,
    },
    /// Pixels that do not have the hash they came with.
    #[error("pixels were given the hash {}, which is not theirs", hash.escape_debug())]
    WrongPixels {
        /// The hash.
        hash: String,
    },
    /// A link leads out of the sessions folder.
    #[error("{} leads out of the sessions folder", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// A session of this id is there already.
    #[error("{} is there already", path.display())]
    Exists {
        /// The log.
        path: PathBuf,
    },
    /// The session has ended; going on needs a fork.
    #[error("{} has ended and is never appended to", path.display())]
    Ended {
        /// The log.
        path: PathBuf,
    },
    /// Another process writes this log.
    #[error("{} is being written by another process", path.display())]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// The log cannot be continued.
    #[error("{} cannot be continued: {why}", path.display())]
    NotContinuable {
        /// The log.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A record that does not belong at this place of the log.
    #[error("record {found} cannot be written where {expected} is due")]
    OutOfOrder {
        /// What was due: `record 3`, `session_start`.
        expected: String,
        /// What came.
        found: String,
    },
    /// A record that is longer than any reader accepts.
    #[error("a record of {bytes} bytes is longer than a line may be")]
    LineTooLong {
        /// Its length.
        bytes: usize,
    },
    /// An earlier write failed; this recorder writes no more.
    #[error("recording to {} has stopped", path.display())]
    Stopped {
        /// The log.
        path: PathBuf,
    },
    /// No such session.
    #[error("there is no session \"{}\" in {}", wanted.escape_debug(), dir.display())]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// The sessions folder.
        dir: PathBuf,
    },
    /// A pack that cannot be made or read.
    #[error("{} cannot be used as a pack: {why}", path.display())]
    Pack {
        /// The pack, or the file that does not fit into one.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The index cannot be used.
    #[error("the index of sessions cannot be used: {why}; `panelscope sessions reindex` makes it anew")]
    Index {
        /// Whether the database itself is broken.
        broken: bool,
        /// What SQLite said.
        why: String,
    },
    /// A damaged log may name what cannot be read.
    #[error("{} is damaged and may show pages that it no longer names; no page is removed while it is here (see sessions verify)", path.display())]
    Unclear {
        /// The log.
        path: PathBuf,
    },
    /// A remark that cannot be.
    #[error("{why}")]
    Note {
        /// What is wrong and what would be right.
        why: String,
    },
    /// Several sessions have this id.
    #[error("there are several sessions \"{}\"; name one as FOLDER/ID: {}", wanted.escape_debug(), subs.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The folders they lie in.
        subs: Vec<String>,
    },
    /// No session at all.
    #[error("there are no sessions in {}", dir.display())]
    Empty {
        /// The sessions folder.
        dir: PathBuf,
    },
}

/// Adds what was being done, and to what, to an input/output error.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SessionError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SessionError> {
        self.map_err(|source| SessionError::Io { doing, path: path.to_owned(), source })
    }
}
