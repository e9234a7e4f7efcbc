//! From a place as a person names it to a token position.

use std::str::FromStr;

use super::{At, ForkError, Past};
use crate::trace::{SegmentEvent, SegmentKind, TokenSource, ZoomEvent};

impl Past {
    /// The position a place means: its first token, which the model wrote (or would write next).
    pub(super) fn place(&self, at: At) -> Result<u64, ForkError> {
        let position = match at {
            At::Token(position) => position,
            At::End => self.trace.context(),
            At::Zoom(_) => {
                let zoom = self.call(at)?;
                self.call_segment(zoom).map_or(zoom.position, |segment| segment.first)
            }
            At::Segment(number) => {
                let own = self.trace.segments.iter().filter(|segment| segment.kind != SegmentKind::ToolResponse);
                let found = number.checked_sub(1).and_then(|skip| own.clone().nth(skip));
                let missing = || ForkError::NoPlace(format!("segment {number}; it has {}", own.clone().count()));
                found.ok_or_else(missing)?.first
            }
        };
        let end = self.trace.context();
        if position > end || end == 0 {
            return Err(ForkError::NoPlace(format!("token {position}; it has {end}")));
        }
        let over = self.trace.end.as_ref().is_some_and(|end| matches!(end.reason.as_str(), "answered" | "no_answer"));
        if position == end && over {
            return Err(ForkError::NoPlace("place after its end: the conversation was over".into()));
        }
        if position == end || self.written(position) { Ok(position) } else { Err(ForkError::NotWritten(position)) }
    }

    /// The tool call a place names, or in whose text, turn or reply the token lies.
    pub(super) fn call(&self, at: At) -> Result<&ZoomEvent, ForkError> {
        let zooms = &self.trace.zooms;
        let found = match at {
            At::Zoom(number) => zooms.iter().find(|zoom| zoom.number == number),
            At::Token(position) => zooms.iter().find(|zoom| {
                let first = self.call_segment(zoom).map_or(zoom.position, |segment| segment.first);
                (first..self.turn_after(zoom)).contains(&position)
            }),
            At::End => zooms.last(),
            At::Segment(_) => {
                let position = self.place(at)?;
                return self.call(At::Token(position));
            }
        };
        found.ok_or(ForkError::NoCall(zooms.len()))
    }

    /// The text of a tool call.
    pub(super) fn call_segment(&self, zoom: &ZoomEvent) -> Option<&SegmentEvent> {
        let holds = |segment: &&SegmentEvent| {
            segment.kind == SegmentKind::ToolCall && (segment.first..=segment.last).contains(&zoom.position)
        };
        self.trace.segments.iter().find(holds)
    }

    /// Where the tool's reply to a call begins, or will.
    pub(super) fn response(&self, zoom: &ZoomEvent) -> u64 {
        let after = self.trace.tokens.iter().filter(|token| token.position > zoom.position);
        let mut prompt = after.filter(|token| token.by == TokenSource::Prompt);
        prompt.next().map_or(self.trace.context(), |token| token.position)
    }

    /// Where the model goes on after the reply to a call.
    fn turn_after(&self, zoom: &ZoomEvent) -> u64 {
        let response = self.response(zoom);
        let after = self.trace.tokens.iter().filter(|token| token.position >= response);
        let mut own = after.filter(|token| token.by != TokenSource::Prompt);
        own.next().map_or(u64::MAX, |token| token.position)
    }
}

impl FromStr for At {
    type Err = String;

    /// `212`, `zoom:1`, `segment:3`, `end`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no place: give a token position, zoom:K, segment:K or end");
        match text.split_once(':') {
            None if text == "end" => Ok(Self::End),
            None => text.parse().map(Self::Token).map_err(|_| wrong()),
            Some(("zoom", number)) => number.parse().map(Self::Zoom).map_err(|_| wrong()),
            Some(("segment", number)) => number.parse().map(Self::Segment).map_err(|_| wrong()),
            Some(_) => Err(wrong()),
        }
    }
}
