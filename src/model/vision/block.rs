//! One block of the vision tower.

use candle_core::{Device, Result, Tensor};

use super::rotary::Rotary;
use crate::model::attention::attend_all;
use crate::model::config::VisionConfig;
use crate::model::error::ModelError;
use crate::model::layers::{GatedMlp, Linear, RmsNorm};
use crate::model::names::vision_block;
use crate::model::ops::rotate;
use crate::model::weights::Weights;

/// Neighbouring rows that attend to each other, runs of equal length together: `(first row, segments, length)`.
#[derive(Debug)]
pub(super) struct Segments(Vec<(usize, usize, usize)>);

impl Segments {
    pub(super) fn from_lengths(lengths: &[usize]) -> Self {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        let mut start = 0;
        for length in lengths {
            match runs.last_mut() {
                Some((_, count, same)) if same == length => *count += 1,
                _ => runs.push((start, 1, *length)),
            }
            start += length;
        }
        Self(runs)
    }

    pub(super) fn runs(&self) -> &[(usize, usize, usize)] {
        &self.0
    }
}

/// Norm, attention, norm, gated feed-forward, with residuals.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) norm1: RmsNorm,
    pub(super) norm2: RmsNorm,
    pub(super) qkv: Linear,
    pub(super) proj: Linear,
    pub(super) mlp: GatedMlp,
    pub(super) heads: usize,
    pub(super) head_dim: usize,
}

impl Block {
    pub(super) fn load(
        weights: &Weights,
        config: &VisionConfig,
        index: usize,
        eps: f64,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let prefix = vision_block(index);
        let name = |end: &str| format!("{prefix}.{end}");
        let hidden = config.hidden;
        Ok(Self {
            norm1: RmsNorm::load(weights, &name("norm1.weight"), hidden, eps, device)?,
            norm2: RmsNorm::load(weights, &name("norm2.weight"), hidden, eps, device)?,
            qkv: Linear::load(weights, &[name("attn.qkv")], hidden, true, device)?,
            proj: Linear::load(weights, &[name("attn.proj")], hidden, true, device)?,
            mlp: GatedMlp::load(weights, &name("mlp"), hidden, config.feed_forward, true, device)?,
            heads: config.heads,
            head_dim: config.head_dim(),
        })
    }

    /// (patches, width) → (patches, width)
    pub(super) fn forward(&self, x: &Tensor, segments: &Segments, rotary: &Rotary) -> Result<Tensor> {
        let x = (x + self.attention(&self.norm1.forward(x)?, segments, rotary)?)?;
        &x + self.mlp.forward(&self.norm2.forward(&x)?)?
    }

    fn attention(&self, x: &Tensor, segments: &Segments, rotary: &Rotary) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let (heads, width) = (self.heads, self.head_dim);
        let qkv = self.qkv.forward(x)?.reshape((rows, 3 * heads, width))?;
        let turned = rotate(&qkv.narrow(1, 0, 2 * heads)?, &rotary.cos, &rotary.sin)?;
        let (q, k) = (turned.narrow(1, 0, heads)?, turned.narrow(1, heads, heads)?);
        let v = qkv.narrow(1, 2 * heads, heads)?;
        let scale = 1.0 / (width as f64).sqrt();
        let mut parts = Vec::with_capacity(segments.0.len());
        for &(start, count, length) in &segments.0 {
            // (rows, heads, width) → (segments * heads, length, width)
            let split = |t: &Tensor| -> Result<Tensor> {
                let t = t.narrow(0, start, count * length)?.reshape((count, length, heads, width))?;
                t.transpose(1, 2)?.contiguous()?.reshape((count * heads, length, width))
            };
            let mixed = attend_all(&split(&q)?, &split(&k)?, &split(&v)?, scale)?;
            let mixed = mixed.reshape((count, heads, length, width))?.transpose(1, 2)?;
            parts.push(mixed.reshape((count * length, heads * width))?);
        }
        self.proj.forward(&Tensor::cat(&parts, 0)?)
    }
}
