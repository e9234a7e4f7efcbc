//! Standing where a parent stood: its records told again, the engine in its context, the edit put in place.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;

use super::opening::hashed;
use super::{Boundary, Reply, TurnLoop};
use crate::engine::fork::{Fork, OtherCrop, Words};
use crate::engine::look::note_own;
use crate::engine::{EngineError, Recorded, Resumed, StepEngine, StepToken, zoom};
use crate::geometry::PageBox;
use crate::protocol::Refused;
use crate::trace::{Body, ForkEvent, ImageRole, Refusal, SegmentEvent, SegmentKind, Token, TokenSource, ZoomOutcome};

/// What is told once the first own token shows how far the logits moved.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    resumed: Resumed,
    position: u64,
    comparable: bool,
}

impl Arrival {
    /// A fork that shares nothing with its parent but the question's page.
    pub(super) fn anew(position: u64) -> Self {
        Self { resumed: Resumed { kept: 0, exact: false }, position, comparable: false }
    }
}

impl TurnLoop {
    /// Begins as a fork: the parent's context up to its place, then the edit.
    pub(super) fn open_fork(&mut self, engine: &mut dyn StepEngine, fork: &Fork) -> Result<Boundary, EngineError> {
        let wrong = |e: crate::engine::ForkError| EngineError::Ask(e.to_string());
        let tokens = fork.past.tokens(fork.until).map_err(wrong)?;
        let placed = fork.past.trace.images.iter().filter(|image| image.position < fork.until);
        let images: Result<Vec<Arc<RgbImage>>, _> =
            placed.map(|image| fork.past.image(&image.event.hash).cloned()).collect();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let count = |wanted: fn(&Token) -> bool| tokens.iter().filter(|token| wanted(token)).count() as u64;
        let recorded = Recorded {
            session: &self.ask.id,
            parent: &fork.parent.session,
            sampling: self.ask.sampling,
            seed: self.ask.seed,
            drawn: count(|token| token.by == TokenSource::Sampled),
            written: count(|token| token.by != TokenSource::Prompt),
            ids: &ids,
            images: &images.map_err(wrong)?,
            lean: fork.lean,
        };
        let clock = Instant::now();
        let resumed = engine.resume(&recorded);
        self.compute += clock.elapsed().as_secs_f64();
        let resumed = resumed?;
        let last = self.tell_again(tokens, fork, engine.eos())?;
        let comparable = fork.comparable;
        self.arrival = Some(Arrival { resumed, position: fork.until, comparable });
        self.state.opened = true;
        if let Some(last) = last {
            let over = || EngineError::Ask("the conversation ended there; fork at an earlier token".to_owned());
            let reply = self.state.turn.call.take().ok_or_else(over)?;
            self.state.turn = super::TurnState::default();
            self.respond(engine, reply, &last)?;
        }
        match &fork.words {
            Words::None => {}
            Words::Id(id) => self.forced.push_back(*id),
            Words::Text(text) => self.forced.extend(engine.encode(text)?),
        }
        Ok(Boundary::Opened)
    }

    /// Puts tokens into the model's mouth: they come before anything it says.
    pub(crate) fn put(&mut self, ids: Vec<u32>) {
        self.forced.extend(ids);
    }

    /// Whether tokens of the edit still wait to be put in.
    pub fn is_forcing(&self) -> bool {
        !self.forced.is_empty() && self.end.is_none()
    }

    /// Records the parent's tokens and all that followed from them. Gives the token that ended the turn, where the reply
    /// to its call is still to come.
    fn tell_again(&mut self, tokens: &[Token], fork: &Fork, eos: &[u32]) -> Result<Option<StepToken>, EngineError> {
        let (mut rest, mut ended) = (tokens, None);
        while let Some(first) = rest.first() {
            let prompt = first.by == TokenSource::Prompt;
            let count = if prompt { rest.iter().take_while(|token| token.by == first.by).count() } else { 1 };
            let (now, later) = rest.split_at(count);
            if prompt {
                self.prompt_again(now, fork)?;
                ended = None;
            } else {
                ended = self.token_again(first, eos)?;
            }
            rest = later;
        }
        self.journal.go_on();
        Ok(ended)
    }

