//! Which format each tensor is kept in.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::arithmetic::{DtypeChoice, LoadOptions, Quant};
use super::error::ModelError;
use super::names;

/// What was asked of the weights.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    dtype: DtypeChoice,
    quant: Option<Quant>,
}

impl Keep {
    pub(crate) fn new(options: &LoadOptions) -> Self {
        Self { dtype: options.dtype, quant: options.quant }
    }

    /// How a log calls it.
    pub(crate) fn name(self) -> &'static str {
        match (self.quant, self.dtype) {
            (Some(quant), _) => quant.name(),
            (None, DtypeChoice::Auto) => DtypeChoice::F32.name(),
            (None, dtype) => dtype.name(),
        }
    }

    /// What linear maps are quantised to.
    pub(crate) fn quant(self) -> Option<Quant> {
        self.quant
    }

    /// Rounds the numbers of a tensor to what its format can hold; rows of `columns` numbers.
    pub(crate) fn round(self, name: &str, columns: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
        if columns <= 1 || !(name.ends_with(".weight")) {
            return Ok(());
        }
        if let Some(quant) = self.quant.filter(|_| names::is_text_map(name)) {
            return through(quant, columns, numbers);
        }
        match self.dtype {
            DtypeChoice::Auto | DtypeChoice::F32 => {}
            DtypeChoice::Bf16 => numbers.iter_mut().for_each(|x| *x = half::bf16::from_f32(*x).to_f32()),
            DtypeChoice::F16 => numbers.iter_mut().for_each(|x| *x = half::f16::from_f32(*x).to_f32()),
        }
        Ok(())
    }
}

/// Stands in until there are kernels for blocks: quantises and widens again.
fn through(quant: Quant, columns: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
    let wanted = match quant {
        Quant::Q8_0 => GgmlDType::Q8_0,
        Quant::Q6K => GgmlDType::Q6K,
        Quant::Q5K => GgmlDType::Q5K,
        Quant::Q4K | Quant::Q4KM => GgmlDType::Q4K,
    };
    let fits = |dtype: GgmlDType| columns.is_multiple_of(dtype.block_size());
    let Some(dtype) = [wanted, GgmlDType::Q8_0].into_iter().find(|dtype| fits(*dtype)) else { return Ok(()) };
    let tensor = Tensor::from_slice(numbers, (numbers.len() / columns, columns), &Device::Cpu)?;
    let widened = QTensor::quantize(&tensor, dtype)?.dequantize(&Device::Cpu)?;
    numbers.copy_from_slice(&widened.flatten_all()?.to_vec1::<f32>()?);
    Ok(())
}
