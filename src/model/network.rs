//! The network alone: weights and arithmetic, no tokenizer and no pixels.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::arithmetic::LoadOptions;
use super::cache::{self, KvCache};
use super::config::Config;
use super::device::{self, Room};
use super::error::ModelError;
use super::kernels::{Team, Wide};
use super::memory;
use super::processor::Patches;
use super::sequence::{Chunk, Feed, ImageEmbedding, Sequence};
use super::source::FileSource;
use super::tap::{NoTap, Tap};
use super::text::{self, Span, TextTower};
use super::vision::VisionTower;
use super::weights::Weights;

/// Most numbers of a matrix of a small model (4 MiB): a few of them fit into a core's cache.
const SMALL: u64 = 1 << 20;

/// Both towers of a checkpoint on one device.
#[derive(Debug)]
pub struct Network {
    config: Config,
    vision: VisionTower,
    text: TextTower,
    device: Device,
    hash: String,
    dtype: String,
    /// Sequences are made for the kernels rather than for candle.
    panels: bool,
}

impl Network {
    /// Reads `config.json` and the weights: compares every tensor's name and shape first, then the memory needed, and
    /// only then reads numbers. The kernels of large models keep them in the format of the file; else they are widened to
    /// f32.
    ///
    /// # Errors
    /// What is wrong with a file, all tensor differences at once, or the memory needed and available.
    pub fn load(source: &FileSource, device: &Device) -> Result<Self, ModelError> {
        Self::load_with(source, &LoadOptions::on(device))
    }

