//! The vocabulary of a file as a `tokenizer.json`.

use serde_json::{Map, Value, json};

use super::error::GgufError;
use super::file::Gguf;

type Result<T> = std::result::Result<T, GgufError>;

/// How texts are cut before merges, for the splitter llama.cpp calls `qwen2`: as in the family's `tokenizer.json`.
pub(super) const SPLIT: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|",
    r"\s+(?!\S)|\s+",
);

/// Kinds of tokens (`enum llama_token_type`).
pub(super) mod kind {
    pub(crate) const NORMAL: i64 = 1;
    pub(crate) const UNKNOWN: i64 = 2;
    pub(crate) const CONTROL: i64 = 3;
    pub(crate) const USER: i64 = 4;
    pub(crate) const UNUSED: i64 = 5;
}

/// `tokenizer.json`, for the tokenizer library to read: the one the file carries, else one made of its lists.
pub(crate) fn tokenizer(text: &Gguf) -> Result<Value> {
    if let Some(whole) = text.text("tokenizer.huggingface.json")? {
        return serde_json::from_str(whole).map_err(|error| GgufError::Value {
            key: "tokenizer.huggingface.json".to_owned(),
            reason: error.to_string(),
        });
    }
    for (key, only) in [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "qwen2")] {
        let said = text.text(key)?.unwrap_or("nothing");
        if said != only {
            let reason = format!("{said:?}; only {only:?} is read");
            return Err(GgufError::Value { key: key.to_owned(), reason });
        }
    }
    let tokens = text.texts("tokenizer.ggml.tokens")?;
    let kinds = match text.get("tokenizer.ggml.token_type") {
        Some(_) => text.wholes("tokenizer.ggml.token_type")?,
        None => &[],
    };
    if !kinds.is_empty() && kinds.len() != tokens.len() {
        let reason = format!("{} kinds for {} tokens", kinds.len(), tokens.len());
        return Err(GgufError::Value { key: "tokenizer.ggml.token_type".to_owned(), reason });
    }
    let (mut vocab, mut added) = (Map::new(), Vec::new());
    for (id, token) in tokens.iter().enumerate() {
        match kinds.get(id).copied() {
            // Rows of the table that no token has.
            Some(kind::UNUSED) => {}
            Some(special @ (kind::CONTROL | kind::USER | kind::UNKNOWN)) => added.push(json!({
                "id": id, "content": token, "special": special != kind::USER,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            })),
            _ => {
                if vocab.insert(token.clone(), json!(id)).is_some() {
                    return Err(GgufError::Twice(format!("token {token:?}")));
                }
            }
        }
    }
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        ]},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
            "vocab": vocab, "merges": text.texts("tokenizer.ggml.merges")?,
        },
    }))
}
