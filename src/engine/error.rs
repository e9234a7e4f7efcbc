//! What may end a session early.

use crate::model::ModelError;
use crate::page::PageError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The page cannot be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The page cannot be had from where it should come from.
    #[error("{0}")]
    NoPage(String),
    /// The model failed; out of memory among others.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A text cannot become tokens, or an image patches.
    #[error("{what} cannot be put before the model: {source}")]
    Input {
        /// What was to be put in, such as `the prompt` or `the page`.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model gave logits no token can be drawn from.
    #[error("no token can be drawn: {0}")]
    Sampling(Box<dyn std::error::Error + Send + Sync>),
    /// The context would outgrow the model.
    #[error("the context would have {needed} tokens, the model holds {limit}")]
    Context {
        /// Tokens with what was to be added.
        needed: u64,
        /// The model's limit.
        limit: u64,
    },
    /// The profile's texts do not suit this model.
    #[error("the profile does not suit this model: {0}")]
    Profile(String),
    /// The question cannot be asked like this.
    #[error("{0}")]
    Ask(String),
    /// A mark of another session, or of a continuation that was given up.
    #[error("this mark leads to a place that is no longer there")]
    StaleMark,
    /// Called out of order, such as a step before the beginning.
    #[error("{0}")]
    Misuse(&'static str),
    /// A bug: a panic was caught.
    #[error("internal error: {0}")]
    Internal(String),
}

impl EngineError {
    /// The stable word for the log: `page`, `model`, `memory`, `context`, `profile`, `ask`, `internal`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Page(_) | Self::NoPage(_) => "page",
            Self::Model(ModelError::Memory { .. } | ModelError::DeviceMemory { .. }) => "memory",
            Self::Model(_) | Self::Input { .. } | Self::Sampling(_) => "model",
            Self::Context { .. } => "context",
            Self::Profile(_) => "profile",
            Self::Ask(_) => "ask",
            Self::StaleMark | Self::Misuse(_) | Self::Internal(_) => "internal",
        }
    }
}
