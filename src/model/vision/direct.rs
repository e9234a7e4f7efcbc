//! The vision tower on the kernels of large models: rows in plain memory, no tensor between two blocks.

#![allow(clippy::indexing_slicing, reason = "row widths follow from the layers' own sizes")]

use candle_core::{Device, Result, Tensor, bail};

use super::block::{Block, Segments};
use super::{VisionTower, WindowPlan, rotary};
use crate::model::kernels::{Crew, Map, Scratch, Shared, Team};
use crate::model::layers::NormRows;
use crate::model::ops::turn;
use crate::model::tap::Tap;

/// Rows whose widest numbers are held at once.
const WIDE_ROWS: usize = 480;

/// A tower whose every layer was made for a team.
pub(super) struct Direct<'a> {
    tower: &'a VisionTower,
    blocks: Vec<DirectBlock<'a>>,
    patch_embed: Map<'a>,
    norm: &'a NormRows,
    first: Map<'a>,
    second: Map<'a>,
    crew: Crew<'a>,
    team: &'a Team,
}

struct DirectBlock<'a> {
    norm1: &'a NormRows,
    norm2: &'a NormRows,
    qkv: Map<'a>,
    proj: Map<'a>,
    gate_up: Map<'a>,
    down: Map<'a>,
    block: &'a Block,
}

/// The numbers of one image.
#[derive(Default)]
struct Buffers {
    /// (patches, hidden): the residual stream.
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    /// Queries, turned and scaled.
    q: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
    gated: Vec<f32>,
    added: Vec<f32>,
    scratch: Scratch,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl VisionTower {
    /// The tower on the kernels of large models, if it was made for them.
    pub(super) fn direct(&self) -> Option<Direct<'_>> {
        let patch_embed = self.patch_embed.map()?;
        let team = patch_embed.team()?;
        let blocks = self.blocks.iter().map(|block| {
            Some(DirectBlock {
                norm1: block.norm1.rows()?,
                norm2: block.norm2.rows()?,
                qkv: block.qkv.map()?,
                proj: block.proj.map()?,
                gate_up: block.mlp.gate_up.map()?,
                down: block.mlp.down.map()?,
                block,
            })
        });
        Some(Direct {
            tower: self,
            blocks: blocks.collect::<Option<_>>()?,
            patch_embed,
            norm: self.merger.norm.rows()?,
            first: self.merger.first.map()?,
            second: self.merger.second.map()?,
            crew: Crew { wide: patch_embed.wide(), team: Some(team) },
            team,
        })
    }
}

