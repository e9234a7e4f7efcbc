//! Why a run could not go on.

use std::path::PathBuf;

use super::manifest::ManifestError;
use crate::session::SessionError;

/// Why a run could not begin or go on. A session that fails is none of these.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The sessions folder.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The run's manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Pixels could not be kept; without them a log cannot be shown.
    #[error("the pages of a session cannot be kept: {0}")]
    Pixels(String),
    /// Another program has the folder.
    #[error("another program is working on {}; wait for its end, or name another folder", dir.display())]
    Busy {
        /// The run's folder.
        dir: PathBuf,
    },
    /// The folder holds sessions of no known run.
    #[error("{} holds sessions but no manifest.json: it is not the folder of a run; name an empty one", dir.display())]
    NotARun {
        /// The folder.
        dir: PathBuf,
    },
    /// A bug: a thread panicked.
    #[error("internal error: a worker of the run died")]
    Worker,
}
