//! Says whether a log is whole, merely cut off, or damaged.

use serde::Serialize;

use super::reader::{LogReader, Problem, ProblemKind, Problems};
use crate::trace::{Body, Record, Tokens, ZoomOutcome};

/// The verdict on a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing wrong.
    Whole,
    /// Good up to where it stops: the program was killed or still runs, or the file was cut.
    CutOff,
    /// Something in it is not as it was written.
    Damaged,
}

/// What verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The session's id, where the log says it.
    pub id: Option<String>,
    /// The verdict.
    pub state: State,
    /// Good records.
    pub records: usize,
    /// What is wrong, at most a thousand entries.
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub more_problems: usize,
}

/// Checks a log that was read: to the reader's findings (checksums, JSON, versions, shapes, `seq`) it adds the order of
/// records, token columns and positions, and the form of hashes.
pub fn verify(log: &LogReader) -> Report {
    let mut check = Check { problems: log.problems.clone(), ..Check::default() };
    for (record, &line) in log.records.iter().zip(&log.lines) {
        check.line = line;
        check.record(record);
    }
    if !check.ended && !log.problems.list.iter().any(|p| p.kind == ProblemKind::Empty) {
        check.line = 0;
        check.add(ProblemKind::Unfinished, "there is no session_end: the session still runs, or was cut off");
    }
    let state = match (check.problems.damage(), check.problems.list.is_empty()) {
        (true, _) => State::Damaged,
        (false, true) => State::Whole,
        (false, false) => State::CutOff,
    };
    let Problems { list, more, .. } = check.problems;
    Report { id: check.id, state, records: log.records.len(), problems: list, more_problems: more }
}

#[derive(Default)]
struct Check {
    problems: Problems,
    line: u64,
    any: bool,
    id: Option<String>,
    ended: bool,
    t: f64,
    /// Position that the next token must have.
    position: u64,
}

impl Check {
    fn add(&mut self, kind: ProblemKind, message: impl Into<String>) {
        self.problems.add(self.line, kind, message);
    }

    fn record(&mut self, record: &Record) {
        if self.ended {
            self.add(ProblemKind::Order, "a record follows session_end");
        }
        // Half a microsecond: times are rounded when they are written.
        if record.t + 1e-6 < self.t {
            self.add(ProblemKind::Order, format!("time goes back from {} to {} seconds", self.t, record.t));
        }
        self.t = self.t.max(record.t);
        let is_start = matches!(record.body, Body::SessionStart(_));
        if is_start == self.any {
            let what = if is_start { "a second session_start" } else { "the first record is not session_start" };
            self.add(ProblemKind::Order, what);
        }
        self.any = true;
        self.body(&record.body);
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::SessionStart(start) => self.id = self.id.take().or_else(|| Some(start.id.clone())),
            Body::Image(image) => self.hash("hash", &image.hash),
            Body::Tokens(tokens) => self.tokens(tokens),
            Body::Segment(segment) => {
                if segment.last < segment.first {
                    self.add(ProblemKind::Position, format!("a segment from {} to {}", segment.first, segment.last));
                }
                self.seen("segment", segment.last);
            }
            Body::Zoom(zoom) => {
                self.seen("zoom", zoom.position);
                if let ZoomOutcome::Cropped { crop, .. } = &zoom.outcome {
                    self.hash("crop", crop);
                }
            }
            Body::Answer(answer) => self.seen("answer", answer.position),
            Body::Attention(event) => self.hash("blob", &event.blob),
            Body::Lens(event) => self.hash("blob", &event.blob),
            Body::SessionEnd(_) => self.ended = true,
            Body::Score(_)
            | Body::Break(_)
            | Body::Fork(_)
            | Body::Control(_)
            | Body::Error(_)
            | Body::Other { .. } => {}
        }
    }

    fn tokens(&mut self, tokens: &Tokens) {
        let n = tokens.ids.len();
        let columns = [
            ("pieces", Some(tokens.pieces.len())),
            ("at", Some(tokens.at.len())),
            ("logprob", tokens.logprob.as_ref().map(Vec::len)),
            ("entropy", tokens.entropy.as_ref().map(Vec::len)),
            ("top", tokens.top.as_ref().map(Vec::len)),
            ("sampled_logprob", tokens.sampled_logprob.as_ref().map(Vec::len)),
        ];
        for (name, len) in columns {
            if let Some(len) = len.filter(|len| *len != n) {
                self.add(ProblemKind::Columns, format!("{n} ids but {len} entries of {name}"));
            }
        }
        let falls = |list: &Vec<crate::trace::TopEntry>| list.iter().zip(list.iter().skip(1)).all(|(a, b)| a.2 >= b.2);
        if !tokens.top.iter().flatten().all(falls) {
            self.add(ProblemKind::Columns, "alternatives are not sorted by falling logprob");
        }
        if tokens.start != self.position {
            let message = format!("tokens start at position {} where {} is due", tokens.start, self.position);
            self.add(ProblemKind::Position, message);
        }
        self.position = tokens.start.saturating_add(n as u64);
    }

    /// A position that is spoken of must be there already.
    fn seen(&mut self, what: &str, position: u64) {
        if position >= self.position {
            let message = format!("{what} at position {position}, but the context has {} tokens", self.position);
            self.add(ProblemKind::Position, message);
        }
    }

    fn hash(&mut self, what: &str, hash: &str) {
        if !is_hash(hash) {
            self.add(ProblemKind::Hash, format!("{what} is not 64 lower-case hexadecimal digits"));
        }
    }
}

/// Whether a text has the form of a blake3 hash.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
