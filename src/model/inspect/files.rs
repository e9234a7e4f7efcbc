//! The files of a model.

use serde::Serialize;
use serde_json::Value;

use crate::model::weights::Weights;
use crate::model::{FileSource, ModelError};

/// The one weight file of a small model.
pub(super) const SINGLE: &str = "model.safetensors";
/// Which tensor is in which shard.
pub(super) const INDEX: &str = "model.safetensors.index.json";
/// Small files that are read where they are there.
const SMALL: [&str; 8] = [
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.json",
    "chat_template.jinja",
];

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileFact {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// The files that are read, with their sizes. Small files of a GGUF model are parts of its large ones.
pub(super) fn facts(source: &FileSource, weights: &Weights) -> Vec<FileFact> {
    let size = |name: &str| source.map(name).ok().map(|file| file.as_slice().len() as u64);
    let small = SMALL.into_iter().filter(|name| source.has(name));
    let small = small.filter_map(|name| Some(FileFact { name: name.to_owned(), bytes: size(name)? }));
    small.chain(weights.files().map(|(name, bytes)| FileFact { name: name.to_owned(), bytes })).collect()
}

/// Names of the weight files: one, or the shards of an index; none for other formats.
pub(super) fn weight_files(source: &FileSource) -> Result<Vec<String>, ModelError> {
    if source.has(SINGLE) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let Some(index) = source.read_optional(INDEX)? else { return Ok(Vec::new()) };
    let mut names: Vec<String> = index_map(&index).into_iter().map(|(_, file)| file).collect();
    names.sort();
    names.dedup();
    let inside = |name: &String| !name.contains(['/', '\\']) && name.ends_with(".safetensors");
    Ok(names.into_iter().filter(inside).collect())
}

/// Tensors and the shards an index says they are in; empty for an index that is none.
pub(super) fn index_map(index: &[u8]) -> Vec<(String, String)> {
    let value: Value = serde_json::from_slice(index).unwrap_or_default();
    let map = value.get("weight_map").and_then(Value::as_object);
    let entries = map.into_iter().flatten();
    entries.filter_map(|(tensor, file)| Some((tensor.clone(), file.as_str()?.to_owned()))).collect()
}
