//! The logit lens: what each block's output would say, were it the last.
//!
//! nostalgebraist, "interpreting GPT: the logit lens" (2020): the last norm and the head on the residual stream between
//! blocks. What the layers between the norm and the block would have changed is left out, so early blocks of models
//! that were not made for it may say little (Belrose et al., "Eliciting latent predictions", 2023).

use candle_core::{DType, Device, Tensor};

use super::Kept;
use crate::model::error::ModelError;
use crate::model::network::Network;
use crate::model::tap::Row;

/// The lens on one row, one entry a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lens {
    /// First block first; the last is what the model says.
    pub layers: Vec<LensLayer>,
}

/// What one block's output says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LensLayer {
    /// The likeliest ids with their natural log-probabilities, falling; equals by rising id.
    pub top: Vec<(u32, f32)>,
    /// Place of the chosen token, 1 is the likeliest; tokens as likely as it do not count before it.
    pub rank: u32,
    /// Natural log-probability of the chosen token.
    pub logprob: f32,
    /// Entropy in nats.
    pub entropy: f32,
    /// Kullback-Leibler divergence in nats from what the model says to what this block says: sum of p ln(p / q), p the
    /// model's.
    pub kl: f32,
}

impl Network {
    /// The lens on the row that `kept` is of: `top` likeliest tokens of each block, and how it places `chosen`. One product
    /// with the head for all blocks.
    ///
    /// # Errors
    /// [`ModelError::Watch`] where outputs were not kept; [`ModelError::TokenId`]; [`ModelError::Compute`].
    pub fn lens(&self, kept: &Kept, chosen: u32, top: usize) -> Result<Lens, ModelError> {
        let text = &self.config().text;
        if kept.outputs.len() != text.layers {
            let found = kept.outputs.len();
            return Err(ModelError::Watch(format!(
                "outputs of {found} blocks were kept, the model has {}",
                text.layers
            )));
        }
        if chosen as usize >= text.vocabulary {
            return Err(ModelError::TokenId { id: chosen, vocabulary: text.vocabulary });
        }
        let rows: Vec<Tensor> = kept.outputs.iter().map(tensor).collect::<candle_core::Result<_>>()?;
        let logits: Vec<Vec<f32>> = self.text().read_out(&Tensor::cat(&rows, 0)?)?.to_dtype(DType::F32)?.to_vec2()?;
        let last = logits.last().map(|row| log_softmax(row)).unwrap_or_default();
        let layers = logits.iter().map(|row| layer(&log_softmax(row), &last, chosen, top)).collect();
        Ok(Lens { layers })
    }
}

fn tensor(row: &Row) -> candle_core::Result<Tensor> {
    match row {
        Row::Tensor(tensor) => Ok(tensor.clone()),
        Row::Numbers(numbers) => Tensor::from_slice(numbers, (1, numbers.len()), &Device::Cpu),
    }
}

/// Log-probabilities; the sum is taken in f64.
fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - most).exp())).sum();
    let log = sum.ln();
    logits.iter().map(|logit| (f64::from(logit - most) - log) as f32).collect()
}

fn layer(own: &[f32], last: &[f32], chosen: u32, top: usize) -> LensLayer {
    let logprob = own.get(chosen as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let (mut entropy, mut kl) = (0_f64, 0_f64);
    for (own, last) in own.iter().zip(last) {
        let (own, last) = (f64::from(*own), f64::from(*last));
        entropy -= if own > -700.0 { own.exp() * own } else { 0.0 };
        kl += if last > -700.0 { last.exp() * (last - own) } else { 0.0 };
    }
    LensLayer {
        top: best(own, top),
        rank: own.iter().filter(|other| **other > logprob).count() as u32 + 1,
        logprob,
        entropy: entropy.max(0.0) as f32,
        kl: kl.max(0.0) as f32,
    }
}

/// The likeliest, falling; equals by rising id.
fn best(logprobs: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (id, logprob) in (0_u32..).zip(logprobs.iter().copied()) {
        if best.len() == count && best.last().is_none_or(|(_, worst)| logprob <= *worst) {
            continue;
        }
        let place = best.partition_point(|(_, other)| *other >= logprob);
        best.insert(place, (id, logprob));
        best.truncate(count);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_says_what_the_last_says_is_no_way_from_it() {
        let last = log_softmax(&[1.0, 3.0, 2.0, -1.0]);
        let same = layer(&last, &last, 2, 2);
        assert_eq!((same.rank, same.kl), (2, 0.0));
        assert_eq!(same.top.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
        let flat = layer(&log_softmax(&[0.0; 4]), &last, 2, 0);
        assert_eq!((flat.rank, flat.top.len()), (1, 0));
        assert!((flat.entropy - 4_f32.ln()).abs() < 1e-6);
        let by_hand: f64 = last.iter().map(|p| f64::from(*p).exp() * (f64::from(*p) + 4_f64.ln())).sum();
        assert!((f64::from(flat.kl) - by_hand).abs() < 1e-6 && flat.kl > 0.1);
    }
}
