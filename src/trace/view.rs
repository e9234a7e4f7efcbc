//! A trace as it was known at one moment.

use super::event::{
    Answer, ErrorEvent, ImageRole, ScoreEvent, SegmentEvent, SegmentKind, SessionEnd, TokenSource, ZoomEvent,
    ZoomOutcome,
};
use super::fold::{PlacedImage, Stamp, Token, Trace};

/// A moment in a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cursor {
    /// Everything there is.
    Live,
    /// Everything up to and including the token with this index in [`Trace::tokens`], and what directly followed from it
    /// before the next token (its zoom, crop, answer, score).
    Token(usize),
    /// Everything that had arrived at this time, in seconds since the session's start.
    Time(f64),
}

/// One segment as far as it is known at a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSpan {
    /// Its kind; guessed from the opening tag while it is open.
    pub kind: SegmentKind,
    /// Position of its first token.
    pub first: u64,
    /// Position of its last token so far.
    pub last: u64,
    /// Whether it is complete.
    pub closed: bool,
    /// Its text, tags included (see [`SegmentSpan::body`]). Not sanitised.
    pub text: String,
}

impl SegmentSpan {
    /// The text without its own opening and closing tag and without outer blanks.
    pub fn body(&self) -> &str {
        let text = self.text.trim();
        let Some((name, rest)) = opening_tag(text) else { return text };
        let end = rest.rfind("</").filter(|&at| {
            let tail = rest.get(at + 2..).unwrap_or_default();
            // Also a closing tag that has only begun: `</thi`.
            tail.strip_suffix('>').map_or_else(|| name.starts_with(tail), |t| t == name)
        });
        rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest).trim()
    }
}

/// What is known at a cursor. Cheap to make: nothing is decoded or copied until it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    trace: &'a Trace,
    /// Tokens that are visible.
    count: usize,
    /// Positions below this are visible.
    context: u64,
    /// Things that arrived later are not visible.
    time: f64,
}

impl<'a> View<'a> {
    pub(super) fn new(trace: &'a Trace, cursor: Cursor) -> Self {
        let (count, time) = match cursor {
            Cursor::Live => return Self { trace, count: trace.tokens.len(), context: u64::MAX, time: f64::INFINITY },
            Cursor::Token(index) => (index.saturating_add(1).min(trace.tokens.len()), f64::INFINITY),
            Cursor::Time(time) => (trace.arrivals.partition_point(|&at| at <= time), time),
        };
        let last = count.checked_sub(1).and_then(|i| trace.tokens.get(i));
        // Before the first token: what needs no token may be seen.
        let context = last.or(trace.tokens.first()).map_or(0, |token| token.position);
        let context = if last.is_some() { context.saturating_add(1) } else { context };
        Self { trace, count, context, time }
    }

