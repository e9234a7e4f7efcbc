//! Why a probe cannot be made or finished.

use std::path::PathBuf;

use crate::engine::{EngineError, ForkError};
use crate::run::RunError;
use crate::session::SessionError;

/// Why a probe cannot be made or finished. Each says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A log or a folder.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The run that is to be probed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The model.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A fork that cannot be planned.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The session does not say what this probe needs; a sentence.
    #[error("{0}")]
    Unfit(String),
    /// The session is another model's.
    #[error(
        "{session} was answered by {recorded}, and this is {given}: give --model {recorded}, or --rerun to ask its question anew"
    )]
    OtherModel {
        /// The session.
        session: String,
        /// Its model.
        recorded: String,
        /// The model at hand.
        given: String,
    },
    /// The profile is not the one of the recording.
    #[error(
        "{session} was recorded with a profile {name} that is not this program's: give its file with --profile, or --rerun to ask its question anew"
    )]
    OtherProfile {
        /// The session.
        session: String,
        /// The profile's name.
        name: String,
    },
    /// The page's pixels are not there.
    #[error("the page of {session} is not kept here; where it is from a benchmark, name that with --bench")]
    NoPage {
        /// The session.
        session: String,
    },
    /// Another program works in the folder.
    #[error("another program works on {}; wait for it, or give another folder with --out", dir.display())]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} holds {what}; give another folder with --out", dir.display())]
    Taken {
        /// The folder.
        dir: PathBuf,
        /// What lies there.
        what: String,
    },
    /// A person stopped it; what is done is kept.
    #[error("stopped; the same command goes on with what is done")]
    Stopped,
    /// A fork that the result needs has failed.
    #[error("the fork {session} failed: {why}")]
    Failed {
        /// The fork.
        session: String,
        /// What it says.
        why: String,
    },
}

impl ProbeError {
    /// Whether this session alone is no good, while others may be.
    pub fn is_of_session(&self) -> bool {
        matches!(
            self,
            Self::Unfit(_)
                | Self::Fork(_)
                | Self::OtherModel { .. }
                | Self::OtherProfile { .. }
                | Self::NoPage { .. }
                | Self::Failed { .. }
        )
    }
}

pub(super) fn unfit<T>(why: impl Into<String>) -> Result<T, ProbeError> {
    Err(ProbeError::Unfit(why.into()))
}
