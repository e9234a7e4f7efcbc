//! From the bytes of a model's turn to segments, a call, an answer.

use super::call::read_call;
use super::{Profile, Refused, Tags, ToolShape, ZoomCall};
use crate::trace::{Refusal, SegmentEvent, SegmentKind};

/// Longest text between the tool-call tags, in bytes.
pub const MAX_CALL_BYTES: usize = 4096;
/// Longest text between the answer tags, in bytes; a longer one is cut and ends in `…`, so that it fits no choice.
pub const MAX_ANSWER_BYTES: usize = 8192;

/// What the parser found. Positions are those given to [`Parser::push`].
#[derive(Clone, Debug, PartialEq)]
pub enum ParseEvent {
    /// A segment began at this position.
    SegmentOpened(SegmentKind, u64),
    /// A segment ended; its tags belong to it.
    SegmentClosed(SegmentEvent),
    /// The turn's tool call, after its `SegmentClosed`.
    Call {
        /// Position of the last byte read for it.
        position: u64,
        /// The call, or why there is none.
        outcome: Result<ZoomCall, Refused>,
    },
    /// The turn's answer, after its `SegmentClosed`: the text between the tags.
    Answer {
        /// Position of its last byte.
        position: u64,
        /// As written, broken UTF-8 replaced.
        raw: String,
    },
}

/// Incremental, total parser of one model turn after another.
///
/// It reads bytes one by one, so that any split of the same bytes gives the same events, and never fails: whatever is
/// wrong with a call becomes a refusal. Rules:
/// - Tags count only outside other segments. Blank text between segments is no segment.
/// - **The first call of a turn counts, and its first answer**; later ones are segments without an event.
/// - Inside a call any opening tag makes it [`Refusal::NestedTag`]. A tool-call tag inside thoughts or an answer is no
///   call; if the turn ends without a call or an answer, it is reported as `NestedTag`.
/// - A call that is open when the turn ends is [`Refusal::Unclosed`]; an answer that is open then is none.
/// - At most [`MAX_CALL_BYTES`] and [`MAX_ANSWER_BYTES`] are kept; thoughts and text are not kept.
///
/// `Clone` is cheap; a clone travels with a mark.
#[derive(Clone, Debug)]
pub struct Parser {
    tags: Tags,
    tool: ToolShape,
    mode: Mode,
    /// Bytes that may still become a tag; shorter than the longest tag.
    held: Vec<(u8, u64)>,
    /// First and last position of the open segment.
    open: Option<(u64, u64)>,
    body: Vec<u8>,
    overflowed: bool,
    fault: Option<Refused>,
    nested_at: Option<u64>,
    called: bool,
    answered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Text,
    Think,
    Call,
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Open(Mode),
    Close(Mode),
}

impl Mode {
    const fn kind(self) -> SegmentKind {
        match self {
            Self::Text => SegmentKind::Text,
            Self::Think => SegmentKind::Think,
            Self::Call => SegmentKind::ToolCall,
            Self::Answer => SegmentKind::Answer,
        }
    }

    /// Whether a tag means anything here; the others are plain content.
    fn watches(self, tag: Tag) -> bool {
        match (self, tag) {
            (Self::Text | Self::Call, Tag::Open(_)) | (Self::Think | Self::Answer, Tag::Open(Self::Call)) => true,
            (mode, Tag::Close(closed)) => mode == closed,
            _ => false,
        }
    }
}

impl Parser {
    /// A parser at the beginning of a turn.
    pub fn new(profile: &Profile) -> Self {
        Self {
            tags: profile.tags.clone(),
            tool: profile.tool.clone(),
            mode: Mode::Text,
            held: Vec::new(),
            open: None,
            body: Vec::new(),
            overflowed: false,
            fault: None,
            nested_at: None,
            called: false,
            answered: false,
        }
    }

