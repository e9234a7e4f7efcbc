//! What a session's tokens say of it, kept in bounded memory while they pass.

use std::collections::VecDeque;

use super::loops::tail_repeats;
use crate::trace::{Answer, Body, Record, SegmentKind, Token, TokenSource, Tokens, TopEntry, Trace};

/// Tokens of a turn that are kept; an answer further back has no probability.
pub const KEPT_TOKENS: usize = 512;
/// Answer segments of one turn that are kept; only the first is an answer.
const KEPT_SEGMENTS: usize = 8;

/// What the tokens of a session say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenFacts {
    /// How often the last turn's end repeats ([`tail_repeats`]); 0 without a token.
    pub loops: u32,
    /// Probability of the answer under the raw logits: the product over its tokens.
    pub answer_p: Option<f64>,
    /// Least margin (probability of the likeliest token less that of the second) at a token of the answer.
    pub margin: Option<f64>,
}

/// Reads records as they come. The same records give the same facts, whoever reads them.
#[derive(Clone, Debug, Default)]
pub struct TokenTail {
    turn: VecDeque<Kept>,
    segments: Vec<(u64, u64)>,
    answer: (Option<f64>, Option<f64>),
}

#[derive(Clone, Debug)]
struct Kept {
    position: u64,
    id: u32,
    bytes: Vec<u8>,
    logprob: Option<f32>,
    margin: Option<f64>,
}

impl TokenTail {
    /// The facts of a whole trace: what reading its records one by one gives.
    pub fn of(trace: &Trace) -> Self {
        let mut tail = Self::default();
        let answered = trace.answer.as_ref().map(|a| a.position);
        let mut waiting = answered;
        for token in &trace.tokens {
            if waiting.is_some_and(|position| token.position > position) {
                waiting = None;
                tail.close(trace);
            }
            tail.token(token);
        }
        if waiting.is_some() {
            tail.close(trace);
        }
        tail
    }

    /// Takes one record in.
    pub fn take(&mut self, record: &Record) {
        match &record.body {
            Body::Tokens(tokens) => self.tokens(tokens),
            Body::Segment(s) if s.kind == SegmentKind::Answer => self.segment(s.first, s.last),
            Body::Answer(answer) => self.answered(answer),
            _ => {}
        }
    }

    /// What is known now.
    pub fn facts(&self) -> TokenFacts {
        let ids: Vec<u32> = self.turn.iter().map(|token| token.id).collect();
        TokenFacts { loops: tail_repeats(&ids), answer_p: self.answer.0, margin: self.answer.1 }
    }

    fn tokens(&mut self, batch: &Tokens) {
        if batch.by == TokenSource::Prompt {
            return self.next_turn();
        }
        for (i, (&id, piece)) in batch.ids.iter().zip(&batch.pieces).enumerate() {
            let logprob = batch.logprob.as_ref().and_then(|column| column.get(i)).copied();
            let top = batch.top.as_ref().and_then(|column| column.get(i)).map_or(&[][..], Vec::as_slice);
            let position = batch.start.saturating_add(i as u64);
            self.keep(Kept { position, id, bytes: piece.bytes(), logprob, margin: margin(top) });
        }
    }

    fn token(&mut self, token: &Token) {
        if token.by == TokenSource::Prompt {
            return self.next_turn();
        }
        let (logprob, margin) = (token.logprob, margin(&token.top));
        self.keep(Kept { position: token.position, id: token.id, bytes: token.piece.bytes(), logprob, margin });
    }

    fn keep(&mut self, token: Kept) {
        if self.turn.len() >= KEPT_TOKENS {
            self.turn.pop_front();
        }
        self.turn.push_back(token);
    }

    fn next_turn(&mut self) {
        self.turn.clear();
        self.segments.clear();
    }

    fn segment(&mut self, first: u64, last: u64) {
        if self.segments.len() < KEPT_SEGMENTS {
            self.segments.push((first, last));
        }
    }

    fn close(&mut self, trace: &Trace) {
        let own = trace.segments.iter().filter(|s| s.kind == SegmentKind::Answer);
        own.for_each(|s| self.segment(s.first, s.last));
        if let Some(answer) = &trace.answer {
            self.answered(answer);
        }
    }

    fn answered(&mut self, answer: &Answer) {
        let segment = self.segments.iter().find(|(_, last)| *last == answer.position);
        self.answer = segment.map_or((None, None), |&(first, last)| self.measure(first, last, &answer.raw));
    }

    /// Probability and least margin over the tokens that write the answer between its tags.
    fn measure(&self, first: u64, last: u64, raw: &str) -> (Option<f64>, Option<f64>) {
        let tokens: Vec<&Kept> = self.turn.iter().filter(|t| (first..=last).contains(&t.position)).collect();
        if tokens.first().is_none_or(|token| token.position != first) {
            return (None, None);
        }
        let written: Vec<u8> = tokens.iter().flat_map(|token| token.bytes.iter().copied()).collect();
        let Some((from, to)) = content(&written, raw.trim().as_bytes()) else { return (None, None) };
        let mut end = 0;
        let inside = tokens.into_iter().filter(|token| {
            let start = end;
            end += token.bytes.len();
            start < to && end > from
        });
        let inside: Vec<&Kept> = inside.collect();
        let sum = inside.iter().map(|token| token.logprob.map(f64::from)).sum::<Option<f64>>();
        let least = inside.iter().map(|token| token.margin).collect::<Option<Vec<f64>>>();
        let p = sum.map(|sum| sum.min(0.0).exp()).filter(|p| p.is_finite());
        (p, least.and_then(|all| all.into_iter().reduce(f64::min)))
    }
}

/// Where a text stands behind the first tag of what was written, in bytes; none where it does not, or is empty.
fn content(written: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let after =
        if written.trim_ascii_start().starts_with(b"<") { written.iter().position(|b| *b == b'>')? + 1 } else { 0 };
    if text.is_empty() {
        return None;
    }
    let from = after + written.get(after..)?.windows(text.len()).position(|w| w == text)?;
    Some((from, from + text.len()))
}

/// Probability of the likeliest alternative less that of the second, 0 to 1; none where alternatives were not logged.
fn margin(top: &[TopEntry]) -> Option<f64> {
    let p = |i: usize| top.get(i).map(|entry| f64::from(entry.2).min(0.0).exp());
    p(0).map(|first| (first - p(1).unwrap_or(0.0)).clamp(0.0, 1.0)).filter(|m| m.is_finite())
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
