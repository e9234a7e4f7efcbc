//! What reports may know of the tensors.

use safetensors::Dtype;

use super::{Entry, Head, Weights};
use crate::model::{memory, names};

/// One tensor of a file.
pub(crate) struct TensorView<'a> {
    /// Its name in the newer layout.
    pub(crate) name: &'a str,
    /// Its name in the file.
    pub(crate) written: &'a str,
    /// How its numbers are stored, such as `BF16`.
    pub(crate) stored: String,
    /// Its sizes.
    pub(crate) shape: &'a [usize],
    /// Its bytes in the file.
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
            stored: format!("{:?}", entry.dtype),
            shape: &entry.shape,
            bytes: (entry.end - entry.start) as u64,
        })
    }

    /// What `look` makes of a tensor's raw bytes; it is told how they are stored.
    pub(crate) fn numbers<T>(&self, name: &str, look: impl FnOnce(&str, &[u8]) -> Option<T>) -> Option<T> {
        let entry = self.tensors.get(name)?;
        look(&format!("{:?}", entry.dtype), self.raw(entry))
    }

    /// Whether the files hold blocks of quantised numbers.
    pub(crate) fn is_quantised(&self) -> bool {
        false
    }

    /// Bytes of the weights in the formats they are kept in.
    pub(crate) fn kept_bytes(&self, head: Head) -> u64 {
        let kept = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        kept.map(|(name, entry)| self.kept_tensor(name, entry)).sum()
    }

    fn kept_tensor(&self, name: &str, entry: &Entry) -> u64 {
        let numbers = memory::product(&entry.shape);
        let _ = (name, Dtype::F32);
        numbers.saturating_mul(4)
    }
}
