//! What a model is, from its headers alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::files::{self, FileFact};
use super::kind::Part;
use super::needs::Needs;
use super::template::Template;
use crate::model::weights::{Head, Weights};
use crate::model::{
    Config, FileSource, LoadOptions, ModelError, Resampler, device, memory, read_processor, read_tokenizer,
};

/// What a model is.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFacts {
    /// Format of this report.
    pub v: u32,
    /// Its name.
    pub name: String,
    /// Where its files are.
    pub place: String,
    /// The class its configuration names.
    pub architecture: String,
    /// Sizes of both towers.
    pub sizes: Sizes,
    /// Numbers by part.
    pub parameters: Parameters,
    /// How the numbers are stored.
    pub stored: Vec<StoredAs>,
    /// Its files.
    pub files: Vec<FileFact>,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Tokens.
    pub vocabulary: Vocabulary,
    /// How large images are seen.
    pub images: Images,
    /// Its chat template.
    pub template: Template,
    /// Memory it needs, and what this machine has.
    pub needs: Needs,
}

/// Sizes of both towers.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Blocks of the language model.
    pub layers: usize,
    /// Width of its residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of its feed-forward layers.
    pub feed_forward: usize,
    /// Longest context, in tokens.
    pub context: usize,
    /// Blocks of the vision tower.
    pub vision_layers: usize,
    /// Width of its residual stream.
    pub vision_hidden: usize,
    /// Its heads.
    pub vision_heads: usize,
    /// Side of a patch, in pixels.
    pub patch: usize,
    /// Side of a window, in pixels.
    pub window: usize,
}

/// Numbers by part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parameters {
    /// All of them, a shared table counted once.
    pub total: u64,
    /// The vision tower without the merger.
    pub vision: u64,
    /// The merger.
    pub merger: u64,
    /// Blocks and norms of the language model.
    pub language: u64,
    /// The embedding table.
    pub embedding: u64,
    /// The output head; 0 where it is the embedding table.
    pub head: u64,
    /// Whether the head is the embedding table.
    pub tied: bool,
}

/// Numbers of one part that are stored alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredAs {
    /// Which part.
    pub part: Part,
    /// How it is stored, such as `bf16`.
    pub stored: String,
    /// Tensors.
    pub tensors: u64,
    /// Numbers.
    pub numbers: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Tokens.
#[derive(Clone, Debug, Serialize)]
pub struct Vocabulary {
    /// Entries of the table and the head.
    pub table: usize,
    /// Entries of the tokenizer; none without one.
    pub tokenizer: Option<usize>,
}

/// How large images are seen.
#[derive(Clone, Debug, Serialize)]
pub struct Images {
    /// Fewest pixels of a processed image.
    pub min_pixels: u64,
    /// Most pixels of a processed image.
    pub max_pixels: u64,
    /// Fewest tokens of an image.
    pub min_tokens: u64,
    /// Most tokens of an image.
    pub max_tokens: u64,
    /// Whose resampling, where nobody asks for another.
    pub resampler: Resampler,
}

impl ModelFacts {
    /// Reads headers and small files. Numbers of weights are looked at in one case: where the configuration ties the head
    /// to the embedding table and both are there, they are compared, once.
    ///
    /// # Errors
    /// What is missing, damaged or does not fit, as loading would say it.
    pub fn read(source: &FileSource, name: &str) -> Result<Self, ModelError> {
        let text = source.read("config.json")?;
        let config = Config::from_json(&text)?;
        let mut weights = Weights::open(source, &LoadOptions::default())?;
        let head = weights.check(&config)?;
        let parameters = parameters(&weights, head);
        let processor = read_processor(source, &config)?;
        let token = u64::from(processor.factor()).pow(2).max(1);
        let files = files::facts(source, &weights);
        Ok(Self {
            v: 1,
            name: name.to_owned(),
            place: source.place(),
            architecture: architecture(&text),
            needs: Needs::of(&weights, head, &config, memory::available(), &device::survey().found),
            stored: stored(&weights),
            parameters,
            bytes: files.iter().map(|file| file.bytes).sum(),
            files,
            vocabulary: Vocabulary {
                table: config.text.vocabulary,
                tokenizer: read_tokenizer(source)?.map(|tokenizer| tokenizer.vocab_size()),
            },
            images: Images {
                min_pixels: processor.min_pixels,
                max_pixels: processor.max_pixels,
                min_tokens: processor.min_pixels.div_ceil(token),
                max_tokens: processor.max_pixels / token,
                resampler: processor.resampler,
            },
            template: Template::read(source)?,
            sizes: Sizes::of(&config),
        })
    }
}

impl Sizes {
    fn of(config: &Config) -> Self {
        let (text, vision) = (&config.text, &config.vision);
        Self {
            layers: text.layers,
            hidden: text.hidden,
            heads: text.heads,
            kv_heads: text.kv_heads,
            head_dim: text.head_dim,
            feed_forward: text.feed_forward,
            context: text.max_positions,
            vision_layers: vision.depth,
            vision_hidden: vision.hidden,
            vision_heads: vision.heads,
            patch: vision.patch,
            window: vision.window,
        }
    }
}

/// The class that `config.json` names, else its model type.
fn architecture(config: &[u8]) -> String {
    let value: Value = serde_json::from_slice(config).unwrap_or_default();
    let class = value.pointer("/architectures/0").or_else(|| value.get("model_type")).and_then(Value::as_str);
    class.unwrap_or("qwen2_5_vl").to_owned()
}

fn parameters(weights: &Weights, head: Head) -> Parameters {
    let mut found = Parameters { tied: head == Head::Tied, ..Parameters::default() };
    for tensor in weights.tensors() {
        let place = match Part::of(tensor.name) {
            Part::Vision => &mut found.vision,
            Part::Merger => &mut found.merger,
            Part::Embedding => &mut found.embedding,
            Part::Head if found.tied => continue,
            Part::Head => &mut found.head,
            Part::Attention | Part::FeedForward | Part::Norm | Part::Other => &mut found.language,
        };
        *place += tensor.numbers();
    }
    found.total = found.vision + found.merger + found.language + found.embedding + found.head;
    found
}

fn stored(weights: &Weights) -> Vec<StoredAs> {
    let mut table = BTreeMap::<(Part, String), StoredAs>::new();
    for tensor in weights.tensors() {
        let (part, stored) = (Part::of(tensor.name), tensor.stored.to_ascii_lowercase());
        let row =
            table.entry((part, stored.clone())).or_insert(StoredAs { part, stored, tensors: 0, numbers: 0, bytes: 0 });
        row.tensors += 1;
        row.numbers += tensor.numbers();
        row.bytes += tensor.bytes;
    }
    table.into_values().collect()
}
