//! The clipped surrogate of GRPO, and its gradient.
//!
//! For a token with ratio `r = exp(logp − drawn)` and advantage `A` the objective is
//! `min(r·A, clip(r, 1 − low, 1 + high)·A)`, less `kl · (exp(d) − d − 1)` with `d = reference − logp`. Its derivative by
//! `logp` is known in closed form, so the loss that is differentiated is a weighted cross-entropy with these derivatives as
//! weights: the same gradient, and one kernel less.

use candle_core::{D, DType, Device, Tensor};

use super::learn::PolicyPart;
use super::settings::PolicySettings;
use crate::train::error::Result;
use crate::train::graph::Graph;
use crate::train::optim::Gradients;

/// What a part of an update gives: sums over its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PolicySums {
    /// Tokens.
    pub tokens: f64,
    /// Objective, before the divergence.
    pub objective: f64,
    /// k3 estimate of the divergence from the reference; 0 without one.
    pub kl: f64,
    /// Tokens whose ratio is clipped.
    pub clipped: f64,
    /// `|logp − drawn|`: how far the policy has moved since the rollout, and how far engine and learner differ.
    pub moved: f64,
}

impl PolicySums {
    /// Adds another part's sums.
    pub fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.objective += other.objective;
        self.kl += other.kl;
        self.clipped += other.clipped;
        self.moved += other.moved;
    }
}

/// What all parts of an update have in common.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The policy.
    pub graph: Graph<'a>,
    /// The start, where the divergence from it is wanted.
    pub reference: Option<Graph<'a>>,
    /// Settings.
    pub settings: &'a PolicySettings,
    /// Temperature of the rollouts.
    pub temperature: f64,
    /// Tokens of the whole update: the loss is their mean.
    pub tokens: f64,
}

/// Objective, its derivative by `logp`, and whether the ratio is clipped, for one token.
pub fn surrogate(logp: f32, drawn: f32, advantage: f32, low: f64, high: f64) -> (f64, f64, bool) {
    let (advantage, ratio) = (f64::from(advantage), f64::from(logp - drawn).exp());
    let limited = ratio.clamp(1.0 - low, 1.0 + high);
    let (free, held) = (ratio * advantage, limited * advantage);
    // Where the held one is smaller its derivative is zero: the ratio has left the range on the side it is pushed to.
    if held < free { (held, 0.0, true) } else { (free, free, false) }
}

/// k3 estimate of the divergence and its derivative by `logp`, for one token.
pub fn divergence(logp: f32, reference: f32) -> (f64, f64) {
    let d = f64::from(reference - logp);
    (d.exp() - d - 1.0, 1.0 - d.exp())
}

/// Sums and gradients of one part.
///
/// # Errors
/// A failing tensor operation.
pub fn part_gradients(update: &Update<'_>, part: &PolicyPart, device: &Device) -> Result<(PolicySums, Gradients)> {
    let logits = logits(&update.graph, part, update.temperature, device)?;
    let ids: Vec<u32> = part.packed.targets.iter().map(|target| target.id).collect();
    let ids = Tensor::from_vec(ids, part.packed.targets.len(), device)?;
    let logps = log_probs(&logits, &ids)?;
    let reference = match &update.reference {
        Some(graph) => Some(log_probs(&self::logits(graph, part, update.temperature, device)?, &ids)?),
        None => None,
    };
    let (sums, weights) = weigh(update, part, &logps, reference.as_deref());
    let weights = Tensor::from_vec(weights, logps.len(), device)?;
    let loss = update.graph.kernels.cross_entropy(&logits, &ids, &weights)?;
    let mut store = loss.backward()?;
    let take = |param: &crate::train::params::Param| store.remove(param.var.as_tensor());
    Ok((sums, update.graph.params.list().iter().map(take).collect()))
}

/// Derivatives of the mean objective by each token's `logp`: descending along the cross-entropy they weigh ascends it.
fn weigh(update: &Update<'_>, part: &PolicyPart, logps: &[f32], reference: Option<&[f32]>) -> (PolicySums, Vec<f32>) {
    let (s, mut sums, mut weights) = (update.settings, PolicySums::default(), Vec::with_capacity(logps.len()));
    for (index, ((&logp, &drawn), &advantage)) in logps.iter().zip(&part.drawn).zip(&part.advantages).enumerate() {
        let (value, mut slope, clipped) = surrogate(logp, drawn, advantage, s.clip_low, s.clip_high);
        if let Some(&at_start) = reference.and_then(|reference| reference.get(index)) {
            let (kl, by_logp) = divergence(logp, at_start);
            sums.kl += kl;
            slope -= s.kl * by_logp;
        }
        sums.tokens += 1.0;
        sums.objective += value;
        sums.clipped += f64::from(u8::from(clipped));
        sums.moved += f64::from((logp - drawn).abs());
        weights.push((slope / update.tokens.max(1.0)) as f32);
    }
    (sums, weights)
}

/// `(targets, vocabulary)`, over the temperature.
fn logits(graph: &Graph<'_>, part: &PolicyPart, temperature: f64, device: &Device) -> Result<Tensor> {
    let rows: Vec<u32> = part.packed.targets.iter().map(|target| target.row).collect();
    let rows = Tensor::from_vec(rows, part.packed.targets.len(), device)?;
    let logits = graph.logits(&graph.forward(&part.packed, device)?.text, &rows)?;
    Ok(if temperature == 1.0 { logits } else { (logits * (1.0 / temperature))? })
}

/// Log-probability of each row's id; not differentiated.
fn log_probs(logits: &Tensor, ids: &Tensor) -> Result<Vec<f32>> {
    let logits = logits.detach().to_dtype(DType::F32)?;
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let chosen = shifted.gather(&ids.unsqueeze(1)?, 1)?;
    Ok((chosen - log_sum)?.squeeze(1)?.to_vec1::<f32>()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn numeric(f: impl Fn(f32) -> f64, x: f32) -> f64 {
        let h = 1e-3f32;
        (f(x + h) - f(x - h)) / (2.0 * f64::from(h))
    }

    #[test]
    fn slopes_are_the_derivatives() {
        for (logp, drawn, advantage) in [
            (-1.0, -1.0, 0.7),
            (-1.0, -1.1, 0.7),
            (-0.5, -1.1, 0.7),
            (-1.1, -0.5, 0.7),
            (-0.5, -1.1, -0.7),
            (-1.2, -0.5, -0.7),
        ] {
            let (_, slope, _) = surrogate(logp, drawn, advantage, 0.2, 0.2);
            let by_hand = numeric(|x| surrogate(x, drawn, advantage, 0.2, 0.2).0, logp);
            assert!((slope - by_hand).abs() < 1e-2, "{logp} {drawn} {advantage}: {slope} and {by_hand}");
            let (_, slope) = divergence(logp, drawn);
            let by_hand = numeric(|x| divergence(x, drawn).0, logp);
            assert!((slope - by_hand).abs() < 1e-2, "{logp} {drawn}: {slope} and {by_hand}");
        }
    }

    #[test]
    fn clipping_holds_only_the_side_that_is_pushed_to() {
        let clipped = |logp: f32, advantage: f32| surrogate(logp, -1.0, advantage, 0.2, 0.2).2;
        assert!(clipped(-0.5, 1.0) && !clipped(-1.5, 1.0));
        assert!(!clipped(-0.5, -1.0) && clipped(-1.5, -1.0));
        assert!(!clipped(-1.0, 1.0));
    }
}
