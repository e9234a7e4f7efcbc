//! Two models in one context: the first answers, the second is asked what it would have said.

use std::sync::Arc;

use image::RgbImage;

use super::{Appended, Capabilities, EngineError, LocalEngine, Mark, Recorded, Resumed, StepEngine, StepToken};
use crate::model::Model;
use crate::model::sampler::Sampling;
use crate::trace::ModelInfo;

/// How far the second model's distributions of the next token were from the first's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gap {
    /// KL(first ‖ second) in nats, a token each.
    pub divergences: Vec<f64>,
    /// Tokens of which both find the same likeliest.
    pub agreed: usize,
}

impl Gap {
    /// Takes up one token: the logits of both.
    pub fn take(&mut self, first: &[f32], second: &[f32]) {
        let likeliest = |logits: &[f32]| {
            let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
            best.map(|(id, _)| id)
        };
        self.divergences.push(divergence(first, second));
        self.agreed += usize::from(likeliest(first) == likeliest(second));
    }

    /// The mean divergence.
    pub fn mean(&self) -> f64 {
        self.divergences.iter().sum::<f64>() / self.divergences.len().max(1) as f64
    }

    /// The divergence that this share of tokens is not above; 0 without tokens.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.divergences.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    /// The share of tokens of which both find the same likeliest.
    pub fn agreement(&self) -> f64 {
        self.agreed as f64 / self.divergences.len().max(1) as f64
    }
}

/// Σ p (ln p − ln q); never below 0.
fn divergence(first: &[f32], second: &[f32]) -> f64 {
    let normalised = |logits: &[f32]| {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
        f64::from(most) + sum.ln()
    };
    let (p_sum, q_sum) = (normalised(first), normalised(second));
    let each = first.iter().zip(second).map(|(p, q)| {
        let (p, q) = (f64::from(*p) - p_sum, f64::from(*q) - q_sum);
        p.exp() * (p - q)
    });
    each.sum::<f64>().max(0.0)
}

/// [`StepEngine`] of the first model; the second follows it, token for token.
#[derive(Debug)]
pub struct Beside {
    first: LocalEngine,
    second: LocalEngine,
    gap: Gap,
}

impl Beside {
    /// The two side by side.
    ///
    /// # Errors
    /// [`EngineError::Ask`]: their vocabularies differ.
    pub fn new(first: Arc<Model>, second: Arc<Model>) -> Result<Self, EngineError> {
        let sizes = [&first, &second].map(|model| model.config().text.vocabulary);
        if sizes[0] != sizes[1] || first.tokenizer().vocab_size() != second.tokenizer().vocab_size() {
            let what = format!("{} tokens and {} tokens: the models have not one vocabulary", sizes[0], sizes[1]);
            return Err(EngineError::Ask(what));
        }
        Ok(Self { first: LocalEngine::new(first), second: LocalEngine::new(second), gap: Gap::default() })
    }

    /// What was found so far.
    pub fn gap(&self) -> &Gap {
        &self.gap
    }

    /// Both models' logits after what stands in the context.
    fn both(&mut self) -> Result<Vec<f32>, EngineError> {
        let first = self.first.logits()?;
        let second = self.second.logits()?;
        self.gap.take(&first, &second);
        Ok(first)
    }
}

impl StepEngine for Beside {
    fn capabilities(&self) -> Capabilities {
        Capabilities { rewind: false, ..self.first.capabilities() }
    }

    fn info(&self) -> ModelInfo {
        self.first.info()
    }

    fn pixel_limits(&self) -> (u64, u64) {
        self.first.pixel_limits()
    }

    fn eos(&self) -> &[u32] {
        self.first.eos()
    }

    fn belongs_to(&mut self, session: &str) {
        self.first.belongs_to(session);
        self.second.belongs_to(session);
    }

    fn begin(&mut self, sampling: Sampling, seed: u64) -> Result<(), EngineError> {
        self.first.begin(sampling, seed)?;
        self.second.begin(sampling, seed)
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        self.first.encode(text)
    }

    fn piece(&self, id: u32) -> Vec<u8> {
        self.first.piece(id)
    }

    fn append_tokens(&mut self, ids: &[u32]) -> Result<(), EngineError> {
        self.first.append_tokens(ids)?;
        self.second.append_tokens(ids)
    }

    fn append_image(&mut self, image: &RgbImage) -> Result<Appended, EngineError> {
        // Both see the image in the first one's size.
        let limits = self.first.pixel_limits();
        self.second.limit_pixels(Some(limits))?;
        self.second.append_image(image)?;
        self.first.append_image(image)
    }

    fn next(&mut self) -> Result<StepToken, EngineError> {
        let logits = self.both()?;
        let token = self.first.draw(&logits)?;
        self.second.append_tokens(&[token.id])?;
        Ok(token)
    }

    fn force(&mut self, id: u32) -> Result<StepToken, EngineError> {
        let logits = self.both()?;
        let token = self.first.draw_forced(&logits, id)?;
        self.second.append_tokens(&[id])?;
        Ok(token)
    }

    fn resume(&mut self, _: &Recorded<'_>) -> Result<Resumed, EngineError> {
        Err(EngineError::Misuse("two models side by side stand in no recorded context"))
    }

    fn limit_pixels(&mut self, limits: Option<(u64, u64)>) -> Result<(), EngineError> {
        self.first.limit_pixels(limits)
    }

    fn position(&self) -> u64 {
        self.first.position()
    }

    fn mark(&self) -> Mark {
        self.first.mark()
    }

    fn rewind(&mut self, _: &Mark) -> Result<(), EngineError> {
        Err(EngineError::StaleMark)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_of_known_distributions() {
        // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): 1/2 ln 2 - 1/4 ln 2.
        let (p, q) = ([2.0_f32.ln(), 0.0, 0.0], [0.0, 2.0_f32.ln(), 0.0]);
        assert!((divergence(&p, &q) - 0.25 * 2.0_f64.ln()).abs() < 1e-6);
        assert!(divergence(&p, &p.map(|logit| logit + 70.0)) < 1e-6, "logits have no origin");
        let mut gap = Gap::default();
        gap.take(&p, &q);
        (0..99).for_each(|_| gap.take(&p, &p));
        assert_eq!((gap.agreed, gap.agreement(), gap.divergences.len()), (99, 0.99, 100));
        assert!(gap.quantile(0.99) < 1e-9 && (gap.quantile(1.0) - 0.25 * 2.0_f64.ln()).abs() < 1e-6);
        assert!((gap.mean() - 0.0025 * 2.0_f64.ln()).abs() < 1e-8);
        assert_eq!((Gap::default().mean(), Gap::default().quantile(0.99), Gap::default().agreement()), (0.0, 0.0, 0.0));
    }
}
