//! Waiting for the network while someone may give up: what blocks does so on a thread of its own.

use std::io::{Error, ErrorKind, Read, Result};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::progress::Progress;

/// How often it is asked whether to give up.
const POLL: Duration = Duration::from_millis(100);
/// Pieces of a body that may wait to be taken.
const AHEAD: usize = 4;

/// What `work` gives. Where someone gives up meanwhile its thread is left alone, and ends when its own time is up.
///
/// # Errors
/// [`ErrorKind::Interrupted`] where someone gave up; the system refuses a thread.
pub(super) fn unless_stopped<T: Send + 'static>(
    progress: &dyn Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (done, result) = sync_channel(1);
    // Nobody may be there any more to be told.
    let work = move || drop(done.send(work()));
    std::thread::Builder::new().name("hub".to_owned()).spawn(work)?;
    next(progress, &result)?.ok_or_else(|| Error::other("the request failed with an internal error"))
}

/// Sleeps, unless someone gives up.
pub(super) fn pause(progress: &dyn Progress, time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|_| !progress.stopped()) {
        std::thread::sleep(left.min(POLL));
    }
}

/// A body that arrives.
pub(super) struct Arriving(Receiver<Result<Vec<u8>>>);

impl Arriving {
    /// Begins to read, in pieces of at most `size` bytes.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub(super) fn begin(mut body: impl Read + Send + 'static, size: usize) -> Result<Self> {
        let (arrived, pieces) = sync_channel(AHEAD);
        let read = move || {
            let mut buffer = vec![0; size];
            loop {
                let piece = body.read(&mut buffer).map(|n| buffer.get(..n).unwrap_or_default().to_vec());
                let more = matches!(&piece, Ok(bytes) if !bytes.is_empty());
                if arrived.send(piece).is_err() || !more {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("hub".to_owned()).spawn(read)?;
        Ok(Self(pieces))
    }

    /// The next piece; an empty one is the end.
    ///
    /// # Errors
    /// As reading says; [`ErrorKind::Interrupted`] where someone gave up.
    pub(super) fn next(&self, progress: &dyn Progress) -> Result<Vec<u8>> {
        next(progress, &self.0)?.unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// What comes next; none where nothing can come any more.
fn next<T>(progress: &dyn Progress, from: &Receiver<T>) -> Result<Option<T>> {
    loop {
        if progress.stopped() {
            return Err(ErrorKind::Interrupted.into());
        }
        match from.recv_timeout(POLL) {
            Ok(found) => return Ok(Some(found)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::progress::{Quiet, Step};
    use super::*;

    /// Gives up when it is asked for the third time.
    #[derive(Default)]
    struct Impatient(AtomicUsize);

    impl Progress for Impatient {
        fn tell(&mut self, _: Step<'_>) {}

        fn stopped(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) >= 2
        }
    }

    /// A server that has fallen silent.
    struct Silent;

    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> Result<usize> {
            std::thread::sleep(Duration::from_secs(20));
            Ok(0)
        }
    }

    #[test]
    fn what_blocks_is_given_up() {
        let begun = Instant::now();
        let waited = unless_stopped(&Impatient::default(), || std::thread::sleep(Duration::from_secs(20)));
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::Interrupted);
        let body = Arriving::begin(Silent, 10).unwrap();
        assert_eq!(body.next(&Impatient::default()).unwrap_err().kind(), ErrorKind::Interrupted);
        pause(&Impatient::default(), Duration::from_secs(20));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_arrives_is_whole() {
        assert_eq!(unless_stopped(&Quiet, || 3).unwrap(), 3);
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let body = Arriving::begin(std::io::Cursor::new(bytes.clone()), 64).unwrap();
        let mut found = Vec::new();
        loop {
            let piece = body.next(&Quiet).unwrap();
            if piece.is_empty() {
                break;
            }
            found.extend(piece);
        }
        assert_eq!(found, bytes);
    }
}
