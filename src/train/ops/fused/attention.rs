//! Rotary attention over spans, without padding.
//!
//! Queries, keys and values are kept span after span, within a span head after head. A block is one span with its
//! prefix, or several equal spans without one (windows), multiplied at once. Probabilities are kept for the backward
//! pass.
#![allow(clippy::indexing_slicing, reason = "offsets follow from spans that the plan has checked")]

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{
    CpuStorage, CustomOp1, Device, InplaceOp1, InplaceOp2, Layout, Result as CandleResult, Shape, Tensor, bail,
};

use super::simd::{dot, exp, max, sum, vectorised};
use super::{input, with};
use crate::train::error::Result;
use crate::train::ops::plan::{Heads, Plan};
use crate::train::pack::Span;
use crate::train::rotary::Rotary;

/// Scores of one block, at most: about what a core's cache holds.
const BLOCK: usize = 1 << 18;

struct Attention {
    heads: Heads,
    spans: Arc<Vec<Span>>,
    cos: Vec<f32>,
    sin: Vec<f32>,
    saved: Mutex<Option<Saved>>,
}

/// What the backward pass needs.
struct Saved {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    /// One per block.
    p: Vec<Tensor>,
}

/// Equal spans that are computed together.
#[derive(Clone, Copy)]
struct Block {
    first: Span,
    count: usize,
}

pub(in crate::train::ops) fn attention(qkv: &Tensor, rotary: &Rotary, plan: &Plan, heads: Heads) -> Result<Tensor> {
    let op = Attention {
        heads,
        spans: Arc::new(plan.spans.clone()),
        cos: rotary.cos.flatten_all()?.to_vec1()?,
        sin: rotary.sin.flatten_all()?.to_vec1()?,
        saved: Mutex::new(None),
    };
    Ok(qkv.contiguous()?.apply_op1(op)?)
}

fn blocks(spans: &[Span], heads: Heads) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    for &span in spans {
        if let Some(last) = out.last_mut() {
            let first = last.first;
            let follows = span.start == first.start + last.count * first.len && span.len == first.len;
            let alike = follows && span.prefix.1 == 0 && first.prefix.1 == 0 && span.causal == first.causal;
            if alike && (last.count + 1) * heads.query * span.len * span.len <= BLOCK {
                last.count += 1;
                continue;
            }
        }
        out.push(Block { first: span, count: 1 });
    }
    out
}

impl Block {
    fn keys(&self) -> usize {
        self.first.prefix.1 + self.first.len
    }

    /// This block's rows of a span-after-span array of `heads`: `(count·kv, heads/kv·len, dim)`.
    fn own(&self, x: &Tensor, heads: usize, h: Heads) -> CandleResult<Tensor> {
        let (start, len) = (self.first.start, self.first.len);
        x.narrow(0, start * heads * h.dim, self.count * len * heads * h.dim)?.reshape((
            self.count * h.kv,
            heads / h.kv * len,
            h.dim,
        ))
    }

    /// Keys or values this block sees: `(count·kv, keys, dim)`.
    fn seen(&self, x: &Tensor, h: Heads) -> CandleResult<Tensor> {
        let own = self.own(x, h.kv, h)?;
        let (start, len) = self.first.prefix;
        if len == 0 {
            return Ok(own);
        }
        let before = x.narrow(0, start * h.kv * h.dim, len * h.kv * h.dim)?.reshape((h.kv, len, h.dim))?;
        Tensor::cat(&[&before, &own], 1)
    }
}

impl Attention {
    fn width(&self) -> usize {
        (self.heads.query + 2 * self.heads.kv) * self.heads.dim
    }

