//! Random weights of a shape: what a bench computes with where there is no checkpoint.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Entry, Piece, Stored, Weights};
use crate::model::arithmetic::LoadOptions;
use crate::model::config::Config;
use crate::model::keep::Keep;
use crate::model::kernels::Format;
use crate::model::names::{self, Expected};

/// Numbers that differ; then they come again.
const PATTERN: usize = 1 << 16;
/// The largest of them: small enough that no residual stream grows out of its type.
const MOST: f32 = 0.03;

impl Weights {
    /// Weights as a checkpoint in bf16 has them, made when they are asked for.
    pub(crate) fn random(config: &Config, options: &LoadOptions) -> Self {
        let shape = vec![config.text.vocabulary, config.text.hidden];
        let table = |name: &str| Expected { name: name.to_owned(), shape: shape.clone() };
        let mut expected = names::expected(config);
        expected.push(table(names::EMBED));
        if config.tied != Some(true) {
            expected.push(table(names::HEAD));
        }
        let entry = |expected: Expected| {
            let stored = Stored::Kept(Format::BF16);
            (
                expected.name.clone(),
                Entry { written: expected.name, stored, shape: expected.shape, parts: Vec::new(), run: 0 },
            )
        };
        let tensors: BTreeMap<String, Entry> = expected.into_iter().map(entry).collect();
        Self { tensors, made: true, ..Self::empty(Keep::new(options)) }
    }
}

/// The rows of a tensor: ones for norms, else numbers that repeat.
pub(super) fn piece(name: &str, entry: &Entry, format: Format) -> Piece<'static> {
    let columns = entry.columns();
    let rows = entry.count() / columns.max(1);
    let numbers: Vec<f32> =
        if name.contains("norm") && entry.shape.len() == 1 { vec![1.0; PATTERN] } else { pattern() };
    let size = format.bytes(PATTERN).unwrap_or(0);
    let mut bytes = vec![0; size];
    format.quantise(&numbers, &mut bytes);
    let total = format.bytes(rows * columns).unwrap_or(0);
    let mut whole = Vec::with_capacity(total);
    while whole.len() < total {
        let Some(part) = bytes.get(..(total - whole.len()).min(size)).filter(|part| !part.is_empty()) else { break };
        whole.extend_from_slice(part);
    }
    Piece { format, rows, columns, bytes: Cow::Owned(whole) }
}

/// Evenly spread between plus and minus [`MOST`], by an integer hash.
fn pattern() -> Vec<f32> {
    (0..PATTERN as u32)
        .map(|i| {
            let x = i.wrapping_mul(2_654_435_761);
            let x = (x ^ (x >> 16)).wrapping_mul(0x045D_9F3B);
            let x = x ^ (x >> 16);
            ((x >> 8) as f32 / 8_388_608.0 - 1.0) * MOST
        })
        .collect()
}
