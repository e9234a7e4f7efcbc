//! Layers both towers are made of. On the CPU all arithmetic is f32; elsewhere it is in the type of the weights, with
//! f32 statistics in the norms.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

use super::error::ModelError;
use super::kernels::{Activations, Crew, Format, Map, Matrix, Packed, Stack, Wide};
use super::ops::{norm, swiglu};
use super::upload::Quantised;
use super::weights::Weights;

/// A linear map of rows.
#[derive(Debug)]
pub(crate) enum Linear {
    /// For any device.
    Plain {
        /// (in, out), a transposed view of the stored (out, in).
        weight: Tensor,
        /// (1, out)
        bias: Option<Tensor>,
    },
    /// Quantised, on a device other than the CPU.
    Quantised(Box<Quantised>),
    /// For the kernels of small models.
    Packed(Box<Packed>),
    /// For the kernels of other models.
    Stack(Box<Stack>),
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
        if let Some(stack) = weights.stack(prefixes, columns, bias)? {
            return Ok(Self::Stack(Box::new(stack)));
        }
        let named = |end: &str| prefixes.iter().map(|prefix| format!("{prefix}.{end}")).collect::<Vec<_>>();
        let bias = match bias {
            true => Some(weights.stacked(&named("bias"), 0, device)?.unsqueeze(0)?),
            false => None,
        };
        if let Some(map) = weights.quantised(&named("weight"), bias.as_ref(), device)? {
            return Ok(Self::Quantised(Box::new(map)));
        }
        let weight = weights.stacked(&named("weight"), columns, device)?;
        Ok(Self::new(weights.wide(), &weight, bias)?)
    }

    /// A map without bias of one tensor, where it is quantised on a device other than the CPU.
    pub(crate) fn quantised(
        weights: &Weights,
        name: &str,
        device: &Device,
    ) -> std::result::Result<Option<Self>, ModelError> {
        let map = weights.quantised(&[name.to_owned()], None, device)?;
        Ok(map.map(|map| Self::Quantised(Box::new(map))))
    }

    /// A map without bias from a stored (out, in) table.
    pub(crate) fn from_table(weights: &Weights, table: &Tensor) -> Result<Self> {
        if let Some((wide, team)) = weights.shared() {
            let (numbers, inputs) = (table.flatten_all()?.to_vec1::<f32>()?, table.dim(1)?);
            let matrix = Matrix::from_f32(wide, Format::F32, &numbers, &[], inputs).map(Arc::new);
            if let Some(stack) = matrix.and_then(|matrix| Stack::new(team, vec![matrix])) {
                return Ok(Self::Stack(Box::new(stack)));
            }
        }
        Self::new(weights.wide(), table, None)
    }

    fn new(wide: Option<Wide>, weight: &Tensor, bias: Option<Tensor>) -> Result<Self> {
        if let Some(wide) = wide {
            let numbers: Vec<f32> = weight.flatten_all()?.to_vec1()?;
            let biases: Vec<f32> = bias.as_ref().map_or_else(|| Ok(Vec::new()), |b| b.flatten_all()?.to_vec1())?;
            if let Some(packed) = Packed::new(wide, &numbers, &biases, weight.dim(1)?) {
                return Ok(Self::Packed(Box::new(packed)));
            }
        }
        Ok(Self::Plain { weight: weight.t()?, bias })
    }

    /// The map on the kernels, if it was made for them.
    pub(crate) fn map(&self) -> Option<Map<'_>> {
        match self {
            Self::Packed(packed) => Some(Map::Alone(packed)),
            Self::Stack(stack) => Some(Map::Shared(stack)),
            Self::Plain { .. } | Self::Quantised(_) => None,
        }
    }

    /// (rows, in) → (rows, out)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = match self {
            Self::Packed(packed) => return x.contiguous()?.apply_op1_no_bwd(&**packed),
            Self::Stack(stack) => return x.contiguous()?.apply_op1_no_bwd(&Stacked(stack)),
            Self::Quantised(map) => return map.forward(x),
            Self::Plain { weight, bias } => (weight, bias),
        };
        let y = x.matmul(weight)?;
        match bias {
            None => Ok(y),
            Some(bias) if y.dims() == bias.dims() => &y + bias,
            Some(bias) => y.broadcast_add(bias),
        }
    }
}

