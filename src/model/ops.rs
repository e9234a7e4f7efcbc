//! Softmax and rotary in any type on any device; on the CPU in f32 without hand-overs to other threads.
//!
//! candle's own rotary and softmax kernels go through a thread pool even for one row; at a few microseconds of work and
//! dozens of calls a token, waking another thread is most of the time. Large softmaxes still go to candle's.
//!
//! Elsewhere only operations are composed that candle has kernels for on CUDA and Metal in f32, bf16 and f16
//! (`candle-kernels` `reduce.cu`, `cast.cu`).

#![allow(clippy::indexing_slicing, reason = "chunk sizes follow from shapes checked at the top of each kernel")]

use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::ops::{rms_norm, softmax_last_dim};
use candle_nn::rotary_emb::rope_thd;

/// Softmaxes of up to this many numbers stay on the calling thread.
const SMALL: usize = 1 << 15;

/// Softmax over the last dimension, computed in f32, as f32.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor> {
    let x = x.to_dtype(DType::F32)?;
    if x.device().is_cpu() && x.elem_count() <= SMALL {
        return x.apply_op1_no_bwd(&Softmax);
    }
    softmax_last_dim(&x)
}

/// Rotates pairs (i, i + width / 2) of every head: `x` (rows, heads, width), `cos` and `sin` (rows, width / 2), all
/// contiguous but for the rows of `x`, which may lie apart. Computed in the type of `cos` and `sin`, given in that of
/// `x`: `transformers` turns text in the model's type and patches in f32.
pub(crate) fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let dtype = cos.dtype();
    if x.device().is_cpu() && x.dtype() == DType::F32 && dtype == DType::F32 {
        return x.apply_op3_no_bwd(cos, sin, &Rotate);
    }
    let wide = x.to_dtype(dtype)?.contiguous()?.unsqueeze(0)?;
    rope_thd(&wide, cos, sin)?.squeeze(0)?.to_dtype(x.dtype())
}

/// (rows, 2 * width) → (rows, width): SiLU of the first half of each row times the second. The SiLU is computed in f32
/// and rounded once, as PyTorch does; candle's kernel does so itself for bf16 on CUDA (`unary.cu`), where a step of
/// decoding is short of launches.
pub(crate) fn swiglu(x: &Tensor) -> Result<Tensor> {
    let width = x.dim(1)? / 2;
    let (gate, up) = (x.narrow(1, 0, width)?, x.narrow(1, width, width)?);
    let gate = match x.dtype() {
        DType::BF16 if x.device().is_cuda() => gate.silu()?,
        dtype => gate.to_dtype(DType::F32)?.silu()?.to_dtype(dtype)?,
    };
    gate * up
}

/// Root-mean-square norm of (rows, width) with f32 statistics, rounded once, after the weights.
///
/// candle's kernels for GPUs do that; its CPU kernel rounds short types before the weights too, as `transformers` does.
/// Once is nearer to f32 (on the goldens of `tests/dtype_parity.rs` by a fifth), and one launch instead of two.
pub(crate) fn norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    if x.device().is_cpu() && x.dtype() != DType::F32 {
        let weight = weight.to_dtype(DType::F32)?;
        return rms_norm(&x.to_dtype(DType::F32)?.contiguous()?, &weight, eps)?.to_dtype(x.dtype());
    }
    rms_norm(x, weight, eps)
}

/// Rotates pairs (i, i + width / 2) of one head.
pub(crate) fn turn(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = head.split_at_mut(cos.len());
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}

struct Softmax;

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax-here"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let width = layout.dims().last().copied().unwrap_or(0).max(1);
        let mut y = Vec::with_capacity(x.len());
        for row in x.chunks_exact(width) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let start = y.len();
            y.extend(row.iter().map(|x| (x - most).exp()));
            let sum: f32 = y[start..].iter().sum();
            y[start..].iter_mut().for_each(|y| *y /= sum);
        }
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }
}

struct Rotate;

impl CustomOp3 for Rotate {
    fn name(&self) -> &'static str {
        "rotate-here"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        cos: &CpuStorage,
        cos_layout: &Layout,
        sin: &CpuStorage,
        sin_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, heads, width) = x_layout.shape().dims3()?;
        let (cos, sin) = (contiguous(cos, cos_layout)?, contiguous(sin, sin_layout)?);
        let CpuStorage::F32(x) = x else { bail!("rotate: f32 only") };
        let half = width / 2;
        let stride = match x_layout.stride() {
            [stride, by_head, 1] if *by_head == width && half > 0 => *stride,
            other => bail!("rotate: heads must be contiguous, strides are {other:?}"),
        };
        if cos.len() != rows * half || sin.len() != rows * half {
            bail!("rotate: {rows} rows of {half} pairs, {} cosines and {} sines", cos.len(), sin.len());
        }
        let mut y = vec![0_f32; rows * heads * width];
        for (row, y) in y.chunks_exact_mut(heads * width).enumerate() {
            let start = x_layout.start_offset() + row * stride;
            let x = &x[start..start + heads * width];
            let (cos, sin) = (&cos[row * half..][..half], &sin[row * half..][..half]);
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
                let ((x1, x2), (y1, y2)) = (x.split_at(half), y.split_at_mut(half));
                for i in 0..half {
                    y1[i] = x1[i] * cos[i] - x2[i] * sin[i];
                    y2[i] = x1[i] * sin[i] + x2[i] * cos[i];
                }
            }
        }
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(numbers) = storage else { bail!("f32 only") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&numbers[start..end]),
        None => bail!("contiguous numbers only"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn close(a: &Tensor, b: &Tensor) {
        let difference = (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(difference < 1e-6, "{difference}");
    }

    #[test]
    fn both_equal_the_kernels_they_stand_in_for() {
        let x = Tensor::randn(0_f32, 3.0, (5, 7, 12), &Device::Cpu).unwrap();
        close(&softmax(&x).unwrap(), &softmax_last_dim(&x).unwrap());
        let (cos, sin) = (
            Tensor::randn(0_f32, 1.0, (5, 6), &Device::Cpu).unwrap(),
            Tensor::randn(0_f32, 1.0, (5, 6), &Device::Cpu).unwrap(),
        );
        let part = x.narrow(1, 2, 4).unwrap();
        let theirs = rope_thd(&part.contiguous().unwrap().unsqueeze(0).unwrap(), &cos, &sin).unwrap();
        close(&rotate(&part, &cos, &sin).unwrap(), &theirs.squeeze(0).unwrap());
        assert!(rotate(&x.transpose(0, 1).unwrap(), &cos, &sin).is_err());
        assert!(rotate(&x, &cos.narrow(0, 0, 4).unwrap(), &sin).is_err());
    }

    #[test]
    fn masked_scores_get_no_weight() {
        let x = Tensor::new(&[[1.0_f32, f32::NEG_INFINITY, 1.0]], &Device::Cpu).unwrap();
        assert_eq!(softmax(&x).unwrap().to_vec2::<f32>().unwrap(), [[0.5, 0.0, 0.5]]);
    }
}
