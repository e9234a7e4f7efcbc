//! What work on recorded sessions needs: where they are, where labels draw their lines, whose remarks are written.

use crate::config::Thresholds;
use crate::session::{SessionStore, SessionSummary, list};

/// Where sessions are worked on.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// The sessions folder, or the folder of the run that is followed; none keeps no list.
    pub store: Option<SessionStore>,
    /// Where automatic labels draw their lines.
    pub lines: Thresholds,
    /// Whose name stands beside remarks.
    pub person: String,
}

impl Desk {
    /// The sessions folder.
    ///
    /// # Errors
    /// A sentence where there is none.
    pub fn store(&self) -> Result<&SessionStore, String> {
        self.store.as_ref().ok_or_else(|| "there is no sessions folder".to_owned())
    }

    /// Every session, newest first, labelled by this desk's lines.
    pub fn sessions(&self) -> Vec<SessionSummary> {
        let mut all = self.store.as_ref().map(list).unwrap_or_default();
        all.iter_mut().for_each(|session| session.relabel(&self.lines));
        all
    }
}
