//! The values of a model as llama.cpp's `convert_hf_to_gguf.py` writes them (`conversion/base.py`, `conversion/qwenvl.py`).

use serde_json::Value as Json;

use super::error::GgufError;
use super::settings::{ARCHITECTURE, IMAGE_ARCHITECTURE, PROJECTOR};
use super::value::Value;
use super::vocabulary::{SPLIT, kind};
use crate::model::config::Config;
use crate::model::generation::Generation;
use crate::model::processor::ImageProcessor;

type Values = Vec<(String, Value)>;

fn whole(number: usize) -> Value {
    Value::Whole(number as i128)
}

fn words(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Where a converter writes nothing, but a window or a merge may be another.
const WINDOW: usize = 112;
const MERGE: usize = 2;

/// The language model's values, less its vocabulary.
pub(super) fn text(config: &Config, generation: &Generation, name: &str, file_type: u32) -> Values {
    let text = &config.text;
    let mut values = vec![
        ("general.architecture".to_owned(), words(ARCHITECTURE)),
        ("general.type".to_owned(), words("model")),
        ("general.name".to_owned(), words(name)),
        ("general.file_type".to_owned(), Value::Whole(file_type.into())),
        ("general.quantization_version".to_owned(), whole(2)),
    ];
    let mut own = |key: &str, value: Value| values.push((format!("{ARCHITECTURE}.{key}"), value));
    own("block_count", whole(text.layers));
    own("context_length", whole(text.max_positions));
    own("embedding_length", whole(text.hidden));
    own("feed_forward_length", whole(text.feed_forward));
    own("attention.head_count", whole(text.heads));
    own("attention.head_count_kv", whole(text.kv_heads));
    if text.head_dim * text.heads != text.hidden {
        own("attention.key_length", whole(text.head_dim));
        own("attention.value_length", whole(text.head_dim));
    }
    let mut sections: Vec<i64> = text.rope_sections.iter().map(|section| *section as i64).collect();
    sections.resize(4, 0);
    own("rope.dimension_sections", Value::Wholes(sections));
    own("rope.freq_base", Value::Single(text.rope_theta as f32));
    own("attention.layer_norm_rms_epsilon", Value::Single(text.norm_eps as f32));
    let sampling = generation.sampling;
    if sampling.temperature > 0.0 {
        values.push(("general.sampling.temp".to_owned(), Value::Single(sampling.temperature as f32)));
        values.push(("general.sampling.top_k".to_owned(), Value::Whole(sampling.top_k.into())));
        values.push(("general.sampling.top_p".to_owned(), Value::Single(sampling.top_p as f32)));
    }
    if sampling.repetition_penalty != 1.0 {
        let penalty = Value::Single(sampling.repetition_penalty as f32);
        values.push(("general.sampling.penalty_repeat".to_owned(), penalty));
    }
    values
}

/// The vocabulary of a `tokenizer.json`, and whether its splitter is the one llama.cpp calls `qwen2`. The file itself is
/// kept beside where it is not, for readers that know the key.
///
/// # Errors
/// [`GgufError::Other`]: it is no byte-pair vocabulary.
pub(super) fn vocabulary(file: &[u8], config: &Config, eos: &[u32]) -> Result<(Values, bool), GgufError> {
    let other = |what: &str| GgufError::Other(format!("tokenizer.json: {what}"));
    let json: Json = serde_json::from_slice(file).map_err(|error| other(&error.to_string()))?;
    let model = json.get("model").ok_or_else(|| other("no model"))?;
    if model.get("type").and_then(Json::as_str).is_some_and(|kind| kind != "BPE") {
        return Err(other("only byte-pair vocabularies can be written"));
    }
    let vocab = model.get("vocab").and_then(Json::as_object).ok_or_else(|| other("no vocabulary"))?;
    let rows = config.text.vocabulary;
    let mut tokens: Vec<String> = (0..rows).map(|id| format!("[PAD{id}]")).collect();
    let mut kinds = vec![kind::UNUSED; rows];
    let mut put = |id: Option<u64>, token: &str, kind: i64| {
        let id = id.and_then(|id| usize::try_from(id).ok()).filter(|id| *id < rows);
        let id = id.ok_or_else(|| other(&format!("{token:?} has no row in the model's table")))?;
        if let (Some(place), Some(sort)) = (tokens.get_mut(id), kinds.get_mut(id)) {
            (*place, *sort) = (token.to_owned(), kind);
        }
        Ok(())
    };
    for (token, id) in vocab {
        put(id.as_u64(), token, kind::NORMAL)?;
    }
    for added in json.get("added_tokens").and_then(Json::as_array).into_iter().flatten() {
        let token = added.get("content").and_then(Json::as_str).unwrap_or_default();
        let special = added.get("special").and_then(Json::as_bool).unwrap_or(false);
        put(added.get("id").and_then(Json::as_u64), token, if special { kind::CONTROL } else { kind::USER })?;
    }
    let merge = |merge: &Json| match merge {
        Json::String(both) => Some(both.clone()),
        Json::Array(pair) => match pair.as_slice() {
            [Json::String(first), Json::String(second)] => Some(format!("{first} {second}")),
            _ => None,
        },
        _ => None,
    };
    let merges = model.get("merges").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let merges = merges.iter().map(merge).collect::<Option<Vec<_>>>().ok_or_else(|| other("a merge is no pair"))?;
    let end = eos.first().copied().unwrap_or(0);
    let pad = tokens.iter().position(|token| token == "<|endoftext|>").unwrap_or(end as usize);
    let own = |key: &str| format!("tokenizer.ggml.{key}");
    let mut values = vec![
        (own("model"), words("gpt2")),
        (own("pre"), words("qwen2")),
        (own("tokens"), Value::Texts(tokens)),
        (own("token_type"), Value::Wholes(kinds)),
        (own("merges"), Value::Texts(merges)),
        (own("eos_token_id"), Value::Whole(end.into())),
        (own("padding_token_id"), whole(pad)),
        (own("add_bos_token"), Value::Bool(false)),
    ];
    let usual = is_usual(&json);
    if !usual {
        values.push(("tokenizer.huggingface.json".to_owned(), Value::Text(String::from_utf8_lossy(file).into_owned())));
    }
    Ok((values, usual))
}

/// Whether texts are normalised and cut as the family's are.
fn is_usual(json: &Json) -> bool {
    let normalizer = json.get("normalizer").and_then(|part| part.get("type")).and_then(Json::as_str);
    let splitters = json.get("pre_tokenizer").and_then(|part| part.get("pretokenizers")).and_then(Json::as_array);
    let pattern = splitters
        .and_then(|parts| parts.first())
        .and_then(|part| part.get("pattern"))
        .and_then(|pattern| pattern.get("Regex"))
        .and_then(Json::as_str);
    normalizer == Some("NFC") && pattern == Some(SPLIT)
}

/// The image part's values.
///
/// # Errors
/// [`GgufError::Other`]: blocks attend over the whole frame in no pattern the format has.
pub(super) fn image(
    config: &Config,
    processor: &ImageProcessor,
    name: &str,
    file_type: u32,
) -> Result<Values, GgufError> {
    let vision = &config.vision;
    let pattern = vision.full_attention.first().map_or(vision.depth + 1, |first| first + 1);
    let expected: Vec<usize> = (1..=vision.depth).filter(|n| n.is_multiple_of(pattern)).map(|n| n - 1).collect();
    if expected != vision.full_attention {
        let what = format!(
            "blocks {:?} of the vision tower attend over all; a GGUF file can only say every so-many-th",
            vision.full_attention
        );
        return Err(GgufError::Other(what));
    }
    let mut values = vec![
        ("general.architecture".to_owned(), words(IMAGE_ARCHITECTURE)),
        ("general.type".to_owned(), words("mmproj")),
        ("general.name".to_owned(), words(name)),
        ("general.file_type".to_owned(), Value::Whole(file_type.into())),
        ("general.quantization_version".to_owned(), whole(2)),
        ("clip.has_vision_encoder".to_owned(), Value::Bool(true)),
        ("clip.projector_type".to_owned(), words(PROJECTOR)),
        ("clip.use_silu".to_owned(), Value::Bool(true)),
    ];
    let mut own = |key: &str, value: Value| values.push((format!("clip.vision.{key}"), value));
    own("projection_dim", whole(vision.out_hidden));
    own("image_size", whole(560));
    own("patch_size", whole(vision.patch));
    own("embedding_length", whole(vision.hidden));
    own("feed_forward_length", whole(vision.feed_forward));
    own("block_count", whole(vision.depth));
    own("attention.head_count", whole(vision.heads));
    own("attention.layer_norm_epsilon", Value::Single(1e-6));
    own("n_wa_pattern", whole(pattern));
    own("image_mean", Value::Reals(processor.image_mean.to_vec()));
    own("image_std", Value::Reals(processor.image_std.to_vec()));
    own("image_min_pixels", Value::Whole(processor.min_pixels.into()));
    own("image_max_pixels", Value::Whole(processor.max_pixels.into()));
    if vision.window != WINDOW {
        own("window_size", whole(vision.window));
    }
    if vision.merge != MERGE {
        own("spatial_merge_size", whole(vision.merge));
    }
    Ok(values)
}
