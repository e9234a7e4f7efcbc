//! What reports may know of the tensors.

use super::{Head, Weights};
use crate::model::arithmetic::{DtypeChoice, Quant};
use crate::model::keep::Keep;
use crate::model::{memory, names};

/// One tensor of a file.
pub(crate) struct TensorView<'a> {
    /// Its name in the newer layout.
    pub(crate) name: &'a str,
    /// Its name in the file.
    pub(crate) written: &'a str,
    /// How its numbers are stored, such as `BF16`.
    pub(crate) stored: &'static str,
    /// Its sizes.
    pub(crate) shape: &'a [usize],
    /// Its bytes in the files.
    pub(crate) bytes: u64,
}

impl TensorView<'_> {
    /// How many numbers it has.
    pub(crate) fn numbers(&self) -> u64 {
        memory::product(self.shape)
    }
}

impl Weights {
    /// All tensors, by name.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = TensorView<'_>> {
        self.tensors.iter().map(|(name, entry)| TensorView {
            name,
            written: &entry.written,
            stored: entry.stored.name(),
            shape: &entry.shape,
            bytes: entry.parts.iter().map(|part| part.bytes.len() as u64).sum(),
        })
    }

    /// The weight files: their names and bytes.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|file| (file.name.as_str(), file.bytes.as_slice().len() as u64))
    }

    /// Whether the files hold blocks of quantised numbers.
    pub(crate) fn holds_blocks(&self) -> bool {
        self.tensors.values().any(|entry| entry.stored.is_quantised())
    }

    /// Bytes of the weights in the formats they would be kept in if these were asked for; the weights were checked.
    pub(crate) fn kept_bytes(&self, dtype: DtypeChoice, quant: Option<Quant>, head: Head) -> u64 {
        let keep = Keep { dtype, quant, ..self.keep };
        let kept = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        let bytes = kept.map(|(name, entry)| {
            let format = keep.format(name, entry.stored, &entry.shape);
            format.bytes(entry.count()).map_or(u64::MAX, |bytes| bytes as u64)
        });
        bytes.fold(0, u64::saturating_add)
    }
}
