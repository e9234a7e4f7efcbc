//! Where training pages come from.

use super::batch::TrainPage;
use super::error::Result;
use super::schedule::Stage;

/// Draws training pages.
///
/// What it gives must depend on the arguments alone (and on the seed it was made with): a resumed training asks for the
/// same steps again and must get the same pages.
pub trait PageSource: Send + Sync {
    /// The pages of a step, counted from 0 over the whole training.
    ///
    /// # Errors
    /// Why they cannot be drawn.
    fn pages(&self, stage: &Stage, step: u64) -> Result<Vec<TrainPage>>;
}
