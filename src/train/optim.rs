//! The optimiser: AdamW, and Muon for matrices where asked for.
//!
//! AdamW has f32 moments and decoupled decay on matrices. Muon moves a matrix along the orthogonalised mean of its
//! gradients; stacked projections (query, key, value; gate, up) count as one matrix, as they do in the forward pass.
//! Gradients are clipped by their global norm first.

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use super::error::{Result, TrainError};
use super::params::{Kind, Param, Params};

/// Settings of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimiserSpec {
    /// AdamW's step size before the schedule.
    pub learning_rate: f64,
    /// Decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled decay of matrices; what reads tokens or pixels and what names tokens or classes does not decay.
    pub weight_decay: f64,
    /// Largest global gradient norm; larger gradients are scaled down to it.
    pub clip: f64,
    /// Moves matrices by Muon instead.
    pub muon: Option<MuonSpec>,
}

/// Settings of Muon.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MuonSpec {
    /// Step size before the schedule; times √(rows/columns) for tall matrices.
    pub learning_rate: f64,
    /// How slowly the mean of the gradients moves (Nesterov).
    pub momentum: f64,
    /// Decoupled decay.
    pub weight_decay: f64,
}

impl Default for OptimiserSpec {
    fn default() -> Self {
        Self { learning_rate: 1e-3, betas: [0.9, 0.98], eps: 1e-8, weight_decay: 0.02, clip: 1.0, muon: None }
    }
}

impl OptimiserSpec {
    /// Checks ranges.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let positive = [("learning_rate", self.learning_rate), ("eps", self.eps), ("clip", self.clip)];
        if let Some((name, value)) = positive.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return Err(format!("optimizer.{name} is {value}; it must be above 0"));
        }
        if self.betas.iter().any(|beta| !(0.0..1.0).contains(beta)) || !(0.0..1.0).contains(&self.weight_decay) {
            return Err("optimizer.betas and weight_decay must lie in 0 … 1".into());
        }
        let Some(muon) = &self.muon else { return Ok(()) };
        let good = muon.learning_rate.is_finite() && muon.learning_rate > 0.0;
        if !good || !(0.0..1.0).contains(&muon.momentum) || !(0.0..1.0).contains(&muon.weight_decay) {
            return Err("optimizer.muon: learning_rate must be above 0, momentum and weight_decay in 0 … 1".into());
        }
        Ok(())
    }
}

/// The optimiser and its state.
#[derive(Clone, Debug)]
pub struct Optimiser {
    spec: OptimiserSpec,
    step: u64,
    moments: Vec<Moments>,
}

/// Running means of a parameter's gradient and of its square (which Muon leaves at zero).
#[derive(Clone, Debug)]
pub struct Moments {
    /// First moment.
    pub mean: Tensor,
    /// Second moment.
    pub square: Tensor,
}

/// Gradients in parameter order; none where nothing arrived.
pub type Gradients = Vec<Option<Tensor>>;

impl Optimiser {
    /// An optimiser with zero moments.
    ///
    /// # Errors
    /// No memory.
    pub fn new(spec: OptimiserSpec, params: &Params) -> Result<Self> {
        let zero = |p: &Param| -> Result<Moments> {
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

    /// Clips, then moves every parameter that has a gradient; `factor` multiplies the learning rates. Gives the norm
    /// before clipping.
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
            let (value, gradient) = (param.var.as_tensor().detach(), (gradient * scale)?);
            let moved = match (&self.spec.muon, param.kind) {
                (Some(spec), Kind::Matrix) => muon(spec, factor, &value, &gradient, moments)?,
                (_, kind) => {
                    let decay = if kind == Kind::Matrix { self.spec.weight_decay } else { 0.0 };
                    adamw(&self.spec, self.step, factor, decay, &value, &gradient, moments)?
                }
            };
            param.var.set(&moved)?;
        }
        Ok(norm)
    }
}

fn adamw(
    spec: &OptimiserSpec,
    step: u64,
    factor: f64,
    decay: f64,
    value: &Tensor,
    gradient: &Tensor,
    moments: &mut Moments,
) -> Result<Tensor> {
    let ([beta1, beta2], rate) = (spec.betas, spec.learning_rate * factor);
    moments.mean = ((&moments.mean * beta1)? + (gradient * (1.0 - beta1))?)?;
    moments.square = ((&moments.square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
    let exponent = step as f64;
    let (correct1, correct2) = (1.0 - beta1.powf(exponent), 1.0 - beta2.powf(exponent));
    let root = ((moments.square.sqrt()? * (1.0 / correct2.sqrt()))? + spec.eps)?;
    let change = (moments.mean.div(&root)? * (rate / correct1))?;
    Ok(((value * (1.0 - rate * decay))? - change)?)
}

fn muon(spec: &MuonSpec, factor: f64, value: &Tensor, gradient: &Tensor, moments: &mut Moments) -> Result<Tensor> {
    let (rate, keep) = (spec.learning_rate * factor, spec.momentum);
    moments.mean = ((&moments.mean * keep)? + (gradient * (1.0 - keep))?)?;
    let ahead = ((gradient * (1.0 - keep))? + (&moments.mean * keep)?)?;
    let (rows, columns) = value.dims2()?;
    let tall = (rows as f64 / columns as f64).max(1.0).sqrt();
    let change = (orthogonal(&ahead)? * (rate * tall))?;
    Ok(((value * (1.0 - rate * spec.weight_decay))? - change)?)
}

/// Pushes all singular values of a matrix towards 1 by five Newton–Schulz steps of order five (Muon's published
/// coefficients); f32 throughout.
fn orthogonal(x: &Tensor) -> Result<Tensor> {
    const A: f64 = 3.4445;
    const B: f64 = -4.7750;
    const C: f64 = 2.0315;
    let (rows, columns) = x.dims2()?;
    let norm = f64::from(x.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt().max(1e-7);
    let wide = if rows > columns { x.t()?.contiguous()? } else { x.clone() };
    let mut x = (wide * (1.0 / norm))?;
    for _ in 0..5 {
        let gram = x.matmul(&x.t()?)?;
        let update = ((&gram * B)? + (gram.matmul(&gram)? * C)?)?;
        x = ((&x * A)? + update.matmul(&x)?)?;
    }
    Ok(if rows > columns { x.t()?.contiguous()? } else { x })
}

/// Square root of the sum of all squared entries.
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
