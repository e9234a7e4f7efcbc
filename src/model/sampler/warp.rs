//! Hugging Face's logits processors, in its order, in f32 like it.

use std::cmp::Ordering;

use super::stats::check_finite;
use super::{SamplerError, Sampling};

/// Tokens that may still be drawn, with their warped logits, by rising id. Never empty.
pub(super) struct Kept(Vec<(u32, f32)>);

/// The id with the largest logit after the repetition penalty; the lowest of equals.
pub(super) fn likeliest(logits: &[f32], context: &[u32], penalty: f64) -> Result<u32, SamplerError> {
    let scores = penalised(logits, context, penalty)?;
    let mut best = (0u32, f32::NEG_INFINITY);
    for (id, score) in (0u32..).zip(scores) {
        if score > best.1 {
            best = (id, score);
        }
    }
    Ok(best.0)
}

/// Penalty, temperature, top-k, top-p.
pub(super) fn warp(sampling: &Sampling, logits: &[f32], context: &[u32]) -> Result<Kept, SamplerError> {
    let mut scores = penalised(logits, context, sampling.repetition_penalty)?;
    let temperature = sampling.temperature as f32;
    scores.iter_mut().for_each(|score| *score /= temperature);
    check_finite(scores.iter().copied(), scores.len(), " after temperature")?;
    let threshold = kth_largest(&scores, sampling.top_k);
    let kept = (0u32..).zip(scores).filter(|(_, score)| *score >= threshold).collect();
    Ok(Kept(nucleus(kept, sampling.top_p)))
}

/// Logits with the repetition penalty; an id counts once however often it occurs, and ids without a logit don't count.
fn penalised(logits: &[f32], context: &[u32], penalty: f64) -> Result<Vec<f32>, SamplerError> {
    let mut scores = logits.to_vec();
    if penalty == 1.0 {
        return Ok(scores);
    }
    let penalty = penalty as f32;
    for id in context {
        // Taken from the untouched logits, so that a second occurrence changes nothing.
        if let (Some(score), Some(logit)) = (scores.get_mut(*id as usize), logits.get(*id as usize)) {
            *score = if *logit < 0.0 { logit * penalty } else { logit / penalty };
        }
    }
    check_finite(scores.iter().copied(), scores.len(), " after repetition penalty")?;
    Ok(scores)
}

/// The k-th largest score: what is below it is cut, what equals it stays.
fn kth_largest(scores: &[f32], k: u32) -> f32 {
    let k = k as usize;
    if k == 0 || k >= scores.len() {
        return f32::NEG_INFINITY;
    }
    let mut copy = scores.to_vec();
    *copy.select_nth_unstable_by(k - 1, |a, b| order(*b, *a)).1
}

/// The smallest set of likeliest tokens whose mass exceeds what may be cut; at least one.
///
/// Hugging Face sorts *rising* and cuts while the running mass is at most `1 − top_p`; its sort is stable, so of equal
/// tokens the lower ids are cut first. Masses are f32, their running sum is kept in f64 and compared in f32, as in torch.
fn nucleus(mut kept: Vec<(u32, f32)>, top_p: f64) -> Vec<(u32, f32)> {
    if top_p >= 1.0 || kept.len() < 2 {
        return kept;
    }
    kept.sort_by(|a, b| order(a.1, b.1));
    let max = kept.last().map_or(0.0, |(_, score)| *score);
    let masses: Vec<f32> = kept.iter().map(|(_, score)| (score - max).exp()).collect();
    let total: f64 = masses.iter().copied().map(f64::from).sum();
    let allowed = (1.0 - top_p) as f32;
    let mut running = 0f64;
    let cut = masses
        .iter()
        .take_while(|mass| {
            running += f64::from((f64::from(**mass) / total) as f32);
            running as f32 <= allowed
        })
        .count()
        .min(kept.len() - 1);
    kept.drain(..cut);
    kept.sort_unstable_by_key(|(id, _)| *id);
    kept
}

/// Order of finite numbers, in which the two zeros are equal.
fn order(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

impl Kept {
    /// The largest logit, the sum of exponentials below it.
    fn normaliser(&self) -> (f32, f64) {
        let max = self.0.iter().map(|(_, score)| *score).fold(f32::NEG_INFINITY, f32::max);
        (max, self.0.iter().map(|(_, score)| f64::from(score - max).exp()).sum())
    }

    /// The token at `uniform` (0 to 1) of the mass, and its log-probability among those kept.
    pub fn draw(&self, uniform: f64) -> (u32, f32) {
        let (max, total) = self.normaliser();
        let mut left = uniform * total;
        let mut chosen = (0, max);
        for (id, score) in &self.0 {
            let mass = f64::from(score - max).exp();
            if mass > 0.0 {
                // The last token with any mass also takes what rounding leaves over.
                chosen = (*id, *score);
                left -= mass;
                if left < 0.0 {
                    break;
                }
            }
        }
        (chosen.0, (f64::from(chosen.1 - max) - total.ln()).min(0.0) as f32)
    }

    /// Calls `put` with every id kept and its probability.
    pub fn each(&self, mut put: impl FnMut(u32, f64)) {
        let (max, total) = self.normaliser();
        self.0.iter().for_each(|(id, score)| put(*id, f64::from(score - max).exp() / total));
    }
}
