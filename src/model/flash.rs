//! Flash attention for prompts and pages on NVIDIA's GPUs, where the program was built with it. Never for single rows:
//! they are short of launches, not of memory.

use candle_core::{DType, Result, Tensor};
use candle_flash_attn::flash_attn;

/// Whether the kernels take these: short types on CUDA, heads of a multiple of eight.
pub(super) fn takes(q: &Tensor) -> bool {
    let width = q.dims().last().copied().unwrap_or(0);
    q.device().is_cuda() && matches!(q.dtype(), DType::BF16 | DType::F16) && width.is_multiple_of(8) && width <= 256
}

/// As [`super::attention::attend_all`].
pub(super) fn attend_all(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let one_head = |t: &Tensor| t.unsqueeze(2);
    flash_attn(&one_head(q)?, &one_head(k)?, &one_head(v)?, scale as f32, false)?.squeeze(2)
}

/// As [`super::attention::attend_causal`]: the kernels align the mask with the last key (`mask.h`), as a cache needs it.
pub(super) fn attend_causal(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let (rows, heads, width) = q.dims3()?;
    let by_token = |t: &Tensor| t.transpose(0, 1)?.unsqueeze(0);
    let mixed = flash_attn(&q.unsqueeze(0)?, &by_token(k)?, &by_token(v)?, scale as f32, true)?;
    mixed.reshape((rows, heads * width))
}
