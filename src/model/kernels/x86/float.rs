//! Products of plain numbers: `sums[r][j]` += sum over `i` of `x[i][r] * panel[i][j]`, added up by fused multiply-adds in
//! rising `i` (as [`super::super::tile`] does).

#![allow(
    clippy::needless_range_loop,
    reason = "loops over constants by index are what the compiler unrolls into registers"
)]
#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]
#![allow(unsafe_code, reason = "vector loads; lengths are checked first")]

use std::arch::x86_64::{
    __m256, __m512, _mm_loadu_si128, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use crate::model::kernels::{LANES, Lanes};

/// How plain numbers are widened.
pub(crate) trait Number {
    /// Bytes of one.
    const SIZE: usize;

    /// Sixteen of them.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn sixteen(from: *const u8) -> __m512;

    /// Eight of them.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn eight(from: *const u8) -> __m256;
}

pub(crate) struct Single;
pub(crate) struct Half;

macro_rules! number {
    ($name:ident, $size:literal, |$from:ident| $sixteen:expr, $eight:expr) => {
        impl Number for $name {
            const SIZE: usize = $size;

            #[inline(always)]
            unsafe fn sixteen($from: *const u8) -> __m512 {
                // SAFETY: the caller's, and the callers have the features.
                unsafe { $sixteen }
            }

            #[inline(always)]
            unsafe fn eight($from: *const u8) -> __m256 {
                // SAFETY: as above.
                unsafe { $eight }
            }
        }
    };
}

number!(Single, 4, |from| _mm512_loadu_ps(from.cast()), _mm256_loadu_ps(from.cast()));
number!(
    Half,
    2,
    |from| _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())),
    _mm256_cvtph_ps(_mm_loadu_si128(from.cast()))
);
/// With AVX-512: all columns at once.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) fn tile_512<const R: usize, N: Number>(panel: &[u8], x: &[f32], sums: &mut [Lanes; R]) {
    let inputs = x.len() / R;
    if panel.len() < inputs * LANES * N::SIZE {
        return;
    }
    let mut parts = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: every index is below the length checked above; `Lanes` holds 32 numbers.
    unsafe {
        for r in 0..R {
            for c in 0..2 {
                parts[r][c] = _mm512_loadu_ps(sums[r].as_ptr().add(16 * c));
            }
        }
        let (panel, x) = (panel.as_ptr(), x.as_ptr());
        for i in 0..inputs {
            let from = panel.add(i * LANES * N::SIZE);
            let (left, right) = (N::sixteen(from), N::sixteen(from.add(16 * N::SIZE)));
            for r in 0..R {
                let factor = _mm512_set1_ps(*x.add(i * R + r));
                parts[r][0] = _mm512_fmadd_ps(factor, left, parts[r][0]);
                parts[r][1] = _mm512_fmadd_ps(factor, right, parts[r][1]);
            }
        }
        for r in 0..R {
            for c in 0..2 {
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16 * c), parts[r][c]);
            }
        }
    }
}

/// With AVX2: half the columns at a time.
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn tile_256<const R: usize, N: Number>(panel: &[u8], x: &[f32], sums: &mut [Lanes; R]) {
    let inputs = x.len() / R;
    if panel.len() < inputs * LANES * N::SIZE {
        return;
    }
    for first in [0, 16] {
        let mut parts = [[_mm256_setzero_ps(); 2]; R];
        // SAFETY: as above.
        unsafe {
            for r in 0..R {
                for c in 0..2 {
                    parts[r][c] = _mm256_loadu_ps(sums[r].as_ptr().add(first + 8 * c));
                }
            }
            let (panel, x) = (panel.as_ptr(), x.as_ptr());
            for i in 0..inputs {
                let from = panel.add((i * LANES + first) * N::SIZE);
                let (left, right) = (N::eight(from), N::eight(from.add(8 * N::SIZE)));
                for r in 0..R {
                    let factor = _mm256_set1_ps(*x.add(i * R + r));
                    parts[r][0] = _mm256_fmadd_ps(factor, left, parts[r][0]);
                    parts[r][1] = _mm256_fmadd_ps(factor, right, parts[r][1]);
                }
            }
            for r in 0..R {
                for c in 0..2 {
                    _mm256_storeu_ps(sums[r].as_mut_ptr().add(first + 8 * c), parts[r][c]);
                }
            }
        }
    }
}
