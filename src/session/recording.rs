//! A recorded session to look at, wherever it lies.

use std::path::Path;

use super::error::SessionError;
use super::pack::{Pack, is_pack};
use super::pixels::PixelStore;
use super::reader::{LogReader, read_log};

/// The log at a path and the pixels it speaks of: a log file, or a pack, of which the first session is read; nothing is unpacked.
///
/// # Errors
/// [`SessionError::Io`], or [`SessionError::Pack`] for a pack that cannot be read.
pub fn open_recording(path: &Path) -> Result<(LogReader, PixelStore), SessionError> {
    if is_pack(path) {
        let pack = Pack::open(path)?;
        let first = pack.sessions().first().cloned().unwrap_or_default();
        return pack.recording(&first);
    }
    let log = read_log(path)?;
    let pixels = PixelStore::for_log(path, &log.records);
    Ok((log, pixels))
}
