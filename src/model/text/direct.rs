//! The language model on the kernels: rows in plain memory, no tensor between two blocks.

#![allow(clippy::indexing_slicing, reason = "row widths follow from the layers' own sizes")]

use candle_core::{Device, Result, Tensor, bail};

use super::TextTower;
use super::block::{Block, Span};
use crate::model::cache::KvCache;
use crate::model::kernels::{Crew, Map, Scratch, Shared, Workspace, at_once};
use crate::model::layers::NormRows;
use crate::model::ops::turn;
use crate::model::positions::Position;
use crate::model::tap::{RowPart, Tap};
use crate::model::watch;

/// Rows whose widest numbers are held at once.
const WIDE_ROWS: usize = 512;

/// A tower whose every layer was made for the kernels.
pub(super) struct Direct<'a> {
    tower: &'a TextTower,
    blocks: Vec<DirectBlock<'a>>,
    norm: &'a NormRows,
    head: Map<'a>,
    crew: Crew<'a>,
}

struct DirectBlock<'a> {
    norm1: &'a NormRows,
    norm2: &'a NormRows,
    qkv: Map<'a>,
    out: Map<'a>,
    gate_up: Map<'a>,
    down: Map<'a>,
    block: &'a Block,
    crew: Crew<'a>,
}

/// The numbers of one step.
#[derive(Debug, Default)]
pub(super) struct Buffers {
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
    scratch: Scratch,
    workspace: Workspace,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl TextTower {
    /// The tower on the kernels, if it was made for them.
    pub(super) fn direct(&self) -> Option<Direct<'_>> {
        let head = self.head.map()?;
        let crew = Crew { wide: head.wide(), team: head.team() };
        let blocks = self.blocks.iter().map(|block| {
            Some(DirectBlock {
                norm1: block.norm1.rows()?,
                norm2: block.norm2.rows()?,
                qkv: block.qkv.map()?,
                out: block.out.map()?,
                gate_up: block.mlp.gate_up.map()?,
                down: block.mlp.down.map()?,
                block,
                crew,
            })
        });
        Some(Direct { tower: self, blocks: blocks.collect::<Option<_>>()?, norm: self.norm.rows()?, head, crew })
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
        // Whoever comes second works in memory of its own.
        let mut own = Buffers::default();
        let mut kept = at_once(&self.tower.buffers);
        let buffers = kept.as_deref_mut().unwrap_or(&mut own);
        let done = self.forward_in(x, spans, caches, positions, tap, buffers);
        if positions.len() > WIDE_ROWS {
            // What a prompt took is not kept until the next, which asks whether there is memory for its own.
            *buffers = Buffers::default();
        }
        done
    }

    fn forward_in(
        &self,
        x: &Tensor,
        spans: &[Span],
        caches: &mut [&mut KvCache],
        positions: &[Position],
        tap: &mut dyn Tap,
        buffers: &mut Buffers,
    ) -> Result<Tensor> {
        let hidden = self.tower.config.hidden;
        if x.dim(1)? != hidden {
            bail!("rows of {} numbers, the model has {hidden}", x.dim(1)?)
        }
        let tensor = |numbers: &[f32], width: usize| {
            Tensor::from_slice(numbers, (numbers.len() / width.max(1), width), &Device::Cpu)
        };
        (buffers.cos, buffers.sin) = self.tower.rotary.numbers(positions);
        buffers.x = x.flatten_all()?.to_vec1()?;
        for (index, block) in self.blocks.iter().enumerate() {
            // What the last block makes of other rows than the last of each sequence, nobody reads.
            let only_ends = index + 1 == self.blocks.len() && !tap.wanted();
            buffers.workspace.shown = watch::shown(tap, self.tower.config.heads);
            block.forward(index, spans, caches, only_ends, buffers)?;
            let queries = buffers.q.len() / rows(spans);
            if !watch::keep_shown(tap, index, buffers.workspace.shown.take(), spans) {
                watch::keep_numbers(tap, index, RowPart::Queries, &buffers.q, queries, spans);
            }
            watch::keep_numbers(tap, index, RowPart::Output, &buffers.x, hidden, spans);
            if tap.wanted() {
                tap.see(&format!("text.block.{index}"), &tensor(&buffers.x, hidden)?);
            }
        }
        if buffers.x.len() > spans.len() * hidden {
            keep_ends(&mut buffers.x, hidden, spans);
        }
        self.norm.apply_by(self.crew, &buffers.x, &mut buffers.normed);
        tap.see("text.norm", &tensor(&buffers.normed, hidden)?);
        self.head.apply(&buffers.normed, &mut buffers.added, &mut buffers.scratch);
        let logits = tensor(&buffers.added, self.head.outputs())?;
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
        let hidden = self.out.outputs();
        self.norm1.apply_by(self.crew, &b.x, &mut b.normed);
        self.qkv.apply(&b.normed, &mut b.qkv, &mut b.scratch);
        self.attention(index, spans, caches, b)?;
        if only_ends {
            let mixed = b.mixed.len() / rows(spans);
            keep_ends(&mut b.x, hidden, spans);
            keep_ends(&mut b.mixed, mixed, spans);
        }
        self.out.apply(&b.mixed, &mut b.added, &mut b.scratch);
        self.crew.add(&mut b.x, &b.added, hidden);
        self.norm2.apply_by(self.crew, &b.x, &mut b.normed);
        for (x, normed) in b.x.chunks_mut(WIDE_ROWS * hidden).zip(b.normed.chunks(WIDE_ROWS * hidden)) {
            self.gate_up.apply(normed, &mut b.wide, &mut b.scratch);
            self.crew.gate(&b.wide, self.gate_up.outputs() / 2, &mut b.gated);
            self.down.apply(&b.gated, &mut b.added, &mut b.scratch);
            self.crew.add(x, &b.added, hidden);
        }
        Ok(())
    }