struct Stacked<'a>(&'a Stack);

impl CustomOp1 for Stacked<'_> {
    fn name(&self) -> &'static str {
        "stacked-linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, columns) = layout.shape().dims2()?;
        if columns != self.0.inputs() {
            bail!("stacked linear: rows of {columns} numbers, the map takes {}", self.0.inputs())
        }
        let mut y = Vec::new();
        self.0.apply(numbers(storage, layout)?, &mut y, &mut Activations::default());
        Ok((CpuStorage::F32(y), Shape::from((rows, self.0.outputs()))))
    }
}

/// Root-mean-square norm with f32 statistics.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    eps: f32,
    rows: Option<NormRows>,
}

/// The norm as the kernels take it.
#[derive(Debug)]
pub(crate) struct NormRows {
    wide: Wide,
    weight: Vec<f32>,
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
        let (weight, eps) = (weights.tensor(name, &[width], device)?, eps as f32);
        let rows = match weights.wide() {
            Some(wide) => Some(NormRows { wide, weight: weight.to_vec1()?, eps }),
            None => None,
        };
        Ok(Self { weight, eps, rows })
    }

    /// A norm of given weights.
    #[cfg(test)]
    pub(crate) fn of(wide: Wide, weight: Vec<f32>, eps: f32) -> Self {
        let tensor = Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu).ok();
        let rows = Some(NormRows { wide, weight, eps });
        Self { weight: tensor.unwrap_or_else(|| unreachable!()), eps, rows }
    }

    /// The norm as the kernels take it, if it was made for them.
    pub(crate) fn rows(&self) -> Option<&NormRows> {
        self.rows.as_ref()
    }

    /// (rows, width) → (rows, width)
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.rows {
            Some(rows) => x.contiguous()?.apply_op1_no_bwd(rows),
            None => norm(x, &self.weight, self.eps),
        }
    }
}

impl NormRows {
    /// The same by a crew.
    pub(crate) fn apply_by(&self, crew: Crew<'_>, x: &[f32], y: &mut Vec<f32>) {
        crew.norm(x, &self.weight, self.eps, y);
    }

    /// (rows, width) → (rows, width)
    pub(crate) fn apply(&self, x: &[f32], y: &mut Vec<f32>) {
        self.wide.norm(x, &self.weight, self.eps, y);
    }
}

impl CustomOp1 for NormRows {
    fn name(&self) -> &'static str {
        "norm-rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        if layout.dims().last() != Some(&self.weight.len()) {
            bail!("norm: {:?} for {} weights", layout.shape(), self.weight.len())
        }
        let mut y = Vec::new();
        self.apply(numbers(storage, layout)?, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }
}

/// The gated feed-forward layer, gate and up stacked into one product.
#[derive(Debug)]
pub(crate) struct GatedMlp {
    pub(crate) gate_up: Linear,
    pub(crate) down: Linear,
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
        let both = self.gate_up.forward(x)?;
        let gated = match &self.gate_up {
            Linear::Packed(packed) => both.apply_op1_no_bwd(&Gate(packed.wide()))?,
            Linear::Stack(stack) => both.apply_op1_no_bwd(&Gate(stack.wide()))?,
            Linear::Plain { .. } | Linear::Quantised(_) => swiglu(&both)?,
        };
        self.down.forward(&gated)
    }
}

/// (rows, 2 * width) → (rows, width)
struct Gate(Wide);

impl CustomOp1 for Gate {
    fn name(&self) -> &'static str {
        "gate-rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, both) = layout.shape().dims2()?;
        let mut y = Vec::new();
        self.0.gate(numbers(storage, layout)?, both / 2, &mut y);
        Ok((CpuStorage::F32(y), Shape::from((rows, both / 2))))
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(numbers) = storage else { bail!("f32 only") };
    let place = layout.contiguous_offsets().and_then(|(start, end)| numbers.get(start..end));
    place.map_or_else(|| bail!("contiguous numbers only"), Ok)
}
