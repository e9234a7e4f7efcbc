//! A loaded model, stepped.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use image::RgbImage;

use super::image_cache::{ImageCache, fingerprint};
use super::look::Row;
use super::resume::Placed;
use super::{Appended, Capabilities, EngineError, Look, Looking, Mark, Recorded, Resumed, StepEngine, StepToken};
use crate::model::sampler::{Drawn, Sampler, SamplerError, Sampling};
use crate::model::watch::Kept;
use crate::model::{Chunk, Feed, ImageEmbedding, ImageProcessor, Model, Sequence};
use crate::trace::{Body, ModelInfo};

/// In the chat layout these end a turn, whatever else the checkpoint names.
const TURN_ENDS: [&str; 2] = ["<|im_end|>", "<|endoftext|>"];

/// Tells contexts apart, so that a mark of one is never taken for one of another.
static CONTEXTS: AtomicU64 = AtomicU64::new(1);

/// [`StepEngine`] on a [`Model`], one sequence.
///
/// What is appended waits, and is computed with the next token in one pass. A mark holds what waited and where the cache
/// ended; going back truncates the cache to there and computes the same pass again, so that going on is bit-identical on
/// the same build, device and thread count.
///
/// The pass may also be computed ahead, together with those of other engines ([`super::Batch`]): its logits then lie
/// ready, and until a token is drawn from them everything is as if nothing had been computed.
#[derive(Debug)]
pub struct LocalEngine {
    model: Arc<Model>,
    pub(super) images: Option<Arc<ImageCache>>,
    /// Pixel limits that differ from the model's own.
    pub(super) processor: Option<ImageProcessor>,
    eos: Vec<u32>,
    pub(super) sampler: Sampler,
    pub(super) sequence: Option<Sequence>,
    /// Not computed yet, or computed ahead.
    pub(super) pending: Vec<Pending>,
    ahead: Option<Ahead>,
    /// Every id of the context, pads included; those of `pending` stand at its end.
    pub(super) context: Vec<u32>,
    /// `chain[i]` is a running hash of the context up to and including token `i`.
    pub(super) chain: Vec<u64>,
    seed_link: u64,
    /// Tokens in the cache when each forward pass began, rising: what was computed together is computed together again.
    pub(super) passes: Vec<usize>,
    /// The images of the context.
    pub(super) placed: Vec<Placed>,
    /// The sessions whose own bits the cache holds: the one that stands in it, and those it departed from exactly.
    pub(super) sessions: Vec<String>,
    /// What is looked at as the session goes on.
    pub(super) looking: Looking,
    /// What the latest pass kept for it.
    pub(super) kept: Option<Row>,
}

#[derive(Clone, Debug)]
pub(super) enum Pending {
    Tokens(Vec<u32>),
    Image(Arc<ImageEmbedding>, blake3::Hash),
}

/// The pass over `pending`, computed before anyone asked.
#[derive(Debug)]
struct Ahead {
    logits: Vec<f32>,
    /// Tokens in the cache before it.
    base: usize,
    /// What was kept of its last row.
    kept: Option<Row>,
}

/// A place where contexts that began alike may part.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    /// Of all that stands before it.
    pub(super) hash: blake3::Hash,
    /// Parts that wait, up to there.
    parts: usize,
    /// Tokens up to there.
    pub(super) rows: usize,
}

/// What a mark of this engine holds.
struct Place {
    /// Tokens in the cache.
    computed: usize,
    /// Tokens in the context.
    length: usize,
    link: u64,
    pending: Vec<Pending>,
    sampler: Sampler,
}

impl LocalEngine {
    /// An engine with no context yet.
    pub fn new(model: Arc<Model>) -> Self {
        let mut eos = model.generation().eos.clone();
        eos.extend(TURN_ENDS.iter().filter_map(|name| model.tokenizer().id(name)));
        eos.sort_unstable();
        eos.dedup();
        Self {
            model,
            images: None,
            processor: None,
            eos,
            sampler: Sampler::new(Sampling::default(), 0),
            sequence: None,
            pending: Vec::new(),
            ahead: None,
            context: Vec::new(),
            chain: Vec::new(),
            seed_link: 0,
            passes: Vec::new(),
            placed: Vec::new(),
            sessions: Vec::new(),
            looking: Looking::default(),
            kept: None,
        }
    }

    /// An engine that shares encoded images with others.
    pub fn with_images(model: Arc<Model>, images: Arc<ImageCache>) -> Self {
        Self { images: Some(images), ..Self::new(model) }
    }

