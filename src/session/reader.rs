//! Reads a log, whatever state it is in: reports what is broken and goes on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;

use super::error::{Doing, SessionError};
use super::line::{LineProblem, MAX_LINE, check_sum, parse_line};
use crate::trace::Record;

/// Most bytes of a log that are read, after decompression. A hundred thousand tokens take some forty million.
pub const MAX_LOG: u64 = 256 << 20;

/// Most problems that are kept in words; the rest are counted.
const MAX_PROBLEMS: usize = 1000;

/// Largest window of a compressed frame (128 MiB): what decoding may hold in memory.
const MAX_WINDOW_LOG: u32 = 27;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A kind of problem in a log, in one stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The last line was not written to its end.
    TornTail,
    /// A compressed file ends in the middle.
    TornFrame,
    /// Nothing at all in the file.
    Empty,
    /// The session has no end: it still runs, or was killed.
    Unfinished,
    /// A line is too long to be read.
    TooLong,
    /// A line is not UTF-8.
    NotUtf8,
    /// A line has no checksum.
    NoChecksum,
    /// A line's checksum is another one.
    BadChecksum,
    /// A line is not JSON.
    BrokenJson,
    /// A line lacks `v`, `seq`, `t` or `type`.
    BadEnvelope,
    /// A line is of another format version.
    WrongVersion,
    /// The data of a known type do not have their shape.
    BadData,
    /// `seq` does not go on where it was.
    SeqGap,
    /// Time runs backwards, the start is not first, or something follows the end.
    Order,
    /// Token columns of different lengths.
    Columns,
    /// Positions that do not fit together.
    Position,
    /// Something that should be a hash is none.
    Hash,
    /// A compressed file that does not decompress.
    BrokenFrame,
    /// More than is read of one log.
    TooLarge,
    /// The operating system failed while reading.
    Unreadable,
}

impl ProblemKind {
    /// Whether this is only what a killed program or a full disk leaves behind.
    pub const fn is_cut(self) -> bool {
        matches!(self, Self::TornTail | Self::TornFrame | Self::Empty | Self::Unfinished)
    }

    fn of_line(problem: &LineProblem) -> Self {
        match problem {
            LineProblem::TooLong { .. } => Self::TooLong,
            LineProblem::NotUtf8 { .. } => Self::NotUtf8,
            LineProblem::NoChecksum => Self::NoChecksum,
            LineProblem::BadChecksum { .. } => Self::BadChecksum,
            LineProblem::BrokenJson { .. } => Self::BrokenJson,
            LineProblem::BadEnvelope { .. } => Self::BadEnvelope,
            LineProblem::WrongVersion { .. } => Self::WrongVersion,
            LineProblem::BadData { .. } => Self::BadData,
        }
    }
}

/// Something wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line, from 1; 0 where it concerns the whole file.
    pub line: u64,
    /// What kind.
    pub kind: ProblemKind,
    /// One sentence for a person. Not sanitised: it may quote the file.
    pub message: String,
}

/// Problems, not more than can be looked at.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// The first thousand.
    pub list: Vec<Problem>,
    /// How many more there were.
    pub more: usize,
    damage: bool,
}

impl Problems {
    pub(super) fn add(&mut self, line: u64, kind: ProblemKind, message: impl Into<String>) {
        self.damage |= !kind.is_cut();
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(Problem { line, kind, message: message.into() });
        } else {
            self.more += 1;
        }
    }

    /// Whether some problem is damage, not just a missing end.
    pub fn damage(&self) -> bool {
        self.damage
    }
}

/// A log as far as it can be read.
#[derive(Clone, Debug, Default)]
pub struct LogReader {
    /// Good records in the order of the file.
    pub records: Vec<Record>,
    /// Line of each record, from 1; parallel to `records`.
    pub lines: Vec<u64>,
    /// What is wrong.
    pub problems: Problems,
    /// Whether it was compressed.
    pub compressed: bool,
    /// Bytes (decompressed) up to the end of the last line with a right checksum.
    pub(super) good_end: u64,
    /// Whether that line lacks its line feed.
    pub(super) lacks_newline: bool,
    /// Bytes (decompressed) in all.
    pub(super) length: u64,
    /// `seq` of the next record.
    pub(super) next_seq: u64,
}

impl LogReader {
    /// Whether the last record ends the session.
    pub fn ended(&self) -> bool {
        self.records.iter().any(|record| matches!(record.body, crate::trace::Body::SessionEnd(_)))
    }
}

/// Reads a log file, plain or compressed (told apart by content).
///
/// # Errors
/// [`SessionError::Io`] when the file cannot be opened or is not a regular file. What is wrong inside is in
/// [`LogReader::problems`].
pub fn read_log(path: &Path) -> Result<LogReader, SessionError> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).doing("read", path)?.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(SessionError::Io { doing: "read", path: path.to_owned(), source });
    }
    Ok(read_log_from(File::open(path).doing("read", path)?))
}

