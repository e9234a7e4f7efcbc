//! Weights in the type that a device computes with.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;

use super::arithmetic::{DtypeChoice, LoadOptions, Quant};
use super::error::ModelError;
use super::memory::product;
use super::names;
use super::weights::{Head, Weights};

impl Weights {
    /// The type that activations, keys and values have: f32 on the CPU, elsewhere that of the weights.
    pub(crate) fn arithmetic(&self, options: &LoadOptions) -> DType {
        let wanted =
            options.arithmetic.unwrap_or(if options.device.is_cpu() { DtypeChoice::F32 } else { options.dtype });
        match wanted {
            DtypeChoice::F32 => DType::F32,
            DtypeChoice::Bf16 => DType::BF16,
            DtypeChoice::F16 => DType::F16,
            DtypeChoice::Auto => match self.stored(names::EMBED) {
                Some(Dtype::BF16) => DType::BF16,
                Some(Dtype::F16) => DType::F16,
                _ => DType::F32,
            },
        }
    }

    /// How many numbers the weights are.
    pub(crate) fn numbers(&self, head: Head) -> u64 {
        self.sizes(head).fold(0, u64::saturating_add)
    }

    /// How many numbers the largest tensor has.
    pub(crate) fn largest(&self, head: Head) -> u64 {
        self.sizes(head).max().unwrap_or(0)
    }

    fn sizes(&self, head: Head) -> impl Iterator<Item = u64> {
        let tied = move |name: &str| head == Head::Tied && name == names::HEAD;
        self.shapes().filter(move |(name, _)| !tied(name)).map(|(_, shape)| product(shape))
    }

    /// Whether tensors are made as for other devices than the CPU.
    pub(crate) fn is_moved(&self, device: &Device) -> bool {
        !device.is_cpu() || self.computes_in() != DType::F32
    }

    /// Tensors below each other on a device, in its type. Bytes that are in that type already go there as they are.
    pub(crate) fn uploaded(
        &self,
        parts: &[String],
        shape: &[usize],
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor, ModelError> {
        let same = match dtype {
            DType::BF16 => Dtype::BF16,
            DType::F16 => Dtype::F16,
            _ => Dtype::F32,
        };
        let tensors = parts.iter().map(|name| match self.bytes_of(name) {
            Some((stored, bytes)) if stored == same => {
                Ok(Tensor::from_raw_buffer(bytes, dtype, &[bytes.len() / dtype.size_in_bytes()], device)?)
            }
            _ => {
                let mut numbers = Vec::new();
                self.append_exact(name, &mut numbers)?;
                let count = numbers.len();
                // Rounded here, so that no wide copy takes the device's memory.
                Ok(Tensor::from_vec(numbers, count, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
            }
        });
        let tensors = tensors.collect::<Result<Vec<Tensor>, ModelError>>()?;
        let tensor = match tensors.as_slice() {
            [only] => only.clone(),
            several => Tensor::cat(several, 0)?,
        };
        Ok(tensor.reshape(shape)?)
    }

    /// The linear map of tensors below each other in a quantised format on a device; `None` where none was asked for, or
    /// where rows of `columns` numbers are no whole blocks.
    pub(crate) fn quantised(
        &self,
        parts: &[String],
        columns: usize,
        device: &Device,
    ) -> Result<Option<QMatMul>, ModelError> {
        let Some(format) = self.format(parts, columns).filter(|_| self.is_moved(device)) else { return Ok(None) };
        let mut numbers = Vec::new();
        for name in parts {
            self.append_exact(name, &mut numbers)?;
        }
        let shape = (numbers.len() / columns.max(1), columns);
        let table = Tensor::from_vec(numbers, shape, &Device::Cpu)?;
        Ok(Some(QMatMul::from_qtensor(QTensor::quantize_onto(&table, format, device)?)?))
    }

    fn format(&self, parts: &[String], columns: usize) -> Option<GgmlDType> {
        let quant = self.quant().filter(|_| parts.iter().all(|name| names::is_text_map(name)))?;
        let wanted = match quant {
            Quant::Q8_0 => GgmlDType::Q8_0,
            Quant::Q6K => GgmlDType::Q6K,
            Quant::Q5K => GgmlDType::Q5K,
            Quant::Q4K | Quant::Q4KM => GgmlDType::Q4K,
        };
        [wanted, GgmlDType::Q8_0].into_iter().find(|format| columns.is_multiple_of(format.block_size()))
    }
}
