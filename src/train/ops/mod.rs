//! Differentiable building blocks, each written twice.
//!
//! `plain` uses only candle operations that have a gradient, on any device. `fused` holds CPU versions with a backward
//! pass of their own, which avoid candle's temporary copies. Tests compare the two.

mod fused;
mod plan;
mod plain;

pub use plan::{Heads, Plan};

use candle_core::Tensor;

use super::error::Result;
use super::rotary::Rotary;

/// Which of the two ways computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Candle's own differentiable operations, any device.
    Plain,
    /// CPU operations with their own backward pass.
    Fused,
}

impl Kernels {
    /// The faster way this device can take.
    pub fn for_device(device: &candle_core::Device) -> Self {
        if device.is_cpu() { Self::Fused } else { Self::Plain }
    }

    /// `x·wᵀ + b` for `x (n, in)`, `w (out, in)`, `b (out,)`.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn linear(self, x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Plain => plain::linear(x, w, b),
            Self::Fused => fused::linear(x, w, b),
        }
    }

    /// Root-mean-square norm of the rows of `x (n, d)` with gain `w (d,)`.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn rms_norm(self, x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
        match self {
            Self::Plain => plain::rms_norm(x, w, eps),
            Self::Fused => fused::rms_norm(x, w, eps),
        }
    }

    /// `silu(gate)·up` for `x (n, 2f)` = gate columns, then up columns; gives `(n, f)`.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn swiglu(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain => plain::swiglu(x),
            Self::Fused => fused::swiglu(x),
        }
    }

    /// Rotary attention: `qkv (n, (q + 2·kv)·dim)` to `(n, q·dim)`, each row seeing what the plan says.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn attention(self, qkv: &Tensor, rotary: &Rotary, plan: &Plan, heads: Heads) -> Result<Tensor> {
        match self {
            Self::Plain => plain::attention(qkv, rotary, plan, heads),
            Self::Fused => fused::attention(qkv, rotary, plan, heads),
        }
    }

    /// `Σ weight·cross-entropy` of `logits (n, v)` against `classes (n,)`; a scalar.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn cross_entropy(self, logits: &Tensor, classes: &Tensor, weights: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain => plain::cross_entropy(logits, classes, weights),
            Self::Fused => fused::cross_entropy(logits, classes, weights),
        }
    }
}
