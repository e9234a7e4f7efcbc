//! Tokens of a turn: segments, the call, the answer.

use std::time::Instant;

use super::opening::hashed;
use super::{Boundary, TurnLoop, fork};
use crate::engine::look::note_own;
use crate::engine::{CropMode, EngineError, StepEngine, StepToken, zoom};
use crate::geometry::{PageBox, Size};
use crate::protocol::{ParseEvent, Refused, Surroundings, ZoomCall, place};
use crate::trace::{Body, ErrorEvent, Piece, Refusal, TokenSource, ZoomEvent};

impl TurnLoop {
    pub(super) fn token(&mut self, engine: &mut dyn StepEngine, forced: Option<u32>) -> Result<Boundary, EngineError> {
        if self.state.generated >= self.ask.token_limit() {
            return Ok(self.cut("max_tokens", engine.position()));
        }
        let clock = Instant::now();
        let drawn = match forced {
            None => engine.next(),
            Some(id) => engine.force(id),
        };
        self.compute += clock.elapsed().as_secs_f64();
        let token = match drawn {
            Ok(token) => token,
            // The context is a limit, not a fault: the log says which, and the session ends as at any limit.
            Err(error @ EngineError::Context { .. }) if self.state.generated > 0 => {
                let event = ErrorEvent { kind: error.kind().to_owned(), message: error.to_string() };
                self.journal.record(Body::Error(event));
                return Ok(self.cut("max_tokens", engine.position()));
            }
            Err(error) => return Err(error),
        };
        self.arrived(&token);
        let by = if forced.is_some() { TokenSource::Forced } else { TokenSource::Sampled };
        self.absorb(engine, &token, by)
    }

    pub(super) fn absorb(
        &mut self,
        engine: &mut dyn StepEngine,
        token: &StepToken,
        by: TokenSource,
    ) -> Result<Boundary, EngineError> {
        let position = engine.position().saturating_sub(1);
        self.state.generated += 1;
        self.state.turn.tokens += 1;
        let pieces = token.top.iter().map(|&(id, _)| Piece::from_bytes(&engine.piece(id))).collect();
        self.journal.token(position, token, pieces, by);
        note_own(&mut self.state.own, position);
        self.record_look(engine, position);
        if engine.eos().contains(&token.id) {
            return self.end_turn(engine, token);
        }
        let events = self.state.parser.push(&token.bytes, position);
        let boundary = self.take_events(events)?;
        if self.state.generated >= self.ask.token_limit() {
            return Ok(self.cut("max_tokens", engine.position()));
        }
        Ok(boundary)
    }

    pub(super) fn take_events(&mut self, events: Vec<ParseEvent>) -> Result<Boundary, EngineError> {
        let mut boundary = Boundary::Token;
        for event in events {
            match event {
                ParseEvent::SegmentOpened(..) => {}
                ParseEvent::SegmentClosed(segment) => {
                    self.journal.record(Body::Segment(segment));
                    boundary = Boundary::Segment;
                }
                ParseEvent::Call { position, outcome } => self.take_call(position, outcome)?,
                ParseEvent::Answer { position, raw } => {
                    let answer = Some((position, raw));
                    if self.ask.profile.end.on_answer {
                        self.record_answer(answer.clone());
                    }
                    self.state.turn.answer = answer;
                }
            }
        }
        Ok(boundary)
    }

    pub(super) fn take_call(&mut self, position: u64, outcome: Result<ZoomCall, Refused>) -> Result<(), EngineError> {
        self.state.calls += 1;
        let call = outcome.as_ref().ok().cloned();
        let (result, warning) = self.judge(outcome);
        let own = result.as_ref().ok().copied();
        let settled = match (self.other_crop(self.state.calls, own)?, self.recorded_call(position)?, result) {
            (Some(other), ..) => other,
            (None, Some(recorded), _) => recorded,
            (None, None, Err(refused)) => Err(refused),
            (None, None, Ok(_)) if self.ask.crop_mode == CropMode::Withheld => Err(fork::withheld()),
            (None, None, Ok(asked)) => {
                let page = self.page.as_ref().ok_or(EngineError::Misuse("a zoom before the page"))?;
                let (page_box, pixels) = zoom::cut(&self.ask, page, asked)?;
                let (pixels, crop) = hashed(pixels);
                Ok((page_box, pixels, crop))
            }
        };
        self.state.refused += u32::from(settled.is_err());
        let (outcome, reply) = fork::reply(settled);
        self.state.turn.call = Some(reply);
        self.journal.record(Body::Zoom(ZoomEvent {
            number: self.state.calls,
            position,
            raw: call.as_ref().map(|c| c.raw),
            frame: self.ask.profile.tool.frame,
            label: call.and_then(|c| c.label),
            outcome,
            warning,
        }));
        Ok(())
    }

    /// The place a call asks for, or the refusal, and the warning. Order: tool off, faults of the call, too many, place.
    pub(super) fn judge(&self, outcome: Result<ZoomCall, Refused>) -> (Result<PageBox, Refused>, Option<String>) {
        let (profile, refuse) = (&self.ask.profile, |refusal, words: &str| (Err((refusal, words.to_owned())), None));
        if !self.ask.tool {
            return refuse(Refusal::ToolOff, "no tool is available");
        }
        let call = match outcome {
            Ok(call) => call,
            Err(refused) => return (Err(refused), None),
        };
        if self.state.zooms >= profile.limits.max_zooms {
            let words = format!("no more zooms: {} are allowed", profile.limits.max_zooms);
            return refuse(Refusal::TooManyZooms, &words);
        }
        let placed = place(
            &call,
            &Surroundings {
                frame: profile.tool.frame,
                limits: &profile.limits,
                page: self.page.as_ref().map_or(Size::new(1, 1), |page| page.size()),
                processed: self.processed,
                targets: &self.ask.question.targets,
            },
        );
        (placed.outcome, placed.warning)
    }
}
