//! Looking at a token: what its row attended to, and what the layers would have said in its place.

use std::ops::Range;
use std::sync::Arc;

use super::local::LocalEngine;
use super::{EngineError, Past, Recorded, StepEngine};
use crate::config::{Record, RecordAttention};
use crate::model::Model;
use crate::model::sampler::Sampling;
use crate::model::watch::{Attention, AttentionPick, Heads, ImagePlace, Kept, Layers, Lens, Watch};
use crate::trace::{
    AttentionEvent, AttentionMap, Body, ImageWeights, LensEvent, Piece, SessionStart, TokenSource, pool_for,
};

/// Alternatives of each layer that a `lens` record has.
const LENS_TOP: usize = 3;

/// What is wanted of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Position of a token the model wrote.
    pub position: u64,
    /// Its attention, of these layers and heads.
    pub attention: Option<AttentionPick>,
    /// What the layers would have said in its place.
    pub lens: bool,
}

/// What is looked at, token by token, while a session goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looking {
    /// Attention, of these layers and heads.
    pub attention: Option<AttentionPick>,
    /// The logit lens.
    pub lens: bool,
}

impl From<Record> for Looking {
    fn from(record: Record) -> Self {
        let layers = match record.attention {
            RecordAttention::Off => None,
            RecordAttention::Mean => Some(Layers::Mean),
            RecordAttention::Layers => Some(Layers::All),
        };
        Self { attention: layers.map(|layers| AttentionPick { layers, heads: Heads::Mean }), lens: record.lens }
    }
}

impl Looking {
    /// Whether anything is.
    pub fn is_off(self) -> bool {
        self == Self::default()
    }

    /// What a step keeps for it.
    pub(super) fn watch(self) -> Watch {
        Watch::of(self.attention.map(|pick| pick.heads), self.lens)
    }

    /// The same of one token.
    pub fn at(self, position: u64) -> Look {
        Look { position, attention: self.attention, lens: self.lens }
    }

    /// What either asks to be kept; of two kinds of attention the second.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { attention: other.attention.or(self.attention), lens: self.lens || other.lens }
    }
}

impl Look {
    /// Records that say that this cannot be had: they hold nothing.
    pub(super) fn nothing(&self) -> Vec<Body> {
        let attention = self.attention.map(|_| AttentionEvent::new(self.position, [0; 2], None, Vec::new()));
        let lens = self.lens.then(|| LensEvent { position: self.position, ..empty_lens() }.sealed());
        let attention = attention.map(|event| Body::Attention(Box::new(event)));
        attention.into_iter().chain(lens.map(|event| Body::Lens(Box::new(event)))).collect()
    }
}

/// What a pass keeps of its last row, and how many tokens that row saw.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seen: usize,
    pub(super) kept: Kept,
}

impl LocalEngine {
    /// Records of what is wanted; `own` are the places of what the model wrote. The context is afterwards what it was, to the
    /// bit.
    pub(super) fn looked(&mut self, look: &Look, own: &[Range<usize>]) -> Result<Vec<Body>, EngineError> {
        let none = EngineError::Misuse("no such token to look at");
        let position = usize::try_from(look.position).unwrap_or(usize::MAX);
        let Some(chosen) = self.context.get(position).copied() else { return Err(none) };
        let model = Arc::clone(self.model());
        let latest = self.kept.take_if(|row| row.seen == position);
        let heads = look.attention.map(|pick| pick.heads);
        let fits = |row: &Row| row.kept.has_heads(heads, look.lens);
        let Some(sequence) = self.sequence.as_mut() else { return Err(none) };
        let row = match latest.filter(fits) {
            Some(row) => row,
            None => {
                let at = position.checked_sub(1).ok_or(none)?;
                let mut watch = Watch::of(heads, look.lens);
                model.network().look_again(sequence, at, &mut watch)?;
                let kept = watch.take().pop().ok_or(EngineError::Misuse("nothing was kept of a row"))?;
                Row { seen: position, kept }
            }
        };
        let mut out = Vec::new();
        if let Some(pick) = look.attention {
            let text = &model.config().text;
            let of = [text.layers, text.heads].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
            let found = model.network().attention(sequence, &row.kept, position, pick, own)?;
            let places = model.network().images(sequence);
            out.push(Body::Attention(Box::new(attention_event(look.position, of, pick, &found, &places))));
        }
        if look.lens {
            let lens = model.network().lens(&row.kept, chosen, LENS_TOP)?;
            out.push(Body::Lens(Box::new(lens_event(look.position, &lens, |id| self.piece(id)))));
        }
        // Whoever asks for another layer next finds it again.
        self.kept = Some(row);
        Ok(out)
    }
}

fn attention_event(
    position: u64,
    of: [u32; 2],
    pick: AttentionPick,
    found: &[Attention],
    places: &[ImagePlace],
) -> AttentionEvent {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let seen = found.first().map_or(0, |attention| attention.images.len());
    let sizes: Vec<(usize, usize)> = places.iter().take(seen).map(|place| (place.rows, place.columns)).collect();
    let pool = pool_for(&sizes, found.len());
    let map = |attention: &Attention| AttentionMap {
        layer: attention.layer.map(number),
        first: attention.mass.first,
        prompt: attention.mass.prompt,
        own: attention.mass.own,
        images: attention
            .images
            .iter()
            .zip(&sizes)
            .map(|(cells, (rows, columns))| ImageWeights::new(cells, *rows, *columns, pool))
            .collect(),
    };
    let head = match pick.heads {
        Heads::Mean => None,
        Heads::One(head) => Some(number(head)),
    };
    AttentionEvent::new(position, of, head, found.iter().map(map).collect())
}