    /// An empty context.
    pub(super) fn fresh(&mut self) -> Result<(), EngineError> {
        self.sequence = Some(self.model.new_sequence()?);
        self.ahead = None;
        self.pending.clear();
        self.context.clear();
        self.chain.clear();
        self.passes.clear();
        self.placed.clear();
        self.sessions.clear();
        self.kept = None;
        self.seed_link = CONTEXTS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets passes and images from token `length` on.
    pub(super) fn forget_from(&mut self, length: usize) {
        self.passes.truncate(self.passes.partition_point(|&began| began < length));
        self.placed.retain(|image| image.start + image.embedding.tokens() <= length);
        self.kept = None;
    }

    /// The model behind it.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub(super) fn room(&self, more: usize) -> Result<(), EngineError> {
        let needed = self.context.len().saturating_add(more) as u64;
        let limit = self.model.config().text.max_positions as u64;
        if needed > limit { Err(EngineError::Context { needed, limit }) } else { Ok(()) }
    }

    fn link(&self) -> u64 {
        self.chain.last().copied().unwrap_or(self.seed_link)
    }

    /// Puts ids into the context's books; `mixed_in` tells images of one size apart.
    pub(super) fn note(&mut self, ids: &[u32], mixed_in: u64) {
        for &id in ids {
            let link = (self.link() ^ u64::from(id) ^ mixed_in).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            self.chain.push(link);
        }
        self.context.extend_from_slice(ids);
    }

    /// Computes what waits and gives the logits after it.
    pub(super) fn logits(&mut self) -> Result<Vec<f32>, EngineError> {
        self.room(1)?;
        let logits = match self.ahead.take() {
            Some(ahead) => {
                self.passes.push(ahead.base);
                self.kept = ahead.kept;
                ahead.logits
            }
            None => {
                let sequence = self.sequence.as_mut().ok_or(EngineError::Misuse("a step before the beginning"))?;
                let began = sequence.len();
                let feed = Feed { sequence, chunks: chunks(&self.pending) };
                let mut watch = self.looking.watch();
                let logits = self.model.forward_traced(&mut [feed], &mut watch)?.pop();
                self.kept = watch.take().pop().map(|kept| Row { seen: sequence.len(), kept });
                self.passes.push(began);
                logits.ok_or(EngineError::Misuse("the model gave no logits"))?
            }
        };
        self.pending.clear();
        Ok(logits)
    }

    /// Rows of the pass that the next token needs; 0 where there is none to compute ahead.
    pub(super) fn rows_ahead(&self) -> usize {
        if self.ahead.is_some() || self.sequence.is_none() || self.room(1).is_err() {
            return 0;
        }
        self.pending.iter().map(Pending::rows).sum()
    }

