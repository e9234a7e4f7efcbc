//! The fold: records in, what is known out.
//!
//! Live and playback share it. It accepts records in any order and with any content: what does not fit is named in
//! [`Trace::problems`] and never fails. The rules: a session starts once (later starts are reported and ignored); a token
//! position that is written again keeps the last writing; of answers, scores and ends the last one counts.

use super::event::{
    Answer, Body, BreakEvent, Control, ErrorEvent, ForkEvent, ImageEvent, Piece, Record, ScoreEvent, SegmentEvent,
    SessionEnd, SessionStart, TokenSource, Tokens, TopEntry, ZoomEvent,
};
use super::looked::Looked;
use super::view::{Cursor, View};

/// How many tokens or segments may arrive out of order before further ones are dropped: each costs a shift of what
/// follows, so a hostile log could otherwise make the fold quadratic.
const MAX_DISORDER: usize = 256;

/// How many problems are kept in words; the rest are counted.
const MAX_PROBLEMS: usize = 1000;

/// Everything known about a session after the records applied so far.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Who asks whom what.
    pub start: Option<SessionStart>,
    /// Images in order of arrival.
    pub images: Vec<PlacedImage>,
    /// Tokens by strictly rising position.
    pub tokens: Vec<Token>,
    /// Closed segments by rising first position.
    pub segments: Vec<SegmentEvent>,
    /// Tool calls in order of arrival.
    pub zooms: Vec<ZoomEvent>,
    /// The answer.
    pub answer: Option<Answer>,
    /// The score.
    pub score: Option<ScoreEvent>,
    /// What persons did, in order of arrival.
    pub controls: Vec<Control>,
    /// Breakpoints that fired, in order of arrival.
    pub breaks: Vec<BreakEvent>,
    /// For a fork: how it stands where its parent stood.
    pub fork: Option<ForkEvent>,
    /// What went wrong, in order of arrival.
    pub errors: Vec<ErrorEvent>,
    /// How it ended.
    pub end: Option<SessionEnd>,
    /// Latest time seen, in seconds since the session's start.
    pub last_t: f64,
    /// What did not fit, in words (at most 1000; [`Trace::dropped_problems`] counts the rest).
    pub problems: Vec<String>,
    /// Problems that are not in [`Trace::problems`] any more.
    pub dropped_problems: usize,
    /// Records of a type this version does not know.
    pub unknown: usize,
    /// What tokens attended to, and what layers would have said.
    pub looked: Looked,
    pub(super) stamps: Stamps,
    /// Bytes of all pieces one after another; `ends[i]` is where token `i` ends. Every span's text is a slice.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Latest arrival among the tokens up to each one, so that it rises and can be searched.
    pub(super) arrivals: Vec<f64>,
    disorder: usize,
    /// How often an answer, a score or an end took the place of another.
    replaced: usize,
}

/// When things without a token arrived; parallel to the public lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamps {
    pub segments: Vec<f64>,
    pub zooms: Vec<f64>,
    pub errors: Vec<Stamp>,
    pub answer: f64,
    pub score: Stamp,
    pub end: Stamp,
}

/// The time and the context length at which a record arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamp {
    pub t: f64,
    pub context: u64,
}

/// One token of the context.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Position in the context.
    pub position: u64,
    /// Vocabulary id.
    pub id: u32,
    /// Text or bytes.
    pub piece: Piece,
    /// Natural log-probability under the raw logits; none for a prompt.
    pub logprob: Option<f32>,
    /// Entropy in nats of the raw distribution; none for a prompt.
    pub entropy: Option<f32>,
    /// Likeliest alternatives under the raw logits, by falling logprob.
    pub top: Vec<TopEntry>,
    /// Log-probability after penalties, temperature and truncation, where it was logged.
    pub sampled_logprob: Option<f32>,
    /// Arrival, seconds since the session's start.
    pub at: f64,
    /// Who put it there.
    pub by: TokenSource,
}

/// An image and where it entered the context.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedImage {
    /// The event.
    pub event: ImageEvent,
    /// Context length in tokens when it was appended.
    pub position: u64,
    /// Seconds since the session's start.
    pub t: f64,
}