    /// As [`Network::load`] with a given amount of memory (bytes); `None` for no limit.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_within(source: &FileSource, device: &Device, available: Option<u64>) -> Result<Self, ModelError> {
        let memory = Some(available.unwrap_or(u64::MAX));
        Self::load_with(source, &LoadOptions { memory, ..LoadOptions::on(device) })
    }

    /// As [`Network::load`], on candle alone: without the kernels that models on x86 CPUs otherwise run on.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_plain(source: &FileSource, device: &Device) -> Result<Self, ModelError> {
        Self::load_with(source, &LoadOptions { plain: true, ..LoadOptions::on(device) })
    }

    /// As [`Network::load`], with a say in how.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_with(source: &FileSource, options: &LoadOptions) -> Result<Self, ModelError> {
        let config = Config::from_json(&source.read("config.json")?)?;
        Self::build(Weights::open(source, options)?, config, options)
    }

    /// A network of a shape with random weights, as if a checkpoint in bf16 had been loaded: for benches.
    ///
    /// # Errors
    /// As [`Network::load`], less what files can do wrong.
    pub fn random(config: Config, options: &LoadOptions) -> Result<Self, ModelError> {
        Self::build(Weights::random(&config, options), config, options)
    }

    fn build(mut weights: Weights, config: Config, options: &LoadOptions) -> Result<Self, ModelError> {
        let device = &options.device;
        let wide = (device.is_cpu() && !options.plain).then(Wide::detect).flatten();
        let alone = is_small(&config) && !options.shared;
        let team = wide.filter(|_| !alone).map(|_| Arc::new(Team::new(super::threads::count())));
        let head = weights.check(&config)?;
        weights.pack_for(wide, team);
        weights.compute_in(weights.arithmetic(options));
        if device.is_cpu() {
            memory::ensure("the weights", weights.memory_bytes(head), options.memory.or_else(memory::available))?;
        } else {
            Self::room_on_device(&weights, &config, options).check(device)?;
        }
        let towers = || -> Result<_, ModelError> {
            let vision = VisionTower::load(&weights, &config.vision, device)?;
            let text = TextTower::load(&weights, &config.text, head, device)?;
            // Whatever thread asks it next: the weights are there.
            device.synchronize()?;
            Ok((vision, text))
        };
        let (made, hash) = weights.hashed_beside(towers);
        let (vision, text) = made.map_err(|error| device::told_of(error, "the weights", device))?;
        let dtype = weights.name_on(device);
        Ok(Self { vision, text, device: device.clone(), hash, dtype, panels: wide.is_some(), config })
    }

    /// Weights, the first keys and values of a context and the activations of its first rows, against what is free.
    fn room_on_device(weights: &Weights, config: &Config, options: &LoadOptions) -> Room {
        let free = options.memory.or_else(|| device::free_bytes(&options.device));
        let besides = cache::first_bytes(&config.text, weights.computes_in());
        let besides = besides.saturating_add(text::first_activation_bytes(config));
        let (bytes, numbers) = weights.device_bytes();
        Room::of_weights(bytes, numbers, besides, free)
    }

    /// Sizes and special tokens.
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn text(&self) -> &TextTower {
        &self.text
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// blake3 (hex) of the weight files.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The format of the language model's weights, such as `f32` or `q4_k_m`.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// An empty sequence for this network.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if the device refuses.
    pub fn new_sequence(&self) -> Result<Sequence, ModelError> {
        Ok(Sequence::new(&self.config.text, self.panels, self.text.dtype(), &self.device)?)
    }

    /// Runs the vision tower over one image.
    ///
    /// # Errors
    /// [`ModelError::Patches`] where the patches are not this model's, [`ModelError::Memory`], [`ModelError::Compute`].
    pub fn encode_image(&self, patches: &Patches) -> Result<ImageEmbedding, ModelError> {
        self.encode_image_traced(patches, &mut NoTap)
    }

    /// As [`Network::encode_image`], showing intermediate results to `tap`.
    ///
    /// # Errors
    /// As [`Network::encode_image`].
    pub fn encode_image_traced(&self, patches: &Patches, tap: &mut dyn Tap) -> Result<ImageEmbedding, ModelError> {
        let [frames, height, width] = patches.grid;
        let vision = &self.config.vision;
        let rows = frames.checked_mul(height).and_then(|rows| rows.checked_mul(width)).unwrap_or(0);
        let wrong = |what: String| Err(ModelError::Patches(what));
        if rows == 0 || !height.is_multiple_of(vision.merge) || !width.is_multiple_of(vision.merge) {
            return wrong(format!("a grid of {:?} does not merge by {}", patches.grid, vision.merge));
        }
        if rows.checked_mul(vision.patch_len()) != Some(patches.data.len()) {
            let found = patches.data.len() / rows;
            return wrong(format!("{found} numbers a patch, the model takes {}", vision.patch_len()));
        }
        device::ensure("the image", self.vision.activation_bytes(rows), &self.device)?;
        let tensor = self.encoded(patches, rows, tap);
        let tensor = tensor.map_err(|error| device::told_of(error.into(), "the image", &self.device))?;
        Ok(ImageEmbedding { tensor, grid: [frames, height / vision.merge, width / vision.merge] })
    }

    fn encoded(&self, patches: &Patches, rows: usize, tap: &mut dyn Tap) -> candle_core::Result<Tensor> {
        let tensor = Tensor::from_slice(&patches.data, (rows, self.config.vision.patch_len()), &self.device)?;
        let tensor = self.vision.forward(&tensor, patches.grid, tap)?;
        // Another thread may ask about it next.
        self.device.synchronize()?;
        Ok(tensor)
    }

    /// Appends to several sequences in one pass (linear layers over all rows, attention for each alone) and gives each
    /// one's next-token logits (vocabulary numbers, f32).
    ///
    /// # Errors
    /// [`ModelError::EmptyFeed`], [`ModelError::TokenId`], [`ModelError::Memory`], [`ModelError::Compute`]; all
    /// sequences are then as they were.
    pub fn forward(&self, batch: &mut [Feed<'_>]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.forward_traced(batch, &mut NoTap)
    }

    /// As [`Network::forward`], showing intermediate results to `tap`.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward_traced(&self, batch: &mut [Feed<'_>], tap: &mut dyn Tap) -> Result<Vec<Vec<f32>>, ModelError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let spans = self.prepare(batch)?;
        for feed in batch.iter_mut() {
            feed.sequence.begin(&feed.chunks);
        }
        let result = self.compute(batch, &spans, tap);
        let result = result.map_err(|error| device::told_of(error, "the prompt", &self.device));
        for feed in batch.iter_mut() {
            match result {
                Ok(_) => feed.sequence.finish(&feed.chunks, self.config.image_token),
                Err(_) => feed.sequence.give_up(),
            }
        }
        result
    }

    /// Checks every feed, makes room in the caches, and lays out the rows.
    fn prepare(&self, batch: &mut [Feed<'_>]) -> Result<Vec<Span>, ModelError> {
        let mut spans = Vec::with_capacity(batch.len());
        let mut start = 0;
        for feed in batch.iter() {
            self.check(feed)?;
            let rows = feed.chunks.iter().map(Chunk::rows).sum();
            spans.push(Span { start, rows });
            start += rows;
        }
        if start > batch.len() {
            let longest = batch.iter().zip(&spans).map(|(feed, span)| feed.sequence.len() + span.rows).max();
            let bytes = self.text.activation_bytes(start, longest.unwrap_or(0));
            device::ensure("the prompt", bytes, &self.device)?;
        }
        for (feed, span) in batch.iter_mut().zip(&spans) {
            let room = feed.sequence.cache.reserve(span.rows);
            room.map_err(|error| device::told_of(error, "the keys and values of the context", &self.device))?;
        }
        Ok(spans)
    }

    /// Refuses a sequence that was made for another model.
    pub(super) fn knows(&self, sequence: &Sequence) -> Result<(), ModelError> {
        let (expected, found) = (self.config.text.layers, sequence.cache.layers());
        if expected != found || sequence.cache.has_panels() != self.panels {
            return Err(ModelError::ForeignSequence { expected, found });
        }
        Ok(())
    }

    fn check(&self, feed: &Feed<'_>) -> Result<(), ModelError> {
        self.knows(feed.sequence)?;
        if feed.chunks.iter().all(|chunk| chunk.rows() == 0) {
            return Err(ModelError::EmptyFeed);
        }
        let vocabulary = self.config.text.vocabulary;
        for chunk in &feed.chunks {
            let Chunk::Tokens(ids) = chunk else { continue };
            if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
                return Err(ModelError::TokenId { id: *id, vocabulary });
            }
        }
        Ok(())
    }

    fn compute(&self, batch: &mut [Feed<'_>], spans: &[Span], tap: &mut dyn Tap) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut rows = Vec::new();
        let mut positions = Vec::new();
        for feed in &*batch {
            rows.append(&mut self.text.embed(&feed.chunks)?);
            positions.extend_from_slice(feed.sequence.begun());
        }
        let x = match rows.as_slice() {
            [only] => only.clone(),
            _ => Tensor::cat(&rows, 0)?,
        };
        let mut caches: Vec<&mut KvCache> = batch.iter_mut().map(|feed| &mut feed.sequence.cache).collect();
        let logits = self.text.forward(x, spans, &mut caches, &positions, tap)?;
        Ok(logits.to_dtype(DType::F32)?.to_vec2()?)
    }
}

/// Whether one core computes a step of this model faster than several that have to agree on it.
pub(super) fn is_small(config: &Config) -> bool {
    let (text, vision) = (&config.text, &config.vision);
    let mixed = (text.heads + 2 * text.kv_heads) * text.head_dim;
    let merged = vision.hidden * vision.merge_unit();
    let matrices = [
        [text.hidden, text.vocabulary],
        [text.hidden, mixed],
        [text.hidden, 2 * text.feed_forward],
        [vision.hidden, vision.patch_len()],
        [vision.hidden, 2 * vision.feed_forward],
        [vision.hidden, 3 * vision.hidden],
        [merged, merged],
    ];
    matrices.iter().all(|sides| memory::product(sides) <= SMALL)
}
