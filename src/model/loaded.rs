//! A whole model: the network with its tokenizer, image processor and generation settings.

use candle_core::Device;

use super::arithmetic::LoadOptions;
use super::config::Config;
use super::device;
use super::error::ModelError;
use super::generation::Generation;
use super::network::Network;
use super::processor::{ImageProcessor, Patches};
use super::sequence::{Feed, ImageEmbedding, Sequence};
use super::source::FileSource;
use super::tap::Tap;
use super::tokenizer::Tokenizer;
use crate::trace::ModelInfo;

/// Everything a Hugging Face model folder holds, ready to compute. `Send + Sync`: share it behind an `Arc`.
#[derive(Debug)]
pub struct Model {
    name: String,
    network: Network,
    tokenizer: Tokenizer,
    processor: ImageProcessor,
    generation: Generation,
}

impl Model {
    /// Reads a model. The small files come first, so that a broken one is told before weights are read.
    ///
    /// # Errors
    /// What is missing, damaged or contradictory, with the file's name; see [`Network::load`] for the weights.
    pub fn load(source: &FileSource, device: &Device) -> Result<Self, ModelError> {
        Self::load_with(source, &LoadOptions::on(device))
    }

    /// As [`Model::load`], with a say in how.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_with(source: &FileSource, options: &LoadOptions) -> Result<Self, ModelError> {
        let config = Config::from_json(&source.read("config.json")?)?;
        let tokenizer = Tokenizer::from_bytes(&source.read("tokenizer.json")?)?;
        let mut processor = read_processor(source, &config)?;
        processor.resampler = options.resampler.or(processor.resampler);
        options.pixels.put_into(&mut processor).map_err(ModelError::Pixels)?;
        let generation = read_generation(source, &config)?;
        let network = Network::load_with(source, options)?;
        Ok(Self { name: source.name(), network, tokenizer, processor, generation })
    }

    /// The same model under another name, such as a catalogue's.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Name, hash of the weights, arithmetic and device, as they stand in a log.
    pub fn info(&self) -> ModelInfo {
        self.network.info(&self.name)
    }

    /// Sizes and special tokens.
    pub fn config(&self) -> &Config {
        self.network.config()
    }

    /// The towers.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Text to ids and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Pixels to patches.
    pub fn processor(&self) -> &ImageProcessor {
        &self.processor
    }

    /// The checkpoint's own sampling settings and end tokens.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// An empty sequence for this model.
    ///
    /// # Errors
    /// As [`Network::new_sequence`].
    pub fn new_sequence(&self) -> Result<Sequence, ModelError> {
        self.network.new_sequence()
    }

    /// Runs the vision tower over one image.
    ///
    /// # Errors
    /// As [`Network::encode_image`].
    pub fn encode_image(&self, patches: &Patches) -> Result<ImageEmbedding, ModelError> {
        self.network.encode_image(patches)
    }

    /// Appends to several sequences and gives each one's next-token logits.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward(&self, batch: &mut [Feed<'_>]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.network.forward(batch)
    }

    /// As [`Model::forward`], showing intermediate results to `tap`.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward_traced(&self, batch: &mut [Feed<'_>], tap: &mut dyn Tap) -> Result<Vec<Vec<f32>>, ModelError> {
        self.network.forward_traced(batch, tap)
    }
}

impl Network {
    /// Hash, arithmetic and device under a name.
    pub fn info(&self, name: &str) -> ModelInfo {
        ModelInfo {
            name: name.to_owned(),
            weights: self.hash().to_owned(),
            dtype: self.dtype().to_owned(),
            device: device::name(self.device()),
            ..ModelInfo::default()
        }
    }
}

/// `tokenizer.json`, if there is one.
///
/// # Errors
/// [`ModelError::Tokenizer`] for a damaged one.
pub fn read_tokenizer(source: &FileSource) -> Result<Option<Tokenizer>, ModelError> {
    let bytes = source.read_optional("tokenizer.json")?;
    Ok(bytes.map(|bytes| Tokenizer::from_bytes(&bytes)).transpose()?)
}

/// `preprocessor_config.json`, or what newer checkpoints call `processor_config.json`; without either, the defaults of
/// the processor's class with the checkpoint's patch sizes.
///
/// # Errors
/// [`ModelError::Processor`] for a damaged one.
pub fn read_processor(source: &FileSource, config: &Config) -> Result<ImageProcessor, ModelError> {
    for file in ["preprocessor_config.json", "processor_config.json"] {
        if let Some(text) = read_text(source, file)? {
            let wrong = |source| ModelError::Processor { file: file.to_owned(), source };
            return ImageProcessor::from_json(&text).map_err(wrong);
        }
    }
    let vision = &config.vision;
    Ok(ImageProcessor {
        patch_size: vision.patch,
        temporal_patch_size: vision.temporal_patch,
        merge_size: vision.merge,
        ..ImageProcessor::default()
    })
}

/// `generation_config.json`; end tokens it does not name come from `config.json`.
///
/// # Errors
/// [`ModelError::Generation`] for a damaged one.
pub fn read_generation(source: &FileSource, config: &Config) -> Result<Generation, ModelError> {
    let mut generation = match read_text(source, "generation_config.json")? {
        Some(text) => Generation::from_json(&text)?,
        None => Generation::default(),
    };
    if generation.eos.is_empty() {
        generation.eos.clone_from(&config.eos);
    }
    Ok(generation)
}

fn read_text(source: &FileSource, file: &str) -> Result<Option<String>, ModelError> {
    let Some(bytes) = source.read_optional(file)? else { return Ok(None) };
    String::from_utf8(bytes.into_owned()).map(Some).map_err(|_| ModelError::Utf8 { file: file.to_owned() })
}
