//! What the weights will be: their name in a log, and the memory they take.

use std::collections::BTreeMap;

use super::{Entry, Head, Weights};
use crate::model::arithmetic::DtypeChoice;
use crate::model::error::ModelError;
use crate::model::kernels::Format;
use crate::model::{memory, names};

impl Weights {
    /// Refuses to quantise what is quantised.
    pub(super) fn refuse_twice(&self) -> Result<(), ModelError> {
        let Some(quant) = self.keep.quant else { return Ok(()) };
        if self.maps().any(|(_, entry)| entry.stored.is_quantised()) {
            return Err(ModelError::Quantised { kept: self.kept(), asked: quant.name().to_owned() });
        }
        Ok(())
    }

    /// The matrices of the language model.
    fn maps(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.tensors.iter().filter(|(name, entry)| names::is_text_map(name) && entry.shape.len() > 1)
    }

    /// Whether the language model is kept in blocks.
    pub(crate) fn is_quantised(&self) -> bool {
        self.maps().any(|(name, entry)| self.format(name, entry).is_quantised())
    }

    fn format(&self, name: &str, entry: &Entry) -> Format {
        self.keep.format(name, entry.stored, &entry.shape)
    }

    /// How a log calls the format the language model is kept in: the one asked for, else the file's mixture, else the one
    /// most of its numbers have. What is widened exactly, for want of need to save, is called f32.
    pub(crate) fn kept(&self) -> String {
        let mut counts = BTreeMap::<Format, usize>::new();
        for (name, entry) in self.maps() {
            *counts.entry(self.format(name, entry)).or_default() += entry.count();
        }
        let most = counts.iter().max_by_key(|(_, count)| **count).map_or(Format::F32, |(format, _)| *format);
        let quantised = counts.keys().any(|format| format.is_quantised());
        match (self.keep.quant, &self.mixture) {
            (Some(quant), _) if quantised => quant.name().to_owned(),
            (_, Some(mixture)) if quantised => mixture.clone(),
            _ if self.widens(most) => Format::F32.name().to_ascii_lowercase(),
            _ => most.name().to_ascii_lowercase(),
        }
    }

    /// Whether numbers of this format are widened when they are loaded, although nobody asked for another one.
    fn widens(&self, format: Format) -> bool {
        !format.is_quantised() && self.keep.dtype == DtypeChoice::Auto && self.team.is_none()
    }

    /// Bytes the weights will take as f32, the largest stacked read counted twice for the moment it is moved.
    pub(crate) fn f32_bytes(&self, head: Head) -> u64 {
        let counts = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        let (mut sum, mut largest) = (0_u64, 0_u64);
        for (_, entry) in counts {
            let count = memory::product(&entry.shape);
            sum = sum.saturating_add(count);
            largest = largest.max(count);
        }
        memory::f32_bytes(sum.saturating_add(largest))
    }
}
