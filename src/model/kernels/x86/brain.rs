//! Products of 16-bit numbers (bfloat16), pair of inputs by pair, with sums of 32 bits: `sums[r][j]` += `x[i + 1][r] *
//! panel[i + 1][j]`, then += `x[i][r] * panel[i][j]`, each a fused multiply-add. So `VDPBF16PS` adds up (Intel SDM, volume 2), and
//! so the others do here: the bits are the same but for numbers below 2e-38, which it takes for zero.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over constants by index are what the compiler unrolls into registers"
)]
#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]
#![allow(unsafe_code, reason = "vector loads; lengths are checked first")]

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512bh, __m512i, _mm256_and_si256, _mm256_castsi256_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
    _mm512_and_si512, _mm512_castsi512_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_set1_epi32, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};

use crate::model::kernels::{LANES, Lanes};

/// Bytes of a pair of inputs in a panel.
const PAIR: usize = LANES * 4;
/// The second number of a pair.
const SECOND: i32 = 0xFFFF_0000_u32 as i32;

/// With products of pairs. `x`: for each pair of inputs that of each row; `sums` are added to.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(crate) fn tile_pairs<const R: usize>(panel: &[u8], x: &[u32], sums: &mut [Lanes; R]) {
    let pairs = x.len() / R;
    if panel.len() < pairs * PAIR {
        return;
    }
    let mut parts = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: every index is below the length checked above; `Lanes` holds 32 numbers; 64 bytes are 32 bfloat16 numbers.
    unsafe {
        for r in 0..R {
            for c in 0..2 {
                parts[r][c] = _mm512_loadu_ps(sums[r].as_ptr().add(16 * c));
            }
        }
        let (panel, x) = (panel.as_ptr(), x.as_ptr());
        let brains = |bits: __m512i| std::mem::transmute::<__m512i, __m512bh>(bits);
        for i in 0..pairs {
            let from = panel.add(i * PAIR);
            let (left, right) = (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(from.add(64).cast()));
            for r in 0..R {
                let factor = brains(_mm512_set1_epi32((*x.add(i * R + r)).cast_signed()));
                parts[r][0] = _mm512_dpbf16_ps(parts[r][0], factor, brains(left));
                parts[r][1] = _mm512_dpbf16_ps(parts[r][1], factor, brains(right));
            }
        }
        for r in 0..R {
            for c in 0..2 {
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16 * c), parts[r][c]);
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn split_512(pairs: __m512i) -> (__m512, __m512) {
    let second = _mm512_and_si512(pairs, _mm512_set1_epi32(SECOND));
    (_mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)), _mm512_castsi512_ps(second))
}

#[target_feature(enable = "avx2")]
#[inline]
fn split_256(pairs: __m256i) -> (__m256, __m256) {
    let second = _mm256_and_si256(pairs, _mm256_set1_epi32(SECOND));
    (_mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)), _mm256_castsi256_ps(second))
}

/// With AVX-512, widened: as [`tile_pairs`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) fn tile_512<const R: usize>(panel: &[u8], x: &[u32], sums: &mut [Lanes; R]) {
    let pairs = x.len() / R;
    if panel.len() < pairs * PAIR {
        return;
    }
    let mut parts = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: as above.
    unsafe {
        for r in 0..R {
            for c in 0..2 {
                parts[r][c] = _mm512_loadu_ps(sums[r].as_ptr().add(16 * c));
            }
        }
        let (panel, x) = (panel.as_ptr(), x.as_ptr());
        for i in 0..pairs {
            let from = panel.add(i * PAIR);
            let left = split_512(_mm512_loadu_si512(from.cast()));
            let right = split_512(_mm512_loadu_si512(from.add(64).cast()));
            for r in 0..R {
                let (first, second) = split_512(_mm512_set1_epi32((*x.add(i * R + r)).cast_signed()));
                parts[r][0] = _mm512_fmadd_ps(first, left.0, _mm512_fmadd_ps(second, left.1, parts[r][0]));
                parts[r][1] = _mm512_fmadd_ps(first, right.0, _mm512_fmadd_ps(second, right.1, parts[r][1]));
            }
        }
        for r in 0..R {
            for c in 0..2 {
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16 * c), parts[r][c]);
            }
        }
    }
}

/// With AVX2, half the columns at a time: as [`tile_pairs`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) fn tile_256<const R: usize>(panel: &[u8], x: &[u32], sums: &mut [Lanes; R]) {
    let pairs = x.len() / R;
    if panel.len() < pairs * PAIR {
        return;
    }
    for half in [0, 16] {
        let mut parts = [[_mm256_setzero_ps(); 2]; R];
        // SAFETY: as above.
        unsafe {
            for r in 0..R {
                for c in 0..2 {
                    parts[r][c] = _mm256_loadu_ps(sums[r].as_ptr().add(half + 8 * c));
                }
            }
            let (panel, x) = (panel.as_ptr(), x.as_ptr());
            for i in 0..pairs {
                let from = panel.add(i * PAIR + half * 4);
                let left = split_256(_mm256_loadu_si256(from.cast()));
                let right = split_256(_mm256_loadu_si256(from.add(32).cast()));
                for r in 0..R {
                    let (first, second) = split_256(_mm256_set1_epi32((*x.add(i * R + r)).cast_signed()));
                    parts[r][0] = _mm256_fmadd_ps(first, left.0, _mm256_fmadd_ps(second, left.1, parts[r][0]));
                    parts[r][1] = _mm256_fmadd_ps(first, right.0, _mm256_fmadd_ps(second, right.1, parts[r][1]));
                }
            }
            for r in 0..R {
                for c in 0..2 {
                    _mm256_storeu_ps(sums[r].as_mut_ptr().add(half + 8 * c), parts[r][c]);
                }
            }
        }
    }
}
