//! One session on screen, live or recorded: the trace, the head that moves over it, and what is wrapped for drawing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use image::RgbImage;

use super::action::{Arrival, Scrub, Unit};
use super::app::{Choice, EngineState, Verdict};
use super::debug::Stop;
use super::debug::search::Search;
use super::playhead::{Pace, Playhead};
use super::reasoning::Reasoning;
use super::viewport::Look;
use std::path::PathBuf;

use crate::engine::Past;
use crate::geometry::PageBox;
use crate::page::pixel_hash;
use crate::trace::{Body, Cursor, ImageRole, SegmentKind, Token, TokenSource, Trace};

/// Where the records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An engine is writing them.
    Live,
    /// A file had them.
    Replay,
}

/// One session on screen.
pub struct Explorer {
    /// Live or replay.
    pub kind: Kind,
    /// What it was opened from.
    pub choice: Choice,
    /// Which of how many questions.
    pub place: Option<(usize, usize)>,
    /// What the engine is doing; `Ended` for a replay.
    pub engine: EngineState,
    /// Where the view stands.
    pub head: Playhead,
    /// Whether the true region is drawn.
    pub show_target: bool,
    /// How close and where the page is looked at.
    pub look: Look,
    /// Whether the page is shown as the model sees it.
    pub seen: bool,
    /// A box that a person is changing.
    pub draft: Option<PageBox>,
    /// Bad lines of the log, in words.
    pub problems: Vec<String>,
    /// Wrapped reasoning.
    pub reasoning: Reasoning,
    /// The page while the session has not told of it yet.
    pub early_page: Option<Arc<RgbImage>>,
    /// Segments that are folded, by their first position.
    pub folded_segments: BTreeSet<u64>,
    /// What is looked for.
    pub search: Option<Search>,
    /// First line of the reasoning that is shown, where a person scrolled it.
    pub scroll: Option<usize>,
    /// Where breakpoints fire in a recording.
    pub stops_at: Vec<Stop>,
    trace: Arc<Trace>,
    pixels: HashMap<String, Arc<RgbImage>>,
    stops: Vec<usize>,
    times: Vec<f64>,
    folded: usize,
    folded_last: u64,
    folded_disorder: usize,
}

impl Explorer {
    /// An empty session.
    pub fn new(kind: Kind, choice: Choice, pace: Pace, moving: bool) -> Self {
        Self {
            kind,
            choice,
            place: None,
            engine: if kind == Kind::Live { EngineState::Loading } else { EngineState::Ended },
            head: Playhead::new(pace, moving),
            show_target: false,
            look: Look::default(),
            seen: false,
            draft: None,
            problems: Vec::new(),
            reasoning: Reasoning::default(),
            early_page: None,
            folded_segments: BTreeSet::new(),
            search: None,
            scroll: None,
            stops_at: Vec::new(),
            trace: Arc::default(),
            pixels: HashMap::new(),
            stops: Vec::new(),
            times: Vec::new(),
            folded: 0,
            folded_last: 0,
            folded_disorder: 0,
        }
    }

    /// Everything known.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Arrival times of the model's tokens, in seconds.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// How many tokens the model has written so far.
    pub fn written(&self) -> usize {
        self.stops.len()
    }

    /// Pixels of an image, where they are known.
    pub fn pixels(&self, hash: &str) -> Option<&Arc<RgbImage>> {
        self.pixels.get(hash)
    }

    /// Takes records in.
    pub fn arrive(&mut self, arrivals: Vec<Arrival>) {
        let before = self.stops.len();
        for arrival in arrivals {
            if let (Body::Image(event), Some(pixels)) = (&arrival.record.body, arrival.pixels) {
                self.pixels.insert(event.hash.clone(), pixels);
            }
            Arc::make_mut(&mut self.trace).apply(&arrival.record);
        }
        self.count_fresh();
        if self.stops.len() < before {
            // A damaged log says later that some of them were not the model's.
            self.head.go(self.head.shown(), &self.times);
        }
        self.pass_over_parent(before);
        if self.head.shown() == 0
            && before == 0
            && !self.stops.is_empty()
            && self.kind == Kind::Live
            && !self.head.moving
        {
            self.head.go(self.stops.len(), &self.times);
        }
        self.head.grown(before, self.stops.len());
        if self.trace.end.is_some() {
            self.engine = EngineState::Ended;
        }
    }

    /// Counts the model's tokens among those that came. A log out of order may put tokens before ones already counted; then
    /// all are counted again.
    fn count_fresh(&mut self) {
        let tokens = &self.trace.tokens;
        let last = self.folded.checked_sub(1).and_then(|i| tokens.get(i));
        let rewritten = self.folded_disorder != self.trace.disorder();
        if rewritten || last.is_some_and(|t| t.position != self.folded_last) {
            self.folded = 0;
            self.stops.clear();
            self.times.clear();
        }
        for (index, token) in tokens.iter().enumerate().skip(self.folded) {
            if token.by != TokenSource::Prompt {
                self.stops.push(index);
                self.times.push(token.at);
            }
        }
        self.folded = tokens.len();
        self.folded_last = tokens.last().map_or(0, |t| t.position);
        self.folded_disorder = self.trace.disorder();
    }

