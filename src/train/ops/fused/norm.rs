//! Root-mean-square norm.

use candle_core::{CpuStorage, CustomOp2, Layout, Result as CandleResult, Shape, Tensor};

use super::simd::{dot, vectorised};
use super::{input, with};
use crate::train::error::Result;

struct RmsNorm {
    eps: f64,
}

pub(in crate::train::ops) fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    Ok(x.contiguous()?.apply_op2(w, RmsNorm { eps })?)
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let (x, w) = (input(s1, l1, self.name())?, input(s2, l2, self.name())?);
        let mut out = vec![0.0; x.len()];
        forward(x, w, self.eps as f32, &mut out);
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let (mut gx, mut gw) = (vec![0.0; x.elem_count()], vec![0.0; w.elem_count()]);
        with(x, |x| {
            with(w, |w| {
                with(grad, |grad| {
                    backward(x, w, grad, self.eps as f32, &mut gx, &mut gw);
                    Ok(())
                })
            })
        })?;
        let gx = Tensor::from_vec(gx, x.shape(), x.device())?;
        Ok((Some(gx), Some(Tensor::from_vec(gw, w.shape(), w.device())?)))
    }
}

vectorised! {
    fn forward(x: &[f32], w: &[f32], eps: f32, out: &mut [f32]) {
        let d = w.len();
        for (x, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            let scale = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
            for ((out, x), w) in out.iter_mut().zip(x).zip(w) {
                *out = x * scale * w;
            }
        }
    }
}

vectorised! {
    /// With s = 1/rms: gx = s·(g·w) − x·s³/d·Σ(g·w·x); gw = Σ_rows g·x·s.
    fn backward(x: &[f32], w: &[f32], grad: &[f32], eps: f32, gx: &mut [f32], gw: &mut [f32]) {
        let d = w.len();
        let rows = x.chunks_exact(d).zip(grad.chunks_exact(d)).zip(gx.chunks_exact_mut(d));
        for ((x, grad), gx) in rows {
            let scale = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
            for (((gx, grad), w), (gw, x)) in gx.iter_mut().zip(grad).zip(w).zip(gw.iter_mut().zip(x)) {
                *gx = grad * w;
                *gw += grad * (x * scale);
            }
            let along = dot(gx, x) * scale * scale * scale / d as f32;
            for (gx, x) in gx.iter_mut().zip(x) {
                *gx = *gx * scale - x * along;
            }
        }
    }
}
