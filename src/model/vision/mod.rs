//! The vision tower: patches of one image in, one row a language-model token out.

mod block;
mod direct;
mod rotary;
#[cfg(test)]
mod speed;
mod window;

use candle_core::{DType, Device, Result, Tensor};

use super::attention::score_bytes;
use super::config::VisionConfig;
use super::error::ModelError;
use super::layers::{Linear, RmsNorm};
use super::memory::{f32_bytes, product};
use super::names;
use super::tap::Tap;
use super::weights::Weights;
use block::{Block, Segments};
pub use window::WindowPlan;

/// Epsilon of every norm of the tower; the architecture fixes it.
const NORM_EPS: f64 = 1e-6;

/// Patch embedding, blocks and merger.
#[derive(Debug)]
pub(crate) struct VisionTower {
    config: VisionConfig,
    patch_embed: Linear,
    blocks: Vec<Block>,
    merger: Merger,
    /// Of the rows between the blocks.
    dtype: DType,
}

/// Joins neighbouring patches into one row of the language model's width.
#[derive(Debug)]
struct Merger {
    norm: RmsNorm,
    first: Linear,
    second: Linear,
    unit: usize,
}

impl VisionTower {
    pub(crate) fn load(
        weights: &Weights,
        config: &VisionConfig,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        // The convolution's kernel equals its stride: it is a linear map of flattened patches.
        let kernel = weights.tensor(names::PATCH_EMBED, &[config.hidden, config.patch_len()], device)?;
        let blocks = (0..config.depth).map(|index| Block::load(weights, config, index, NORM_EPS, device));
        Ok(Self {
            config: config.clone(),
            dtype: kernel.dtype(),
            patch_embed: Linear::from_table(weights, &kernel)?,
            blocks: blocks.collect::<std::result::Result<_, _>>()?,
            merger: Merger::load(weights, config, device)?,
        })
    }

    /// `patches`: (frames * height * width, patch length) in merge order, `grid` = `[frames, height, width]` in patches
    /// → (tokens, hidden of the language model), in the image's own order.
    pub(crate) fn forward(&self, patches: &Tensor, grid: [usize; 3], tap: &mut dyn Tap) -> Result<Tensor> {
        if let Some(direct) = self.direct() {
            return direct.forward(patches, grid, tap);
        }
        let device = patches.device();
        let plan = WindowPlan::new(grid, self.config.merge, self.config.window_cells());
        let cells = plan.index().len();
        let order = Tensor::from_vec(plan.rows(self.config.merge_unit()), patches.dim(0)?, device)?;
        if tap.wanted() {
            tap.see("vision.window_index", &Tensor::from_slice(plan.index(), cells, device)?);
        }
        let x = self.patch_embed.forward(&patches.to_dtype(self.dtype)?)?;
        tap.see("vision.patch_embed", &x);
        let mut x = x.index_select(&order, 0)?;
        let rotary = rotary::tables(&self.config, grid, &plan, device)?;
        let windows = Segments::from_lengths(&plan.lengths(self.config.merge_unit()));
        let frames = Segments::from_lengths(&vec![grid[1] * grid[2]; grid[0]]);
        for (index, block) in self.blocks.iter().enumerate() {
            let whole = self.config.full_attention.contains(&index);
            x = block.forward(&x, if whole { &frames } else { &windows }, &rotary)?;
            tap.see(&format!("vision.block.{index}"), &x);
        }
        let merged = self.merger.forward(&x)?;
        let inverse = Tensor::from_vec(plan.inverse(), cells, device)?;
        let merged = merged.index_select(&inverse, 0)?;
        tap.see("vision.merger", &merged);
        Ok(merged)
    }

    /// Bytes the activations of so many patches may take at once, generously.
    pub(crate) fn activation_bytes(&self, patches: usize) -> u64 {
        let config = &self.config;
        let widest = config.patch_len() + 8 * config.hidden + 4 * config.feed_forward;
        f32_bytes(product(&[patches, widest])).saturating_add(score_bytes(config.heads, patches, patches))
    }
}

impl Merger {
    fn load(weights: &Weights, config: &VisionConfig, device: &Device) -> std::result::Result<Self, ModelError> {
        let name = |end: &str| format!("{}.{end}", names::MERGER);
        let merged = config.hidden * config.merge_unit();
        Ok(Self {
            norm: RmsNorm::load(weights, &name("ln_q.weight"), config.hidden, NORM_EPS, device)?,
            first: Linear::load(weights, &[name("mlp.0")], merged, true, device)?,
            second: Linear::load(weights, &[name("mlp.2")], merged, true, device)?,
            unit: config.merge_unit(),
        })
    }

    /// (patches, width) → (patches / unit, hidden of the language model)
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (patches, width) = x.dims2()?;
        let x = self.norm.forward(x)?.reshape((patches / self.unit, width * self.unit))?;
        let x = self.first.forward(&x)?;
        // candle rounds within this function in short types, `transformers` after it.
        self.second.forward(&x.to_dtype(DType::F32)?.gelu_erf()?.to_dtype(x.dtype())?)
    }
}
