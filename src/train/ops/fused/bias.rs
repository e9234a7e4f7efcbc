//! Linear layers: candle's product, and a bias whose gradient is one pass over the rows.

use candle_core::{CpuStorage, CustomOp2, Layout, Result as CandleResult, Shape, Tensor};

use super::simd::vectorised;
use super::{input, with};
use crate::train::error::Result;

struct AddBias;

pub(in crate::train::ops) fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let y = x.matmul(&w.t()?)?;
    Ok(match b {
        Some(b) => y.apply_op2(b, AddBias)?,
        None => y,
    })
}

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let (x, b) = (input(s1, l1, self.name())?, input(s2, l2, self.name())?);
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(b.len()) {
            out.extend(row.iter().zip(b).map(|(x, b)| x + b));
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, b: &Tensor, _: &Tensor, grad: &Tensor) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let mut gb = vec![0.0; b.elem_count()];
        with(grad, |grad| {
            columns(grad, &mut gb);
            Ok(())
        })?;
        Ok((Some(grad.clone()), Some(Tensor::from_vec(gb, b.shape(), b.device())?)))
    }
}

vectorised! {
    fn columns(x: &[f32], sums: &mut [f32]) {
        for row in x.chunks_exact(sums.len()) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}