    /// The cursor of the fold.
    pub fn cursor(&self) -> Cursor {
        if self.head.at_edge() {
            return Cursor::Live;
        }
        match self.head.shown().checked_sub(1) {
            Some(last) => self.stops.get(last).map_or(Cursor::Live, |i| Cursor::Token(*i)),
            None => match self.stops.first() {
                Some(first) if *first > 0 => Cursor::Token(first - 1),
                Some(_) => Cursor::Time(-1.0),
                None => Cursor::Live,
            },
        }
    }

    /// The model token with this number (from 0).
    pub fn token(&self, index: usize) -> Option<&Token> {
        self.stops.get(index).and_then(|i| self.trace.tokens.get(*i))
    }

    /// The token under the cursor: the last one shown.
    pub fn current(&self) -> Option<&Token> {
        self.token(self.head.shown().checked_sub(1)?)
    }

    /// The model's tokens, in order.
    pub fn model_tokens(&self) -> impl Iterator<Item = &Token> {
        self.stops.iter().filter_map(|i| self.trace.tokens.get(*i))
    }

    /// How many model tokens stand at positions up to and including `position`.
    pub fn count_until(&self, position: u64) -> usize {
        self.stops.partition_point(|i| self.trace.tokens.get(*i).is_some_and(|t| t.position <= position))
    }

    /// Whether the session was read or computed to its end.
    pub fn ended(&self) -> bool {
        self.kind == Kind::Replay || self.engine == EngineState::Ended
    }

    /// Width divided by height of the page.
    pub fn page_aspect(&self) -> f64 {
        let size = self
            .trace
            .images
            .first()
            .map(|i| (i.event.original.w, i.event.original.h))
            .or_else(|| self.early_page.as_ref().map(|p| p.dimensions()));
        size.map_or(0.7, |(w, h)| (f64::from(w.max(1)) / f64::from(h.max(1))).clamp(0.2, 5.0))
    }

    /// How the session came out, as far as is known.
    pub fn verdict(&self) -> Verdict {
        match (&self.trace.score, &self.trace.answer, &self.trace.end) {
            (Some(score), _, _) if score.value >= 1.0 => Verdict::Right,
            (Some(score), _, _) if score.value > 0.0 => Verdict::Partial,
            (Some(_), _, _) => Verdict::Wrong,
            (None, Some(_), _) => Verdict::Answered,
            (None, None, Some(_)) => Verdict::NoAnswer,
            (None, None, None) => Verdict::None,
        }
    }

    /// Model tokens a second around the cursor; `None` below two tokens.
    pub fn rate(&self) -> Option<f64> {
        let shown = self.times.get(..self.head.shown())?;
        let window = shown.get(shown.len().saturating_sub(48)..)?;
        let (first, last) = (window.first()?, window.last()?);
        let steps = window.len().checked_sub(1).filter(|n| *n > 0)?;
        (last > first).then(|| steps as f64 / (last - first))
    }

    /// Places where a segment written by the model ends, as numbers of shown tokens, in order.
    pub fn segment_ends(&self) -> Vec<usize> {
        let model = self.trace.segments.iter().filter(|s| s.kind != SegmentKind::ToolResponse);
        let mut ends: Vec<usize> = model.map(|s| self.count_until(s.last)).filter(|n| *n > 0).collect();
        ends.push(self.written());
        ends.dedup();
        ends
    }

    /// Places where a turn ends: a token of the model that the tool's tokens follow, and the end.
    fn turn_ends(&self) -> Vec<usize> {
        let gaps = self.stops.windows(2).enumerate();
        let mut ends: Vec<usize> =
            gaps.filter(|(_, pair)| matches!(pair, [a, b] if b - a > 1)).map(|(i, _)| i + 1).collect();
        ends.push(self.written());
        ends
    }

    /// Where a step leads inside what is known; `None` at the edge.
    pub fn step_target(&self, unit: Unit) -> Option<usize> {
        if self.head.at_edge() || self.written() == 0 {
            return None;
        }
        let shown = self.head.shown();
        Some(match unit {
            Unit::Token => shown + 1,
            Unit::Segment => next_after(&self.segment_ends(), shown),
            Unit::Turn => next_after(&self.turn_ends(), shown),
        })
    }

