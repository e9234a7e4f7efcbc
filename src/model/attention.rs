//! Scaled dot-product attention, in pieces small enough for memory. Products are in the model's type; the softmax is f32.

use candle_core::{Device, Result, Tensor};

#[cfg(feature = "flash-attn")]
use super::flash;
use super::memory::{f32_bytes, product};
use super::ops::softmax;

/// Most scores held at once (numbers, 64 MiB as f32).
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
    #[cfg(feature = "flash-attn")]
    if flash::takes(q) {
        return flash::attend_all(q, k, v, scale);
    }
    let keys = k.transpose(1, 2)?;
    let piece = (SCORES / (batch * length).max(1)).clamp(1, length.max(1));
    let q = (q * scale)?;
    let mut parts = Vec::with_capacity(length.div_ceil(piece));
    for start in (0..length).step_by(piece) {
        let rows = q.narrow(1, start, piece.min(length - start))?.contiguous()?;
        parts.push(softmax(&rows.matmul(&keys)?)?.to_dtype(v.dtype())?.matmul(v)?);
    }
    join(parts, 1)
}

/// Causal grouped-query attention of new rows over a cache that already holds them.
///
/// `q`: (rows, heads, width); `k`, `v`: (kv heads, total, width), views of the cache are fine; row `i` sees the first
/// `total - rows + i + 1` keys. → (rows, heads * width). Keys are never repeated: the heads of a group are rows of one
/// product.
pub(crate) fn attend_causal(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64, masks: &mut Masks) -> Result<Tensor> {
    let (rows, heads, width) = q.dims3()?;
    let (kv_heads, total, _) = k.dims3()?;
    let group = heads / kv_heads.max(1);
    #[cfg(feature = "flash-attn")]
    if rows > 1 && flash::takes(q) {
        return flash::attend_causal(q, k, v, scale);
    }
    let q = (q * scale)?;
    if rows == 1 {
        let scores = q.reshape((kv_heads, group, width))?.matmul(&k.transpose(1, 2)?)?;
        let weights = softmax(&scores)?;
        if let Some(shown) = &mut masks.shown {
            shown.push(weights.reshape((heads, total))?);
        }
        return weights.to_dtype(v.dtype())?.matmul(v)?.reshape((1, heads * width));
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
        let scores = masks.hide(scores, count)?;
        let mixed = softmax(&scores)?.to_dtype(v.dtype())?.reshape((kv_heads, group * count, seen))?.matmul(&v)?;
        parts.push(mixed.reshape((heads, count, width))?.transpose(0, 1)?.reshape((count, heads * width))?);
    }
    join(parts, 0)
}

/// The causal masks of one step, made once for all blocks.
///
/// Only the last `rows` columns of a piece's scores hold keys that a row may not see, so one (rows, rows) triangle
/// serves every piece of that many rows.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    made: Vec<Tensor>,
    /// Weights (heads, tokens) of rows that came alone, where someone watches; see `watch`.
    pub(crate) shown: Option<Vec<Tensor>>,
}

impl Masks {
    /// `scores` (heads, rows, seen), contiguous and nobody else's, for they are changed in place: the last row sees
    /// everything, each row before it one key less; what is not seen becomes minus infinity.
    fn hide(&mut self, scores: Tensor, rows: usize) -> Result<Tensor> {
        let seen = scores.dim(2)?;
        let mask = self.triangle(rows, &scores)?;
        if rows == seen {
            return scores.broadcast_add(&mask);
        }
        let hidden = scores.narrow(2, seen - rows, rows)?.broadcast_add(&mask)?;
        scores.slice_set(&hidden, 2, seen - rows)?;
        Ok(scores)
    }

    fn triangle(&mut self, rows: usize, like: &Tensor) -> Result<Tensor> {
        if let Some(mask) = self.made.iter().find(|mask| mask.dims() == [rows, rows]) {
            return Ok(mask.clone());
        }
        let mask = triangle(rows, like.device())?.to_dtype(like.dtype())?;
        self.made.push(mask.clone());
        Ok(mask)
    }
}

/// (rows, rows): 0 where a row may look, minus infinity where it may not.
fn triangle(rows: usize, device: &Device) -> Result<Tensor> {
    let row = |row: usize| (0..rows).map(move |key| if key > row { f32::NEG_INFINITY } else { 0.0 });
    Tensor::from_vec((0..rows).flat_map(row).collect::<Vec<f32>>(), (rows, rows), device)
}

fn join(mut parts: Vec<Tensor>, dim: usize) -> Result<Tensor> {
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => Tensor::cat(&parts, dim),
    }
}