    /// That pass, to be computed with others. Either [`LocalEngine::set_ahead`] or [`LocalEngine::no_ahead`] follows.
    pub(super) fn feed_ahead(&mut self) -> Option<Feed<'_>> {
        let chunks = chunks(&self.pending);
        self.sequence.as_mut().map(|sequence| Feed { sequence, chunks })
    }

    /// Takes over what was computed ahead over a cache of `base` tokens, and what was kept of its last row.
    pub(super) fn set_ahead(&mut self, logits: Vec<f32>, base: usize, kept: Option<Kept>) {
        let seen = self.sequence.as_ref().map_or(0, Sequence::len);
        self.ahead = Some(Ahead { logits, base, kept: kept.map(|kept| Row { seen, kept }) });
    }

    /// Computes what waits and forgets its logits.
    pub(super) fn compute(&mut self) -> Result<(), EngineError> {
        self.logits().map(|_| ())
    }

    /// The pass failed: the cache is as it was with `base` tokens.
    pub(super) fn no_ahead(&mut self, base: usize) {
        if let Some(sequence) = self.sequence.as_mut() {
            // It stood there before, so it can stand there again.
            let _ = sequence.truncate(base);
        }
    }

    /// Places of a context not yet computed at which others may begin like it: before and after each image. Shortest
    /// first; none where something is computed already.
    pub(super) fn beginnings(&self) -> Vec<Beginning> {
        let fresh = self.sequence.as_ref().is_some_and(Sequence::is_empty) && self.ahead.is_none();
        let images = self.pending.iter().filter(|part| matches!(part, Pending::Image(..))).count();
        if !fresh || images == 0 {
            return Vec::new();
        }
        let (mut hasher, mut rows, mut found) = (blake3::Hasher::new(), 0, Vec::new());
        let is_image = |at: usize| matches!(self.pending.get(at), Some(Pending::Image(..)));
        for (at, part) in self.pending.iter().enumerate() {
            part.hash_into(&mut hasher);
            rows += part.rows();
            let parts = at + 1;
            // An image stands between its start and its end token.
            if is_image(parts + 1) || (at >= 1 && is_image(at - 1)) {
                found.push(Beginning { hash: hasher.finalize(), parts, rows });
            }
        }
        found.retain(|beginning| beginning.parts < self.pending.len() && beginning.rows > 0);
        found
    }

    /// Takes over a copy of what another session computed for the same beginning.
    pub(super) fn adopt(&mut self, sequence: Sequence, beginning: &Beginning) {
        self.sequence = Some(sequence);
        self.pending.drain(..beginning.parts.min(self.pending.len()));
    }

    /// A copy of the first `rows` tokens of the cache.
    pub(super) fn copied(&self, rows: usize) -> Option<Sequence> {
        self.sequence.as_ref()?.prefix(rows)
    }

    /// Bytes that a copy of so many tokens takes; `None` where there are no copies.
    pub(super) fn copied_bytes(&self, rows: usize) -> Option<u64> {
        self.sequence.as_ref()?.prefix_bytes(rows)
    }

    /// Tokens in the cache, those computed ahead not counted.
    pub(super) fn computed(&self) -> usize {
        let cached = self.sequence.as_ref().map_or(0, Sequence::len);
        self.ahead.as_ref().map_or(cached, |ahead| ahead.base)
    }

    /// Forgets what was computed ahead, so that what is appended goes through the model with what waits.
    pub(super) fn drop_ahead(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            self.no_ahead(ahead.base);
        }
    }

    /// Draws from these logits and appends.
    pub(super) fn draw(&mut self, logits: &[f32]) -> Result<StepToken, EngineError> {
        let drawn = self.sampler.next(logits, &self.context);
        self.put(drawn)
    }

    /// Appends a given token, with the figures of these logits.
    pub(super) fn draw_forced(&mut self, logits: &[f32], id: u32) -> Result<StepToken, EngineError> {
        let drawn = self.sampler.force(logits, id);
        self.put(drawn)
    }

    fn put(&mut self, drawn: Result<Drawn, SamplerError>) -> Result<StepToken, EngineError> {
        let drawn = drawn.map_err(|e| EngineError::Sampling(Box::new(e)))?;
        self.pending.push(Pending::Tokens(vec![drawn.id]));
        self.note(&[drawn.id], 0);
        Ok(StepToken {
            id: drawn.id,
            bytes: self.piece(drawn.id),
            logprob: drawn.logprob,
            entropy: drawn.entropy,
            sampled_logprob: drawn.sampled_logprob,
            top: drawn.top,
        })
    }
}