    /// Moves the cursor because a person asked.
    pub fn scrub(&mut self, scrub: Scrub) {
        let shown = if self.head.at_edge() { self.written() } else { self.head.shown() };
        let target = match scrub {
            Scrub::PrevToken => shown.saturating_sub(1),
            Scrub::NextToken => shown + 1,
            Scrub::PrevSegment => self.segment_ends().into_iter().rev().find(|e| *e < shown).unwrap_or(0),
            Scrub::NextSegment => next_after(&self.segment_ends(), shown),
            Scrub::Start => 0,
            Scrub::End => self.written(),
        };
        self.scrub_to(target);
    }

    /// Moves the cursor to where so many tokens are shown, because a person asked.
    pub fn scrub_to(&mut self, target: usize) {
        self.scroll = None;
        let follows = self.kind == Kind::Live && self.engine == EngineState::Running;
        self.head.scrub(target, &self.times, follows);
    }

    /// Lets the head move by so many seconds; in a recording it stops where a breakpoint fires.
    pub fn advance(&mut self, dt: f64) {
        let before = self.head.shown();
        self.head.advance(dt, &self.times);
        let passed = self.stops_at.iter().map(|stop| stop.shown).find(|at| *at > before && *at <= self.head.shown());
        if let Some(at) = passed {
            self.head.go(at, &self.times);
            self.head.moving = false;
        }
    }

    /// The breakpoint that fired on the token under the cursor, and on what.
    pub fn broke(&self) -> Option<(&str, &str)> {
        let position = self.current()?.position;
        let recorded = self.trace.breaks.iter().rev().find(|event| event.position == position);
        let recorded = recorded.map(|event| (event.breakpoint.as_str(), event.on.as_str()));
        let shown = self.head.shown();
        let found = || self.stops_at.iter().find(|stop| stop.shown == shown);
        recorded.or_else(|| found().map(|stop| (stop.breakpoint.as_str(), stop.on.as_str())))
    }

    /// A fork's view begins where it departs from its parent.
    fn pass_over_parent(&mut self, before: usize) {
        let parent = self.trace.start.as_ref().and_then(|start| start.parent.as_ref());
        let Some(position) = parent.map(|parent| parent.position).filter(|_| self.kind == Kind::Live) else { return };
        let shared = position.checked_sub(1).map_or(0, |last| self.count_until(last));
        // Only while the parent's part arrives: later a person may have gone back into it.
        if before < shared && self.head.shown() < shared && !self.head.scrubbed {
            self.head.go(shared, &self.times);
        }
    }

    /// Whether the pixels of the page are the recorded ones, so that a fork can go on from here.
    pub fn page_is_kept(&self) -> bool {
        let page = self.trace.images.iter().find(|image| image.event.role == ImageRole::Page);
        let pixels = page.and_then(|page| Some((page, self.pixels.get(&page.event.hash)?)));
        pixels.is_some_and(|(page, pixels)| pixel_hash(pixels) == page.event.hash)
    }

    /// What a fork needs to know of this session. Pixels that are not the recorded ones are left out.
    pub fn past(&self) -> Past {
        let right = |(hash, image): &(&String, &Arc<RgbImage>)| pixel_hash(image) == **hash;
        let pixels = self.pixels.iter().filter(right).map(|(hash, image)| (hash.clone(), Arc::clone(image))).collect();
        Past { trace: Arc::clone(&self.trace), pixels }
    }

    /// A session that is known already, shown to its end.
    pub fn of_past(past: &Past) -> Self {
        let mut explorer = Self::new(Kind::Replay, Choice::Page(PathBuf::new()), Pace::Unlimited, false);
        explorer.trace = Arc::clone(&past.trace);
        explorer.pixels = past.pixels.clone();
        explorer.count_fresh();
        explorer.head.go(explorer.stops.len(), &explorer.times);
        explorer
    }

    /// Folds these segments, or opens them where all of them are folded.
    pub fn fold(&mut self, firsts: &[u64]) {
        if firsts.iter().all(|first| self.folded_segments.contains(first)) {
            for first in firsts {
                self.folded_segments.remove(first);
            }
        } else {
            self.folded_segments.extend(firsts);
        }
        self.reasoning.forget();
    }

    /// Moves the cursor by a step inside what is known, without marking what follows as future.
    pub fn step_to(&mut self, target: usize) {
        self.head.go(target, &self.times);
        self.head.moving = false;
        self.head.scrubbed = false;
    }

    /// Brings the wrapped reasoning up to date for a pane of this width in cells.
    pub fn wrap(&mut self, width: u16) {
        if let Some(mut search) = self.search.take() {
            search.look(self);
            self.search = Some(search);
        }
        let mut reasoning = std::mem::take(&mut self.reasoning);
        reasoning.sync(self, width);
        self.reasoning = reasoning;
    }
}

fn next_after(ends: &[usize], shown: usize) -> usize {
    ends.iter().copied().find(|e| *e > shown).unwrap_or(usize::MAX)
}
