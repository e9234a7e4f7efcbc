//! Products of steps with AVX-512 and its 8-bit dot products.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over constants by index are what the compiler unrolls into registers"
)]
#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]
#![allow(unsafe_code, reason = "vector loads; lengths are checked first")]

use std::arch::x86_64::{
    _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_loadu_si512,
    _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
};

use super::Sums;
use crate::model::kernels::activations::Steps;
use crate::model::kernels::staged::Staged;

/// A tile of `R` rows with a panel. A part of `4 * GROUPS` inputs has a scale; `OFFSET` is what steps are too large by (128
/// or 32); `MINIMA` says that there are minima.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) fn tile<const R: usize, const GROUPS: usize, const OFFSET: i32, const MINIMA: bool>(
    panel: &Staged<'_>,
    x: &Steps<'_>,
    out: &mut [Sums; R],
) {
    let blocks = x.scales.len() / R;
    let parts = 8 / GROUPS;
    let whole = panel.steps.len() >= blocks * 512
        && panel.scales.len() >= blocks * parts
        && (!MINIMA || panel.minima.len() >= blocks)
        && x.words.len() >= blocks * 8 * R
        && x.sums.len() >= blocks * R
        && x.eights.len() >= blocks * R
        && x.sixes.len() >= 2 * blocks * R;
    if !whole {
        return;
    }
    let mut sums = [_mm512_setzero_ps(); R];
    for block in 0..blocks {
        for part in 0..parts {
            // SAFETY: block < blocks, part < parts, group < GROUPS and r < R, so that by the check above every index is
            // below the length of what it indexes; `Each` is aligned to 64 bytes.
            unsafe {
                let mut dots = [_mm512_setzero_si512(); R];
                for r in 0..R {
                    dots[r] = match OFFSET {
                        128 => _mm512_set1_epi32(*x.eights.get_unchecked(block * R + r)),
                        32 => _mm512_set1_epi32(*x.sixes.get_unchecked((block * 2 + part) * R + r)),
                        _ => _mm512_setzero_si512(),
                    };
                }
                for group in 0..GROUPS {
                    let group = block * 8 + part * GROUPS + group;
                    let steps = _mm512_loadu_si512(panel.steps.as_ptr().add(group * 64).cast());
                    for r in 0..R {
                        let x = _mm512_set1_epi32(*x.words.get_unchecked(group * R + r));
                        dots[r] = _mm512_dpbusd_epi32(dots[r], steps, x);
                    }
                }
                let scale = _mm512_load_ps(panel.scales.get_unchecked(block * parts + part).0.as_ptr());
                for r in 0..R {
                    let scale = _mm512_mul_ps(scale, _mm512_set1_ps(*x.scales.get_unchecked(block * R + r)));
                    sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r]), scale, sums[r]);
                }
            }
        }
        if MINIMA {
            // SAFETY: as above.
            unsafe {
                let minimum = _mm512_load_ps(panel.minima.get_unchecked(block).0.as_ptr());
                for r in 0..R {
                    let sum = _mm512_set1_ps(*x.sums.get_unchecked(block * R + r));
                    sums[r] = _mm512_fnmadd_ps(minimum, sum, sums[r]);
                }
            }
        }
    }
    for r in 0..R {
        // SAFETY: an array of 16 numbers.
        unsafe { _mm512_storeu_ps(out[r].as_mut_ptr(), sums[r]) };
    }
}
