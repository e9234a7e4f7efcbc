//! Ends: of a turn, of a session.

use super::{Boundary, Reply, TurnLoop};
use crate::benchmark::{resolve_answer, score_answer};
use crate::engine::{EngineError, StepEngine, StepToken};
use crate::protocol::{ParseEvent, PromptPart};
use crate::trace::{Answer, Body, ImageRole, ScoreEvent, SegmentEvent, SegmentKind, SessionEnd};

impl TurnLoop {
    pub(super) fn end_turn(&mut self, engine: &mut dyn StepEngine, last: &StepToken) -> Result<Boundary, EngineError> {
        self.state.turns += 1;
        let events = self.state.parser.finish_turn();
        self.take_events(events)?;
        let turn = std::mem::take(&mut self.state.turn);
        let position = engine.position();
        if turn.answer.is_some() && (self.ask.profile.end.on_answer || turn.call.is_none()) {
            self.record_answer(turn.answer);
            return Ok(self.finish("answered", position));
        }
        let Some(reply) = turn.call else { return Ok(self.finish("no_answer", position)) };
        if self.state.turns >= self.ask.profile.limits.max_turns {
            return Ok(self.finish("max_turns", position));
        }
        if self.state.generated >= self.ask.token_limit() {
            return Ok(self.finish("max_tokens", position));
        }
        self.respond(engine, reply, last)?;
        Ok(Boundary::Turn)
    }

    pub(super) fn respond(
        &mut self,
        engine: &mut dyn StepEngine,
        reply: Reply,
        last: &StepToken,
    ) -> Result<(), EngineError> {
        let first = engine.position();
        let mut parts = match &reply {
            Reply::Crop(..) => self.ask.profile.crop_response(),
            Reply::Refused(refusal, detail) => self.ask.profile.refusal_response(*refusal, detail),
        };
        // A turn that ended with another token (<|endoftext|>) still has to be closed in the chat layout.
        if last.bytes != b"<|im_end|>" {
            parts.insert(0, PromptPart::Text("<|im_end|>".to_owned()));
        }
        match &reply {
            Reply::Crop(pixels, hash) => {
                self.append(engine, &parts, Some((pixels, hash, ImageRole::Crop)))?;
                self.state.zooms += 1;
            }
            Reply::Refused(..) => drop(self.append(engine, &parts, None)?),
        }
        let last = engine.position().saturating_sub(1);
        self.journal.record(Body::Segment(SegmentEvent { kind: SegmentKind::ToolResponse, first, last }));
        Ok(())
    }

    /// Records the turn's answer and its score, once.
    pub(super) fn record_answer(&mut self, answer: Option<(u64, String)>) {
        let Some((position, raw)) = answer.filter(|_| self.answer.is_none()) else { return };
        let content = resolve_answer(&raw, &self.ask.question);
        let answer = Answer { raw, content, position };
        self.journal.record(Body::Answer(answer.clone()));
        self.record_score(answer.content.as_deref());
        self.answer = Some(answer);
    }

    pub(super) fn record_score(&mut self, content: Option<&str>) {
        let Some(score) = score_answer(&self.ask.question, content) else { return };
        let event = ScoreEvent {
            scorer: score.scorer.to_owned(),
            version: score.version,
            value: score.value,
            explanation: score.explanation,
            parts: score.parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        self.journal.record(Body::Score(event.clone()));
        self.score = Some(event);
    }

    /// A limit was met in the middle of a turn: what was answered counts.
    pub(super) fn cut(&mut self, reason: &str, position: u64) -> Boundary {
        self.cut_turn();
        let answer = self.state.turn.answer.take();
        self.record_answer(answer);
        let reason = if self.answer.is_some() { "answered" } else { reason };
        self.finish(reason, position)
    }

    pub(super) fn cut_turn(&mut self) {
        for event in self.state.parser.cut_turn() {
            if let ParseEvent::SegmentClosed(segment) = event {
                self.journal.record(Body::Segment(segment));
            }
        }
    }

    pub(super) fn finish(&mut self, reason: &str, context: u64) -> Boundary {
        let unanswered = matches!(reason, "no_answer" | "max_tokens" | "max_turns");
        if unanswered && self.answer.is_none() {
            self.record_score(None);
        }
        self.journal.flush();
        let end = SessionEnd {
            reason: reason.to_owned(),
            generated: self.state.generated,
            context,
            // A turn that was cut off is one too.
            turns: self.state.turns + u32::from(self.state.turn.tokens > 0),
            zooms: self.state.zooms,
            refused: self.state.refused,
            seconds: self.journal.now(),
            compute_seconds: (self.compute * 1e6).round() / 1e6,
        };
        self.journal.record(Body::SessionEnd(end.clone()));
        self.end = Some(end);
        Boundary::Ended
    }
}
