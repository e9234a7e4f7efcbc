//! Weights in the type that a device computes with, or in blocks that it computes with.

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Tensor};

use super::arithmetic::{DtypeChoice, LoadOptions};
use super::error::ModelError;
use super::kernels::Format;
use super::names;
use super::weights::{Piece, Stored, Weights};

/// A linear map in blocks: products of parts side by side, for the parts may have different formats.
#[derive(Debug)]
pub(crate) struct Quantised {
    parts: Vec<QMatMul>,
    /// (1, out)
    bias: Option<Tensor>,
}

impl Quantised {
    /// (rows, in) → (rows, out)
    pub(crate) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let x = x.contiguous()?;
        let y = match self.parts.as_slice() {
            [only] => only.forward(&x)?,
            several => {
                let parts = several.iter().map(|part| part.forward(&x)).collect::<candle_core::Result<Vec<_>>>()?;
                Tensor::cat(&parts, 1)?
            }
        };
        match &self.bias {
            None => Ok(y),
            Some(bias) => y.broadcast_add(bias),
        }
    }
}

impl Weights {
    /// The type that activations, keys and values have: f32 on the CPU, elsewhere that of the weights; bf16 where they
    /// are quantised.
    pub(crate) fn arithmetic(&self, options: &LoadOptions) -> DType {
        let usual = if options.device.is_cpu() { DtypeChoice::F32 } else { options.dtype };
        match options.arithmetic.unwrap_or(usual) {
            DtypeChoice::F32 => DType::F32,
            DtypeChoice::Bf16 => DType::BF16,
            DtypeChoice::F16 => DType::F16,
            DtypeChoice::Auto => match self.stored(names::EMBED) {
                Some(Stored::Kept(Format::F16)) => DType::F16,
                Some(Stored::Kept(Format::F32) | Stored::F64) | None => DType::F32,
                Some(_) => DType::BF16,
            },
        }
    }

    /// Whether tensors are made as for other devices than the CPU.
    pub(crate) fn is_moved(&self, device: &Device) -> bool {
        !device.is_cpu() || self.computes_in() != DType::F32
    }

    /// Tensors below each other on a device. Bytes that are in its type already go there as they are; others are rounded
    /// here, so that no wide copy takes the device's memory.
    pub(crate) fn uploaded(&self, parts: &[String], device: &Device) -> Result<Tensor, ModelError> {
        let tensors: Vec<Tensor> =
            parts.iter().map(|name| self.moved(&self.piece(name)?, device)).collect::<Result<_, ModelError>>()?;
        match tensors.as_slice() {
            [only] => Ok(only.clone()),
            several => Ok(Tensor::cat(several, 0)?),
        }
    }

    fn moved(&self, piece: &Piece<'_>, device: &Device) -> Result<Tensor, ModelError> {
        let (dtype, count) = (self.computes_in(), piece.rows * piece.columns);
        let same = match dtype {
            DType::BF16 => Format::BF16,
            DType::F16 => Format::F16,
            _ => Format::F32,
        };
        if piece.format == same {
            return Ok(Tensor::from_raw_buffer(&piece.bytes, dtype, &[count], device)?);
        }
        let mut numbers = Vec::new();
        piece.append(&mut numbers);
        Ok(Tensor::from_vec(numbers, count, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
    }

    /// The linear map of tensors below each other in blocks on a device; `None` where one of them is kept in no blocks
    /// that candle has kernels for, and where layers are made for the CPU's own kernels.
    pub(crate) fn quantised(
        &self,
        parts: &[String],
        bias: Option<&Tensor>,
        device: &Device,
    ) -> Result<Option<Quantised>, ModelError> {
        if !self.is_moved(device) || !parts.iter().all(|name| self.blocks(name).is_some()) {
            return Ok(None);
        }
        let mut maps = Vec::with_capacity(parts.len());
        for name in parts {
            let Some(format) = self.blocks(name) else { return Ok(None) };
            let piece = self.piece(name)?;
            let storage = QStorage::from_data(piece.bytes, device, format)?;
            maps.push(QMatMul::from_qtensor(QTensor::new(storage, (piece.rows, piece.columns))?)?);
        }
        Ok(Some(Quantised { parts: maps, bias: bias.cloned() }))
    }

    /// The blocks a tensor is kept in, as candle calls them.
    fn blocks(&self, name: &str) -> Option<GgmlDType> {
        match self.kept_in(name)? {
            Format::Q8_0 => Some(GgmlDType::Q8_0),
            Format::Q4K => Some(GgmlDType::Q4K),
            Format::Q5K => Some(GgmlDType::Q5K),
            Format::Q6K => Some(GgmlDType::Q6K),
            _ => None,
        }
    }

    /// Bytes the weights will take on a device, the largest counted twice for the moment in which parts are joined; and
    /// how many numbers they are.
    pub(crate) fn device_bytes(&self) -> (u64, u64) {
        let size = self.computes_in().size_in_bytes() as u64;
        let (mut sum, mut largest, mut numbers) = (0_u64, 0_u64, 0_u64);
        for (name, count) in self.counts() {
            // Tables of tokens are looked up, so they are there in the type of the activations as well.
            let bytes = match self.blocks(name).filter(|_| name != names::EMBED) {
                Some(blocks) => count / blocks.block_size() as u64 * blocks.type_size() as u64,
                None => count.saturating_mul(size),
            };
            (sum, largest) = (sum.saturating_add(bytes), largest.max(bytes));
            numbers = numbers.saturating_add(count);
        }
        (sum.saturating_add(largest), numbers)
    }
}