fn lens_event(position: u64, lens: &Lens, piece: impl Fn(u32) -> Vec<u8>) -> LensEvent {
    /// To the ten-thousandth; JSON has no infinities.
    fn brief(number: f32) -> f32 {
        if number.is_finite() { (number * 1e4).round() / 1e4 } else { -1e4 }
    }
    let layers = &lens.layers;
    let ids: Vec<Vec<u32>> = layers.iter().map(|layer| layer.top.iter().map(|top| top.0).collect()).collect();
    let texts = |ids: &Vec<u32>| ids.iter().map(|id| Piece::from_bytes(&piece(*id))).collect();
    LensEvent {
        position,
        pieces: ids.iter().map(texts).collect(),
        ids,
        logprobs: layers.iter().map(|layer| layer.top.iter().map(|top| brief(top.1)).collect()).collect(),
        rank: layers.iter().map(|layer| layer.rank).collect(),
        logprob: layers.iter().map(|layer| brief(layer.logprob)).collect(),
        entropy: layers.iter().map(|layer| brief(layer.entropy)).collect(),
        kl: layers.iter().map(|layer| brief(layer.kl)).collect(),
        ..empty_lens()
    }
    .sealed()
}

fn empty_lens() -> LensEvent {
    LensEvent {
        position: 0,
        blob: String::new(),
        ids: Vec::new(),
        pieces: Vec::new(),
        logprobs: Vec::new(),
        rank: Vec::new(),
        logprob: Vec::new(),
        entropy: Vec::new(),
        kl: Vec::new(),
    }
}

/// Looks at tokens of recorded sessions: their contexts are computed again with a model of their own weights.
///
/// Keys and values that were computed token by token are computed in larger passes here, so figures may differ from those of
/// the session itself in the last digits.
#[derive(Debug)]
pub struct Looker {
    engine: LocalEngine,
    /// The session that stands in the engine, and how many of its tokens.
    of: Option<(String, usize)>,
}

impl Looker {
    /// A looker on a model.
    pub fn new(model: Arc<Model>) -> Self {
        Self { engine: LocalEngine::new(model), of: None }
    }

    /// Records of what is wanted of a token of this session.
    ///
    /// # Errors
    /// Where the session was made by other weights, lacks an image or the token, or does not fit.
    pub fn look(&mut self, past: &Past, look: &Look) -> Result<Vec<Body>, EngineError> {
        let ask = |why: &str| EngineError::Ask(why.to_owned());
        let start = past.trace.start.as_ref().ok_or_else(|| ask("the session has not begun"))?;
        if start.model.weights != self.engine.info().weights {
            return Err(ask(&format!("{} wrote this, with other weights than the model at hand", start.model.name)));
        }
        let until = look.position.saturating_add(1);
        let stands = self.of.as_ref().is_some_and(|(id, length)| *id == start.id && *length as u64 >= until);
        if !stands {
            self.of = None;
            self.stand(past, start)?;
            self.of = Some((start.id.clone(), past.trace.tokens.len()));
        }
        let own = own_ranges(past);
        self.engine.looked(look, &own)
    }

    /// Puts all of the session into the context and computes it.
    fn stand(&mut self, past: &Past, start: &SessionStart) -> Result<(), EngineError> {
        let wrong = |e: super::ForkError| EngineError::Ask(e.to_string());
        let tokens = past.tokens(past.trace.context()).map_err(wrong)?;
        let images: Result<Vec<_>, _> =
            past.trace.images.iter().map(|image| past.image(&image.event.hash).cloned()).collect();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let limits = (start.max_pixels > 0).then_some((start.min_pixels, start.max_pixels));
        self.engine.limit_pixels(limits)?;
        self.engine.begin(Sampling::default(), 0)?;
        let images = images.map_err(wrong)?;
        let recorded = Recorded {
            session: &start.id,
            parent: &start.id,
            sampling: Sampling::default(),
            seed: 0,
            drawn: 0,
            written: 0,
            ids: &ids,
            images: &images,
            lean: true,
        };
        self.engine.resume(&recorded)?;
        self.engine.compute()
    }
}

/// Places of what the model wrote.
fn own_ranges(past: &Past) -> Vec<Range<usize>> {
    let mut own = Vec::new();
    for token in past.trace.tokens.iter().filter(|token| token.by != TokenSource::Prompt) {
        note_own(&mut own, token.position);
    }
    own
}

/// Adds a token the model wrote to the places of such tokens.
pub(super) fn note_own(own: &mut Vec<Range<usize>>, position: u64) {
    let Ok(at) = usize::try_from(position) else { return };
    match own.last_mut() {
        Some(last) if last.end == at => last.end += 1,
        _ => own.push(at..at.saturating_add(1)),
    }
}