/// Reads a log from any stream, plain or compressed.
pub fn read_log_from(source: impl Read) -> LogReader {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let mut head = Vec::new();
    let failed = source.by_ref().take(4).read_to_end(&mut head).err();
    let is_zstd = !head.is_empty() && ZSTD_MAGIC.starts_with(&head);
    let mut state = Reading { log: LogReader { compressed: is_zstd, ..LogReader::default() }, ..Reading::default() };
    let whole = head.as_slice().chain(source);
    match (failed, is_zstd) {
        (Some(error), _) => state.fail(&error),
        (None, false) => state.run(BufReader::new(whole)),
        (None, true) => match zstd::stream::read::Decoder::new(whole) {
            Ok(mut decoder) => match decoder.window_log_max(MAX_WINDOW_LOG) {
                Ok(()) => state.run(BufReader::with_capacity(1 << 16, decoder)),
                Err(error) => state.fail(&error),
            },
            Err(error) => state.fail(&error),
        },
    }
    state.log
}

#[derive(Default)]
struct Reading {
    log: LogReader,
    line: u64,
    /// Bad lines since the last good one.
    skipped: u64,
    buffer: Vec<u8>,
}

impl Reading {
    fn run(&mut self, mut source: impl BufRead) {
        loop {
            self.buffer.clear();
            match self.next_line(&mut source) {
                Ok(0) => break,
                Ok(length) => self.take(length),
                Err(error) => {
                    // What came before the error is a line that was cut.
                    if !self.buffer.is_empty() {
                        self.take(self.buffer.len());
                    }
                    return self.fail(&error);
                }
            }
            if self.log.length > MAX_LOG {
                let message = format!("only the first {} MiB of the log are read", MAX_LOG >> 20);
                return self.log.problems.add(self.line, ProblemKind::TooLarge, message);
            }
        }
        if self.line == 0 {
            self.log.problems.add(0, ProblemKind::Empty, "the log is empty");
        }
    }

    /// Reads one line into the buffer (not more than one byte beyond [`MAX_LINE`] of it); gives its whole length.
    fn next_line(&mut self, source: &mut impl BufRead) -> io::Result<usize> {
        let mut length = 0;
        loop {
            let chunk = match source.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let end = chunk.iter().position(|&b| b == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(chunk.len());
            let room = (MAX_LINE + 2).saturating_sub(self.buffer.len()).min(taken);
            self.buffer.extend_from_slice(chunk.get(..room).unwrap_or_default());
            length += taken;
            source.consume(taken);
            if taken == 0 || end.is_some() || self.log.length + length as u64 > MAX_LOG {
                return Ok(length);
            }
        }
    }

    fn take(&mut self, length: usize) {
        self.line += 1;
        self.log.length += length as u64;
        let complete = self.buffer.last() == Some(&b'\n') && self.buffer.len() == length;
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let long = length > MAX_LINE + 1;
        match if long { Err(LineProblem::TooLong { len: length }) } else { parse_line(line) } {
            Ok(record) => {
                self.good(complete);
                self.number(&record);
                self.log.records.push(record);
                self.log.lines.push(self.line);
            }
            Err(problem) => {
                if !long && check_sum(line).is_ok() {
                    self.good(complete);
                }
                self.skipped += 1;
                let kind = if complete || long { ProblemKind::of_line(&problem) } else { ProblemKind::TornTail };
                let message = match kind {
                    ProblemKind::TornTail => format!("the last line was not written to its end ({length} bytes)"),
                    _ => problem.to_string(),
                };
                self.log.problems.add(self.line, kind, message);
            }
        }
    }

    fn good(&mut self, complete: bool) {
        self.log.good_end = self.log.length;
        self.log.lacks_newline = !complete;
    }

    /// Checks `seq`. A bad line stands for one record, or for none.
    fn number(&mut self, record: &Record) {
        let expected = self.log.next_seq;
        if record.seq != expected && (self.skipped == 0 || record.seq != expected.saturating_add(self.skipped)) {
            let message = format!("seq is {} where {expected} is due", record.seq);
            self.log.problems.add(self.line, ProblemKind::SeqGap, message);
        }
        self.log.next_seq = record.seq.saturating_add(1);
        self.skipped = 0;
    }

    fn fail(&mut self, error: &io::Error) {
        let (kind, message) = match (self.log.compressed, error.kind()) {
            (true, io::ErrorKind::UnexpectedEof) => {
                (ProblemKind::TornFrame, "the compressed file ends in the middle".to_owned())
            }
            (true, _) => (ProblemKind::BrokenFrame, format!("the file does not decompress: {error}")),
            (false, _) => (ProblemKind::Unreadable, format!("reading failed: {error}")),
        };
        self.log.problems.add(self.line, kind, message);
    }
}
