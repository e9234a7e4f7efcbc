//! Whether the weight files are all there, and what they say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Findings;
use crate::model::inspect::files::{INDEX, SINGLE, index_map, weight_files};
use crate::model::{FileSource, ModelError, weights};

const WHAT: &str = "weight files";

pub(super) fn check(source: &FileSource, findings: &mut Findings) {
    let names = match weight_files(source) {
        Ok(names) => names,
        Err(error) => return findings.fail(WHAT, error.to_string()),
    };
    if source.has(SINGLE) && source.has(INDEX) {
        findings.warn(WHAT, format!("{SINGLE} and {INDEX} are both there: only the former is read"));
    }
    let missing: Vec<&String> = names.iter().filter(|name| !source.has(name)).collect();
    if let Some(first) = missing.first() {
        return findings.fail(WHAT, format!("{} of {} files are missing, such as {first}", missing.len(), names.len()));
    }
    let mut held = BTreeMap::new();
    for name in &names {
        match header(source, name) {
            Ok(header) => {
                if let Some(words) = header.strange() {
                    findings.warn(WHAT, format!("{name}: {words}"));
                }
                held.insert(name.clone(), header);
            }
            Err(error) => findings.fail(WHAT, error.to_string()),
        }
    }
    if !source.has(SINGLE) && source.has(INDEX) {
        compare(source, &held, findings);
    }
    if held.len() == names.len() && !names.is_empty() {
        let bytes: u64 = held.values().map(|header| header.bytes).sum();
        let size = megabytes(bytes);
        findings.ok(WHAT, format!("{} file(s), {size} of numbers, every header sound", names.len()));
    }
}

/// What a shard's header says.
struct Header {
    tensors: BTreeSet<String>,
    bytes: u64,
    format: Option<String>,
}

impl Header {
    /// What other programs would stumble over.
    fn strange(&self) -> Option<String> {
        match self.format.as_deref() {
            Some("pt") => None,
            None => Some("no format in its metadata; transformers refuses such files".to_owned()),
            Some(other) => Some(format!("its format is {other:?}, not \"pt\": rows may lie otherwise")),
        }
    }
}

fn header(source: &FileSource, name: &str) -> Result<Header, ModelError> {
    let (_, metadata) = weights::header(&source.place(), name, source.map(name)?.as_slice())?;
    let tensors = metadata.tensors();
    Ok(Header {
        bytes: tensors.values().map(|info| (info.data_offsets.1 - info.data_offsets.0) as u64).sum(),
        tensors: tensors.into_keys().collect(),
        format: metadata.metadata().as_ref().and_then(|map| map.get("format").cloned()),
    })
}

/// The index against the shards.
fn compare(source: &FileSource, held: &BTreeMap<String, Header>, findings: &mut Findings) {
    let bytes = source.read(INDEX).unwrap_or_default();
    let map = index_map(&bytes);
    let wrong =
        map.iter().filter(|(tensor, file)| held.get(file).is_none_or(|header| !header.tensors.contains(tensor)));
    let wrong: Vec<&(String, String)> = wrong.collect();
    if let Some((tensor, file)) = wrong.first() {
        let count = wrong.len();
        findings.fail(INDEX, format!("{count} tensor(s) are not where it says, such as {tensor} in {file}"));
    }
    let named: BTreeSet<&String> = map.iter().map(|(tensor, _)| tensor).collect();
    let unnamed = held.values().flat_map(|header| &header.tensors).filter(|tensor| !named.contains(tensor)).count();
    if unnamed > 0 {
        findings.warn(INDEX, format!("{unnamed} tensor(s) of the shards are not in it; they are read all the same"));
    }
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let total = value.pointer("/metadata/total_size").and_then(Value::as_u64);
    let sum: u64 = held.values().map(|header| header.bytes).sum();
    if let Some(total) = total.filter(|total| *total != sum) {
        findings.warn(INDEX, format!("it says {total} bytes, the shards hold {sum}"));
    }
    if wrong.is_empty() {
        findings.ok(INDEX, format!("{} tensors in {} shards, all where it says", map.len(), held.len()));
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
