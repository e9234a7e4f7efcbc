//! Compresses finished logs that lie uncompressed, as a killed program leaves them.

use super::error::SessionError;
use super::settle::{Standing, settle};
use super::store::{LogFile, SessionStore};
use super::summary::{append_summary, read_summaries};
use super::trash::not_being_written;

/// What became of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressed {
    /// It is compressed now.
    Done,
    /// It was compressed already.
    Before,
    /// It has not ended, or is damaged; it stays as it is.
    Unfinished,
    /// Another program writes it.
    Busy,
}

/// Compresses a log that has ended, removes a live one beside its compressed form, and sees to it that it has a summary.
///
/// # Errors
/// [`SessionError::Outside`], [`SessionError::Io`]; the log is then as it was.
pub fn compress(store: &SessionStore, log: &LogFile) -> Result<Compressed, SessionError> {
    let dir = store.sub(&log.sub)?;
    let live = dir.join(format!("{}.jsonl", log.id));
    if !live.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(Compressed::Before);
    }
    let _lock = match not_being_written(&live) {
        Err(SessionError::Busy { .. }) => return Ok(Compressed::Busy),
        other => other?,
    };
    let Standing::Ended(summary) = settle(&dir, &log.id)? else { return Ok(Compressed::Unfinished) };
    if !read_summaries(&dir).contains_key(&log.id) {
        append_summary(&dir, &summary)?;
    }
    Ok(Compressed::Done)
}
