//! The same products with AVX2.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over constants by index are what the compiler unrolls into registers"
)]
#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]
#![allow(unsafe_code, reason = "vector loads; lengths are checked first")]

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi8, _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_sign_epi8, _mm256_storeu_ps,
    _mm256_xor_si256,
};

use super::Sums;
use crate::model::kernels::activations::Steps;
use crate::model::kernels::staged::Staged;

/// As [`super::int512::tile`], half a panel at a time.
#[target_feature(enable = "avx2,fma")]
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
        && x.sixes.len() >= 2 * blocks * R;
    if !whole {
        return;
    }
    for half in 0..2 {
        let mut sums = [_mm256_setzero_ps(); R];
        for block in 0..blocks {
            for part in 0..parts {
                // SAFETY: as in `int512::tile`; half a line, half a number for each.
                unsafe {
                    let mut dots = [_mm256_setzero_si256(); R];
                    if OFFSET == 32 {
                        for r in 0..R {
                            dots[r] = _mm256_set1_epi32(*x.sixes.get_unchecked((block * 2 + part) * R + r));
                        }
                    }
                    for group in 0..GROUPS {
                        let group = block * 8 + part * GROUPS + group;
                        let steps = panel.steps.as_ptr().add(group * 64 + half * 32);
                        let steps = _mm256_loadu_si256(steps.cast());
                        for r in 0..R {
                            let x = _mm256_set1_epi32(*x.words.get_unchecked(group * R + r));
                            dots[r] = _mm256_add_epi32(dots[r], four::<OFFSET>(steps, x));
                        }
                    }
                    let scale = panel.scales.get_unchecked(block * parts + part).0.as_ptr();
                    let scale = _mm256_load_ps(scale.add(half * 8));
                    for r in 0..R {
                        let scale = _mm256_mul_ps(scale, _mm256_set1_ps(*x.scales.get_unchecked(block * R + r)));
                        sums[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), scale, sums[r]);
                    }
                }
            }
            if MINIMA {
                // SAFETY: as above.
                unsafe {
                    let minimum = _mm256_load_ps(panel.minima.get_unchecked(block).0.as_ptr().add(half * 8));
                    for r in 0..R {
                        let sum = _mm256_set1_ps(*x.sums.get_unchecked(block * R + r));
                        sums[r] = _mm256_fnmadd_ps(minimum, sum, sums[r]);
                    }
                }
            }
        }
        for r in 0..R {
            // SAFETY: half an array of 16 numbers.
            unsafe { _mm256_storeu_ps(out[r].as_mut_ptr().add(half * 8), sums[r]) };
        }
    }
}

/// Sums of four products each. Two products are added in 16 bits, so 255 * 127 would not do: bytes that are 128 too large
/// become signed again, and their sign goes to the other side (128 * 127 * 2 < 32768).
#[target_feature(enable = "avx2")]
#[inline]
fn four<const OFFSET: i32>(steps: __m256i, x: __m256i) -> __m256i {
    let pairs = if OFFSET == 128 {
        let signed = _mm256_xor_si256(steps, _mm256_set1_epi8(-128));
        _mm256_maddubs_epi16(_mm256_abs_epi8(signed), _mm256_sign_epi8(x, signed))
    } else {
        _mm256_maddubs_epi16(steps, x)
    };
    _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
}
