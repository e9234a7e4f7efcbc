//! Three-axis rotary positions of tokens.

use candle_core::{Device, Result, Tensor};

use crate::model::config::TextConfig;
use crate::model::positions::Position;

/// Cosines and sines for the rows of one step: (rows, half a head) each.
#[derive(Debug)]
pub(super) struct Rotary {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

/// How fast each pair of a head turns, radians a position.
pub(super) fn rates(config: &TextConfig) -> Vec<f32> {
    let (base, width) = (config.rope_theta as f32, config.head_dim as f32);
    (0..config.head_dim).step_by(2).map(|i| 1.0 / base.powf(i as f32 / width)).collect()
}

/// The tables of rows at `positions`, as tensors.
pub(super) fn tables(config: &TextConfig, rates: &[f32], positions: &[Position], device: &Device) -> Result<Rotary> {
    let shape = (positions.len(), rates.len());
    let (cos, sin) = numbers(config, rates, positions);
    Ok(Rotary { cos: Tensor::from_vec(cos, shape, device)?, sin: Tensor::from_vec(sin, shape, device)? })
}

/// Cosines and sines of rows at `positions`, (rows, half a head) each: the sections of the pairs follow the temporal,
/// height and width axis in turn.
pub(super) fn numbers(config: &TextConfig, rates: &[f32], positions: &[Position]) -> (Vec<f32>, Vec<f32>) {
    let axes: Vec<usize> = config
        .rope_sections
        .iter()
        .enumerate()
        .flat_map(|(section, pairs)| std::iter::repeat_n(section % 3, *pairs))
        .collect();
    let count = positions.len() * rates.len();
    let (mut cos, mut sin) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for position in positions {
        for (rate, axis) in rates.iter().zip(&axes) {
            let angle = position.get(*axis).copied().unwrap_or(0) as f32 * rate;
            cos.push(angle.cos());
            sin.push(angle.sin());
        }
    }
    (cos, sin)
}
