//! Sessions on disk: log lines, recorder, recovery, blobs, lists.
//!
//! Takes: [`Record`](crate::trace::Record)s and pixels from a running engine. Gives: logs that survive a killed program, a
//! reader that reports what is broken and goes on, the pixels of a recorded session, and a list of sessions. Uses `geometry`,
//! `page`, `benchmark`, `trace` and `analysis`; never the engine.
//!
//! ```text
//! sessions/<run or day>/<id>.jsonl      live log; on close compressed to .jsonl.zst
//!                      summary.jsonl    one line a finished session
//! sessions/blobs/<hash>                 pages (PNG) once; crops only where the page does not give them back
//! ```

mod line;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
pub(crate) mod samples;

pub use line::{LineProblem, MAX_LINE, check_sum, encode_line, parse_line};
