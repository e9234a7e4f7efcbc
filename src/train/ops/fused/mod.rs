//! The building blocks with a backward pass of their own, for f32 on the CPU.
//!
//! candle's composed versions spend most of a step in temporary copies and scalar exponentials. These do a row in one
//! pass, and attention keeps its scores in blocks that fit into the caches.

mod attention;
mod bias;
mod entropy;
mod norm;
mod simd;
mod swiglu;

pub(super) use attention::attention;
pub(super) use bias::linear;
pub(super) use entropy::cross_entropy;
pub(super) use norm::rms_norm;
pub(super) use swiglu::swiglu;

use candle_core::{CpuStorage, Layout, Storage, Tensor};

/// The values of a contiguous f32 argument.
fn input<'a>(storage: &'a CpuStorage, layout: &Layout, name: &str) -> candle_core::Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets().and_then(|(from, to)| values.get(from..to)) {
        Some(values) => Ok(values),
        None => candle_core::bail!("{name}: the argument is not contiguous"),
    }
}

/// Runs `f` on the values of a tensor, copied first only if they do not lie in one piece.
fn with<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> candle_core::Result<R>) -> candle_core::Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(input(storage, layout, "gradient")?),
        _ => candle_core::bail!("a fused operation met a tensor that is not on the CPU"),
    }
}
