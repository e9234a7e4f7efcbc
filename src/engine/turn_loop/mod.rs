//! The turn loop: opening, tokens, zooms, answer, end; one token a step.

mod ending;
mod fork;
mod look;
mod opening;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;

use image::RgbImage;

use super::journal::Journal;
use super::{Ask, EngineError, Mark, StepEngine};
use crate::geometry::{PageBox, Size};
use crate::page::Page;
use crate::protocol::Parser;
use crate::trace::breakpoint::Breakpoint;
use crate::trace::{
    Answer, Body, BreakEvent, Control, ErrorEvent, ModelInfo, Refusal, SamplingInfo, ScoreEvent, SessionEnd,
    SessionStart,
};

/// What a step reached; the larger one where it reached several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// The opening stands in the context; no token was drawn.
    Opened,
    /// A token inside a segment.
    Token,
    /// A segment closed.
    Segment,
    /// The model's turn ended, and the tool's reply, if any, stands in the context.
    Turn,
    /// The session is over.
    Ended,
}

/// One session as a state machine. Every method that takes the engine must get the same one.
///
/// Order: [`TurnLoop::start`], then [`TurnLoop::step`] until [`Boundary::Ended`], with [`TurnLoop::drain`] in between.
/// Errors of the engine end the session by themselves; nothing is returned but the boundary.
#[derive(Debug)]
pub struct TurnLoop {
    ask: Ask,
    journal: Journal,
    state: State,
    page: Option<Arc<Page>>,
    processed: Size,
    answer: Option<Answer>,
    score: Option<ScoreEvent>,
    error: Option<ErrorEvent>,
    end: Option<SessionEnd>,
    compute: f64,
    batch_size: u32,
    /// Tokens of a fork's edit that are still to be put in.
    forced: VecDeque<u32>,
    arrival: Option<fork::Arrival>,
}

/// What a mark carries besides the engine's state.
#[derive(Clone, Debug)]
struct State {
    opened: bool,
    parser: Parser,
    turn: TurnState,
    calls: u32,
    generated: u64,
    turns: u32,
    zooms: u32,
    refused: u32,
    /// Places of what the model wrote.
    own: Vec<std::ops::Range<usize>>,
}

/// What the present turn has brought.
#[derive(Clone, Debug, Default)]
struct TurnState {
    tokens: u64,
    call: Option<Reply>,
    answer: Option<(u64, String)>,
}

/// What the tool will say.
#[derive(Clone, Debug)]
enum Reply {
    Crop(Arc<RgbImage>, String),
    Refused(Refusal, String),
}

/// A place a session can go back to: context, sampler, detokeniser and parser.
#[derive(Clone, Debug)]
pub struct TurnMark {
    engine: Mark,
    state: State,
}

impl TurnMark {
    /// Tokens in the context at the mark.
    pub fn position(&self) -> u64 {
        self.engine.position
    }
}

impl TurnLoop {
    /// A session that has not begun.
    pub fn new(ask: Ask) -> Self {
        let state = State {
            opened: false,
            parser: Parser::new(&ask.profile),
            turn: TurnState::default(),
            calls: 0,
            generated: 0,
            turns: 0,
            zooms: 0,
            refused: 0,
            own: Vec::new(),
        };
        Self {
            ask,
            journal: Journal::new(),
            state,
            page: None,
            processed: Size::new(1, 1),
            answer: None,
            score: None,
            error: None,
            end: None,
            compute: 0.0,
            batch_size: 1,
            forced: VecDeque::new(),
            arrival: None,
        }
    }

    /// The same session as one of up to so many that are stepped together; its log says so.
    #[must_use]
    pub fn in_batch(mut self, size: u32) -> Self {
        self.batch_size = size.max(1);
        self
    }

    /// Counts seconds the model computed for this session outside its steps.
    pub(super) fn charge(&mut self, seconds: f64) {
        self.compute += seconds;
    }