impl StepEngine for LocalEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities { logprobs: true, force: true, rewind: true, exact: true, attention: true, lens: true }
    }

    fn info(&self) -> ModelInfo {
        ModelInfo { resampler: Some(self.model.processor().resampler.name().to_owned()), ..self.model.info() }
    }

    fn pixel_limits(&self) -> (u64, u64) {
        let processor = self.processor.as_ref().unwrap_or(self.model.processor());
        (processor.min_pixels, processor.max_pixels)
    }

    fn eos(&self) -> &[u32] {
        &self.eos
    }

    fn belongs_to(&mut self, session: &str) {
        self.sessions = vec![session.to_owned()];
    }

    fn begin(&mut self, sampling: Sampling, seed: u64) -> Result<(), EngineError> {
        let sampling = sampling.checked().map_err(|e| EngineError::Ask(e.to_string()))?;
        self.sampler = Sampler::new(sampling, seed);
        self.fresh()
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let encoded = self.model.tokenizer().encode(text);
        encoded.map_err(|e| EngineError::Input { what: "the text", source: Box::new(e) })
    }

    fn piece(&self, id: u32) -> Vec<u8> {
        self.model.tokenizer().piece_bytes(id)
    }

    fn append_tokens(&mut self, ids: &[u32]) -> Result<(), EngineError> {
        self.room(ids.len())?;
        self.drop_ahead();
        self.pending.push(Pending::Tokens(ids.to_vec()));
        self.note(ids, 0);
        Ok(())
    }

    fn append_image(&mut self, image: &RgbImage) -> Result<Appended, EngineError> {
        let encoded = self.encoded(image, &|tokens| self.room(tokens.saturating_add(2)))?;
        self.drop_ahead();
        let tokens = encoded.embedding.tokens();
        let (start, pad, end) = {
            let config = self.model.config();
            (config.vision_start, config.image_token, config.vision_end)
        };
        let mut ids = vec![start];
        ids.resize(tokens + 1, pad);
        ids.push(end);
        let (at, embedding) = (self.context.len() + 1, Arc::clone(&encoded.embedding));
        self.placed.push(Placed { start: at, embedding, hash: encoded.hash });
        self.pending.push(Pending::Tokens(vec![start]));
        self.pending.push(Pending::Image(encoded.embedding, encoded.hash));
        self.pending.push(Pending::Tokens(vec![end]));
        self.note(&ids, fingerprint(&encoded.hash));
        Ok(Appended { processed: encoded.processed, tokens: u32::try_from(tokens).unwrap_or(u32::MAX), ids })
    }

    fn next(&mut self) -> Result<StepToken, EngineError> {
        let logits = self.logits()?;
        self.draw(&logits)
    }

    fn force(&mut self, id: u32) -> Result<StepToken, EngineError> {
        let logits = self.logits()?;
        self.draw_forced(&logits, id)
    }

    fn watch(&mut self, looking: Looking) {
        self.looking = looking;
    }

    fn look(&mut self, look: &Look, own: &[Range<usize>]) -> Result<Vec<Body>, EngineError> {
        self.looked(look, own)
    }

    fn position(&self) -> u64 {
        self.context.len() as u64
    }

    fn mark(&self) -> Mark {
        let place = Place {
            computed: self.computed(),
            length: self.context.len(),
            link: self.link(),
            pending: self.pending.clone(),
            sampler: self.sampler.clone(),
        };
        Mark { position: self.position(), state: Arc::new(place) }
    }

    fn rewind(&mut self, mark: &Mark) -> Result<(), EngineError> {
        let place = mark.state.downcast_ref::<Place>().ok_or(EngineError::StaleMark)?;
        self.drop_ahead();
        let link = match place.length.checked_sub(1) {
            None => Some(self.seed_link),
            Some(last) => self.chain.get(last).copied(),
        };
        let sequence = self.sequence.as_mut().ok_or(EngineError::StaleMark)?;
        if link != Some(place.link) || sequence.len() < place.computed {
            return Err(EngineError::StaleMark);
        }
        sequence.truncate(place.computed)?;
        self.kept = None;
        self.pending.clone_from(&place.pending);
        self.context.truncate(place.length);
        self.chain.truncate(place.length);
        self.passes.truncate(self.passes.partition_point(|&began| began < place.computed));
        self.placed.retain(|image| image.start < place.length);
        self.sampler = place.sampler.clone();
        Ok(())
    }

    fn resume(&mut self, recorded: &Recorded<'_>) -> Result<Resumed, EngineError> {
        self.stand_in(recorded)
    }

    fn limit_pixels(&mut self, limits: Option<(u64, u64)>) -> Result<(), EngineError> {
        let own = self.model.processor();
        self.processor = match limits {
            Some((min, max)) if min == 0 || min > max => {
                return Err(EngineError::Ask(format!("pixel limits of {min} to {max}: the first is 1 to the second")));
            }
            Some((min_pixels, max_pixels)) if (own.min_pixels, own.max_pixels) != (min_pixels, max_pixels) => {
                Some(ImageProcessor { min_pixels, max_pixels, ..own.clone() })
            }
            _ => None,
        };
        Ok(())
    }
}

impl Pending {
    fn chunk(&self) -> Chunk<'_> {
        match self {
            Self::Tokens(ids) => Chunk::Tokens(ids),
            Self::Image(image, _) => Chunk::Image(image),
        }
    }

    fn hash_into(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::Tokens(ids) => {
                hasher.update(&(ids.len() as u64).to_le_bytes());
                for id in ids {
                    hasher.update(&id.to_le_bytes());
                }
            }
            Self::Image(_, hash) => {
                hasher.update(&u64::MAX.to_le_bytes()).update(hash.as_bytes());
            }
        }
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Tokens(ids) => ids.len(),
            Self::Image(image, _) => image.tokens(),
        }
    }
}

fn chunks(pending: &[Pending]) -> Vec<Chunk<'_>> {
    pending.iter().map(Pending::chunk).collect()
}
