//! The building blocks in candle operations that have a gradient. candle's own `rms_norm`, `softmax_last_dim` and
//! `rope` drop gradients silently, so none of them occurs here.

use candle_core::{D, Tensor};

use super::plan::{Bucket, Heads, Plan};
use crate::train::error::Result;
use crate::train::rotary::Rotary;

pub(super) fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let y = x.matmul(&w.t()?)?;
    Ok(match b {
        Some(b) => y.broadcast_add(b)?,
        None => y,
    })
}

pub(super) fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    Ok(x.broadcast_div(&(mean + eps)?.sqrt()?)?.broadcast_mul(w)?)
}

pub(super) fn swiglu(x: &Tensor) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let (gate, up) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
    Ok((gate.silu()? * up)?)
}

pub(super) fn attention(qkv: &Tensor, rotary: &Rotary, plan: &Plan, heads: Heads) -> Result<Tensor> {
    let (rows, dim, turned) = (plan.rows, heads.dim, heads.query + heads.kv);
    let all = qkv.reshape((rows, turned + heads.kv, dim))?;
    let qk = rotate(&all.narrow(1, 0, turned)?, rotary)?;
    let (q, k) = (qk.narrow(1, 0, heads.query)?, qk.narrow(1, heads.query, heads.kv)?);
    let v = all.narrow(1, turned, heads.kv)?;
    let outputs = plan.buckets.iter().map(|b| block(b, &q, &k, &v, heads)).collect::<Result<Vec<_>>>()?;
    let out = if let [one] = outputs.as_slice() { one.clone() } else { Tensor::cat(&outputs, 0)? };
    Ok(match &plan.back {
        Some(back) => out.index_select(back, 0)?,
        None => out,
    })
}

/// `x·cos + rotate_half(x)·sin` on `(rows, heads, dim)`.
fn rotate(x: &Tensor, rotary: &Rotary) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let (first, second) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
    let turned = Tensor::cat(&[second.neg()?, first], D::Minus1)?;
    let (cos, sin) = (rotary.cos.unsqueeze(1)?, rotary.sin.unsqueeze(1)?);
    Ok((x.broadcast_mul(&cos)? + turned.broadcast_mul(&sin)?)?)
}

fn block(b: &Bucket, q: &Tensor, k: &Tensor, v: &Tensor, heads: Heads) -> Result<Tensor> {
    let Heads { query, kv, dim } = heads;
    let take = |x: &Tensor, rows: &Option<Tensor>, len: usize, count: usize| -> Result<Tensor> {
        let x = match rows {
            Some(rows) => x.contiguous()?.index_select(rows, 0)?,
            None => x.clone(),
        };
        Ok(x.reshape((b.count, len, count, dim))?.transpose(1, 2)?.contiguous()?)
    };
    let (q, k, v) = (
        take(q, &b.query_rows, b.queries, query)?,
        take(k, &b.key_rows, b.keys, kv)?,
        take(v, &b.key_rows, b.keys, kv)?,
    );
    // Query heads that share a key head lie one after another: stack their rows.
    let group = (b.count, kv, query / kv * b.queries, dim);
    let scores = (q.reshape(group)?.matmul(&k.transpose(2, 3)?)? * (dim as f64).powf(-0.5))?;
    let scores = scores.reshape((b.count, query, b.queries, b.keys))?;
    let scores = match &b.mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    let p = softmax(&scores)?.reshape((b.count, kv, query / kv * b.queries, b.keys))?;
    let out = p.matmul(&v)?.reshape((b.count, query, b.queries, dim))?;
    Ok(out.transpose(1, 2)?.reshape((b.count * b.queries, query * dim))?)
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    // The maximum only keeps exponentials finite; its gradient is exactly zero, so it is not tracked.
    let max = x.detach().max_keepdim(D::Minus1)?;
    let e = x.broadcast_sub(&max)?.exp()?;
    Ok(e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?)
}

pub(super) fn cross_entropy(logits: &Tensor, classes: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let max = logits.detach().max_keepdim(D::Minus1)?;
    let shifted = logits.broadcast_sub(&max)?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let chosen = shifted.gather(&classes.unsqueeze(1)?, 1)?;
    Ok(((log_sum - chosen)?.squeeze(1)? * weights)?.sum_all()?)
}
