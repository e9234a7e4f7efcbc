//! Standing in a recorded context with a loaded model: what the cache still has is kept, the rest is fed again.
//!
//! A forward pass sums in an order that depends on how many rows it has, so the bits of a context depend on how it was cut
//! into passes. The engine knows where each pass began: a place at the end of a pass is come back to by computing that very
//! pass again, and gives the same bits. Any other place is recomputed.

use std::sync::Arc;

use image::RgbImage;

use super::EngineError;
use super::image_cache::{Encoded, encode, fingerprint, key};
use super::local::{LocalEngine, Pending};
use super::step::{Recorded, Resumed};
use crate::model::ImageEmbedding;
use crate::model::sampler::Sampler;

/// An image in the context.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Tokens before its first pad.
    pub(super) start: usize,
    pub(super) embedding: Arc<ImageEmbedding>,
    pub(super) hash: blake3::Hash,
}

/// A stretch of a context that is fed in one piece: text from `start` to `end`, or an image's pads.
struct Stretch {
    start: usize,
    end: usize,
    image: Option<(Arc<ImageEmbedding>, blake3::Hash)>,
}

impl LocalEngine {
    /// The image as this engine's processor and model see it.
    pub(super) fn encoded(
        &self,
        image: &RgbImage,
        fits: &dyn Fn(usize) -> Result<(), EngineError>,
    ) -> Result<Encoded, EngineError> {
        let model = self.model();
        let processor = self.processor.as_ref().unwrap_or(model.processor());
        match &self.images {
            Some(images) => images.encoded(model, processor, image, fits),
            None => encode(model, processor, image, key(model, processor, image), fits),
        }
    }

    pub(super) fn stand_in(&mut self, recorded: &Recorded<'_>) -> Result<Resumed, EngineError> {
        let sampling = recorded.sampling.checked().map_err(|e| EngineError::Ask(e.to_string()))?;
        if self.sequence.is_none() {
            self.fresh()?;
        }
        let more = recorded.ids.len().saturating_sub(self.context.len());
        self.room(more)?;
        let stretches = self.stretches(recorded)?;
        self.drop_ahead();
        let (length, shared) = (recorded.ids.len(), self.shared(recorded.ids, &stretches));
        let computed = self.computed();
        let (base, exact) = if recorded.lean {
            // One token is left over, so that there is a pass to draw from.
            (shared.min(computed).min(length.saturating_sub(1)), false)
        } else if shared < length {
            (shared.min(computed), false)
        } else if length > computed {
            // Its last pass was never computed, so there is nothing it could differ from.
            (computed, true)
        } else {
            self.pass_of(length, computed)
        };
        // The same ids may have been computed for another session, with other passes or other weights.
        let exact = exact && self.sessions.iter().any(|session| session == recorded.parent);
        let sequence = self.sequence.as_mut().ok_or(EngineError::Misuse("no context to stand in"))?;
        sequence.truncate(base)?;
        self.forget_from(base);
        self.pending = pending(recorded.ids, &stretches, base);
        self.retell(recorded.ids, &stretches, shared);
        if !exact {
            self.sessions.clear();
        }
        self.sessions.push(recorded.session.to_owned());
        self.sampler = Sampler::new(sampling, recorded.seed);
        self.sampler.skip(recorded.drawn);
        Ok(Resumed { kept: base as u64, exact })
    }

    /// Where the pass began that computed token `length - 1`, and whether going on from there is exact: the pass ended with
    /// that token, or began with it. In the second case (the end of a turn, before the tool's reply) nothing was drawn
    /// there, and the token is computed with what follows it, as it was.
    fn pass_of(&self, length: usize, computed: usize) -> (usize, bool) {
        let after = self.passes.partition_point(|&began| began < length);
        let began = after.checked_sub(1).and_then(|i| self.passes.get(i)).copied();
        let ended = self.passes.get(after).copied().unwrap_or(computed);
        let whole = ended == length || began == length.checked_sub(1);
        (began.unwrap_or(0), began.is_some() && whole)
    }

