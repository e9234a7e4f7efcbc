//! Weights in the type that a device computes with.

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};

use super::arithmetic::{DtypeChoice, LoadOptions};
use super::error::ModelError;
use super::kernels::Format;
use super::memory::product;
use super::names;
use super::weights::{Head, Piece, Stored, Weights};

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
                Some(Stored::Kept(Format::BF16)) => DType::BF16,
                Some(Stored::Kept(Format::F16)) => DType::F16,
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
            DType::BF16 => Format::BF16,
            DType::F16 => Format::F16,
            _ => Format::F32,
        };
        let tensors = parts.iter().map(|name| {
            let piece = self.piece(name)?;
            if piece.format == same {
                let count = piece.bytes.len() / dtype.size_in_bytes();
                return Ok(Tensor::from_raw_buffer(&piece.bytes, dtype, &[count], device)?);
            }
            let mut numbers = Vec::new();
            piece.append(&mut numbers);
            let count = numbers.len();
            // Rounded here, so that no wide copy takes the device's memory.
            Ok(Tensor::from_vec(numbers, count, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
        });
        let tensors = tensors.collect::<Result<Vec<Tensor>, ModelError>>()?;
        let tensor = match tensors.as_slice() {
            [only] => only.clone(),
            several => Tensor::cat(several, 0)?,
        };
        Ok(tensor.reshape(shape)?)
    }

    /// The linear map of tensors below each other in a quantised format on a device; `None` where they are not kept so.
    /// Parts of different formats are kept in the widest, `Q8_0`.
    pub(crate) fn quantised(
        &self,
        parts: &[String],
        columns: usize,
        device: &Device,
    ) -> Result<Option<QMatMul>, ModelError> {
        if !self.is_moved(device) {
            return Ok(None);
        }
        let pieces = parts.iter().map(|name| self.piece(name)).collect::<Result<Vec<_>, _>>()?;
        let formats: Vec<_> = pieces.iter().map(|piece| block_type(piece.format)).collect();
        let Some(formats) = formats.into_iter().collect::<Option<Vec<GgmlDType>>>() else { return Ok(None) };
        let Some(first) = formats.first().copied() else { return Ok(None) };
        let rows: usize = pieces.iter().map(|piece| piece.rows).sum();
        let table = if formats.iter().all(|format| *format == first) {
            let bytes: Vec<&[u8]> = pieces.iter().map(|piece| &*piece.bytes).collect();
            QTensor::new(QStorage::from_data(bytes.concat().into(), device, first)?, (rows, columns))?
        } else {
            let mut numbers = Vec::new();
            pieces.iter().for_each(|piece: &Piece<'_>| piece.append(&mut numbers));
            let table = Tensor::from_vec(numbers, (rows, columns), &Device::Cpu)?;
            QTensor::quantize_onto(&table, GgmlDType::Q8_0, device)?
        };
        Ok(Some(QMatMul::from_qtensor(table)?))
    }
}

/// What candle calls a format of blocks.
fn block_type(format: Format) -> Option<GgmlDType> {
    match format {
        Format::Q8_0 => Some(GgmlDType::Q8_0),
        Format::Q6K => Some(GgmlDType::Q6K),
        Format::Q5K => Some(GgmlDType::Q5K),
        Format::Q4K => Some(GgmlDType::Q4K),
        _ => None,
    }
}
