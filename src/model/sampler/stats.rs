//! What the raw logits say.

use super::{ALTERNATIVES, Drawn, SamplerError};

/// Normaliser, entropy and best alternatives of one row of logits.
pub(super) struct Raw {
    /// Natural logarithm of the sum of exponentials.
    log_sum: f64,
    entropy: f64,
    /// Ids of the likeliest, falling.
    best: Vec<(u32, f32)>,
}

impl Raw {
    /// Reads a row of logits, refusing NaN and infinities.
    pub fn of(logits: &[f32]) -> Result<Self, SamplerError> {
        if logits.is_empty() {
            return Err(SamplerError::Empty);
        }
        check_finite(logits.iter().copied(), logits.len(), "")?;
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut sum, mut weighted) = (0f64, 0f64);
        for logit in logits {
            // Never positive, so the exponential cannot overflow; differences beyond f32 become −∞ and weigh nothing.
            let below = (logit - max).max(f32::MIN);
            let weight = f64::from(below.exp());
            sum += weight;
            weighted += weight * f64::from(below);
        }
        let log = sum.ln();
        Ok(Self { log_sum: f64::from(max) + log, entropy: (log - weighted / sum).max(0.0), best: best(logits) })
    }

    /// Log-probability of a token with this logit.
    pub fn logprob(&self, logit: f32) -> f32 {
        (f64::from(logit) - self.log_sum).min(0.0) as f32
    }

    /// The record of a chosen token.
    pub fn drawn(self, logits: &[f32], id: u32, sampled_logprob: f32) -> Drawn {
        let logprob = logits.get(id as usize).map_or(f32::NEG_INFINITY, |logit| self.logprob(*logit));
        let top = self.best.iter().map(|(id, logit)| (*id, self.logprob(*logit))).collect();
        Drawn { id, logprob, entropy: self.entropy as f32, sampled_logprob, top }
    }
}

/// Refuses the first value that is not finite; `stage` says where it arose.
pub(super) fn check_finite(
    values: impl Iterator<Item = f32>,
    len: usize,
    stage: &'static str,
) -> Result<(), SamplerError> {
    match values.enumerate().find(|(_, v)| !v.is_finite()) {
        Some((index, value)) => Err(SamplerError::NotFinite { index, len, value, stage }),
        None => Ok(()),
    }
}

/// The likeliest ids with their logits, falling; equals by rising id.
fn best(logits: &[f32]) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(ALTERNATIVES + 1);
    for (id, logit) in (0u32..).zip(logits.iter().copied()) {
        if best.len() == ALTERNATIVES && best.last().is_some_and(|(_, worst)| logit <= *worst) {
            continue;
        }
        let place = best.partition_point(|(_, other)| *other >= logit);
        best.insert(place, (id, logit));
        best.truncate(ALTERNATIVES);
    }
    best
}
