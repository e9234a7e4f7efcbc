//! Keys and values of one sequence: buffers that grow in blocks and are truncated by moving a length.

use candle_core::{DType, Device, Result, Tensor};

use super::config::TextConfig;
use super::device;
use super::error::ModelError;
use super::kernels::Panels;
use super::memory;

/// Capacity is a multiple of this many tokens.
const BLOCK: usize = 256;
/// Capacity of a copy is a multiple of this many.
const PIECE: usize = 32;

/// Keys and values of every block of the language model.
///
/// Not `Clone`: tensors share their storage, so a clone would write into the original.
#[derive(Debug)]
pub(crate) struct KvCache {
    store: Store,
    kv_heads: usize,
    head_dim: usize,
    capacity: usize,
    length: usize,
    dtype: DType,
    device: Device,
}

/// One entry a block.
#[derive(Debug)]
enum Store {
    /// For any device.
    Tensors(Vec<Layer>),
    /// For the kernels.
    Panels(Vec<Panels>),
}

#[derive(Debug)]
struct Layer {
    /// (kv heads, capacity, head width)
    keys: Tensor,
    values: Tensor,
}

/// Bytes of the first block of keys and values.
pub(crate) fn first_bytes(config: &TextConfig, dtype: DType) -> u64 {
    let numbers = memory::product(&[2, config.layers, config.kv_heads, BLOCK, config.head_dim]);
    numbers.saturating_mul(dtype.size_in_bytes() as u64)
}

/// The keys of one block.
pub(crate) enum Keys<'a> {
    /// For the kernels.
    Panels(&'a Panels),
    /// (kv heads, tokens, head width)
    Tensor(Tensor),
}

/// Keys and values of one token, one entry a block.
pub(crate) enum Saved {
    /// kv heads * head width numbers each.
    Numbers(Vec<(Vec<f32>, Vec<f32>)>),
    /// (kv heads, 1, head width) each.
    Tensors(Vec<(Tensor, Tensor)>),
}

impl KvCache {
    /// An empty cache of numbers of a type; `panels` says that the kernels will use it.
    pub(crate) fn new(config: &TextConfig, panels: bool, dtype: DType, device: &Device) -> Result<Self> {
        let shape = (config.kv_heads, 0, config.head_dim);
        let zeros = || Tensor::zeros(shape, dtype, device);
        let layer = || Ok(Layer { keys: zeros()?, values: zeros()? });
        let store = if panels {
            Store::Panels((0..config.layers).map(|_| Panels::new(config.kv_heads, config.head_dim, 0)).collect())
        } else {
            Store::Tensors((0..config.layers).map(|_| layer()).collect::<Result<_>>()?)
        };
        let (kv_heads, head_dim) = (config.kv_heads, config.head_dim);
        Ok(Self { store, kv_heads, head_dim, capacity: 0, length: 0, dtype, device: device.clone() })
    }

    pub(crate) fn layers(&self) -> usize {
        match &self.store {
            Store::Tensors(layers) => layers.len(),
            Store::Panels(layers) => layers.len(),
        }
    }

    /// Whether it is one for the kernels.
    pub(crate) fn has_panels(&self) -> bool {
        matches!(self.store, Store::Panels(_))
    }

