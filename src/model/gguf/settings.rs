//! The values of both files as the JSON files of a Hugging Face folder, for the readers of those.

use serde_json::{Map, Value, json};

use super::error::GgufError;
use super::file::{Gguf, TensorInfo};

type Result<T> = std::result::Result<T, GgufError>;

/// The language model's architecture, as llama.cpp calls Qwen2-VL and Qwen2.5-VL both.
pub(crate) const ARCHITECTURE: &str = "qwen2vl";
/// The image part's.
pub(crate) const IMAGE_ARCHITECTURE: &str = "clip";
/// What tells Qwen2.5-VL from the others.
pub(crate) const PROJECTOR: &str = "qwen2.5vl_merger";
/// Side of an attention window in pixels where the file does not say; llama.cpp writes none.
const WINDOW: u64 = 112;
/// Most blocks of a tower, as for `config.json`.
const MOST_BLOCKS: u64 = 1024;

/// Checks that the files are the two parts of a Qwen2.5-VL.
///
/// # Errors
/// [`GgufError::Other`] says what they are instead.
pub(crate) fn check_text(text: &Gguf) -> Result<()> {
    match text.text("general.architecture")? {
        Some(ARCHITECTURE) => Ok(()),
        Some(IMAGE_ARCHITECTURE) => Err(GgufError::Other(
            "this is the image part; name the language model's file, this one is found".to_owned(),
        )),
        other => {
            let other = other.unwrap_or("nothing");
            Err(GgufError::Other(format!("the architecture is {other:?}; only {ARCHITECTURE:?} (Qwen2.5-VL) is read")))
        }
    }
}

/// As [`check_text`], for the image part.
///
/// # Errors
/// [`GgufError::Other`] says what it is instead.
pub(crate) fn check_vision(vision: &Gguf) -> Result<()> {
    let architecture = vision.text("general.architecture")?.unwrap_or("nothing");
    if architecture != IMAGE_ARCHITECTURE {
        return Err(GgufError::Other(format!(
            "the architecture is {architecture:?}, not {IMAGE_ARCHITECTURE:?}: no image part"
        )));
    }
    let projector = match vision.text("clip.projector_type")? {
        Some(projector) => projector,
        None => vision.text("clip.vision.projector_type")?.unwrap_or("nothing"),
    };
    match projector {
        PROJECTOR => Ok(()),
        other => Err(GgufError::Other(format!("the projector is {other:?}; only {PROJECTOR:?} (Qwen2.5-VL) is read"))),
    }
}

/// `config.json`.
pub(crate) fn config(text: &Gguf, vision: &Gguf) -> Result<Value> {
    let tokens = text.texts("tokenizer.ggml.tokens")?;
    let id = |token: &str, usual: u64| tokens.iter().position(|t| t == token).map_or(usual, |id| id as u64);
    let mut config = text_config(text)?;
    config.insert("model_type".to_owned(), json!("qwen2_5_vl"));
    config.insert("tie_word_embeddings".to_owned(), json!(!text.tensors().contains_key("output.weight")));
    config.insert("image_token_id".to_owned(), json!(id("<|image_pad|>", 151_655)));
    config.insert("video_token_id".to_owned(), json!(id("<|video_pad|>", 151_656)));
    config.insert("vision_start_token_id".to_owned(), json!(id("<|vision_start|>", 151_652)));
    config.insert("vision_end_token_id".to_owned(), json!(id("<|vision_end|>", 151_653)));
    config.insert("eos_token_id".to_owned(), json!(ends(text)?));
    config.insert("vision_config".to_owned(), vision_config(vision)?);
    Ok(Value::Object(config))
}

fn key(name: &str) -> String {
    format!("{ARCHITECTURE}.{name}")
}

