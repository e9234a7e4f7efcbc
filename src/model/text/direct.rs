//! The language model on the kernels of small models: rows in plain memory, no tensor between two blocks.

#![allow(clippy::indexing_slicing, reason = "row widths follow from the layers' own sizes")]

use candle_core::{Device, Result, Tensor, bail};

use super::TextTower;
use super::block::{Block, Span};
use crate::model::cache::KvCache;
use crate::model::kernels::{Packed, Wide, Workspace};
use crate::model::layers::NormRows;
use crate::model::positions::Position;
use crate::model::tap::{RowPart, Tap};
use crate::model::watch;

/// A tower whose every layer was made for the kernels.
pub(super) struct Direct<'a> {
    tower: &'a TextTower,
    blocks: Vec<DirectBlock<'a>>,
    norm: &'a NormRows,
    head: &'a Packed,
}

struct DirectBlock<'a> {
    norm1: &'a NormRows,
    norm2: &'a NormRows,
    qkv: &'a Packed,
    out: &'a Packed,
    gate_up: &'a Packed,
    down: &'a Packed,
    block: &'a Block,
}

/// The numbers of one step.
#[derive(Default)]
struct Buffers {
    /// (rows, hidden): the residual stream.
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    /// Queries of the rows, turned and scaled; they stand until the end of the block for whoever watches.
    q: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
    gated: Vec<f32>,
    added: Vec<f32>,
    scratch: Vec<f32>,
    workspace: Workspace,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl TextTower {
    /// The tower on the kernels of small models, if it was made for them.
    pub(super) fn direct(&self) -> Option<Direct<'_>> {
        let blocks = self.blocks.iter().map(|block| {
            Some(DirectBlock {
                norm1: block.norm1.rows()?,
                norm2: block.norm2.rows()?,
                qkv: block.qkv.packed()?,
                out: block.out.packed()?,
                gate_up: block.mlp.gate_up.packed()?,
                down: block.mlp.down.packed()?,
                block,
            })
        });
        Some(Direct {
            tower: self,
            blocks: blocks.collect::<Option<_>>()?,
            norm: self.norm.rows()?,
            head: self.head.packed()?,
        })
    }
}

impl Direct<'_> {
    /// As [`TextTower::forward`].
    pub(super) fn forward(
        &self,
        x: &Tensor,
        spans: &[Span],
        caches: &mut [&mut KvCache],
        positions: &[Position],
        tap: &mut dyn Tap,
    ) -> Result<Tensor> {
        let hidden = self.tower.config.hidden;
        if x.dim(1)? != hidden {
            bail!("rows of {} numbers, the model has {hidden}", x.dim(1)?)
        }
        let tensor = |numbers: &[f32], width: usize| {
            Tensor::from_slice(numbers, (numbers.len() / width.max(1), width), &Device::Cpu)
        };
        let (cos, sin) = self.tower.rotary.numbers(positions);
        let mut buffers = Buffers { x: x.flatten_all()?.to_vec1()?, cos, sin, ..Buffers::default() };
        for (index, block) in self.blocks.iter().enumerate() {
            // What the last block makes of other rows than the last of each sequence, nobody reads.
            let only_ends = index + 1 == self.blocks.len() && !tap.wanted();
            block.forward(index, spans, caches, only_ends, &mut buffers)?;
            let queries = buffers.q.len() / rows(spans);
            watch::keep_numbers(tap, index, RowPart::Queries, &buffers.q, queries, spans);
            watch::keep_numbers(tap, index, RowPart::Output, &buffers.x, hidden, spans);
            if tap.wanted() {
                tap.see(&format!("text.block.{index}"), &tensor(&buffers.x, hidden)?);
            }
        }
        if buffers.x.len() > spans.len() * hidden {
            keep_ends(&mut buffers.x, hidden, spans);
        }
        self.norm.apply(&buffers.x, &mut buffers.normed);
        tap.see("text.norm", &tensor(&buffers.normed, hidden)?);
        self.head.apply(&buffers.normed, &mut buffers.added, &mut buffers.scratch);
        let logits = Tensor::from_vec(buffers.added, (spans.len(), self.head.outputs()), &Device::Cpu)?;
        tap.see("logits", &logits);
        Ok(logits)
    }
}

