//! `config.json`: sizes of both towers, from the flat (older) or nested (newer) layout.
//!
//! Missing optional keys take the defaults of `transformers`' `Qwen2_5_VLConfig`. Every number is bounded, so that a
//! hostile file cannot ask for absurd work.

use serde_json::{Map, Value};

use super::error::ModelError;

type Result<T> = std::result::Result<T, ModelError>;

/// Sizes and constants of one checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The language model.
    pub text: TextConfig,
    /// The vision tower.
    pub vision: VisionConfig,
    /// Whether the output head is the embedding table; `None` where the file does not say.
    pub tied: Option<bool>,
    /// Id of the token an image's rows stand in for.
    pub image_token: u32,
    /// Id of the token a video's rows stand in for.
    pub video_token: u32,
    /// Id of the token before an image.
    pub vision_start: u32,
    /// Id of the token after an image.
    pub vision_end: u32,
    /// Ids that end a text, as far as `config.json` says.
    pub eos: Vec<u32>,
}

/// Sizes of the language model.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Longest context the checkpoint was made for, in tokens.
    pub max_positions: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the gated feed-forward layer.
    pub feed_forward: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Added to the mean square in RMS norms.
    pub norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Rotary pairs that follow the temporal, height and width positions in turn.
    pub rope_sections: Vec<usize>,
}

/// Sizes of the vision tower.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// Number of blocks.
    pub depth: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the gated feed-forward layer.
    pub feed_forward: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the merger's output, the language model's width.
    pub out_hidden: usize,
    /// Colour channels.
    pub channels: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Frames in a patch.
    pub temporal_patch: usize,
    /// Patches on a side that become one token.
    pub merge: usize,
    /// Side of an attention window in pixels.
    pub window: usize,
    /// Blocks that attend over the whole frame.
    pub full_attention: Vec<usize>,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
}

impl TextConfig {
    /// Query heads per key and value head.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

impl VisionConfig {
    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden / self.heads
    }

    /// Numbers in one flattened patch.
    pub fn patch_len(&self) -> usize {
        self.channels * self.temporal_patch * self.patch * self.patch
    }

    /// Patches that become one token.
    pub fn merge_unit(&self) -> usize {
        self.merge * self.merge
    }