    /// Text and images of a context; images that stand where they stood are not encoded again.
    fn stretches(&self, recorded: &Recorded<'_>) -> Result<Vec<Stretch>, EngineError> {
        let pad = self.model().config().image_token;
        let mut images = recorded.images.iter();
        let (mut out, mut start): (Vec<Stretch>, usize) = (Vec::new(), 0);
        while let Some(first) = recorded.ids.get(start) {
            let of_image = *first == pad;
            let rest = recorded.ids.get(start..).unwrap_or_default();
            let end = start + rest.iter().take_while(|id| (**id == pad) == of_image).count();
            let image = if of_image { Some(self.image_of(images.next(), start, end)?) } else { None };
            out.push(Stretch { start, end, image });
            start = end;
        }
        match images.next() {
            None => Ok(out),
            Some(_) => Err(EngineError::Ask("the recorded context has more images than places for them".to_owned())),
        }
    }

    fn image_of(
        &self,
        image: Option<&Arc<RgbImage>>,
        start: usize,
        end: usize,
    ) -> Result<(Arc<ImageEmbedding>, blake3::Hash), EngineError> {
        let image =
            image.ok_or_else(|| EngineError::Ask("the recorded context has fewer images than places".to_owned()))?;
        let processor = self.processor.as_ref().unwrap_or(self.model().processor());
        let hash = key(self.model(), processor, image);
        let (embedding, hash) = match self.placed.iter().find(|placed| placed.hash == hash) {
            Some(placed) => (Arc::clone(&placed.embedding), hash),
            None => {
                let encoded = self.encoded(image, &|_| Ok(()))?;
                (encoded.embedding, encoded.hash)
            }
        };
        if embedding.tokens() != end - start {
            let (recorded, own) = (end - start, embedding.tokens());
            let why = format!("an image became {recorded} tokens when it was recorded, and {own} with this model");
            return Err(EngineError::Ask(format!("{why}: give the model that was recorded")));
        }
        Ok((embedding, hash))
    }

    /// How many tokens the present context begins with like the recorded one; never inside an image.
    fn shared(&self, ids: &[u32], stretches: &[Stretch]) -> usize {
        let same = self.context.iter().zip(ids).take_while(|(a, b)| a == b).count();
        for stretch in stretches.iter().filter(|stretch| stretch.image.is_some()) {
            let hash = stretch.image.as_ref().map(|(_, hash)| *hash);
            let stands = self.placed.iter().any(|placed| placed.start == stretch.start && Some(placed.hash) == hash);
            if stretch.start < same && (stretch.end > same || !stands) {
                return stretch.start;
            }
        }
        same
    }

    /// Brings the context's books up to date from token `shared` on.
    fn retell(&mut self, ids: &[u32], stretches: &[Stretch], shared: usize) {
        self.context.truncate(shared);
        self.chain.truncate(shared);
        self.placed.retain(|placed| placed.start < shared);
        for stretch in stretches {
            let from = stretch.start.max(shared);
            let new = ids.get(from..stretch.end).unwrap_or_default();
            match &stretch.image {
                Some((embedding, hash)) => {
                    self.note(new, fingerprint(hash));
                    if !self.placed.iter().any(|placed| placed.start == stretch.start) {
                        let embedding = Arc::clone(embedding);
                        self.placed.push(Placed { start: stretch.start, embedding, hash: *hash });
                    }
                }
                None => self.note(new, 0),
            }
        }
    }
}

/// What is to be computed from token `base` on.
fn pending(ids: &[u32], stretches: &[Stretch], base: usize) -> Vec<Pending> {
    let rest = stretches.iter().filter(|stretch| stretch.end > base);
    rest.map(|stretch| match &stretch.image {
        Some((embedding, hash)) => Pending::Image(Arc::clone(embedding), *hash),
        None => Pending::Tokens(ids.get(stretch.start.max(base)..stretch.end).unwrap_or_default().to_vec()),
    })
    .collect()
}