    /// Records `session_start`. `model` and `pixels` (fewest and most of a processed image) are those of the engine, or
    /// what is known of it where it could not be made.
    pub fn start(&mut self, model: ModelInfo, pixels: (u64, u64)) {
        let (ask, sampling) = (&self.ask, &self.ask.sampling);
        let start = SessionStart {
            id: ask.id.clone(),
            program: concat!("panelscope ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: jiff::Timestamp::now().to_string(),
            model,
            min_pixels: pixels.0,
            max_pixels: pixels.1,
            profile: ask.profile.name.clone(),
            profile_hash: ask.profile.hash(),
            sampling: SamplingInfo {
                temperature: sampling.temperature,
                top_k: sampling.top_k,
                top_p: sampling.top_p,
                repetition_penalty: sampling.repetition_penalty,
            },
            seed: ask.seed,
            batch_size: self.batch_size,
            benchmark: ask.benchmark.clone(),
            run: ask.run.clone(),
            tool: ask.tool,
            interventions: ask.interventions(),
            question: ask.question.clone(),
            parent: ask.debug.fork.as_ref().map(|fork| fork.parent.clone()),
        };
        self.journal.record(Body::SessionStart(Box::new(start)));
    }

    /// Goes on by one token; the first step puts the opening into the context instead.
    pub fn step(&mut self, engine: &mut dyn StepEngine) -> Boundary {
        self.advance(engine, None)
    }

    /// As [`TurnLoop::step`], with a token a person chose in the place of the one drawn.
    pub fn force(&mut self, engine: &mut dyn StepEngine, id: u32) -> Boundary {
        self.advance(engine, Some(id))
    }

    /// The present place, to go back to.
    pub fn mark(&self, engine: &dyn StepEngine) -> TurnMark {
        TurnMark { engine: engine.mark(), state: self.state.clone() }
    }

    /// Goes back to a mark; a `control` record says so, and sequence numbers and times go on. A log is linear, so a
    /// caller that records opens a new one for what follows.
    ///
    /// # Errors
    /// [`EngineError::StaleMark`], [`EngineError::Misuse`] after the end.
    pub fn rewind(&mut self, engine: &mut dyn StepEngine, mark: &TurnMark) -> Result<(), EngineError> {
        if self.end.is_some() {
            return Err(EngineError::Misuse("an ended session is not gone back in"));
        }
        engine.rewind(&mark.engine)?;
        self.state = mark.state.clone();
        self.control("rewind", engine.position());
        Ok(())
    }

    /// Records what a person did.
    pub fn control(&mut self, action: &str, position: u64) {
        self.journal.record(Body::Control(Control { action: action.to_owned(), position }));
    }

    /// Records that a breakpoint fired.
    pub fn broke(&mut self, event: BreakEvent) {
        self.journal.record(Body::Break(event));
    }

    /// The true regions and the breakpoints.
    pub(super) fn watched(&self) -> (&[PageBox], &[Breakpoint]) {
        (&self.ask.question.targets, &self.ask.debug.breakpoints)
    }

    /// Ends the session where a breakpoint fired.
    pub fn end_at_break(&mut self, position: u64) {
        if self.end.is_none() {
            self.cut_turn();
            self.finish("break", position);
        }
    }

    /// The pixel limits that were asked for.
    pub fn pixels(&self) -> Option<(u64, u64)> {
        self.ask.debug.pixels
    }

    /// Ends the session because a person said so.
    pub fn stop(&mut self, position: u64) {
        if self.end.is_none() {
            self.cut_turn();
            self.control("stop", position);
            self.finish("stopped", position);
        }
    }

    /// Ends the session with an error.
    pub fn fail(&mut self, error: &EngineError, position: u64) {
        if self.end.is_none() {
            self.cut_turn();
            let event = ErrorEvent { kind: error.kind().to_owned(), message: error.to_string() };
            self.error = Some(event.clone());
            self.journal.record(Body::Error(event));
            self.finish("error", position);
        }
    }

    /// One record a token from now on, or batches.
    pub fn set_single(&mut self, single: bool) {
        self.journal.single = single;
        self.flush();
    }

    /// Turns waiting tokens into a record.
    pub fn flush(&mut self) {
        self.journal.flush();
    }

    /// Hands over the records made since the last call.
    pub fn drain(&mut self) -> Vec<super::Emission> {
        self.journal.drain()
    }

    /// How it ended.
    pub fn end(&self) -> Option<&SessionEnd> {
        self.end.as_ref()
    }

    /// The answer, where one was read.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// The score, where the truth is known.
    pub fn score(&self) -> Option<&ScoreEvent> {
        self.score.as_ref()
    }

    /// What went wrong.
    pub fn error(&self) -> Option<&ErrorEvent> {
        self.error.as_ref()
    }

    fn advance(&mut self, engine: &mut dyn StepEngine, forced: Option<u32>) -> Boundary {
        if self.end.is_some() {
            return Boundary::Ended;
        }
        let done = if self.state.opened {
            let forced = forced.or_else(|| self.forced.pop_front());
            self.token(engine, forced)
        } else {
            engine.watch(self.ask.debug.looking);
            self.open(engine)
        };
        match done {
            Ok(boundary) => boundary,
            Err(error) => {
                self.fail(&error, engine.position());
                Boundary::Ended
            }
        }
    }
}