    /// Side of an attention window in merged cells.
    pub fn window_cells(&self) -> usize {
        self.window / self.merge / self.patch
    }
}

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Json`] or [`ModelError::Config`] with the key and the reason.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|source| ModelError::Json { file: "config.json".to_owned(), source })?;
        let Value::Object(root) = value else { return Err(bad("config.json", "not a JSON object")) };
        check_type(&root)?;
        let text = Section::new("text_config", object(&root, "text_config")?, Some(&root));
        let vision = Section::new("vision_config", object(&root, "vision_config")?, None);
        let top = Section::new("", Some(&root), None);
        let config = Self {
            text: text_config(&text)?,
            vision: vision_config(&vision)?,
            tied: tied(&root)?,
            image_token: top.token("image_token_id", 151_655)?,
            video_token: top.token("video_token_id", 151_656)?,
            vision_start: top.token("vision_start_token_id", 151_652)?,
            vision_end: top.token("vision_end_token_id", 151_653)?,
            eos: eos(&text)?,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let (text, vision) = (&self.text, &self.vision);
        if !text.heads.is_multiple_of(text.kv_heads) {
            return Err(bad("num_key_value_heads", format!("{} does not divide {} heads", text.kv_heads, text.heads)));
        }
        if !text.head_dim.is_multiple_of(2) {
            return Err(bad("head_dim", format!("{} is odd; rotary positions need pairs", text.head_dim)));
        }
        let pairs: usize = text.rope_sections.iter().sum();
        if pairs * 2 != text.head_dim {
            let reason = format!("{:?} must add up to half the head width {}", text.rope_sections, text.head_dim);
            return Err(bad("mrope_section", reason));
        }
        if !vision.hidden.is_multiple_of(vision.heads) || !vision.head_dim().is_multiple_of(4) {
            let reason =
                format!("{} heads in a width of {}: a head must be a multiple of 4", vision.heads, vision.hidden);
            return Err(bad("vision_config.num_heads", reason));
        }
        if vision.out_hidden != text.hidden {
            let reason = format!("{} differs from the language model's width {}", vision.out_hidden, text.hidden);
            return Err(bad("vision_config.out_hidden_size", reason));
        }
        if vision.window_cells() == 0 {
            return Err(bad("vision_config.window_size", format!("{} holds no merged cell", vision.window)));
        }
        Ok(())
    }
}

fn check_type(root: &Map<String, Value>) -> Result<()> {
    match root.get("model_type").and_then(Value::as_str) {
        None | Some("qwen2_5_vl") => Ok(()),
        Some(other) => Err(bad("model_type", format!("{other:?}; only \"qwen2_5_vl\" is supported"))),
    }
}

fn text_config(section: &Section<'_>) -> Result<TextConfig> {
    section.silu()?;
    let hidden = section.size("hidden_size", 8192, 1 << 16)?;
    let layers = section.size("num_hidden_layers", 80, 1024)?;
    let heads = section.size("num_attention_heads", 64, 1024)?;
    let kv_heads = if section.get("num_key_value_heads").is_some_and(Value::is_null) {
        heads
    } else {
        section.size("num_key_value_heads", 8, 1024)?
    };
    let head_dim = match section.present("head_dim") {
        Some(_) => section.size("head_dim", 128, 4096)?,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => return Err(bad("num_attention_heads", format!("{heads} does not divide the width {hidden}"))),
    };
    refuse_sliding_window(section, layers)?;
    let (rope_theta, rope_sections) = rope(section)?;
    Ok(TextConfig {
        vocabulary: section.size("vocab_size", 152_064, 1 << 22)?,
        max_positions: section.size("max_position_embeddings", 32_768, 1 << 24)?,
        hidden,
        feed_forward: section.size("intermediate_size", 29_568, 1 << 20)?,
        layers,
        heads,
        kv_heads,
        head_dim,
        norm_eps: section.real("rms_norm_eps", 1e-5)?,
        rope_theta,
        rope_sections,
    })
}

fn vision_config(section: &Section<'_>) -> Result<VisionConfig> {
    section.silu()?;
    let channels = if section.present("in_channels").is_some() { "in_channels" } else { "in_chans" };
    let depth = section.size("depth", 32, 1024)?;
    let rope_theta = match section.present("rope_parameters").and_then(Value::as_object) {
        Some(rope) => Section::new("vision_config.rope_parameters", Some(rope), None).real("rope_theta", 10_000.0)?,
        None => 10_000.0,
    };
    Ok(VisionConfig {
        depth,
        hidden: section.size("hidden_size", 3584, 1 << 16)?,
        feed_forward: section.size("intermediate_size", 3420, 1 << 20)?,
        heads: section.size("num_heads", 16, 1024)?,
        out_hidden: section.size("out_hidden_size", 3584, 1 << 16)?,
        channels: section.size(channels, 3, 16)?,
        patch: section.square("patch_size", 14, 256)?,
        temporal_patch: section.square("temporal_patch_size", 2, 16)?,
        merge: section.size("spatial_merge_size", 2, 16)?,
        window: section.size("window_size", 112, 1 << 16)?,
        full_attention: section.indexes("fullatt_block_indexes", &[7, 15, 23, 31])?,
        rope_theta,
    })
}

/// Rotary base and sections, from `rope_scaling` (older) or `rope_parameters` (newer), beside or inside them.
fn rope(section: &Section<'_>) -> Result<(f64, Vec<usize>)> {
    let inner = section.present("rope_scaling").or_else(|| section.present("rope_parameters"));
    let Some(inner) = inner else { return Ok((section.real("rope_theta", 1e6)?, vec![16, 24, 24])) };
    let Value::Object(inner) = inner else { return Err(bad("rope_scaling", "not an object")) };
    let inner = Section::new("rope_scaling", Some(inner), None);
    let kind = inner.present("rope_type").or_else(|| inner.present("type"));
    match kind.map(|kind| kind.as_str().unwrap_or("not a string")) {
        None | Some("default" | "mrope") => {}
        Some(other) => return Err(bad("rope_scaling.rope_type", format!("{other:?} is not supported"))),
    }
    let theta = match inner.present("rope_theta") {
        Some(_) => inner.real("rope_theta", 1e6)?,
        None => section.real("rope_theta", 1e6)?,
    };
    Ok((theta, inner.indexes("mrope_section", &[16, 24, 24])?))
}

fn refuse_sliding_window(section: &Section<'_>, layers: usize) -> Result<()> {
    let on = section.present("use_sliding_window").and_then(Value::as_bool).unwrap_or(false);
    let full = section.size_or_zero("max_window_layers", 80, 4096)?;
    if on && section.present("sliding_window").is_some() && layers > full {
        return Err(bad("use_sliding_window", "sliding-window attention is not supported"));
    }
    Ok(())
}

/// `tie_word_embeddings`, at the top or in `text_config`: tied if either says so.
fn tied(root: &Map<String, Value>) -> Result<Option<bool>> {
    let nested = object(root, "text_config")?;
    let said: Vec<bool> = [Some(root), nested]
        .into_iter()
        .flatten()
        .filter_map(|map| map.get("tie_word_embeddings").filter(|value| !value.is_null()))
        .map(|value| value.as_bool().ok_or_else(|| bad("tie_word_embeddings", "neither true nor false")))
        .collect::<Result<_>>()?;
    Ok(if said.is_empty() { None } else { Some(said.contains(&true)) })
}

fn eos(section: &Section<'_>) -> Result<Vec<u32>> {
    match section.present("eos_token_id") {
        None => Ok(vec![151_645]),
        Some(Value::Array(list)) => list.iter().map(|value| token("eos_token_id", value)).collect(),
        Some(value) => Ok(vec![token("eos_token_id", value)?]),
    }
}

/// One object of the file, with an optional outer one to look in next.
struct Section<'a> {
    name: &'static str,
    inner: Option<&'a Map<String, Value>>,
    outer: Option<&'a Map<String, Value>>,
}

impl<'a> Section<'a> {
    fn new(name: &'static str, inner: Option<&'a Map<String, Value>>, outer: Option<&'a Map<String, Value>>) -> Self {
        Self { name, inner, outer }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.inner.and_then(|map| map.get(key)).or_else(|| self.outer.and_then(|map| map.get(key)))
    }

    fn present(&self, key: &str) -> Option<&'a Value> {
        self.get(key).filter(|value| !value.is_null())
    }

    fn key(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn size_or_zero(&self, key: &str, default: usize, limit: usize) -> Result<usize> {
        let Some(value) = self.present(key) else { return Ok(default) };
        number(value, limit).ok_or_else(|| bad(self.key(key), format!("{value} is not a whole number up to {limit}")))
    }

    fn size(&self, key: &str, default: usize, limit: usize) -> Result<usize> {
        match self.size_or_zero(key, default, limit)? {
            0 => Err(bad(self.key(key), "must not be 0")),
            size => Ok(size),
        }
    }

    /// A side that may also be written as a list of equal sides.
    fn square(&self, key: &str, default: usize, limit: usize) -> Result<usize> {
        let Some(Value::Array(sides)) = self.present(key) else { return self.size(key, default, limit) };
        let first = sides.first().and_then(|side| number(side, limit)).filter(|side| *side > 0);
        match first {
            Some(side) if sides.iter().all(|other| number(other, limit) == Some(side)) => Ok(side),
            _ => Err(bad(self.key(key), "must be one size, or equal sizes")),
        }
    }

    fn indexes(&self, key: &str, default: &[usize]) -> Result<Vec<usize>> {
        let Some(value) = self.present(key) else { return Ok(default.to_vec()) };
        let list = value.as_array().filter(|list| list.len() <= 4096);
        let list = list.ok_or_else(|| bad(self.key(key), "not a list"))?;
        let wrong = || bad(self.key(key), format!("{value} is not a list of whole numbers"));
        list.iter().map(|item| number(item, 1 << 20).ok_or_else(wrong)).collect()
    }

    fn real(&self, key: &str, default: f64) -> Result<f64> {
        let Some(value) = self.present(key) else { return Ok(default) };
        let found = value.as_f64().filter(|number| number.is_finite() && *number > 0.0);
        found.ok_or_else(|| bad(self.key(key), format!("{value} is not a positive number")))
    }

    fn token(&self, key: &str, default: u32) -> Result<u32> {
        self.present(key).map_or(Ok(default), |value| token(key, value))
    }

    fn silu(&self) -> Result<()> {
        match self.present("hidden_act").map(|act| act.as_str().unwrap_or("not a string")) {
            None | Some("silu" | "swish") => Ok(()),
            Some(other) => Err(bad(self.key("hidden_act"), format!("{other:?}; only \"silu\" is supported"))),
        }
    }
}

fn object<'a>(root: &'a Map<String, Value>, key: &str) -> Result<Option<&'a Map<String, Value>>> {
    match root.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(bad(key, "not an object")),
    }
}

fn number(value: &Value, limit: usize) -> Option<usize> {
    let whole = value.as_u64().or_else(|| {
        let real = value.as_f64()?;
        (real.fract() == 0.0 && (0.0..1e15).contains(&real)).then_some(real as u64)
    })?;
    usize::try_from(whole).ok().filter(|size| *size <= limit)
}

fn token(key: &str, value: &Value) -> Result<u32> {
    let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| bad(key, format!("{value} is not a token id")))
}

fn bad(key: impl Into<String>, reason: impl Into<String>) -> ModelError {
    ModelError::Config { key: key.into(), reason: reason.into() }
}
