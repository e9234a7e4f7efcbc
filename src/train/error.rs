//! What training may fail with.

use std::path::PathBuf;

use thiserror::Error;

/// Why a training could not start or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The settings file cannot be used.
    #[error("{path}: {message}")]
    Settings {
        /// The TOML file.
        path: PathBuf,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The architecture asked for is impossible.
    #[error("model shape: {0}")]
    Shape(String),
    /// A training page contradicts itself.
    #[error("training page {page}: {message}")]
    Batch {
        /// Index of the page in its batch.
        page: usize,
        /// What does not fit.
        message: String,
    },
    /// A checkpoint is broken or belongs to another training.
    #[error("checkpoint {path}: {message}")]
    Checkpoint {
        /// The checkpoint's folder or file.
        path: PathBuf,
        /// What does not fit.
        message: String,
    },
    /// The loss or the gradients left the numbers.
    #[error(
        "step {step}: the {what} is not a finite number; nothing was changed by this step. The last checkpoint is good: \
         go on from it with a lower learning rate"
    )]
    NotFinite {
        /// The step that failed, counted from 1.
        step: u64,
        /// `loss`, `gradient`, `objective` or `reward`.
        what: &'static str,
    },
    /// A reinforcement training lost what it had learnt.
    #[error(
        "step {step}: the reward collapsed, from {best:.3} at its best to {mean:.3} over the last steps. The last checkpoint \
         is from before: go on from it with a lower learning rate, a larger group or some policy.kl"
    )]
    Collapsed {
        /// The step, counted from 1.
        step: u64,
        /// Mean reward over the last steps.
        mean: f64,
        /// The best such mean.
        best: f64,
    },
    /// The data source failed.
    #[error("training data: {0}")]
    Data(String),
    /// The validation failed.
    #[error("validation: {0}")]
    Validation(String),
    /// What should be metrics is something else.
    #[error("{path}: {message}")]
    Metrics {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The chart asked for cannot be drawn.
    #[error("plot: {0}")]
    Plot(String),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// A result of this room.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Names the file in a system error.
pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.into();
    move |source| TrainError::Io { path, source }
}