    /// What the kernels read and write of a block. The length moves in [`KvCache::advance`].
    pub(crate) fn panels(&mut self, layer: usize) -> Option<&mut Panels> {
        match &mut self.store {
            Store::Panels(layers) => layers.get_mut(layer),
            Store::Tensors(_) => None,
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The keys of a block as a step that watches reads them again: the first `seen` tokens at most.
    pub(crate) fn keys(&self, layer: usize, seen: usize) -> Result<Option<Keys<'_>>> {
        Ok(match &self.store {
            Store::Panels(layers) => layers.get(layer).map(Keys::Panels),
            Store::Tensors(layers) => match layers.get(layer) {
                Some(layer) if seen <= self.capacity => Some(Keys::Tensor(layer.keys.narrow(1, 0, seen)?)),
                _ => None,
            },
        })
    }

    /// Keys and values of token `at` of every block, to be put back by [`KvCache::put_back`].
    pub(crate) fn saved(&self, at: usize) -> Result<Saved> {
        Ok(match &self.store {
            Store::Panels(layers) => Saved::Numbers(layers.iter().map(|layer| layer.read(at)).collect()),
            Store::Tensors(layers) => {
                let copy = |t: &Tensor| t.narrow(1, at, 1)?.force_contiguous();
                Saved::Tensors(layers.iter().map(|l| Ok((copy(&l.keys)?, copy(&l.values)?))).collect::<Result<_>>()?)
            }
        })
    }

    /// Puts back what [`KvCache::saved`] gave, and the length that stood then.
    pub(crate) fn put_back(&mut self, at: usize, saved: &Saved, length: usize) -> Result<()> {
        match (&mut self.store, saved) {
            (Store::Panels(layers), Saved::Numbers(saved)) => {
                layers.iter_mut().zip(saved).for_each(|(layer, (keys, values))| layer.write(at, keys, values));
            }
            (Store::Tensors(layers), Saved::Tensors(saved)) => {
                for (layer, (keys, values)) in layers.iter().zip(saved) {
                    layer.keys.slice_set(keys, 1, at)?;
                    layer.values.slice_set(values, 1, at)?;
                }
            }
            _ => candle_core::bail!("saved from a cache for other kernels"),
        }
        self.length = length.min(self.capacity);
        Ok(())
    }

    /// Makes room for `extra` more tokens: nothing to do most of the time, a copy into buffers half as large again now
    /// and then.
    pub(crate) fn reserve(&mut self, extra: usize) -> std::result::Result<(), ModelError> {
        let needed = self.length + extra;
        if needed <= self.capacity {
            return Ok(());
        }
        let capacity = needed.max(self.capacity + self.capacity / 2).next_multiple_of(BLOCK);
        let numbers = memory::product(&[2, self.layers(), self.kv_heads, capacity, self.head_dim]);
        let bytes = numbers.saturating_mul(self.dtype.size_in_bytes() as u64);
        device::ensure("the keys and values of the context", bytes, &self.device)?;
        match &mut self.store {
            Store::Panels(layers) => layers.iter_mut().for_each(|layer| *layer = layer.resized(capacity)),
            Store::Tensors(layers) => {
                // One after another: the old ones are gone before the next is copied. Where it fails half-way, some have
                // more room than is told, which harms nobody.
                let shape = (self.kv_heads, capacity, self.head_dim);
                for layer in layers {
                    *layer = layer.grown(shape, self.length)?;
                }
            }
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Writes new rows (kv heads, rows, width) behind the length and gives views of everything up to their end:
    /// (kv heads, length + rows, width). The length itself moves in [`KvCache::advance`], once all blocks are done, so
    /// that a step that fails half-way leaves the sequence as it was.
    pub(crate) fn append(&self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let Store::Tensors(layers) = &self.store else { candle_core::bail!("a cache for other kernels") };
        let Some(layer) = layers.get(layer) else { candle_core::bail!("no layer {layer} in the cache") };
        let total = self.length + keys.dim(1)?;
        layer.keys.slice_set(keys, 1, self.length)?;
        layer.values.slice_set(values, 1, self.length)?;
        Ok((layer.keys.narrow(1, 0, total)?, layer.values.narrow(1, 0, total)?))
    }

    /// A copy of the first `length` tokens with little room beyond; `None` where a copy would be of tensors, and where
    /// there is no memory for it.
    pub(crate) fn prefix(&self, length: usize) -> Option<Self> {
        let length = length.min(self.length);
        let bytes = self.prefix_bytes(length)?;
        let Store::Panels(layers) = &self.store else { return None };
        device::ensure("a copy of the context", bytes, &self.device).ok()?;
        let capacity = length.next_multiple_of(PIECE);
        let store = Store::Panels(layers.iter().map(|layer| layer.resized(capacity)).collect());
        let (kv_heads, head_dim) = (self.kv_heads, self.head_dim);
        Some(Self { store, kv_heads, head_dim, capacity, length, dtype: self.dtype, device: self.device.clone() })
    }

    /// Bytes of a copy of `length` tokens, whether they are there yet or not; `None` where a copy would be of tensors.
    pub(crate) fn prefix_bytes(&self, length: usize) -> Option<u64> {
        let Store::Panels(layers) = &self.store else { return None };
        let capacity = length.checked_next_multiple_of(PIECE)?;
        let bytes = Panels::bytes_of(self.kv_heads, self.head_dim, capacity);
        Some(bytes.saturating_mul(layers.len() as u64))
    }

    pub(crate) fn advance(&mut self, rows: usize) {
        self.length = (self.length + rows).min(self.capacity);
    }

    /// Forgets everything from `length` on without touching a byte.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl Layer {
    /// The first `length` tokens in buffers of another shape.
    fn grown(&self, shape: (usize, usize, usize), length: usize) -> Result<Self> {
        let zeros = || Tensor::zeros(shape, self.keys.dtype(), self.keys.device());
        let (keys, values) = (zeros()?, zeros()?);
        if length > 0 {
            keys.slice_set(&self.keys.narrow(1, 0, length)?.contiguous()?, 1, 0)?;
            values.slice_set(&self.values.narrow(1, 0, length)?.contiguous()?, 1, 0)?;
        }
        Ok(Self { keys, values })
    }
}