    /// Splits rows into rotated queries, rotated keys and values, span after span.
    fn split(&self, qkv: &[f32]) -> CandleResult<[Tensor; 3]> {
        let (h, rows) = (self.heads, qkv.len() / self.width());
        let sizes = [h.query, h.kv, h.kv];
        let mut out = sizes.map(|heads| vec![0.0; rows * heads * h.dim]);
        let mut column = 0;
        for (index, (part, heads)) in out.iter_mut().zip(sizes).enumerate() {
            for span in self.spans.iter() {
                for row in 0..span.len {
                    let at = span.start + row;
                    let (cos, sin) = (&self.cos[at * h.dim..][..h.dim], &self.sin[at * h.dim..][..h.dim]);
                    let from = &qkv[at * self.width() + column..][..heads * h.dim];
                    for (head, from) in from.chunks_exact(h.dim).enumerate() {
                        let to = &mut part[span.start * heads * h.dim + (head * span.len + row) * h.dim..][..h.dim];
                        if index == 2 { to.copy_from_slice(from) } else { rotate(from, cos, sin, to) }
                    }
                }
            }
            column += heads * h.dim;
        }
        let tensor = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_vec(values, count, &Device::Cpu)
        };
        let [q, k, v] = out;
        Ok([tensor(q)?, tensor(k)?, tensor(v)?])
    }

    /// The reverse of [`Attention::split`] for gradients.
    fn merge(&self, rows: usize, parts: [&[f32]; 3]) -> Vec<f32> {
        let h = self.heads;
        let mut out = vec![0.0; rows * self.width()];
        let mut column = 0;
        for (index, (part, heads)) in parts.into_iter().zip([h.query, h.kv, h.kv]).enumerate() {
            for span in self.spans.iter() {
                for row in 0..span.len {
                    let at = span.start + row;
                    let (cos, sin) = (&self.cos[at * h.dim..][..h.dim], &self.sin[at * h.dim..][..h.dim]);
                    let to = &mut out[at * self.width() + column..][..heads * h.dim];
                    for (head, to) in to.chunks_exact_mut(h.dim).enumerate() {
                        let from = &part[span.start * heads * h.dim + (head * span.len + row) * h.dim..][..h.dim];
                        if index == 2 { to.copy_from_slice(from) } else { rotate_back(from, cos, sin, to) }
                    }
                }
            }
            column += heads * h.dim;
        }
        out
    }

    /// Moves between rows of all heads and blocks `(count·heads, len, dim)`.
    fn walk(&self, block: &Block, mut f: impl FnMut(usize, usize)) {
        let (h, len) = (self.heads, block.first.len);
        for part in 0..block.count {
            for head in 0..h.query {
                for row in 0..len {
                    let at = block.first.start + part * len + row;
                    f((at * h.query + head) * h.dim, ((part * h.query + head) * len + row) * h.dim);
                }
            }
        }
    }

    fn forward(&self, qkv: &[f32]) -> CandleResult<Vec<f32>> {
        let (h, rows) = (self.heads, qkv.len() / self.width());
        let [q, k, v] = self.split(qkv)?;
        let mut out = vec![0.0; rows * h.query * h.dim];
        let mut saved = Vec::new();
        for block in blocks(&self.spans, h) {
            let p = block.own(&q, h.query, h)?.matmul(&block.seen(&k, h)?.t()?)?;
            p.inplace_op1(&Softmax { block, scale: (h.dim as f32).powf(-0.5) })?;
            let seen = p.matmul(&block.seen(&v, h)?)?;
            with(&seen, |seen| {
                self.walk(&block, |to, from| out[to..to + h.dim].copy_from_slice(&seen[from..from + h.dim]));
                Ok(())
            })?;
            saved.push(p);
        }
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Saved { q, k, v, p: saved });
        Ok(out)
    }

    fn backward(&self, rows: usize, grad: &[f32]) -> CandleResult<Vec<f32>> {
        let h = self.heads;
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Saved { q, k, v, p }) = saved else { bail!("attention: a second backward pass") };
        let mut gq = vec![0.0; rows * h.query * h.dim];
        let (mut gk, mut gv) = (vec![0.0; rows * h.kv * h.dim], vec![0.0; rows * h.kv * h.dim]);
        for (block, p) in blocks(&self.spans, h).into_iter().zip(p) {
            let mut go = vec![0.0; block.count * block.first.len * h.query * h.dim];
            self.walk(&block, |from, to| go[to..to + h.dim].copy_from_slice(&grad[from..from + h.dim]));
            let stacked = (block.count * h.kv, h.query / h.kv * block.first.len, h.dim);
            let go = Tensor::from_vec(go, stacked, &Device::Cpu)?;
            add_seen(&block, h, &p.transpose(1, 2)?.matmul(&go)?, &mut gv)?;
            let gs = go.matmul(&block.seen(&v, h)?.t()?)?;
            gs.inplace_op2(&p, &SoftmaxBack { keys: block.keys(), scale: (h.dim as f32).powf(-0.5) })?;
            let own = block.first.start * h.query * h.dim;
            with(&gs.matmul(&block.seen(&k, h)?)?, |part| {
                gq[own..own + part.len()].copy_from_slice(part);
                Ok(())
            })?;
            add_seen(&block, h, &gs.transpose(1, 2)?.matmul(&block.own(&q, h.query, h)?)?, &mut gk)?;
        }
        Ok(self.merge(rows, [&gq, &gk, &gv]))
    }
}

