//! From logits to the next token, and to the numbers that are shown beside it.
//!
//! Takes: the raw logits of one position and the ids so far. Gives: a [`Drawn`]. What is *shown* (log-probability,
//! entropy, alternatives) is of the raw logits: what the model believed. What is *drawn from* is warped in Hugging Face's
//! order: repetition penalty over every id of the context, temperature, top-k, then top-p of what is left, renormalised.
//! Random numbers are ChaCha8's, so a seed gives the same tokens on every machine, though not those of torch.

mod stats;
mod warp;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Alternatives given with every token.
pub const ALTERNATIVES: usize = 8;
/// Temperatures below this are greedy, as in vLLM.
pub const GREEDY_BELOW: f64 = 1e-5;

/// How tokens are chosen. The default is greedy, without penalty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Divides the logits; below 1e-5 the likeliest token is taken.
    pub temperature: f64,
    /// Keep the k likeliest (and whatever equals the last of them); 0 keeps all.
    pub top_k: u32,
    /// Keep the smallest set of likeliest tokens that has this mass; 1 keeps all.
    pub top_p: f64,
    /// Divides positive and multiplies negative logits of ids in the context; 1 is none.
    pub repetition_penalty: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 }
    }
}

impl Sampling {
    /// Whether the likeliest token is always taken.
    pub fn is_greedy(&self) -> bool {
        self.temperature < GREEDY_BELOW
    }

    /// The same settings, if they mean something.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] for a negative or infinite temperature, a top-p outside 0 to 1, a penalty that is not
    /// positive.
    pub fn checked(self) -> Result<Self, SamplerError> {
        let wrong = |name, value, accepted| Err(SamplerError::Setting { name, value, accepted });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return wrong("temperature", self.temperature, "0 or more");
        }
        if !(0.0..=1.0).contains(&self.top_p) {
            return wrong("top_p", self.top_p, "0 to 1");
        }
        if !(self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0) {
            return wrong("repetition_penalty", self.repetition_penalty, "more than 0");
        }
        Ok(self)
    }
}

/// Why no token can be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SamplerError {
    /// There is nothing to choose from.
    #[error("no logits to sample from")]
    Empty,
    /// The model's output is broken.
    #[error("logit {index} of {len} is {value}: the model's output is not finite{stage}")]
    NotFinite {
        /// Token id of the first such logit.
        index: usize,
        /// How many logits there are.
        len: usize,
        /// NaN or an infinity.
        value: f32,
        /// Empty for the model's own output, else what made it so.
        stage: &'static str,
    },
    /// A forced id that the model has no logit for.
    #[error("token {id} cannot be forced: the model has {len} logits")]
    Unknown {
        /// The id.
        id: u32,
        /// How many logits there are.
        len: usize,
    },
    /// A setting that means nothing.
    #[error("{name} is {value}; {accepted} is accepted")]
    Setting {
        /// Which one.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        accepted: &'static str,
    },
}

/// A token and what the model thought when it came to it. Logarithms are natural.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The token.
    pub id: u32,
    /// Its log-probability under the raw logits.
    pub logprob: f32,
    /// Entropy of the raw distribution, in nats: 0 to ln(vocabulary).
    pub entropy: f32,
    /// Its log-probability in the distribution it was drawn from: 0 when greedy. For a forced token, `logprob` again.
    pub sampled_logprob: f32,
    /// The [`ALTERNATIVES`] likeliest ids and their raw log-probabilities, falling; equals by rising id.
    pub top: Vec<(u32, f32)>,
}

/// Draws tokens. A clone goes on with the same random numbers, so it can travel with a mark.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    /// A sampler whose random numbers follow from `seed`.
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        Self { sampling, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Passes over the random numbers of so many drawn tokens; a greedy sampler uses none.
    pub fn skip(&mut self, drawn: u64) {
        if !self.sampling.is_greedy() {
            for _ in 0..drawn {
                self.uniform();
            }
        }
    }

    /// The settings.
    pub const fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Draws the next token after `context` (every id so far, prompt and image pads included).
    ///
    /// # Errors
    /// [`SamplerError::Empty`], or [`SamplerError::NotFinite`] when a logit is NaN or infinite.
    pub fn next(&mut self, logits: &[f32], context: &[u32]) -> Result<Drawn, SamplerError> {
        let raw = stats::Raw::of(logits)?;
        let (id, sampled_logprob) = if self.sampling.is_greedy() {
            (warp::likeliest(logits, context, self.sampling.repetition_penalty)?, 0.0)
        } else {
            let kept = warp::warp(&self.sampling, logits, context)?;
            kept.draw(self.uniform())
        };
        Ok(raw.drawn(logits, id, sampled_logprob))
    }

    /// The record of a token that was put there by someone else. Draws no random number.
    ///
    /// # Errors
    /// Those of [`Sampler::next`], and [`SamplerError::Unknown`] for an id without a logit.
    pub fn force(&self, logits: &[f32], id: u32) -> Result<Drawn, SamplerError> {
        let raw = stats::Raw::of(logits)?;
        let Some(logit) = logits.get(id as usize) else {
            return Err(SamplerError::Unknown { id, len: logits.len() });
        };
        let logprob = raw.logprob(*logit);
        Ok(raw.drawn(logits, id, logprob))
    }

    /// The distribution that [`Sampler::next`] draws from: a probability for every logit, 0 for those cut off.
    ///
    /// # Errors
    /// Those of [`Sampler::next`].
    pub fn probabilities(&self, logits: &[f32], context: &[u32]) -> Result<Vec<f32>, SamplerError> {
        stats::Raw::of(logits)?;
        let mut probabilities = vec![0f32; logits.len()];
        let mut put = |id: u32, p: f64| {
            if let Some(place) = probabilities.get_mut(id as usize) {
                *place = p as f32;
            }
        };
        if self.sampling.is_greedy() {
            put(warp::likeliest(logits, context, self.sampling.repetition_penalty)?, 1.0);
        } else {
            warp::warp(&self.sampling, logits, context)?.each(put);
        }
        Ok(probabilities)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests;
