//! Layers both towers are made of. All arithmetic is f32.

use candle_core::{Device, Result, Tensor};
use candle_nn::ops;

use super::error::ModelError;
use super::weights::Weights;

/// A linear map of rows.
#[derive(Debug)]
pub(crate) struct Linear {
    /// (in, out), a transposed view of the stored (out, in).
    weight: Tensor,
    /// (1, out)
    bias: Option<Tensor>,
}

impl Linear {
    /// Reads `{prefix}.weight` and, if asked, `{prefix}.bias` of every prefix, stacked: one product for several maps.
    pub(crate) fn load(
        weights: &Weights,
        prefixes: &[String],
        columns: usize,
        bias: bool,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let named = |end: &str| prefixes.iter().map(|prefix| format!("{prefix}.{end}")).collect::<Vec<_>>();
        let weight = weights.stacked(&named("weight"), columns, device)?.t()?;
        let bias = match bias {
            true => Some(weights.stacked(&named("bias"), 0, device)?.unsqueeze(0)?),
            false => None,
        };
        Ok(Self { weight, bias })
    }

    /// A map without bias from a stored (out, in) table.
    pub(crate) fn from_table(table: &Tensor) -> Result<Self> {
        Ok(Self { weight: table.t()?, bias: None })
    }

    /// (rows, in) → (rows, out)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.matmul(&self.weight)?;
        match &self.bias {
            None => Ok(y),
            Some(bias) if y.dims() == bias.dims() => &y + bias,
            Some(bias) => y.broadcast_add(bias),
        }
    }
}

/// Root-mean-square norm with f32 statistics.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    eps: f32,
}

impl RmsNorm {
    pub(crate) fn load(
        weights: &Weights,
        name: &str,
        width: usize,
        eps: f64,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        Ok(Self { weight: weights.tensor(name, &[width], device)?, eps: eps as f32 })
    }

    /// (rows, width) → (rows, width)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::rms_norm(x, &self.weight, self.eps)
    }
}

/// The gated feed-forward layer, gate and up stacked into one product.
#[derive(Debug)]
pub(crate) struct GatedMlp {
    gate_up: Linear,
    down: Linear,
}

impl GatedMlp {
    pub(crate) fn load(
        weights: &Weights,
        prefix: &str,
        hidden: usize,
        wide: usize,
        bias: bool,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let gate_up = [format!("{prefix}.gate_proj"), format!("{prefix}.up_proj")];
        Ok(Self {
            gate_up: Linear::load(weights, &gate_up, hidden, bias, device)?,
            down: Linear::load(weights, &[format!("{prefix}.down_proj")], wide, bias, device)?,
        })
    }

    /// (rows, hidden) → (rows, hidden)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.down.forward(&ops::swiglu(&self.gate_up.forward(x)?)?)
    }
}
