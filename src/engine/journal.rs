//! Numbers and times records, and gathers tokens into batches.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;

use super::{Emission, StepToken};
use crate::trace::{Body, ImageEvent, Piece, Record, Token, TokenSource, Tokens, TopEntry};

/// A batch may not wait longer than this, in seconds. With the recorder's own delay it stays well below the quarter of a
/// second that a crash may cost.
const MAX_WAIT: f64 = 0.05;
/// What a probability of zero (or a broken one) is written as: JSON has no infinities.
const LOWEST: f32 = -1e4;

/// The records of one session, not yet handed over.
#[derive(Debug)]
pub(super) struct Journal {
    began: Instant,
    /// Seconds of a parent's session that lie before `began`.
    base: f64,
    /// The time at which something of the parent happened, while it is told again.
    past: Option<f64>,
    copied: Vec<Token>,
    /// Time of the latest record.
    latest: f64,
    seq: u64,
    out: Vec<Emission>,
    batch: Option<Tokens>,
    /// What belongs to tokens of the batch.
    following: Vec<Body>,
    last_token: f64,
    /// One record a token, as while stepping.
    pub(super) single: bool,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            base: 0.0,
            past: None,
            copied: Vec::new(),
            latest: 0.0,
            seq: 0,
            out: Vec::new(),
            batch: None,
            following: Vec::new(),
            last_token: 0.0,
            single: false,
        }
    }

    /// Seconds since the session's start, to the microsecond.
    pub(super) fn now(&self) -> f64 {
        self.past.unwrap_or_else(|| ((self.base + self.began.elapsed().as_secs_f64()) * 1e6).round() / 1e6)
    }

    /// What is recorded next happened in the parent's session, at this time; times never go back.
    pub(super) fn at(&mut self, time: f64) {
        let before = self.past.unwrap_or(self.latest);
        self.past = Some(if time.is_finite() { time.max(before) } else { before });
    }

    /// The parent is told; the clock goes on from its last time.
    pub(super) fn go_on(&mut self) {
        self.flush();
        self.base = self.past.take().unwrap_or(0.0);
        self.began = Instant::now();
        self.last_token = self.base;
    }

    /// Tokens of the parent, as they were recorded.
    pub(super) fn copy(&mut self, tokens: &[Token]) {
        if self.copied.last().is_some_and(|last| tokens.first().is_some_and(|token| token.by != last.by)) {
            self.flush();
        }
        self.copied.extend_from_slice(tokens);
    }

    /// Records something; tokens that wait go first.
    pub(super) fn record(&mut self, body: Body) {
        self.flush();
        self.push(body, None);
    }

    /// Records an image with what the model was given.
    pub(super) fn image(&mut self, event: ImageEvent, pixels: Arc<RgbImage>) {
        self.flush();
        self.push(Body::Image(event), Some(pixels));
    }

    /// Records tokens of a prompt.
    pub(super) fn prompt(&mut self, start: u64, ids: Vec<u32>, pieces: Vec<Piece>) {
        let at = vec![self.now(); ids.len()];
        let (logprob, entropy, top, sampled_logprob) = (None, None, None, None);
        let by = TokenSource::Prompt;
        self.record(Body::Tokens(Tokens { start, ids, pieces, logprob, entropy, top, sampled_logprob, at, by }));
    }

    /// Adds a token the model wrote or was made to write. `top_pieces` are the texts of `token.top`.
    pub(super) fn token(&mut self, position: u64, token: &StepToken, top_pieces: Vec<Piece>, by: TokenSource) {
        if self.batch.as_ref().is_some_and(|b| b.by != by) {
            self.flush();
        }
        let now = self.now();
        let batch = self.batch.get_or_insert_with(|| empty_batch(position, by));
        batch.ids.push(token.id);
        batch.pieces.push(Piece::from_bytes(&token.bytes));
        push(&mut batch.logprob, finite(token.logprob));
        push(&mut batch.entropy, if token.entropy.is_finite() { token.entropy } else { 0.0 });
        push(&mut batch.sampled_logprob, finite(token.sampled_logprob));
        let entries = token.top.iter().zip(top_pieces).map(|(&(id, p), piece)| TopEntry(id, piece, finite(p)));
        push(&mut batch.top, entries.collect());
        batch.at.push(now);
        let waited = now - batch.at.first().copied().unwrap_or(now);
        // The next token will take about as long as this one did, and nothing can be flushed meanwhile.
        let step = now - std::mem::replace(&mut self.last_token, now);
        if self.single || waited + step >= MAX_WAIT {
            self.flush();
        }
    }

    /// Turns the waiting tokens into a record.
    pub(super) fn flush(&mut self) {
        if !self.copied.is_empty() {
            let copied = std::mem::take(&mut self.copied);
            self.push(Body::Tokens(columns(copied)), None);
        }
        if let Some(mut batch) = self.batch.take() {
            if batch.sampled_logprob == batch.logprob {
                batch.sampled_logprob = None;
            }
            self.push(Body::Tokens(batch), None);
        }
        for body in std::mem::take(&mut self.following) {
            self.push(body, None);
        }
    }

    /// Tells something that the log does not have; what waits goes first.
    pub(super) fn aside(&mut self, body: Body) {
        self.flush();
        let record = Record { seq: self.seq, t: self.now(), body };
        self.out.push(Emission { record, pixels: None, aside: true });
    }

    /// Records something once the tokens that wait are.
    pub(super) fn follow(&mut self, bodies: Vec<Body>) {
        self.following.extend(bodies);
    }

    /// Hands over what was recorded.
    pub(super) fn drain(&mut self) -> Vec<Emission> {
        std::mem::take(&mut self.out)
    }

    fn push(&mut self, body: Body, pixels: Option<Arc<RgbImage>>) {
        self.latest = self.now();
        let record = Record { seq: self.seq, t: self.latest, body };
        self.seq += 1;
        self.out.push(Emission { record, pixels, aside: false });
    }
}

/// Tokens as columns; a column that not every token has is left out.
fn columns(tokens: Vec<Token>) -> Tokens {
    let all = |figure: fn(&Token) -> Option<f32>| tokens.iter().map(figure).collect::<Option<Vec<f32>>>();
    let prompt = tokens.first().is_none_or(|token| token.by == TokenSource::Prompt);
    Tokens {
        start: tokens.first().map_or(0, |token| token.position),
        ids: tokens.iter().map(|token| token.id).collect(),
        logprob: all(|token| token.logprob),
        entropy: all(|token| token.entropy),
        sampled_logprob: all(|token| token.sampled_logprob),
        at: tokens.iter().map(|token| token.at).collect(),
        by: tokens.first().map_or(TokenSource::Prompt, |token| token.by),
        pieces: tokens.iter().map(|token| token.piece.clone()).collect(),
        top: (!prompt).then(|| tokens.into_iter().map(|token| token.top).collect()),
    }
}

fn empty_batch(start: u64, by: TokenSource) -> Tokens {
    let (ids, pieces, at) = (Vec::new(), Vec::new(), Vec::new());
    Tokens { start, ids, pieces, logprob: None, entropy: None, top: None, sampled_logprob: None, at, by }
}

fn push<T>(column: &mut Option<Vec<T>>, value: T) {
    column.get_or_insert_default().push(value);
}

fn finite(logprob: f32) -> f32 {
    if logprob.is_finite() { logprob } else { LOWEST }
}
