//! Keys and values of one sequence: buffers that grow in blocks and are truncated by moving a length.

use candle_core::{DType, Device, Result, Tensor};

use super::config::TextConfig;
use super::error::ModelError;
use super::memory;

/// Capacity is a multiple of this many tokens.
const BLOCK: usize = 256;

/// Keys and values of every block of the language model.
///
/// Not `Clone`: tensors share their storage, so a clone would write into the original.
#[derive(Debug)]
pub(crate) struct KvCache {
    layers: Vec<Layer>,
    kv_heads: usize,
    head_dim: usize,
    capacity: usize,
    length: usize,
    device: Device,
}

#[derive(Debug)]
struct Layer {
    /// (kv heads, capacity, head width)
    keys: Tensor,
    values: Tensor,
}

impl KvCache {
    pub(crate) fn new(config: &TextConfig, device: &Device) -> Result<Self> {
        let shape = (config.kv_heads, 0, config.head_dim);
        let layer = || Ok(Layer { keys: zeros(shape, device)?, values: zeros(shape, device)? });
        Ok(Self {
            layers: (0..config.layers).map(|_| layer()).collect::<Result<_>>()?,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            capacity: 0,
            length: 0,
            device: device.clone(),
        })
    }

    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Makes room for `extra` more tokens: nothing to do most of the time, a copy into buffers half as large again now
    /// and then.
    pub(crate) fn reserve(&mut self, extra: usize) -> std::result::Result<(), ModelError> {
        let needed = self.length + extra;
        if needed <= self.capacity {
            return Ok(());
        }
        let capacity = needed.max(self.capacity + self.capacity / 2).next_multiple_of(BLOCK);
        let bytes = memory::f32_bytes(memory::product(&[2, self.layers.len(), self.kv_heads, capacity, self.head_dim]));
        memory::ensure("the keys and values of the context", bytes, memory::available())?;
        let shape = (self.kv_heads, capacity, self.head_dim);
        let mut grown = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (keys, values) = (zeros(shape, &self.device)?, zeros(shape, &self.device)?);
            if self.length > 0 {
                keys.slice_set(&layer.keys.narrow(1, 0, self.length)?.contiguous()?, 1, 0)?;
                values.slice_set(&layer.values.narrow(1, 0, self.length)?.contiguous()?, 1, 0)?;
            }
            grown.push(Layer { keys, values });
        }
        self.layers = grown;
        self.capacity = capacity;
        Ok(())
    }

    /// Writes new rows (kv heads, rows, width) behind the length and gives views of everything up to their end:
    /// (kv heads, length + rows, width). The length itself moves in [`KvCache::advance`], once all blocks are done, so
    /// that a step that fails half-way leaves the sequence as it was.
    pub(crate) fn append(&self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let Some(layer) = self.layers.get(layer) else { candle_core::bail!("no layer {layer} in the cache") };
        let total = self.length + keys.dim(1)?;
        layer.keys.slice_set(keys, 1, self.length)?;
        layer.values.slice_set(values, 1, self.length)?;
        Ok((layer.keys.narrow(1, 0, total)?, layer.values.narrow(1, 0, total)?))
    }

    pub(crate) fn advance(&mut self, rows: usize) {
        self.length = (self.length + rows).min(self.capacity);
    }

    /// Forgets everything from `length` on without touching a byte.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

fn zeros(shape: (usize, usize, usize), device: &Device) -> Result<Tensor> {
    Tensor::zeros(shape, DType::F32, device)
}