    /// Tokens up to the cursor.
    pub fn tokens(&self) -> &'a [Token] {
        self.trace.tokens.get(..self.count).unwrap_or_default()
    }

    /// The token under the cursor: the last visible one.
    pub fn current(&self) -> Option<&'a Token> {
        self.tokens().last()
    }

    /// Segments up to the cursor by position, the unfinished one last.
    ///
    /// A log names a segment only when it closes, so what the model has written since the last closed one is given as an open
    /// segment whose kind is guessed from how its text begins: `<think>`, `<tool_call>`, `<answer>`, else text. A segment that
    /// closes after the cursor is treated the same way, so that playback shows what was seen live. Blanks and special tokens
    /// (`<|…|>`) alone make no segment, and prompt tokens only through a closed one.
    pub fn segments(&self) -> Vec<SegmentSpan> {
        let mut spans: Vec<_> = self.closed().map(|segment| self.closed_span(segment)).collect();
        spans.extend(self.open_span(self.closed().map(|segment| segment.last).max()));
        spans
    }

    /// Tool calls up to the cursor.
    pub fn zooms(&self) -> Vec<&'a ZoomEvent> {
        let times = &self.trace.stamps.zooms;
        let zooms = self.trace.zooms.iter().zip(times);
        zooms.filter(|(zoom, t)| zoom.position < self.context && **t <= self.time).map(|(zoom, _)| zoom).collect()
    }

    /// The page, once it is in the context.
    pub fn page(&self) -> Option<&'a PlacedImage> {
        self.images().find(|image| image.event.role == ImageRole::Page)
    }

    /// Images up to the cursor.
    pub fn images(&self) -> impl DoubleEndedIterator<Item = &'a PlacedImage> + use<'a> {
        let (context, time) = (self.context, self.time);
        self.trace.images.iter().filter(move |image| image.position <= context && image.t <= time)
    }

    /// The latest crop and the zoom that asked for it.
    pub fn crop(&self) -> Option<(&'a ZoomEvent, &'a PlacedImage)> {
        self.zooms().into_iter().rev().find_map(|zoom| {
            let ZoomOutcome::Cropped { crop, .. } = &zoom.outcome else { return None };
            let image = self.images().rev().find(|image| image.event.hash == *crop)?;
            Some((zoom, image))
        })
    }

    /// The answer, once it was read.
    pub fn answer(&self) -> Option<&'a Answer> {
        let answer = self.trace.answer.as_ref()?;
        (answer.position < self.context && self.trace.stamps.answer <= self.time).then_some(answer)
    }

    /// The score, once there is one.
    pub fn score(&self) -> Option<&'a ScoreEvent> {
        self.trace.score.as_ref().filter(|_| self.arrived(self.trace.stamps.score))
    }

    /// How the session ended, once it has.
    pub fn ended(&self) -> Option<&'a SessionEnd> {
        self.trace.end.as_ref().filter(|_| self.arrived(self.trace.stamps.end))
    }

    /// Errors up to the cursor.
    pub fn errors(&self) -> Vec<&'a ErrorEvent> {
        let errors = self.trace.errors.iter().zip(&self.trace.stamps.errors);
        errors.filter(|(_, stamp)| self.arrived(**stamp)).map(|(error, _)| error).collect()
    }

    /// Seconds since the session's start at the cursor.
    pub fn time(&self) -> f64 {
        if self.time.is_finite() {
            return self.time;
        }
        if self.context == u64::MAX {
            return self.trace.last_t;
        }
        self.current().map_or(0.0, |token| token.at)
    }

    fn arrived(&self, stamp: Stamp) -> bool {
        stamp.context <= self.context && stamp.t <= self.time
    }

    fn closed(&self) -> impl Iterator<Item = &'a SegmentEvent> + use<'a> {
        let (context, time) = (self.context, self.time);
        let segments = self.trace.segments.iter().zip(&self.trace.stamps.segments);
        segments.filter(move |(segment, t)| segment.last < context && **t <= time).map(|(segment, _)| segment)
    }

    fn closed_span(&self, segment: &SegmentEvent) -> SegmentSpan {
        let from = self.tokens().partition_point(|token| token.position < segment.first);
        let to = self.tokens().partition_point(|token| token.position <= segment.last);
        let text = self.trace.text(from, to.max(from), false);
        SegmentSpan { kind: segment.kind, first: segment.first, last: segment.last, closed: true, text }
    }

    /// What the model has written after `closed` (the last closed segment's last position).
    fn open_span(&self, closed: Option<u64>) -> Option<SegmentSpan> {
        let tokens = self.tokens();
        let after = closed.map_or(0, |last| tokens.partition_point(|token| token.position <= last));
        let written = tokens.iter().rev().take_while(|token| token.by != TokenSource::Prompt).count();
        let from = after.max(tokens.len() - written);
        let (first, last) = (tokens.get(from)?, tokens.last()?);
        let text = self.trace.text(from, tokens.len(), true);
        if is_nothing(&text) {
            return None;
        }
        let kind = guess(&text);
        Some(SegmentSpan { kind, first: first.position, last: last.position, closed: false, text })
    }
}

fn guess(text: &str) -> SegmentKind {
    let text = text.trim_start();
    let tags =
        [("<think>", SegmentKind::Think), ("<tool_call>", SegmentKind::ToolCall), ("<answer>", SegmentKind::Answer)];
    tags.iter().find(|(tag, _)| text.starts_with(tag)).map_or(SegmentKind::Text, |(_, kind)| *kind)
}

/// Blanks and special tokens only.
fn is_nothing(text: &str) -> bool {
    let mut rest = text.trim();
    while let Some(end) = rest.strip_prefix("<|").and_then(|tail| tail.find("|>")) {
        rest = rest.get(end + 4..).unwrap_or_default().trim_start();
    }
    rest.is_empty()
}

/// The name of the tag a text opens with, and what follows it.
fn opening_tag(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_name.then_some((name, rest))
}
