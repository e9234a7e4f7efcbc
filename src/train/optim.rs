//! AdamW with f32 moments, decoupled decay on matrices, clipping by the global norm, and a schedule.

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use super::error::{Result, TrainError};
use super::params::{Kind, Params};

/// Settings of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWSpec {
    /// Step size before the schedule.
    pub learning_rate: f64,
    /// Decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled decay of matrices other than embeddings.
    pub weight_decay: f64,
    /// Largest global gradient norm; larger gradients are scaled down to it.
    pub clip: f64,
}

impl Default for AdamWSpec {
    fn default() -> Self {
        Self { learning_rate: 1e-3, betas: [0.9, 0.98], eps: 1e-8, weight_decay: 0.02, clip: 1.0 }
    }
}

/// The optimiser and its state.
#[derive(Clone, Debug)]
pub struct AdamW {
    spec: AdamWSpec,
    step: u64,
    moments: Vec<Moments>,
}

/// Running means of a parameter's gradient and of its square.
#[derive(Clone, Debug)]
pub struct Moments {
    /// First moment.
    pub mean: Tensor,
    /// Second moment.
    pub square: Tensor,
}

/// Gradients in parameter order; none where nothing arrived.
pub type Gradients = Vec<Option<Tensor>>;

impl AdamW {
    /// An optimiser with zero moments.
    ///
    /// # Errors
    /// No memory.
    pub fn new(spec: AdamWSpec, params: &Params) -> Result<Self> {
        let zero = |p: &super::params::Param| -> Result<Moments> {
            let mean = Tensor::zeros(p.var.dims(), DType::F32, p.var.device())?;
            Ok(Moments { square: mean.clone(), mean })
        };
        let moments = params.list().iter().map(zero).collect::<Result<Vec<_>>>()?;
        Ok(Self { spec, step: 0, moments })
    }

    /// Steps taken.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// Moments in parameter order.
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// Puts back a saved state.
    ///
    /// # Errors
    /// Moments of other shapes.
    pub fn restore(&mut self, step: u64, moments: Vec<Moments>) -> Result<()> {
        let same = |(a, b): (&Moments, &Moments)| a.mean.dims() == b.mean.dims() && a.square.dims() == b.square.dims();
        if moments.len() != self.moments.len() || !self.moments.iter().zip(&moments).all(same) {
            return Err(TrainError::Shape("the saved moments are those of another model".into()));
        }
        (self.step, self.moments) = (step, moments);
        Ok(())
    }

    /// Clips, then moves every parameter that has a gradient by `learning_rate × factor`. Gives the norm before
    /// clipping.
    ///
    /// # Errors
    /// A gradient that is not finite (nothing is changed then), or a failing tensor operation.
    pub fn step(&mut self, params: &Params, gradients: &Gradients, factor: f64) -> Result<f64> {
        let norm = global_norm(gradients)?;
        if !norm.is_finite() {
            return Err(TrainError::NotFinite { step: self.step + 1, what: "gradient" });
        }
        self.step += 1;
        let scale = (self.spec.clip / (norm + 1e-6)).min(1.0);
        for ((param, gradient), moments) in params.list().iter().zip(gradients).zip(&mut self.moments) {
            let Some(gradient) = gradient else { continue };
            let decay = if param.kind == Kind::Matrix { self.spec.weight_decay } else { 0.0 };
            let rate = self.spec.learning_rate * factor;
            update(&self.spec, self.step, rate, decay, param.var.as_tensor(), &(gradient * scale)?, moments)
                .and_then(|value| Ok(param.var.set(&value)?))?;
        }
        Ok(norm)
    }
}

fn update(
    spec: &AdamWSpec,
    step: u64,
    rate: f64,
    decay: f64,
    value: &Tensor,
    gradient: &Tensor,
    moments: &mut Moments,
) -> Result<Tensor> {
    let [beta1, beta2] = spec.betas;
    let value = value.detach();
    moments.mean = ((&moments.mean * beta1)? + (gradient * (1.0 - beta1))?)?;
    moments.square = ((&moments.square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
    let exponent = step as f64;
    let (correct1, correct2) = (1.0 - beta1.powf(exponent), 1.0 - beta2.powf(exponent));
    let root = ((moments.square.sqrt()? * (1.0 / correct2.sqrt()))? + spec.eps)?;
    let change = (moments.mean.div(&root)? * (rate / correct1))?;
    Ok(((value * (1.0 - rate * decay))? - change)?)
}

/// Square root of the sum of all squared entries; sums in f64.
///
/// # Errors
/// A failing tensor operation.
pub fn global_norm(gradients: &Gradients) -> Result<f64> {
    let mut sum = 0.0;
    for gradient in gradients.iter().flatten() {
        sum += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(sum.sqrt())
}
