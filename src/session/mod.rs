//! Sessions on disk: log lines, recorder, recovery, blobs, lists.
//!
//! Takes: [`Record`](crate::trace::Record)s and pixels from a running engine. Gives: logs that survive a killed program, a
//! reader that reports what is broken and goes on, the pixels of a recorded session, and a list of sessions. Uses `geometry`,
//! `page`, `benchmark`, `trace` and `analysis`; never the engine.
//!
//! ```text
//! sessions/<run or day>/<id>.jsonl      live log; on close compressed to .jsonl.zst
//!                      summary.jsonl    one line a finished session
//!                      <id>.notes.jsonl what a person said of it
//! sessions/.trash/<day>/<id>/           what was deleted, until a person empties it
//! sessions/blobs/<hash>                 pages (PNG) once; crops only where the page does not give them back
//! ```

mod blobs;
mod compress;
mod ending;
mod error;
pub mod filter;
mod fulltext;
pub mod index;
mod line;
#[cfg(test)]
mod line_tests;
mod notes;
mod pack;
mod pixels;
mod prune;
mod reader;
#[cfg(test)]
mod reader_tests;
mod recorder;
mod recording;
#[cfg(test)]
mod recorder_tests;
#[cfg(test)]
pub(crate) mod samples;
mod schema;
#[cfg(test)]
mod schema_tests;
mod settle;
mod store;
mod summariser;
mod summary;
mod summary_facts;
mod trash;
#[cfg(test)]
mod trash_tests;
mod verify;

pub use blobs::{put_blob, write_atomic};
pub use compress::{Compressed, compress};
pub use ending::ends_well;
pub use error::SessionError;
pub use fulltext::full_text;
pub use line::{LineProblem, MAX_LINE, check_sum, encode_line, parse_line};
#[cfg(test)]
use line::{as_written, parse_any};
pub use notes::{
    MAX_REMARK, NOTED_LABELS, Note, NoteProblem, Noted, NotedLabel, Notes, Remark, add_note, label_named, noted_in,
    notes_from, person, read_notes,
};
pub use pack::{MAX_PACK, Pack, PackReport, UNPACKED, UnpackReport, is_pack, pack, unpack};
pub use pixels::{PixelStore, Pixels};
pub use prune::{Spare, put_aside, spare_blobs, spare_torn};
pub use reader::{LogReader, MAX_LOG, Problem, ProblemKind, Problems, read_log, read_log_from};
pub use recorder::Recorder;
pub use recording::open_recording;
pub use schema::schema;
pub use settle::{Standing, SummaryFile, set_aside, settle};
pub use store::{LogFile, SessionStore, check_id, locate_dir, new_id, today};
pub use summariser::Summariser;
pub use summary::{
    MAX_SUMMARY, PROBE_FOLDER, SUMMARY_VERSION, SessionSummary, append_summary, list, listed, newest, read_summaries,
};
pub use trash::{Trashed, restore, trash, trashed};
pub use verify::{Report, State, is_hash, verify};