impl DirectBlock<'_> {
    fn forward(
        &self,
        index: usize,
        spans: &[Span],
        caches: &mut [&mut KvCache],
        only_ends: bool,
        b: &mut Buffers,
    ) -> Result<()> {
        self.norm1.apply(&b.x, &mut b.normed);
        self.qkv.apply(&b.normed, &mut b.qkv, &mut b.scratch);
        self.attention(index, spans, caches, b)?;
        if only_ends {
            let (hidden, mixed) = (b.x.len() / rows(spans), b.mixed.len() / rows(spans));
            keep_ends(&mut b.x, hidden, spans);
            keep_ends(&mut b.mixed, mixed, spans);
        }
        self.out.apply(&b.mixed, &mut b.added, &mut b.scratch);
        add(&mut b.x, &b.added);
        self.norm2.apply(&b.x, &mut b.normed);
        self.gate_up.apply(&b.normed, &mut b.wide, &mut b.scratch);
        self.gate_up.wide().gate(&b.wide, self.gate_up.outputs() / 2, &mut b.gated);
        self.down.apply(&b.gated, &mut b.added, &mut b.scratch);
        add(&mut b.x, &b.added);
        Ok(())
    }

    fn attention(&self, index: usize, spans: &[Span], caches: &mut [&mut KvCache], b: &mut Buffers) -> Result<()> {
        let Block { heads, kv_heads, head_dim: width, .. } = *self.block;
        let (queries, keys) = (heads * width, kv_heads * width);
        let wide: Wide = self.qkv.wide();
        let half = width / 2;
        let scale = (1.0 / (width as f64).sqrt()) as f32;
        b.q.clear();
        for (row, numbers) in b.qkv.chunks_exact_mut(queries + 2 * keys).enumerate() {
            let (cos, sin) = (&b.cos[row * half..][..half], &b.sin[row * half..][..half]);
            for head in numbers[..queries + keys].chunks_exact_mut(width) {
                turn(head, cos, sin);
            }
            b.q.extend(numbers[..queries].iter().map(|number| number * scale));
        }
        b.mixed.clear();
        b.mixed.resize(b.q.len(), 0.0);
        for (span, cache) in spans.iter().zip(caches) {
            let past = cache.length();
            let Some(panels) = cache.panels(index) else { bail!("a cache for other kernels") };
            let (first, end) = (span.start, span.start + span.rows);
            for (at, row) in (past..).zip(first..end) {
                let numbers = &b.qkv[row * (queries + 2 * keys)..][queries..queries + 2 * keys];
                let (key, value) = numbers.split_at(keys);
                panels.write(at, key, value);
            }
            let place = first * queries..end * queries;
            wide.attend(&b.q[place.clone()], panels, past, heads, &mut b.mixed[place], &mut b.workspace);
        }
        Ok(())
    }
}

/// Rotates pairs (i, i + width / 2) of one head.
fn turn(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = head.split_at_mut(cos.len());
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}

fn rows(spans: &[Span]) -> usize {
    spans.last().map_or(0, |span| span.start + span.rows).max(1)
}

/// Drops all rows but the last of each sequence.
fn keep_ends(x: &mut Vec<f32>, width: usize, spans: &[Span]) {
    for (to, span) in spans.iter().enumerate() {
        let from = (span.start + span.rows - 1) * width;
        x.copy_within(from..from + width, to * width);
    }
    x.truncate(spans.len() * width);
}

fn add(x: &mut [f32], more: &[f32]) {
    x.iter_mut().zip(more).for_each(|(x, more)| *x += more);
}
