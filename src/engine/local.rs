//! A loaded model, stepped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use image::RgbImage;

use super::image_cache::{ImageCache, encode, fingerprint};
use super::{Appended, Capabilities, EngineError, Mark, StepEngine, StepToken};
use crate::model::sampler::{Drawn, Sampler, SamplerError, Sampling};
use crate::model::{Chunk, Feed, ImageEmbedding, Model, Sequence};
use crate::trace::ModelInfo;

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
    images: Option<Arc<ImageCache>>,
    eos: Vec<u32>,
    sampler: Sampler,
    sequence: Option<Sequence>,
    /// Not computed yet, or computed ahead.
    pending: Vec<Pending>,
    ahead: Option<Ahead>,
    /// Every id of the context, pads included; those of `pending` stand at its end.
    context: Vec<u32>,
    /// `chain[i]` is a running hash of the context up to and including token `i`.
    chain: Vec<u64>,
    seed_link: u64,
}

#[derive(Clone, Debug)]
enum Pending {
    Tokens(Vec<u32>),
    Image(Arc<ImageEmbedding>, blake3::Hash),
}

/// The pass over `pending`, computed before anyone asked.
#[derive(Debug)]
struct Ahead {
    logits: Vec<f32>,
    /// Tokens in the cache before it.
    base: usize,
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
            eos,
            sampler: Sampler::new(Sampling::default(), 0),
            sequence: None,
            pending: Vec::new(),
            ahead: None,
            context: Vec::new(),
            chain: Vec::new(),
            seed_link: 0,
        }
    }

    /// An engine that shares encoded images with others.
    pub fn with_images(model: Arc<Model>, images: Arc<ImageCache>) -> Self {
        Self { images: Some(images), ..Self::new(model) }
    }

    /// The model behind it.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    fn room(&self, more: usize) -> Result<(), EngineError> {
        let needed = self.context.len().saturating_add(more) as u64;
        let limit = self.model.config().text.max_positions as u64;
        if needed > limit { Err(EngineError::Context { needed, limit }) } else { Ok(()) }
    }

    fn link(&self) -> u64 {
        self.chain.last().copied().unwrap_or(self.seed_link)
    }

    /// Puts ids into the context's books; `mixed_in` tells images of one size apart.
    fn note(&mut self, ids: &[u32], mixed_in: u64) {
        for &id in ids {
            let link = (self.link() ^ u64::from(id) ^ mixed_in).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            self.chain.push(link);
        }
        self.context.extend_from_slice(ids);
    }

    /// Computes what waits and gives the logits after it.
    fn logits(&mut self) -> Result<Vec<f32>, EngineError> {
        self.room(1)?;
        let logits = match self.ahead.take() {
            Some(ahead) => ahead.logits,
            None => {
                let sequence = self.sequence.as_mut().ok_or(EngineError::Misuse("a step before the beginning"))?;
                let feed = Feed { sequence, chunks: chunks(&self.pending) };
                let logits = self.model.forward(&mut [feed])?.pop();
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

    /// Takes over what was computed ahead over a cache of `base` tokens.
    pub(super) fn set_ahead(&mut self, logits: Vec<f32>, base: usize) {
        self.ahead = Some(Ahead { logits, base });
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

    /// Tokens in the cache, those computed ahead not counted.
    pub(super) fn computed(&self) -> usize {
        let cached = self.sequence.as_ref().map_or(0, Sequence::len);
        self.ahead.as_ref().map_or(cached, |ahead| ahead.base)
    }

    /// Forgets what was computed ahead, so that what is appended goes through the model with what waits.
    fn drop_ahead(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            self.no_ahead(ahead.base);
        }
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
        Capabilities { logprobs: true, force: true, rewind: true, exact: true }
    }

    fn info(&self) -> ModelInfo {
        self.model.info()
    }

    fn pixel_limits(&self) -> (u64, u64) {
        let processor = self.model.processor();
        (processor.min_pixels, processor.max_pixels)
    }

    fn eos(&self) -> &[u32] {
        &self.eos
    }

    fn begin(&mut self, sampling: Sampling, seed: u64) -> Result<(), EngineError> {
        let sampling = sampling.checked().map_err(|e| EngineError::Ask(e.to_string()))?;
        self.sampler = Sampler::new(sampling, seed);
        self.sequence = Some(self.model.new_sequence()?);
        self.ahead = None;
        self.pending.clear();
        self.context.clear();
        self.chain.clear();
        self.seed_link = CONTEXTS.fetch_add(1, Ordering::Relaxed);
        Ok(())
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
        let fits = |tokens: usize| self.room(tokens.saturating_add(2));
        let encoded = match &self.images {
            Some(images) => images.encoded(&self.model, image, &fits)?,
            None => encode(&self.model, image, blake3::hash(image.as_raw()), &fits)?,
        };
        self.drop_ahead();
        let tokens = encoded.embedding.tokens();
        let (start, pad, end) = {
            let config = self.model.config();
            (config.vision_start, config.image_token, config.vision_end)
        };
        let mut ids = vec![start];
        ids.resize(tokens + 1, pad);
        ids.push(end);
        self.pending.push(Pending::Tokens(vec![start]));
        self.pending.push(Pending::Image(encoded.embedding, encoded.hash));
        self.pending.push(Pending::Tokens(vec![end]));
        self.note(&ids, fingerprint(&encoded.hash));
        Ok(Appended { processed: encoded.processed, tokens: u32::try_from(tokens).unwrap_or(u32::MAX), ids })
    }

    fn next(&mut self) -> Result<StepToken, EngineError> {
        let logits = self.logits()?;
        let drawn = self.sampler.next(&logits, &self.context);
        self.put(drawn)
    }

    fn force(&mut self, id: u32) -> Result<StepToken, EngineError> {
        let logits = self.logits()?;
        let drawn = self.sampler.force(&logits, id);
        self.put(drawn)
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
        self.pending.clone_from(&place.pending);
        self.context.truncate(place.length);
        self.chain.truncate(place.length);
        self.sampler = place.sampler.clone();
        Ok(())
    }
}

impl Pending {
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

    fn rows(&self) -> usize {
        match self {
            Self::Tokens(ids) => ids.len(),
            Self::Image(image, _) => image.tokens(),
        }
    }
}

fn chunks(pending: &[Pending]) -> Vec<Chunk<'_>> {
    let chunk = |part| match part {
        &Pending::Tokens(ref ids) => Chunk::Tokens(ids),
        &Pending::Image(ref image, _) => Chunk::Image(image),
    };
    pending.iter().map(chunk).collect()
}
