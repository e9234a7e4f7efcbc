//! A hook into the intermediate results, for parity tests and `model probe --dump`.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::watch::Heads;

/// Sees named intermediate results while they are computed.
///
/// Names of the vision tower (`i` a block; the same names for every image): `vision.window_index` (merged cells, in
/// window order), `vision.patch_embed` (patches, width) in patch order, `vision.block.i` (patches, width) in window
/// order, `vision.merger` (tokens, width) in the image's own order. Names of the language model: `text.position_ids`
/// (3, rows), `text.embed`, `text.block.i` (rows, width), `text.norm` (sequences, width) and `logits` (sequences,
/// vocabulary) of the last rows.
pub trait Tap {
    /// Is given one result.
    fn see(&mut self, name: &str, tensor: &Tensor);

    /// Whether results are wanted at all; small ones are only built if so.
    fn wanted(&self) -> bool {
        true
    }

    /// The head whose weights are to be shown while they are computed, or the mean of all.
    fn shows(&self) -> Option<Heads> {
        None
    }

    /// Whether the last rows of every block of the language model are wanted, through [`Tap::last_rows`].
    fn watches(&self) -> bool {
        false
    }

    /// Is given what block `layer` made of the last row of each sequence.
    fn last_rows(&mut self, _layer: usize, _part: RowPart, _rows: Vec<Row>) {}
}

/// What of a block [`Tap::last_rows`] is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPart {
    /// Its queries (heads, width) in a row, turned by their position and scaled by one over the root of the width.
    Queries,
    /// Its output, `hidden` numbers.
    Output,
    /// Its weights over all tokens, as [`Tap::shows`] asks; where the way it was computed gives them. Queries come otherwise.
    Weights,
}

/// One row, where it was computed.
#[derive(Clone, Debug)]
pub enum Row {
    /// In plain memory.
    Numbers(Vec<f32>),
    /// (1, numbers) on any device in any type, sharing no storage with other rows.
    Tensor(Tensor),
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTap;

impl Tap for NoTap {
    fn see(&mut self, _name: &str, _tensor: &Tensor) {}

    fn wanted(&self) -> bool {
        false
    }
}

/// Keeps every result under its name; a name seen again gets `#2`, `#3`, ….
#[derive(Debug, Default)]
pub struct Dump {
    /// What was seen.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Tap for Dump {
    fn see(&mut self, name: &str, tensor: &Tensor) {
        let mut key = name.to_owned();
        let mut count = 1;
        while self.tensors.contains_key(&key) {
            count += 1;
            key = format!("{name}#{count}");
        }
        self.tensors.insert(key, tensor.clone());
    }
}