fn text_config(text: &Gguf) -> Result<Map<String, Value>> {
    let whole = |name: &str| text.whole(&key(name));
    let (hidden, heads) = (whole("embedding_length")?, whole("attention.head_count")?);
    let table = shape(text, "token_embd.weight")?;
    let mut config = Map::new();
    let mut put = |name: &str, value: Value| config.insert(name.to_owned(), value);
    put("vocab_size", json!(table.first().copied().unwrap_or(0)));
    put("hidden_size", json!(hidden));
    put("intermediate_size", json!(whole("feed_forward_length")?));
    put("num_hidden_layers", json!(whole("block_count")?));
    put("num_attention_heads", json!(heads));
    put("num_key_value_heads", json!(text.whole_or(&key("attention.head_count_kv"), heads)?));
    if text.get(&key("attention.key_length")).is_some() {
        put("head_dim", json!(whole("attention.key_length")?));
    }
    put("max_position_embeddings", json!(whole("context_length")?));
    put("rms_norm_eps", json!(text.real(&key("attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-6)));
    refuse_scaled_positions(text)?;
    let theta = text.real(&key("rope.freq_base"))?.unwrap_or(1e6);
    put("rope_theta", json!(theta));
    put("rope_scaling", json!({"type": "mrope", "mrope_section": sections(text)?, "rope_theta": theta}));
    Ok(config)
}

/// Refuses positions that are stretched, as `config.json` with them is refused.
fn refuse_scaled_positions(text: &Gguf) -> Result<()> {
    let name = key("rope.scaling.type");
    match text.text(&name)? {
        // Linear is what llama.cpp takes where nothing is said; by 1 it changes nothing.
        None | Some("none" | "linear") => {}
        Some(other) => {
            return Err(GgufError::Value {
                key: name,
                reason: format!("{other:?} is not read; only positions as they are"),
            });
        }
    }
    for name in ["rope.scaling.factor", "rope.scale_linear"].map(key) {
        // llama.cpp reads 0 as not said.
        if let Some(factor) = text.real(&name)?.filter(|factor| ![0.0, 1.0].contains(factor)) {
            return Err(GgufError::Value {
                key: name,
                reason: format!("{factor} is not read; only positions as they are"),
            });
        }
    }
    Ok(())
}

/// Pairs that follow time, height and width; the format has a fourth, which this architecture leaves 0.
fn sections(text: &Gguf) -> Result<Vec<i64>> {
    let name = key("rope.dimension_sections");
    match text.wholes(&name)? {
        [time, height, width] | [time, height, width, 0] => Ok(vec![*time, *height, *width]),
        other => Err(GgufError::Value { key: name, reason: format!("{other:?} are not three sections") }),
    }
}

fn vision_config(vision: &Gguf) -> Result<Value> {
    let whole = |name: &str| vision.whole(&format!("clip.vision.{name}"));
    let or = |name: &str, usual| vision.whole_or(&format!("clip.vision.{name}"), usual);
    let depth = whole("block_count")?;
    if depth > MOST_BLOCKS {
        let (key, reason) = ("clip.vision.block_count".to_owned(), format!("{depth}; at most {MOST_BLOCKS} are read"));
        return Err(GgufError::Value { key, reason });
    }
    let patches = shape(vision, "v.patch_embd.weight")?;
    let out = shape(vision, "mm.2.weight")?;
    Ok(json!({
        "depth": depth,
        "hidden_size": whole("embedding_length")?,
        "intermediate_size": whole("feed_forward_length")?,
        "num_heads": whole("attention.head_count")?,
        "out_hidden_size": out.first().copied().unwrap_or(0),
        "in_channels": patches.get(1).copied().unwrap_or(3),
        "patch_size": whole("patch_size")?,
        "temporal_patch_size": if vision.tensors().contains_key("v.patch_embd.weight.1") { 2 } else { 1 },
        "spatial_merge_size": or("spatial_merge_size", 2)?,
        "window_size": or("window_size", WINDOW)?,
        "fullatt_block_indexes": full_attention(vision, depth)?,
    }))
}

/// Every so many-th block attends over the whole frame.
fn full_attention(vision: &Gguf, depth: u64) -> Result<Vec<u64>> {
    let pattern = vision.whole("clip.vision.n_wa_pattern")?;
    if pattern == 0 {
        let (key, reason) = ("clip.vision.n_wa_pattern".to_owned(), "must not be 0".to_owned());
        return Err(GgufError::Value { key, reason });
    }
    Ok((1..=depth).filter(|number| number.is_multiple_of(pattern)).map(|number| number - 1).collect())
}

fn shape<'a>(file: &'a Gguf, tensor: &str) -> Result<&'a [usize]> {
    let found: Option<&TensorInfo> = file.tensors().get(tensor);
    found.map(|tensor| tensor.shape.as_slice()).ok_or_else(|| GgufError::Missing(tensor.to_owned()))
}

/// Tokens that end a turn: the file's own, and those the family's `generation_config.json` has.
fn ends(text: &Gguf) -> Result<Vec<u64>> {
    let mut ends = Vec::new();
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
        if text.get(key).is_some() {
            ends.push(text.whole(key)?);
        }
    }
    let tokens = text.texts("tokenizer.ggml.tokens")?;
    for token in ["<|im_end|>", "<|endoftext|>"] {
        ends.extend(tokens.iter().position(|t| t == token).map(|id| id as u64));
    }
    let mut seen = std::collections::BTreeSet::new();
    ends.retain(|id| seen.insert(*id));
    Ok(ends)
}

/// `generation_config.json`: the sampling that newer files recommend; without, greedy.
pub(crate) fn generation(text: &Gguf) -> Result<Value> {
    let mut file = Map::new();
    file.insert("eos_token_id".to_owned(), json!(ends(text)?));
    let real = |name: &str| text.real(&format!("general.sampling.{name}"));
    if let Some(penalty) = real("penalty_repeat")? {
        file.insert("repetition_penalty".to_owned(), json!(penalty));
    }
    if let Some(temperature) = real("temp")? {
        file.insert("do_sample".to_owned(), json!(temperature > 0.0));
        file.insert("temperature".to_owned(), json!(temperature));
        if text.get("general.sampling.top_k").is_some() {
            file.insert("top_k".to_owned(), json!(text.whole("general.sampling.top_k")?));
        }
        if let Some(mass) = real("top_p")? {
            file.insert("top_p".to_owned(), json!(mass));
        }
    }
    Ok(Value::Object(file))
}

/// `preprocessor_config.json`: what the file says; the rest has the class's defaults.
pub(crate) fn processor(vision: &Gguf) -> Result<Value> {
    let mut file = Map::new();
    let mut put = |name: &str, value: Value| file.insert(name.to_owned(), value);
    put("patch_size", json!(vision.whole("clip.vision.patch_size")?));
    put("merge_size", json!(vision.whole_or("clip.vision.spatial_merge_size", 2)?));
    for (here, there) in [("image_mean", "image_mean"), ("image_std", "image_std")] {
        if let Some(numbers) = vision.reals(&format!("clip.vision.{here}"))? {
            // Written as 32-bit numbers: the shortest decimals are the ones meant.
            let short = numbers.iter().map(|number| (*number as f32).to_string().parse::<f64>().unwrap_or(*number));
            put(there, json!(short.collect::<Vec<_>>()));
        }
    }
    for (here, there) in [("image_min_pixels", "min_pixels"), ("image_max_pixels", "max_pixels")] {
        let key = format!("clip.vision.{here}");
        if vision.get(&key).is_some() {
            put(there, json!(vision.whole(&key)?));
        }
    }
    Ok(Value::Object(file))
}