    fn attention(&self, index: usize, spans: &[Span], caches: &mut [&mut KvCache], b: &mut Buffers) -> Result<()> {
        let Block { heads, kv_heads, head_dim: width, .. } = *self.block;
        let (queries, keys) = (heads * width, kv_heads * width);
        let all = queries + 2 * keys;
        let half = width / 2;
        let scale = (1.0 / (width as f64).sqrt()) as f32;
        let rows = b.qkv.len() / all;
        b.q.resize(rows * queries, 0.0);
        let (qkv, cos, sin) = (Shared::new(&mut b.qkv), &b.cos, &b.sin);
        self.crew.rows(&b.cos, half, &mut b.q, queries, |first, turns, q| {
            // SAFETY: pieces are disjoint rows.
            #[allow(unsafe_code, reason = "see there")]
            let numbers = unsafe { qkv.part(first * all, turns.len() / half.max(1) * all) };
            for (row, (numbers, q)) in numbers.chunks_exact_mut(all).zip(q.chunks_exact_mut(queries)).enumerate() {
                let place = (first + row) * half..(first + row + 1) * half;
                for head in numbers[..queries + keys].chunks_exact_mut(width) {
                    turn(head, &cos[place.clone()], &sin[place.clone()]);
                }
                q.iter_mut().zip(&numbers[..queries]).for_each(|(q, number)| *q = number * scale);
            }
        });
        b.mixed.resize(b.q.len(), 0.0);
        for (span, cache) in spans.iter().zip(caches) {
            let past = cache.length();
            let Some(panels) = cache.panels(index) else { bail!("a cache for other kernels") };
            let (first, end) = (span.start, span.start + span.rows);
            for (at, row) in (past..).zip(first..end) {
                let numbers = &b.qkv[row * all..][queries..all];
                let (key, value) = numbers.split_at(keys);
                panels.write(at, key, value);
            }
            let place = first * queries..end * queries;
            self.crew.attend(&b.q[place.clone()], panels, past, heads, &mut b.mixed[place], &mut b.workspace);
        }
        Ok(())
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::model::{Chunk, Feed, FileSource, LoadOptions, Network};

    /// The tower's memory after a pass over so many rows: the room for the residual stream.
    fn kept_after(network: &Network, rows: usize) -> usize {
        let ids: Vec<u32> = (0..rows as u32).map(|i| 9 + i % 200).collect();
        let mut sequence = network.new_sequence().unwrap();
        let chunks = vec![Chunk::Tokens(&ids)];
        let logits = network.forward(&mut [Feed { sequence: &mut sequence, chunks }]).unwrap();
        assert!(logits.iter().flatten().all(|logit| logit.is_finite()));
        at_once(&network.text().buffers).unwrap().x.capacity()
    }

    #[test]
    fn a_steps_memory_is_kept_a_prompts_is_not() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model/tied-new");
        for shared in [false, true] {
            let options = LoadOptions { shared, ..LoadOptions::default() };
            let network = Network::load_with(&FileSource::Folder(folder.clone()), &options).unwrap();
            if network.text().direct().is_none() {
                return;
            }
            let hidden = network.config().text.hidden;
            assert!(kept_after(&network, 3) >= hidden);
            assert_eq!(kept_after(&network, WIDE_ROWS + 1), 0, "{shared}");
            assert!(kept_after(&network, WIDE_ROWS) > 0);
            // A panic in the midst of a step does not end that.
            let panicked = std::thread::scope(|scope| {
                let held = || {
                    let mut buffers = network.text().buffers.lock().unwrap();
                    *buffers = Buffers::default();
                    panic!("in the midst");
                };
                scope.spawn(held).join()
            });
            assert!(panicked.is_err() && network.text().buffers.is_poisoned());
            assert!(kept_after(&network, 3) >= hidden);
        }
    }
}
