//! What the weights will be: their name in a log, and the memory they take.

use std::collections::BTreeMap;

use candle_core::Device;

use super::{Entry, Head, Stored, Weights};
use crate::model::arithmetic::{DtypeChoice, Quant};
use crate::model::error::ModelError;
use crate::model::kernels::Format;
use crate::model::{memory, names};

impl Weights {
    /// Refuses to quantise what is quantised.
    pub(super) fn refuse_twice(&self) -> Result<(), ModelError> {
        let Some(quant) = self.keep.quant else { return Ok(()) };
        if self.maps().any(|(_, entry)| entry.stored.is_quantised()) {
            return Err(ModelError::Quantised { kept: self.stored_as(), asked: quant.name().to_owned() });
        }
        Ok(())
    }

    /// The matrices of the language model.
    fn maps(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.tensors.iter().filter(|(name, entry)| names::is_text_map(name) && entry.shape.len() > 1)
    }

    fn format(&self, name: &str, entry: &Entry) -> Format {
        self.keep.format(name, entry.stored, &entry.shape)
    }

    /// How many numbers of the language model's matrices are kept in each format.
    fn by_format(&self) -> BTreeMap<Format, usize> {
        let mut counts = BTreeMap::new();
        for (name, entry) in self.maps() {
            *counts.entry(self.format(name, entry)).or_default() += entry.count();
        }
        counts
    }

    /// The format most numbers of the language model's matrices are kept in.
    pub(crate) fn most(&self) -> Format {
        self.by_format().iter().max_by_key(|(_, count)| **count).map_or(Format::F32, |(format, _)| *format)
    }

    /// What the matrices are quantised to: what was asked for, unless the rows of not one of them divide into its blocks.
    pub(crate) fn quant_taken(&self) -> Option<Quant> {
        let asked = self.keep.quant?;
        let fits = self.maps().any(|(name, entry)| !self.keep.falls_back(name, entry.stored, &entry.shape));
        if fits { Some(asked) } else { Some(Quant::Q8_0).filter(|_| self.most() == Format::Q8_0) }
    }

    /// Matrices whose rows do not divide into the blocks of the format that was asked for, and the format they get.
    pub(crate) fn fallen_back(&self) -> Vec<(String, Format)> {
        let fallen = self.maps().filter(|(name, _)| self.fell_back(name));
        fallen.map(|(name, entry)| (name.clone(), self.format(name, entry))).collect()
    }

    /// How a log calls the format the language model is kept in: the one asked for if any of it has that, else the file's mixture, else the one
    /// most of its numbers have. What is widened exactly, for want of need to save, is called f32.
    pub(crate) fn kept(&self) -> String {
        let counts = self.by_format();
        let most = self.most();
        let quantised = counts.keys().any(|format| format.is_quantised());
        match (self.quant_taken(), &self.mixture) {
            (Some(quant), _) if quantised => quant.name().to_owned(),
            (_, Some(mixture)) if quantised => mixture.clone(),
            _ if self.widens(most) => Format::F32.name().to_ascii_lowercase(),
            _ => most.name().to_ascii_lowercase(),
        }
    }

    /// The format most numbers of the language model are to be kept in, whatever the kernels need.
    pub(crate) fn stored_as(&self) -> String {
        match (&self.mixture, self.keep.dtype) {
            (Some(mixture), DtypeChoice::Auto) => mixture.clone(),
            _ => self.most().name().to_ascii_lowercase(),
        }
    }

    /// What a GGUF file says its mixture of formats is called.
    pub(crate) fn mixture(&self) -> Option<&str> {
        self.mixture.as_deref()
    }

    /// Whether every matrix of the language model is kept as it is stored.
    pub(crate) fn stay_as_stored(&self) -> bool {
        self.maps().all(|(name, entry)| entry.stored == Stored::Kept(self.format(name, entry)))
    }

    /// Sizes of a tensor and the format it is kept in.
    pub(crate) fn kept_shape(&self, name: &str) -> Option<(Vec<usize>, Format)> {
        self.tensors.get(name).map(|entry| (entry.shape.clone(), self.format(name, entry)))
    }

    /// Whether a tensor's rows do not divide into the blocks of the format that was asked for.
    pub(crate) fn fell_back(&self, name: &str) -> bool {
        self.tensors.get(name).is_some_and(|entry| self.keep.falls_back(name, entry.stored, &entry.shape))
    }

    /// As [`Weights::kept`], where they compute on a device.
    pub(crate) fn name_on(&self, device: &Device) -> String {
        let quantised = || self.maps().any(|(name, entry)| self.format(name, entry).is_quantised());
        if device.is_cpu() || quantised() { self.kept() } else { self.computes_in().as_str().to_owned() }
    }

    /// Whether numbers of this format are widened when they are loaded, although nobody asked for another one.
    fn widens(&self, format: Format) -> bool {
        !format.is_quantised() && self.keep.dtype == DtypeChoice::Auto && self.team.is_none()
    }

    /// Bytes the weights will take, the largest one counted twice for the moment it is moved.
    pub(crate) fn memory_bytes(&self, head: Head) -> u64 {
        let used = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        let (mut sum, mut largest) = (0_u64, 0_u64);
        for (name, entry) in used {
            let format = if self.team.is_some() { self.format(name, entry) } else { Format::F32 };
            let blocks = memory::product(&entry.shape).div_ceil(format.block() as u64);
            let bytes = blocks.saturating_mul(format.block_bytes() as u64);
            sum = sum.saturating_add(bytes);
            largest = largest.max(bytes);
        }
        sum.saturating_add(largest)
    }
}
