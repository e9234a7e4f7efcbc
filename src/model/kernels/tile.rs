//! The product everything else is made of.

#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over constants by index are what the compiler unrolls into registers"
)]

use super::{LANES, Lanes};

/// `out[r][j]` = sum over `i` of `x[i][r] * panel[i][j]`, added up by fused multiply-adds in rising `i` from 0.
///
/// The order does not depend on `R`, so a row gets the same bits in a tile of any height.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn tile<const R: usize>(x: &[[f32; R]], panel: &[Lanes], out: &mut [Lanes; R]) {
    // Sixteen registers: tiles of one or two rows keep all columns in them, higher ones half of them.
    if R <= 2 { columns::<R, 4>(x, panel, out) } else { columns::<R, 2>(x, panel, out) }
}

/// The same, `C` times 8 columns at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline]
fn columns<const R: usize, const C: usize>(x: &[[f32; R]], panel: &[Lanes], out: &mut [Lanes; R]) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps};
    for first in (0..LANES).step_by(8 * C) {
        let mut sums = [[_mm256_setzero_ps(); C]; R];
        for (x, weights) in x.iter().zip(panel) {
            let mut loaded = [_mm256_setzero_ps(); C];
            for c in 0..C {
                // SAFETY: `first` is a multiple of 8 * C below LANES, and C divides 4; so first + 8 * c + 8 <= LANES, and
                // the eight numbers lie in the array.
                loaded[c] = unsafe { _mm256_loadu_ps(weights.as_ptr().add(first + 8 * c)) };
            }
            for r in 0..R {
                let factor = _mm256_set1_ps(x[r]);
                for c in 0..C {
                    sums[r][c] = _mm256_fmadd_ps(factor, loaded[c], sums[r][c]);
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                // SAFETY: as above, the eight numbers lie in the array.
                unsafe { _mm256_storeu_ps(out[r].as_mut_ptr().add(first + 8 * c), sums[r][c]) };
            }
        }
    }
}

/// The same for processors that never get here, since there is no [`super::Wide`] for them.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn tile<const R: usize>(x: &[[f32; R]], panel: &[Lanes], out: &mut [Lanes; R]) {
    *out = [[0.0; LANES]; R];
    for (x, weights) in x.iter().zip(panel) {
        for (r, out) in out.iter_mut().enumerate() {
            for (out, weight) in out.iter_mut().zip(weights) {
                *out = x[r].mul_add(*weight, *out);
            }
        }
    }
}

/// Puts `R` rows of as many numbers as `to` holds side by side: `to[i][r]` = number `i`
/// of row `r`.
#[inline(always)]
pub(super) fn interleave<'a, const R: usize>(mut rows: impl Iterator<Item = &'a [f32]>, to: &mut [[f32; R]]) {
    let rows: [&[f32]; R] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let count = rows.iter().fold(to.len(), |count, row| count.min(row.len()));
    let rows = rows.map(|row| &row[..count]);
    // Place by place: row by row would be stores far apart, one for each number.
    for (i, to) in to[..count].iter_mut().enumerate() {
        for r in 0..R {
            to[r] = rows[r][i];
        }
    }
}
