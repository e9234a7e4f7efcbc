//! `silu(gate)·up`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor};

use super::simd::{exp, vectorised};
use super::{input, with};
use crate::train::error::Result;

struct SwiGlu;

pub(in crate::train::ops) fn swiglu(x: &Tensor) -> Result<Tensor> {
    Ok(x.contiguous()?.apply_op1(SwiGlu)?)
}

impl CustomOp1 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let x = input(storage, layout, self.name())?;
        let (rows, wide) = layout.shape().dims2()?;
        let mut out = vec![0.0; rows * (wide / 2)];
        forward(x, wide / 2, &mut out);
        Ok((CpuStorage::F32(out), (rows, wide / 2).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        let half = x.dim(1)? / 2;
        let mut gx = vec![0.0; x.elem_count()];
        with(x, |x| {
            with(grad, |grad| {
                backward(x, grad, half, &mut gx);
                Ok(())
            })
        })?;
        Ok(Some(Tensor::from_vec(gx, x.shape(), x.device())?))
    }
}

vectorised! {
    fn forward(x: &[f32], half: usize, out: &mut [f32]) {
        for (x, out) in x.chunks_exact(2 * half).zip(out.chunks_exact_mut(half)) {
            let (gate, up) = x.split_at(half);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        }
    }
}

vectorised! {
    /// With σ = sigmoid(gate): d gate = g·up·σ·(1 + gate·(1 − σ)); d up = g·gate·σ.
    fn backward(x: &[f32], grad: &[f32], half: usize, gx: &mut [f32]) {
        let rows = x.chunks_exact(2 * half).zip(grad.chunks_exact(half)).zip(gx.chunks_exact_mut(2 * half));
        for ((x, grad), gx) in rows {
            let ((gate, up), (g_gate, g_up)) = (x.split_at(half), gx.split_at_mut(half));
            for (((g_gate, g_up), (gate, up)), grad) in g_gate.iter_mut().zip(g_up).zip(gate.iter().zip(up)).zip(grad) {
                let sigmoid = 1.0 / (1.0 + exp(-gate));
                *g_gate = grad * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
                *g_up = grad * gate * sigmoid;
            }
        }
    }
}
