//! Weighted cross-entropy.

use candle_core::{CpuStorage, CustomOp3, Layout, Result as CandleResult, Shape, Tensor, bail};

use super::simd::{exp, max, sum, vectorised};
use super::{input, with};
use crate::train::error::Result;

struct CrossEntropy;

pub(in crate::train::ops) fn cross_entropy(logits: &Tensor, classes: &Tensor, weights: &Tensor) -> Result<Tensor> {
    Ok(logits.contiguous()?.apply_op3(classes, weights, CrossEntropy)?)
}

impl CustomOp3 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let (rows, width) = l1.shape().dims2()?;
        let (logits, weights) = (input(s1, l1, self.name())?, input(s3, l3, self.name())?);
        let Some((from, to)) = l2.contiguous_offsets() else { bail!("classes are not contiguous") };
        let classes = s2.as_slice::<u32>()?.get(from..to).unwrap_or_default();
        if classes.len() != rows || weights.len() != rows || classes.iter().any(|&class| class as usize >= width) {
            bail!("cross-entropy: {rows} rows of {width}, {} classes, {} weights", classes.len(), weights.len());
        }
        let mut scratch = vec![0.0; width];
        let mut total = 0f64;
        for ((row, &class), &weight) in logits.chunks_exact(width).zip(classes).zip(weights) {
            let (most, exps) = exponentials(row, &mut scratch);
            let chosen = row.get(class as usize).copied().unwrap_or(f32::NAN);
            total += f64::from(weight) * (f64::from(exps).ln() - f64::from(chosen - most));
        }
        Ok((CpuStorage::F32(vec![total as f32]), Shape::from(())))
    }

    fn bwd(
        &self,
        logits: &Tensor,
        classes: &Tensor,
        weights: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.to_scalar::<f32>()?;
        let (width, classes, weights) = (logits.dim(1)?, classes.to_vec1::<u32>()?, weights.to_vec1::<f32>()?);
        let mut out = vec![0.0; logits.elem_count()];
        with(logits, |logits| {
            let rows = logits.chunks_exact(width).zip(out.chunks_exact_mut(width));
            for ((row, out), (&class, &weight)) in rows.zip(classes.iter().zip(&weights)) {
                let (_, exps) = exponentials(row, out);
                scale(out, grad * weight / exps);
                if let Some(chosen) = out.get_mut(class as usize) {
                    *chosen -= grad * weight;
                }
            }
            Ok(())
        })?;
        Ok((Some(Tensor::from_vec(out, logits.shape(), logits.device())?), None, None))
    }
}

vectorised! {
    /// Writes e to the power of each value less the largest; gives the largest and the sum.
    fn exponentials(row: &[f32], out: &mut [f32]) -> (f32, f32) {
        let most = max(row);
        for (out, x) in out.iter_mut().zip(row) {
            *out = exp(x - most);
        }
        (most, sum(out))
    }
}

vectorised! {
    fn scale(row: &mut [f32], factor: f32) {
        for x in row {
            *x *= factor;
        }
    }
}