    /// Reads bytes that all belong to one token position.
    pub fn push(&mut self, bytes: &[u8], position: u64) -> Vec<ParseEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            self.held.push((byte, position));
            self.settle(&mut events);
        }
        events
    }

    /// The model ended its turn: closes what is open, and begins the next turn.
    pub fn finish_turn(&mut self) -> Vec<ParseEvent> {
        let mut events = self.close_open();
        if let Some(position) = self.nested_at.filter(|_| !self.called && !self.answered) {
            let words = "a tool call stands inside another tag".to_owned();
            events.push(ParseEvent::Call { position, outcome: Err((Refusal::NestedTag, words)) });
        }
        self.restart();
        events
    }

    /// The turn was cut off from outside (a limit, a person): closes the open segment, and nothing is held against the
    /// model. Begins the next turn.
    pub fn cut_turn(&mut self) -> Vec<ParseEvent> {
        self.called = true;
        let events = self.close_open();
        self.restart();
        events
    }

    /// The segment that is open now.
    pub fn open_segment(&self) -> Option<SegmentKind> {
        self.open.map(|_| self.mode.kind())
    }

    fn close_open(&mut self) -> Vec<ParseEvent> {
        let mut events = Vec::new();
        for (byte, position) in std::mem::take(&mut self.held) {
            self.content(byte, position, &mut events);
        }
        if self.mode == Mode::Call && self.fault.is_none() {
            self.fault = Some((Refusal::Unclosed, "the call was not closed".into()));
        }
        let mode = self.mode;
        if let Some(last) = self.close_segment(&mut events)
            && mode == Mode::Call
        {
            self.emit_call(last, &mut events);
        }
        events
    }

    fn restart(&mut self) {
        self.enter(Mode::Text);
        (self.nested_at, self.called, self.answered) = (None, false, false);
    }

    /// Gives up held bytes as content until what is held may be, or is, a tag.
    fn settle(&mut self, events: &mut Vec<ParseEvent>) {
        while let Some(&(first, position)) = self.held.first() {
            match self.match_held() {
                Match::Whole(tag) => {
                    let last = self.held.last().map_or(position, |&(_, p)| p);
                    self.held.clear();
                    self.tag(tag, position, last, events);
                }
                Match::Prefix => return,
                Match::None => {
                    self.held.remove(0);
                    self.content(first, position, events);
                }
            }
        }
    }

    fn match_held(&self) -> Match {
        let [t1, t2, c1, c2, a1, a2] = self.tags.all();
        let all = [
            (Tag::Open(Mode::Think), t1),
            (Tag::Close(Mode::Think), t2),
            (Tag::Open(Mode::Call), c1),
            (Tag::Close(Mode::Call), c2),
            (Tag::Open(Mode::Answer), a1),
            (Tag::Close(Mode::Answer), a2),
        ];
        let mut found = Match::None;
        for (tag, text) in all {
            let begins = text.len() >= self.held.len() && self.held.iter().zip(text.bytes()).all(|(&(h, _), t)| h == t);
            if begins && self.mode.watches(tag) {
                if text.len() == self.held.len() {
                    return Match::Whole(tag);
                }
                found = Match::Prefix;
            }
        }
        found
    }

    fn tag(&mut self, tag: Tag, first: u64, last: u64, events: &mut Vec<ParseEvent>) {
        match (self.mode, tag) {
            (Mode::Text, Tag::Open(mode)) => {
                self.close_segment(events);
                self.enter(mode);
                self.open = Some((first, last));
                events.push(ParseEvent::SegmentOpened(mode.kind(), first));
            }
            (_, Tag::Open(_)) => {
                self.extend(last);
                if self.mode == Mode::Call {
                    self.fault.get_or_insert_with(|| (Refusal::NestedTag, "a tag stands inside the call".into()));
                } else {
                    self.nested_at.get_or_insert(last);
                }
            }
            (mode, Tag::Close(_)) => {
                self.extend(last);
                self.close_segment(events);
                match mode {
                    Mode::Call => self.emit_call(last, events),
                    Mode::Answer => self.emit_answer(last, events),
                    Mode::Text | Mode::Think => {}
                }
                self.enter(Mode::Text);
            }
        }
    }

    fn content(&mut self, byte: u8, position: u64, events: &mut Vec<ParseEvent>) {
        let limit = match self.mode {
            Mode::Text => {
                if !byte.is_ascii_whitespace() {
                    if self.open.is_none() {
                        self.open = Some((position, position));
                        events.push(ParseEvent::SegmentOpened(SegmentKind::Text, position));
                    }
                    self.extend(position);
                }
                return;
            }
            Mode::Think => return self.extend(position),
            Mode::Call => MAX_CALL_BYTES,
            Mode::Answer => MAX_ANSWER_BYTES,
        };
        self.extend(position);
        if self.body.len() < limit {
            self.body.push(byte);
        } else {
            self.overflowed = true;
        }
    }

    fn extend(&mut self, position: u64) {
        if let Some((_, last)) = &mut self.open {
            *last = position;
        }
    }

    /// Ends the open segment, if any, and gives its last position.
    fn close_segment(&mut self, events: &mut Vec<ParseEvent>) -> Option<u64> {
        let (first, last) = self.open.take()?;
        events.push(ParseEvent::SegmentClosed(SegmentEvent { kind: self.mode.kind(), first, last }));
        Some(last)
    }

    fn emit_call(&mut self, position: u64, events: &mut Vec<ParseEvent>) {
        if std::mem::replace(&mut self.called, true) {
            return;
        }
        let outcome = if self.overflowed {
            Err((Refusal::TooLong, format!("the call is longer than {MAX_CALL_BYTES} bytes")))
        } else if let Some(fault) = self.fault.take() {
            Err(fault)
        } else {
            read_call(&self.body, &self.tool)
        };
        events.push(ParseEvent::Call { position, outcome });
    }

    fn emit_answer(&mut self, position: u64, events: &mut Vec<ParseEvent>) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        let mut raw = String::from_utf8_lossy(&self.body).into_owned();
        if self.overflowed {
            raw.push('…');
        }
        events.push(ParseEvent::Answer { position, raw });
    }

    fn enter(&mut self, mode: Mode) {
        self.mode = mode;
        self.open = None;
        self.body.clear();
        self.overflowed = false;
        self.fault = None;
    }
}

enum Match {
    None,
    Prefix,
    Whole(Tag),
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
