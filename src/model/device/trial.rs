//! A few sums on a device before a model is trusted to it: a driver that is too old, a library of another release or a
//! GPU that lacks a type fails here, with a sentence, and not in the middle of a session.

use candle_core::{DType, Device, Result, Tensor, bail};

/// Products, a reduction and a cast in every type, with known results.
pub(super) fn run(device: &Device) -> Result<()> {
    for dtype in [DType::F32, DType::BF16, DType::F16] {
        let numbers = |range: std::ops::Range<u32>| -> Result<Tensor> {
            let numbers: Vec<f32> = range.map(|n| n as f32).collect();
            Tensor::from_vec(numbers, (2, 3), device)?.to_dtype(dtype)
        };
        // Rows (0 1 2), (3 4 5) with rows (1 2 3), (4 5 6): small whole numbers, exact in every type.
        let product = numbers(0..6)?.matmul(&numbers(1..7)?.t()?)?;
        let sums = (product * 0.5)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        if sums != [[4.0, 8.5], [13.0, 31.0]] {
            bail!("it gives {sums:?} in {dtype:?} where [[4, 8.5], [13, 31]] is right")
        }
    }
    let even = candle_nn::ops::softmax_last_dim(&Tensor::zeros((1, 4), DType::F32, device)?)?;
    let even = even.to_vec2::<f32>()?;
    if even != [[0.25; 4]] {
        bail!("it gives {even:?} for the softmax of four equal numbers")
    }
    Ok(())
}
