//! The language model: rows of several sequences in, logits of their last rows out.

mod block;
mod direct;
mod rotary;
#[cfg(test)]
mod speed;
mod table;

use std::sync::Mutex;

use candle_core::{DType, Device, Result, Tensor};

use super::attention::{Masks, score_bytes};
use super::cache::KvCache;
use super::config::{Config, TextConfig};
use super::error::ModelError;
use super::layers::{Linear, RmsNorm};
use super::memory::{f32_bytes, product};
use super::names;
use super::positions::Position;
use super::sequence::Chunk;
use super::tap::Tap;
use super::weights::{Head, Weights};
pub(crate) use block::Span;
use block::{Block, Step};
use direct::Buffers;
use table::Table;

/// Rows that a model should have room for besides its weights.
const FIRST_ROWS: usize = 256;

/// Embedding table, blocks, last norm, head.
#[derive(Debug)]
pub(crate) struct TextTower {
    config: TextConfig,
    table: Table,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Linear,
    rotary: rotary::Tables,
    /// What the kernels work in, kept between steps.
    buffers: Mutex<Buffers>,
}

impl TextTower {
    pub(crate) fn load(
        weights: &Weights,
        config: &TextConfig,
        head: Head,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let shape = [config.vocabulary, config.hidden];
        let (table, head) = Table::load(weights, shape, head, device)?;
        let blocks = (0..config.layers).map(|index| Block::load(weights, config, index, device));
        Ok(Self {
            blocks: blocks.collect::<std::result::Result<_, _>>()?,
            norm: RmsNorm::load(weights, names::FINAL_NORM, config.hidden, config.norm_eps, device)?,
            rotary: rotary::Tables::new(config),
            config: config.clone(),
            table,
            head,
            buffers: Mutex::default(),
        })
    }

    /// The type of the rows between the blocks, and of keys and values.
    pub(crate) fn dtype(&self) -> DType {
        self.table.dtype()
    }

    /// The rows of the chunks: (rows, hidden). Ids must have been checked.
    pub(crate) fn embed(&self, chunks: &[Chunk<'_>]) -> Result<Vec<Tensor>> {
        chunks.iter().filter(|chunk| chunk.rows() > 0).map(|chunk| self.table.rows(chunk)).collect()
    }

    /// `x`: (rows, hidden) of all sequences below each other, `spans` where each one's rows are; the caches have room.
    /// → (sequences, vocabulary) for the last row of each.
    pub(crate) fn forward(
        &self,
        x: Tensor,
        spans: &[Span],
        caches: &mut [&mut KvCache],
        positions: &[Position],
        tap: &mut dyn Tap,
    ) -> Result<Tensor> {
        let device = x.device().clone();
        if tap.wanted() {
            tap.see("text.position_ids", &position_tensor(positions, &device)?);
        }
        tap.see("text.embed", &x);
        if let Some(direct) = self.direct() {
            return direct.forward(&x, spans, caches, positions, tap);
        }
        let rotary = self.rotary.at(positions, x.dtype(), &device)?;
        let mut step = Step { rotary, masks: Masks::default() };
        let mut x = x;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x, index, spans, caches, &mut step, tap)?;
            if tap.wanted() {
                tap.see(&format!("text.block.{index}"), &x);
            }
        }
        let x = self.norm.forward(&last_rows(&x, spans)?)?;
        tap.see("text.norm", &x);
        let logits = self.head.forward(&x)?;
        tap.see("logits", &logits);
        Ok(logits)
    }

    /// The head's logits (blocks, vocabulary) of blocks' outputs (blocks, hidden), each through the last norm.
    pub(crate) fn read_out(&self, states: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.norm.forward(states)?)
    }

    /// Bytes the activations of so many rows over a context of `total` tokens may take at once, generously.
    pub(crate) fn activation_bytes(&self, rows: usize, total: usize) -> u64 {
        activation_bytes(&self.config, rows, total)
    }
}

/// What the first rows of a context take, before there is a tower to ask.
pub(crate) fn first_activation_bytes(config: &Config) -> u64 {
    activation_bytes(&config.text, FIRST_ROWS, FIRST_ROWS)
}

fn activation_bytes(config: &TextConfig, rows: usize, total: usize) -> u64 {
    let heads = (config.heads + 2 * config.kv_heads) * config.head_dim;
    let widest = 6 * config.hidden + 4 * heads + 4 * config.feed_forward;
    f32_bytes(product(&[rows, widest])).saturating_add(score_bytes(config.heads, rows, total))
}

/// Only the last row of a sequence goes through norm and head.
fn last_rows(x: &Tensor, spans: &[Span]) -> Result<Tensor> {
    if x.dim(0)? == spans.len() {
        return Ok(x.clone());
    }
    match spans {
        [only] => x.narrow(0, only.start + only.rows - 1, 1),
        _ => {
            let last: Vec<u32> = spans.iter().map(|span| (span.start + span.rows - 1) as u32).collect();
            x.index_select(&Tensor::from_vec(last, spans.len(), x.device())?, 0)
        }
    }
}

/// (3, rows)
fn position_tensor(positions: &[Position], device: &Device) -> Result<Tensor> {
    let axis = |axis: usize| positions.iter().map(move |position| i64::from(position.get(axis).copied().unwrap_or(0)));
    let numbers: Vec<i64> = (0..3).flat_map(axis).collect();
    Tensor::from_vec(numbers, (3, positions.len()), device)
}