impl Trace {
    /// A trace that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A trace of many records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut trace = Self::new();
        records.into_iter().for_each(|record| trace.apply(record));
        trace
    }

    /// Takes one record in. Amortised constant time per token for records in order.
    pub fn apply(&mut self, record: &Record) {
        let t = if record.t.is_finite() { record.t } else { self.last_t };
        self.last_t = self.last_t.max(t);
        let stamp = Stamp { t, context: self.context() };
        match &record.body {
            Body::SessionStart(start) => self.apply_start(record.seq, start),
            Body::Image(event) => {
                self.images.push(PlacedImage { event: event.clone(), position: stamp.context, t });
            }
            Body::Tokens(tokens) => self.apply_tokens(record.seq, tokens),
            Body::Segment(segment) => self.apply_segment(record.seq, *segment, t),
            Body::Zoom(zoom) => {
                self.zooms.push(zoom.clone());
                self.stamps.zooms.push(t);
            }
            Body::Answer(answer) => {
                self.replaced += usize::from(self.answer.is_some());
                self.answer = Some(answer.clone());
                self.stamps.answer = t;
            }
            Body::Score(score) => {
                self.replaced += usize::from(self.score.is_some());
                self.score = Some(score.clone());
                self.stamps.score = stamp;
            }
            Body::Break(event) => self.breaks.push(event.clone()),
            Body::Fork(event) => self.fork = Some(event.clone()),
            Body::Control(control) => self.controls.push(control.clone()),
            Body::Error(error) => {
                self.errors.push(error.clone());
                self.stamps.errors.push(stamp);
            }
            Body::SessionEnd(end) => {
                self.replaced += usize::from(self.end.is_some());
                self.end = Some(end.clone());
                self.stamps.end = stamp;
            }
            Body::Attention(event) => self.looked.attention(event),
            Body::Lens(event) => self.looked.lens(event),
            Body::Other { .. } => self.unknown += 1,
        }
    }

    /// How many tokens the context has.
    pub fn len_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens of the model's own turns (sampled, or forced in its place).
    pub fn sampled(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|token| token.by != TokenSource::Prompt)
    }

    /// How often something came out of order: a token written again or put into a hole, a segment before others, a second answer.
    /// What was derived piece by piece must then be derived anew.
    pub fn disorder(&self) -> usize {
        self.disorder + self.replaced
    }

    /// What is known at a cursor.
    pub fn at(&self, cursor: Cursor) -> View<'_> {
        View::new(self, cursor)
    }

    /// Position that the next token will have.
    pub fn context(&self) -> u64 {
        self.tokens.last().map_or(0, |token| token.position.saturating_add(1))
    }

    /// Index into [`Trace::tokens`] of the token at a position.
    pub fn index_of(&self, position: u64) -> Option<usize> {
        self.tokens.binary_search_by_key(&position, |token| token.position).ok()
    }

    /// Text of the tokens with these indices; incomplete UTF-8 at the end is left out if `open`, else shown as `U+FFFD`.
    pub(super) fn text(&self, from: usize, to: usize, open: bool) -> String {
        let start = from.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let end = to.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        let bytes = if open { without_torn_end(bytes) } else { bytes };
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn apply_start(&mut self, seq: u64, start: &SessionStart) {
        if self.start.is_some() {
            self.problem(format!("record {seq}: a second session_start is ignored"));
        } else {
            self.start = Some(start.clone());
        }
    }

    fn apply_segment(&mut self, seq: u64, segment: SegmentEvent, t: f64) {
        if segment.last < segment.first {
            return self.problem(format!("record {seq}: segment from {} to {} is empty", segment.first, segment.last));
        }
        let index = self.segments.partition_point(|s| s.first <= segment.first);
        if index < self.segments.len() && !self.may_disorder(seq) {
            return;
        }
        self.segments.insert(index, segment);
        // Both lists only ever grow here, so the index is within both.
        self.stamps.segments.insert(index.min(self.stamps.segments.len()), t);
    }

    fn apply_tokens(&mut self, seq: u64, batch: &Tokens) {
        let n = batch.ids.len();
        if batch.pieces.len() != n || batch.at.len() != n || !columns_agree(batch, n) {
            self.problem(format!("record {seq}: token columns differ in length"));
        }
        let mut stale = None;
        for (i, (&id, piece)) in batch.ids.iter().zip(&batch.pieces).enumerate() {
            let Some(position) = batch.start.checked_add(i as u64).filter(|p| *p < u64::MAX) else {
                self.problem(format!("record {seq}: token positions overflow"));
                break;
            };
            let at = batch.at.get(i).copied().filter(|at| at.is_finite()).unwrap_or(self.last_t);
            let token = Token {
                position,
                id,
                piece: piece.clone(),
                logprob: entry(batch.logprob.as_ref(), i),
                entropy: entry(batch.entropy.as_ref(), i),
                top: entry(batch.top.as_ref(), i).unwrap_or_default(),
                sampled_logprob: entry(batch.sampled_logprob.as_ref(), i),
                at,
                by: batch.by,
            };
            if position >= self.context() {
                self.note_gap(seq, position);
                self.push(token);
            } else if let Some(index) = self.replace(seq, token) {
                stale = Some(stale.map_or(index, |s: usize| s.min(index)));
            } else {
                break;
            }
        }
        if let Some(from) = stale {
            self.rebuild_text(from);
        }
    }

    fn note_gap(&mut self, seq: u64, position: u64) {
        let expected = self.context();
        if position > expected && !self.tokens.is_empty() {
            self.problem(format!("record {seq}: tokens {expected} to {} are missing", position - 1));
        }
    }

    fn push(&mut self, token: Token) {
        self.last_t = self.last_t.max(token.at);
        self.bytes.extend_from_slice(&token.piece.bytes());
        self.ends.push(self.bytes.len());
        let arrival = self.arrivals.last().copied().unwrap_or(f64::NEG_INFINITY).max(token.at);
        self.arrivals.push(arrival);
        self.tokens.push(token);
    }

    /// Puts a token before the end: over the one that is there, or into a hole. Gives the index that changed.
    fn replace(&mut self, seq: u64, token: Token) -> Option<usize> {
        if !self.may_disorder(seq) {
            return None;
        }
        match self.tokens.binary_search_by_key(&token.position, |t| t.position) {
            Ok(index) => {
                self.problem(format!(
                    "record {seq}: token {} is written again; the last writing counts",
                    token.position
                ));
                if let Some(place) = self.tokens.get_mut(index) {
                    *place = token;
                }
                Some(index)
            }
            Err(index) => {
                self.tokens.insert(index, token);
                Some(index)
            }
        }
    }

    fn may_disorder(&mut self, seq: u64) -> bool {
        self.disorder += 1;
        if self.disorder > MAX_DISORDER {
            self.problem(format!("record {seq}: too much out of order; the rest of it is left out"));
            return false;
        }
        true
    }

    fn rebuild_text(&mut self, from: usize) {
        let kept = from.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        self.bytes.truncate(kept);
        self.ends.truncate(from);
        self.arrivals.truncate(from);
        let mut arrival = self.arrivals.last().copied().unwrap_or(f64::NEG_INFINITY);
        for token in self.tokens.iter().skip(from) {
            self.bytes.extend_from_slice(&token.piece.bytes());
            self.ends.push(self.bytes.len());
            arrival = arrival.max(token.at);
            self.arrivals.push(arrival);
            self.last_t = self.last_t.max(token.at);
        }
    }

    fn problem(&mut self, what: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(what);
        } else {
            self.dropped_problems += 1;
        }
    }
}

fn columns_agree(batch: &Tokens, n: usize) -> bool {
    let same = |len: Option<usize>| len.is_none_or(|len| len == n);
    same(batch.logprob.as_ref().map(Vec::len))
        && same(batch.entropy.as_ref().map(Vec::len))
        && same(batch.top.as_ref().map(Vec::len))
        && same(batch.sampled_logprob.as_ref().map(Vec::len))
}

fn entry<T: Clone>(column: Option<&Vec<T>>, i: usize) -> Option<T> {
    column.and_then(|values| values.get(i)).cloned()
}

/// Cuts the bytes of a code point that has begun and not ended.
fn without_torn_end(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let Some(&byte) = bytes.get(at) else { break };
        let wanted = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => break,
        };
        return if wanted > back { bytes.get(..at).unwrap_or_default() } else { bytes };
    }
    bytes
}
