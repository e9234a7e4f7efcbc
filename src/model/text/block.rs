//! One block of the language model.

use candle_core::{Device, Result, Tensor};

use super::rotary::Rotary;
use crate::model::attention::{Masks, attend_causal};
use crate::model::cache::KvCache;
use crate::model::config::TextConfig;
use crate::model::error::ModelError;
use crate::model::layers::{GatedMlp, Linear, RmsNorm};
use crate::model::names::text_block;
use crate::model::ops::rotate;
use crate::model::tap::{RowPart, Tap};
use crate::model::watch;
use crate::model::weights::Weights;

/// Where the rows of one sequence lie among those of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) rows: usize,
}

/// What all blocks of one step share.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) rotary: Rotary,
    pub(super) masks: Masks,
}

/// Norm, attention, norm, gated feed-forward, with residuals.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) norm1: RmsNorm,
    pub(super) norm2: RmsNorm,
    pub(super) qkv: Linear,
    pub(super) out: Linear,
    pub(super) mlp: GatedMlp,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

impl Block {
    pub(super) fn load(
        weights: &Weights,
        config: &TextConfig,
        index: usize,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let prefix = text_block(index);
        let name = |end: &str| format!("{prefix}.{end}");
        let (hidden, eps) = (config.hidden, config.norm_eps);
        let qkv = [name("self_attn.q_proj"), name("self_attn.k_proj"), name("self_attn.v_proj")];
        let mixed = config.heads * config.head_dim;
        Ok(Self {
            norm1: RmsNorm::load(weights, &name("input_layernorm.weight"), hidden, eps, device)?,
            norm2: RmsNorm::load(weights, &name("post_attention_layernorm.weight"), hidden, eps, device)?,
            qkv: Linear::load(weights, &qkv, hidden, true, device)?,
            out: Linear::load(weights, &[name("self_attn.o_proj")], mixed, false, device)?,
            mlp: GatedMlp::load(weights, &name("mlp"), hidden, config.feed_forward, false, device)?,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
        })
    }

    /// (rows, hidden) → (rows, hidden); linear maps over all rows, attention for each sequence over its own cache.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        index: usize,
        spans: &[Span],
        caches: &[&mut KvCache],
        step: &mut Step,
        tap: &mut dyn Tap,
    ) -> Result<Tensor> {
        let mixed = self.attention(&self.norm1.forward(x)?, index, spans, caches, step, tap)?;
        let x = (x + self.out.forward(&mixed)?)?;
        let x = (&x + self.mlp.forward(&self.norm2.forward(&x)?)?)?;
        watch::keep_tensors(tap, index, RowPart::Output, &x, 1.0, spans)?;
        Ok(x)
    }

    fn attention(
        &self,
        x: &Tensor,
        index: usize,
        spans: &[Span],
        caches: &[&mut KvCache],
        step: &mut Step,
        tap: &mut dyn Tap,
    ) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let (heads, kv_heads, width) = (self.heads, self.kv_heads, self.head_dim);
        let qkv = self.qkv.forward(x)?.reshape((rows, heads + 2 * kv_heads, width))?;
        let turned = rotate(&qkv.narrow(1, 0, heads + kv_heads)?, &step.rotary.cos, &step.rotary.sin)?;
        let (q, k) = (turned.narrow(1, 0, heads)?, turned.narrow(1, heads, kv_heads)?);
        let v = qkv.narrow(1, heads + kv_heads, kv_heads)?;
        let scale = 1.0 / (width as f64).sqrt();
        step.masks.shown = watch::alone(tap, spans);
        if step.masks.shown.is_none() {
            watch::keep_tensors(tap, index, RowPart::Queries, &q, scale, spans)?;
        }
        let mut parts = Vec::with_capacity(spans.len());
        for (span, cache) in spans.iter().zip(caches) {
            let own = |t: &Tensor| t.narrow(0, span.start, span.rows);
            let keys = own(&k)?.transpose(0, 1)?.contiguous()?;
            let values = own(&v)?.transpose(0, 1)?.contiguous()?;
            let (keys, values) = cache.append(index, &keys, &values)?;
            parts.push(attend_causal(&own(&q)?, &keys, &values, scale, &mut step.masks)?);
        }
        watch::keep_weights(tap, index, step.masks.shown.take());
        match parts.as_slice() {
            [only] => Ok(only.clone()),
            _ => Tensor::cat(&parts, 0),
        }
    }
}