impl Direct<'_> {
    /// As [`VisionTower::forward`].
    pub(super) fn forward(&self, patches: &Tensor, grid: [usize; 3], tap: &mut dyn Tap) -> Result<Tensor> {
        let (config, unit) = (&self.tower.config, self.tower.config.merge_unit());
        let plan = WindowPlan::new(grid, config.merge, config.window_cells());
        let (rows, hidden, cells) = (patches.dim(0)?, config.hidden, plan.index().len());
        if rows != cells * unit || patches.dim(1)? != config.patch_len() {
            bail!("{:?} patches for a grid of {grid:?}", patches.shape())
        }
        let tensor = |numbers: &[f32], width: usize| {
            Tensor::from_slice(numbers, (numbers.len() / width.max(1), width), &Device::Cpu)
        };
        if tap.wanted() {
            tap.see("vision.window_index", &Tensor::from_slice(plan.index(), cells, &Device::Cpu)?);
        }
        let (cos, sin) = rotary::numbers(config, grid, &plan);
        let mut b = Buffers { cos, sin, ..Buffers::default() };
        let patches: Vec<f32> = patches.flatten_all()?.to_vec1()?;
        self.patch_embed.apply(&patches, &mut b.added, &mut b.scratch);
        drop(patches);
        if tap.wanted() {
            tap.see("vision.patch_embed", &tensor(&b.added, hidden)?);
        }
        b.x.reserve(rows * hidden);
        for row in plan.rows(unit) {
            b.x.extend_from_slice(&b.added[row as usize * hidden..][..hidden]);
        }
        let windows = Segments::from_lengths(&plan.lengths(unit));
        let frames = Segments::from_lengths(&vec![grid[1] * grid[2]; grid[0]]);
        for (index, block) in self.blocks.iter().enumerate() {
            let whole = config.full_attention.contains(&index);
            self.block(block, if whole { &frames } else { &windows }, &mut b);
            if tap.wanted() {
                tap.see(&format!("vision.block.{index}"), &tensor(&b.x, hidden)?);
            }
        }
        self.norm.apply_by(self.crew, &b.x, &mut b.normed);
        self.first.apply(&b.normed, &mut b.added, &mut b.scratch);
        let bent: Vec<f32> = tensor(&b.added, self.first.outputs())?.gelu_erf()?.flatten_all()?.to_vec1()?;
        self.second.apply(&bent, &mut b.added, &mut b.scratch);
        let width = self.second.outputs();
        let mut merged = Vec::with_capacity(b.added.len());
        for place in plan.inverse() {
            merged.extend_from_slice(&b.added[place as usize * width..][..width]);
        }
        let merged = Tensor::from_vec(merged, (cells, width), &Device::Cpu)?;
        tap.see("vision.merger", &merged);
        Ok(merged)
    }

    fn block(&self, block: &DirectBlock<'_>, segments: &Segments, b: &mut Buffers) {
        let hidden = self.tower.config.hidden;
        block.norm1.apply_by(self.crew, &b.x, &mut b.normed);
        block.qkv.apply(&b.normed, &mut b.qkv, &mut b.scratch);
        self.attention(block.block, segments, b);
        block.proj.apply(&b.mixed, &mut b.added, &mut b.scratch);
        self.crew.add(&mut b.x, &b.added, hidden);
        block.norm2.apply_by(self.crew, &b.x, &mut b.normed);
        for (x, normed) in b.x.chunks_mut(WIDE_ROWS * hidden).zip(b.normed.chunks(WIDE_ROWS * hidden)) {
            block.gate_up.apply(normed, &mut b.wide, &mut b.scratch);
            self.crew.gate(&b.wide, block.gate_up.outputs() / 2, &mut b.gated);
            block.down.apply(&b.gated, &mut b.added, &mut b.scratch);
            self.crew.add(x, &b.added, hidden);
        }
    }

    fn attention(&self, block: &Block, segments: &Segments, b: &mut Buffers) {
        let (heads, width) = (block.heads, block.head_dim);
        let (all, half) = (heads * width, width / 2);
        let scale = (1.0 / (width as f64).sqrt()) as f32;
        let rows = b.qkv.len() / (3 * all);
        b.q.resize(rows * all, 0.0);
        b.mixed.resize(rows * all, 0.0);
        let (qkv, cos, sin) = (Shared::new(&mut b.qkv), &b.cos, &b.sin);
        self.crew.rows(&b.cos, half, &mut b.q, all, |first, turns, q| {
            // SAFETY: pieces are disjoint rows.
            #[allow(unsafe_code, reason = "see there")]
            let numbers = unsafe { qkv.part(first * 3 * all, turns.len() / half.max(1) * 3 * all) };
            for (row, (numbers, q)) in numbers.chunks_exact_mut(3 * all).zip(q.chunks_exact_mut(all)).enumerate() {
                let place = (first + row) * half..(first + row + 1) * half;
                for head in numbers[..2 * all].chunks_exact_mut(width) {
                    turn(head, &cos[place.clone()], &sin[place.clone()]);
                }
                q.iter_mut().zip(&numbers[..all]).for_each(|(q, number)| *q = number * scale);
            }
        });
        for &(start, count, length) in segments.runs() {
            let rows = start..start + count * length;
            let (q, qkv) = (&b.q[rows.start * all..rows.end * all], &b.qkv[rows.start * 3 * all..rows.end * 3 * all]);
            let y = &mut b.mixed[rows.start * all..rows.end * all];
            self.crew.wide.attend_segments(self.team, q, qkv, length, (heads, width), y);
        }
    }
}