/// Adds gradients of seen keys or values `(count·kv, keys, dim)` to where they came from.
fn add_seen(block: &Block, h: Heads, part: &Tensor, total: &mut [f32]) -> CandleResult<()> {
    let (prefix, before) = block.first.prefix;
    let len = block.first.len;
    with(part, |part| {
        for (index, head) in part.chunks_exact((before + len) * h.dim).enumerate() {
            let (old, own) = head.split_at(before * h.dim);
            let start = block.first.start * h.kv * h.dim + index * len * h.dim;
            add(&mut total[start..start + own.len()], own);
            let start = (prefix * h.kv + index * before) * h.dim;
            add(&mut total[start..start + old.len()], old);
        }
        Ok(())
    })
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "span-attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        if width != self.width() || self.cos.len() != rows * self.heads.dim {
            bail!("attention: {rows} rows of {width}, expected {}", self.width());
        }
        let out = self.forward(input(storage, layout, self.name())?)?;
        Ok((CpuStorage::F32(out), (rows, self.heads.query * self.heads.dim).into()))
    }

    fn bwd(&self, arg: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        let gradient = with(grad, |grad| self.backward(arg.dim(0)?, grad))?;
        Ok(Some(Tensor::from_vec(gradient, arg.shape(), arg.device())?))
    }
}

/// Scores `(…, rows, keys)` to probabilities, in place.
struct Softmax {
    block: Block,
    scale: f32,
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "span-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> CandleResult<()> {
        let CpuStorage::F32(scores) = storage else { bail!("attention: scores are not f32") };
        let Span { len, prefix, causal, .. } = self.block.first;
        softmax(scores, self.block.keys(), len, prefix.1, causal, self.scale);
        Ok(())
    }
}

/// Gradients of probabilities to gradients of scores, in place.
struct SoftmaxBack {
    keys: usize,
    scale: f32,
}

impl InplaceOp2 for SoftmaxBack {
    fn name(&self) -> &'static str {
        "span-softmax-back"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, _: &Layout, s2: &CpuStorage, l2: &Layout) -> CandleResult<()> {
        let CpuStorage::F32(grad) = s1 else { bail!("attention: gradients are not f32") };
        softmax_back(grad, input(s2, l2, self.name())?, self.keys, self.scale);
        Ok(())
    }
}

vectorised! {
    fn softmax(scores: &mut [f32], keys: usize, len: usize, before: usize, causal: bool, scale: f32) {
        for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
            let seen = if causal { before + row % len + 1 } else { keys };
            let (scores, hidden) = scores.split_at_mut(seen);
            hidden.fill(0.0);
            let most = max(scores);
            for x in scores.iter_mut() {
                *x = exp((*x - most) * scale);
            }
            let factor = 1.0 / sum(scores);
            for x in scores.iter_mut() {
                *x *= factor;
            }
        }
    }
}

vectorised! {
    fn softmax_back(grad: &mut [f32], p: &[f32], keys: usize, scale: f32) {
        for (grad, p) in grad.chunks_exact_mut(keys).zip(p.chunks_exact(keys)) {
            let mean = dot(grad, p);
            for (grad, p) in grad.iter_mut().zip(p) {
                *grad = (*grad - mean) * p * scale;
            }
        }
    }
}

vectorised! {
    fn rotate(x: &[f32], cos: &[f32], sin: &[f32], out: &mut [f32]) {
        let half = x.len() / 2;
        for i in 0..half {
            out[i] = x[i] * cos[i] - x[half + i] * sin[i];
            out[half + i] = x[half + i] * cos[half + i] + x[i] * sin[half + i];
        }
    }
}

vectorised! {
    fn rotate_back(g: &[f32], cos: &[f32], sin: &[f32], out: &mut [f32]) {
        let half = g.len() / 2;
        for i in 0..half {
            out[i] = g[i] * cos[i] + g[half + i] * sin[half + i];
            out[half + i] = g[half + i] * cos[half + i] - g[i] * sin[i];
        }
    }
}

vectorised! {
    fn add(total: &mut [f32], part: &[f32]) {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
}
