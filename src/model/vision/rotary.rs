//! Two-axis rotary positions of patches.

use candle_core::{Device, Result, Tensor};

use super::window::WindowPlan;
use crate::model::config::VisionConfig;

/// Cosines and sines for the rows of one image: (patches, half a head) each.
#[derive(Debug)]
pub(super) struct Rotary {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

/// The tables in window order: the first half of the pairs turns with the row of a patch, the second with its column.
pub(super) fn tables(config: &VisionConfig, grid: [usize; 3], plan: &WindowPlan, device: &Device) -> Result<Rotary> {
    let shape = (plan.index().len() * config.merge_unit(), config.head_dim() / 2);
    let (cos, sin) = numbers(config, grid, plan);
    Ok(Rotary { cos: Tensor::from_vec(cos, shape, device)?, sin: Tensor::from_vec(sin, shape, device)? })
}

/// The same as plain numbers.
pub(super) fn numbers(config: &VisionConfig, grid: [usize; 3], plan: &WindowPlan) -> (Vec<f32>, Vec<f32>) {
    let axis = config.head_dim() / 2;
    let base = config.rope_theta as f32;
    let rates: Vec<f32> = (0..axis).step_by(2).map(|i| 1.0 / base.powf(i as f32 / axis as f32)).collect();
    let (merge, columns) = (config.merge, grid[2] / config.merge);
    let per_frame = (grid[1] / config.merge) * columns;
    let rows = plan.index().len() * config.merge_unit();
    let (mut cos, mut sin) = (Vec::with_capacity(rows * axis), Vec::with_capacity(rows * axis));
    for cell in plan.index() {
        let cell = *cell as usize % per_frame.max(1);
        let (top, left) = (cell / columns * merge, cell % columns * merge);
        for inner in 0..config.merge_unit() {
            for place in [top + inner / merge, left + inner % merge] {
                for rate in &rates {
                    let angle = place as f32 * rate;
                    cos.push(angle.cos());
                    sin.push(angle.sin());
                }
            }
        }
    }
    (cos, sin)
}
