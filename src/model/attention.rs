//! Scaled dot-product attention, in pieces small enough for memory. Scores and softmax are f32.

use candle_core::{Result, Tensor};

use super::memory::{f32_bytes, product};
use super::ops::softmax;

/// Most scores held at once (numbers, 64 MiB).
const SCORES: usize = 16 << 20;

/// Bytes of the scores held at once when `rows` rows of so many heads look at `keys` keys: before and after the mask,
/// and after the softmax.
pub(crate) fn score_bytes(heads: usize, rows: usize, keys: usize) -> u64 {
    let least = product(&[heads, keys]);
    f32_bytes(3 * product(&[heads, rows, keys]).min(least.max(SCORES as u64)))
}

/// Attention of everything over everything within a batch entry.
///
/// `q`, `k`, `v`: (batch, length, width), contiguous → (batch, length, width). Rows are taken in pieces when the scores
/// of all of them would be too many.
pub(crate) fn attend_all(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let (batch, length, _) = q.dims3()?;
    let keys = k.transpose(1, 2)?;
    let piece = (SCORES / (batch * length).max(1)).clamp(1, length.max(1));
    let q = (q * scale)?;
    let mut parts = Vec::with_capacity(length.div_ceil(piece));
    for start in (0..length).step_by(piece) {
        let rows = q.narrow(1, start, piece.min(length - start))?;
        parts.push(softmax(&rows.matmul(&keys)?)?.matmul(v)?);
    }
    join(parts, 1)
}

/// Causal grouped-query attention of new rows over a cache that already holds them.
///
/// `q`: (rows, heads, width); `k`, `v`: (kv heads, total, width), views of the cache are fine; row `i` sees the first
/// `total - rows + i + 1` keys. → (rows, heads * width). Keys are never repeated: the heads of a group are rows of one
/// product.
pub(crate) fn attend_causal(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let (rows, heads, width) = q.dims3()?;
    let (kv_heads, total, _) = k.dims3()?;
    let group = heads / kv_heads.max(1);
    let q = (q * scale)?;
    if rows == 1 {
        let scores = q.reshape((kv_heads, group, width))?.matmul(&k.transpose(1, 2)?)?;
        return softmax(&scores)?.matmul(v)?.reshape((1, heads * width));
    }
    let past = total - rows;
    let piece = (SCORES / (heads * total).max(1)).clamp(1, rows);
    let mut parts = Vec::with_capacity(rows.div_ceil(piece));
    for start in (0..rows).step_by(piece) {
        let count = piece.min(rows - start);
        let seen = past + start + count;
        let q = q.narrow(0, start, count)?.transpose(0, 1)?.reshape((kv_heads, group * count, width))?;
        let (k, v) = (k.narrow(1, 0, seen)?, v.narrow(1, 0, seen)?);
        let scores = q.matmul(&k.transpose(1, 2)?)?.reshape((heads, count, seen))?;
        let scores = scores.broadcast_add(&causal_mask(count, seen, scores.device())?)?;
        let mixed = softmax(&scores)?.reshape((kv_heads, group * count, seen))?.matmul(&v)?;
        parts.push(mixed.reshape((heads, count, width))?.transpose(0, 1)?.reshape((count, heads * width))?);
    }
    join(parts, 0)
}

/// (rows, seen): 0 where a row may look, minus infinity where it may not; the last row sees everything.
fn causal_mask(rows: usize, seen: usize, device: &candle_core::Device) -> Result<Tensor> {
    let first = seen - rows;
    let mask: Vec<f32> = (0..rows)
        .flat_map(|row| (0..seen).map(move |key| if key > first + row { f32::NEG_INFINITY } else { 0.0 }))
        .collect();
    Tensor::from_vec(mask, (rows, seen), device)
}

fn join(mut parts: Vec<Tensor>, dim: usize) -> Result<Tensor> {
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => Tensor::cat(&parts, dim),
    }
}