    fn prompt_again(&mut self, tokens: &[Token], fork: &Fork) -> Result<(), EngineError> {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Ok(()) };
        let here = first.position..=last.position;
        let image = fork.past.trace.images.iter().find(|image| here.contains(&image.position));
        self.journal.at(first.at);
        if let Some(image) = image {
            let pixels = fork.past.image(&image.event.hash).map_err(|e| EngineError::Ask(e.to_string()))?;
            self.journal.image(image.event.clone(), Arc::clone(pixels));
            match image.event.role {
                ImageRole::Page => self.processed = image.event.processed,
                ImageRole::Crop => self.state.zooms += 1,
            }
        }
        self.journal.copy(tokens);
        if self.state.opened {
            let segment = SegmentEvent { kind: SegmentKind::ToolResponse, first: first.position, last: last.position };
            self.journal.record(Body::Segment(segment));
            self.state.turn = super::TurnState::default();
        }
        self.state.opened = true;
        Ok(())
    }

    fn token_again(&mut self, token: &Token, eos: &[u32]) -> Result<Option<StepToken>, EngineError> {
        self.state.generated += 1;
        self.state.turn.tokens += 1;
        note_own(&mut self.state.own, token.position);
        self.journal.at(token.at);
        self.journal.copy(std::slice::from_ref(token));
        let bytes = token.piece.bytes();
        if !eos.contains(&token.id) {
            let events = self.state.parser.push(&bytes, token.position);
            self.take_events(events)?;
            return Ok(None);
        }
        self.state.turns += 1;
        let events = self.state.parser.finish_turn();
        self.take_events(events)?;
        self.state.turn.tokens = 0;
        let (logprob, entropy) = (token.logprob.unwrap_or(0.0), token.entropy.unwrap_or(0.0));
        let step = StepToken { id: token.id, bytes, logprob, entropy, sampled_logprob: logprob, top: Vec::new() };
        Ok(Some(step))
    }

    /// What a call of the parent came to, as it was recorded.
    pub(super) fn recorded_call(&self, position: u64) -> Result<Option<Settled>, EngineError> {
        let Some(fork) = self.ask.debug.fork.as_ref().filter(|fork| position < fork.until) else { return Ok(None) };
        let Some(zoom) = fork.past.zoom_at(position) else { return Ok(None) };
        Ok(Some(match &zoom.outcome {
            ZoomOutcome::Refused { refused, detail } => Err((*refused, detail.clone())),
            ZoomOutcome::Cropped { page_box, crop } => {
                let pixels = fork.past.image(crop).cloned();
                // A crop that never entered the context need not be kept: the page gives it back.
                let pixels = match (pixels, &self.page) {
                    (Ok(pixels), _) => pixels,
                    (Err(_), Some(page)) => hashed(page.crop(page_box)?).0,
                    (Err(why), None) => return Err(EngineError::Ask(why.to_string())),
                };
                Ok((*page_box, pixels, crop.clone()))
            }
        }))
    }

    /// What the edit has this call return instead.
    pub(super) fn other_crop(&self, number: u32, own: Option<PageBox>) -> Result<Option<Settled>, EngineError> {
        let fork = self.ask.debug.fork.as_ref();
        let Some((wanted, other)) = fork.and_then(|fork| fork.other.as_ref()).filter(|(n, _)| *n == number) else {
            return Ok(None);
        };
        debug_assert_eq!(*wanted, number);
        let page = self.page.as_ref().ok_or(EngineError::Misuse("a zoom before the page"))?;
        let size = page.size();
        let asked = own.unwrap_or(PageBox::new(0.0, 0.0, f64::from(size.w), f64::from(size.h)));
        let (place, (pixels, hash)) = match other {
            OtherCrop::Blank => (asked, hashed(zoom::grey(&page.crop(&asked)?))),
            OtherCrop::Region(region) => {
                let region = region.clamped(size);
                (region, hashed(page.crop(&region)?))
            }
            OtherCrop::Image(image, _) => (asked, (Arc::clone(image), crate::page::pixel_hash(image))),
            OtherCrop::Withheld => return Ok(Some(Err(withheld()))),
        };
        Ok(Some(Ok((place, pixels, hash))))
    }

    /// Records how the fork stands where its parent stood; `token` is its first own one.
    pub(super) fn arrived(&mut self, token: &StepToken) {
        let Some(arrival) = self.arrival.take() else { return };
        let parent = self.ask.debug.fork.as_ref().filter(|_| arrival.comparable);
        let moved = parent.and_then(|fork| {
            let index = fork.past.trace.index_of(arrival.position)?;
            let there = fork.past.trace.tokens.get(index)?;
            let both = there.top.iter().filter_map(|entry| {
                let here = token.top.iter().find(|(id, _)| *id == entry.0)?;
                Some((entry.2 - here.1).abs())
            });
            both.reduce(f32::max)
        });
        let Resumed { kept, exact } = arrival.resumed;
        self.journal.record(Body::Fork(ForkEvent { position: arrival.position, kept, exact, moved }));
    }
}

/// What a call comes to: the region, its pixels and their hash, or why not.
pub(super) type Settled = Result<(PageBox, Arc<RgbImage>, String), Refused>;

/// What is said where a crop is kept back.
pub(super) fn withheld() -> Refused {
    (Refusal::ToolOff, "the crop is withheld".to_owned())
}

/// The reply to a call that came to this, and what the log says of it.
pub(super) fn reply(settled: Settled) -> (ZoomOutcome, Reply) {
    match settled {
        Err((refused, detail)) => {
            (ZoomOutcome::Refused { refused, detail: detail.clone() }, Reply::Refused(refused, detail))
        }
        Ok((page_box, pixels, crop)) => {
            (ZoomOutcome::Cropped { page_box, crop: crop.clone() }, Reply::Crop(pixels, crop))
        }
    }
}
