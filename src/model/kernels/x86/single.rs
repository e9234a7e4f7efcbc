//! One row with a panel as it lies in memory, taken apart in registers: what a decode step does all the time. The sums
//! are those of [`super::int512::tile`] over a panel taken apart by [`super::super::staged`], to the bit.

#![allow(unsafe_code, reason = "vector loads; lengths are checked first")]
#![allow(clippy::indexing_slicing, reason = "indices are below constant array lengths")]

use std::arch::x86_64::{
    __m512, __m512i, _MM_HINT_T0, _mm_load_si128, _mm_loadu_si128, _mm_prefetch, _mm256_loadu_si256, _mm512_and_si512,
    _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtph_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi16, _mm512_srli_epi16, _mm512_store_si512,
    _mm512_storeu_ps, _mm512_ternarylogic_epi32,
};

use super::Sums;
use crate::model::kernels::activations::Steps;
use crate::model::kernels::blocks::Format;
use crate::model::kernels::pack::Layout;

/// How far ahead memory is asked for (bytes).
const AHEAD: usize = 1024;
/// For `_mm512_ternarylogic_epi32`: a & b | c.
const AND_OR: i32 = 0xEA;

/// Scales of a block as bytes.
#[repr(align(64))]
struct Scales([u8; 256]);

/// Products of one row with a panel of any quantised format.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) fn row(layout: Layout, panel: &[u8], x: &Steps<'_>, out: &mut Sums) {
    let blocks = layout.inputs / 32;
    let whole = panel.len() >= layout.stride
        && x.words.len() >= blocks * 8
        && x.scales.len() >= blocks
        && x.sums.len() >= blocks
        && x.eights.len() >= blocks
        && x.sixes.len() >= blocks * 2;
    if !whole {
        return;
    }
    // SAFETY: a panel holds `layout.blocks` bodies and tails, and the row so many blocks.
    let sums = unsafe {
        match layout.format {
            Format::Q8_0 => eight(layout, panel.as_ptr(), x),
            Format::Q4K => four::<false>(layout, panel.as_ptr(), x),
            Format::Q5K => four::<true>(layout, panel.as_ptr(), x),
            Format::Q6K => six(layout, panel.as_ptr(), x),
            Format::F32 | Format::F16 | Format::BF16 => return,
        }
    };
    // SAFETY: an array of 16 numbers.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), sums) };
}

#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load(from: *const u8) -> __m512i {
    // SAFETY: the caller's.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn ahead(from: *const u8) {
    _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(AHEAD).cast());
}

/// What lies behind the blocks is too short a run for the processor to notice: it is asked for a panel ahead.
#[target_feature(enable = "avx512f")]
#[inline]
fn behind(tail: *const u8, layout: Layout) {
    _mm_prefetch::<_MM_HINT_T0>(tail.wrapping_add(layout.stride).cast());
}

#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
unsafe fn dot(sum: __m512i, steps: __m512i, x: &Steps<'_>, group: usize) -> __m512i {
    // SAFETY: the caller's.
    _mm512_dpbusd_epi32(sum, steps, _mm512_set1_epi32(unsafe { *x.words.get_unchecked(group) }))
}

/// # Safety
/// As [`row`] checks.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn eight(layout: Layout, panel: *const u8, x: &Steps<'_>) -> __m512 {
    let mut sums = _mm512_setzero_ps();
    // SAFETY: the caller's.
    unsafe {
        let tail = panel.add(layout.blocks * layout.body);
        for block in 0..layout.blocks {
            let body = panel.add(block * layout.body);
            let mut dots = _mm512_set1_epi32(*x.eights.get_unchecked(block));
            for group in 0..8 {
                dots = dot(dots, load(body.add(group * 64)), x, block * 8 + group);
            }
            behind(tail.add(block * 32), layout);
            let scale = _mm512_cvtph_ps(_mm256_loadu_si256(tail.add(block * 32).cast()));
            let scale = _mm512_mul_ps(scale, _mm512_set1_ps(*x.scales.get_unchecked(block)));
            sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), scale, sums);
        }
    }
    sums
}

/// # Safety
/// As [`row`] checks.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn four<const FIFTH: bool>(layout: Layout, panel: *const u8, x: &Steps<'_>) -> __m512 {
    let mut sums = _mm512_setzero_ps();
    let mut bytes = Scales([0; 256]);
    let (m15, m63, m48, m16) = (_mm512_set1_epi8(15), _mm512_set1_epi8(63), _mm512_set1_epi8(48), _mm512_set1_epi8(16));
    // SAFETY: the caller's; `bytes` has room for 16 times 16 bytes.
    unsafe {
        for block in 0..layout.blocks {
            let body = panel.add(block * layout.body);
            let scale = _mm512_cvtph_ps(_mm256_loadu_si256(body.cast()));
            let minimum = _mm512_cvtph_ps(_mm256_loadu_si256(body.add(32).cast()));
            let (a, b, c) = (load(body.add(64)), load(body.add(128)), load(body.add(192)));
            let to = bytes.0.as_mut_ptr();
            _mm512_store_si512(to.cast(), _mm512_and_si512(a, m63));
            // The two highest bits of a byte, moved to bits 4 and 5.
            let (high_a, high_b) = (_mm512_srli_epi16::<2>(a), _mm512_srli_epi16::<2>(b));
            let low = _mm512_and_si512(c, m15);
            _mm512_store_si512(to.add(64).cast(), _mm512_ternarylogic_epi32::<AND_OR>(high_a, m48, low));
            _mm512_store_si512(to.add(128).cast(), _mm512_and_si512(b, m63));
            let low = _mm512_and_si512(_mm512_srli_epi16::<4>(c), m15);
            _mm512_store_si512(to.add(192).cast(), _mm512_ternarylogic_epi32::<AND_OR>(high_b, m48, low));
            let quants = body.add(if FIFTH { 768 } else { 256 });
            for pair in 0..4 {
                let (first, second) = (block * 8 + 2 * pair, block * 8 + 2 * pair + 1);
                let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
                for group in 0..8 {
                    let from = quants.add((pair * 8 + group) * 64);
                    let both = load(from);
                    let mut low = _mm512_and_si512(both, m15);
                    let mut high = _mm512_and_si512(_mm512_srli_epi16::<4>(both), m15);
                    if FIFTH {
                        let bits = load(body.add(256 + group * 64));
                        let (one, two) = match pair {
                            0 => (_mm512_slli_epi16::<4>(bits), _mm512_slli_epi16::<3>(bits)),
                            1 => (_mm512_slli_epi16::<2>(bits), _mm512_slli_epi16::<1>(bits)),
                            2 => (bits, _mm512_srli_epi16::<1>(bits)),
                            _ => (_mm512_srli_epi16::<2>(bits), _mm512_srli_epi16::<3>(bits)),
                        };
                        low = _mm512_ternarylogic_epi32::<AND_OR>(one, m16, low);
                        high = _mm512_ternarylogic_epi32::<AND_OR>(two, m16, high);
                    }
                    even = dot(even, low, x, first * 8 + group);
                    odd = dot(odd, high, x, second * 8 + group);
                }
                for (j, dots) in [(2 * pair, even), (2 * pair + 1, odd)] {
                    let at = bytes.0.as_ptr().add(16 * j);
                    let part = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128(at.cast())));
                    let low = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128(at.add(128).cast())));
                    let x_scale = _mm512_set1_ps(*x.scales.get_unchecked(block * 8 + j));
                    let part = _mm512_mul_ps(_mm512_mul_ps(scale, part), x_scale);
                    sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), part, sums);
                    let x_sum = _mm512_set1_ps(*x.sums.get_unchecked(block * 8 + j));
                    sums = _mm512_fnmadd_ps(_mm512_mul_ps(minimum, low), x_sum, sums);
                }
            }
            if FIFTH {
                for group in 0..8 {
                    ahead(body.add(256 + group * 64));
                }
            }
        }
    }
    sums
}

/// # Safety
/// As [`row`] checks.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn six(layout: Layout, panel: *const u8, x: &Steps<'_>) -> __m512 {
    let mut sums = _mm512_setzero_ps();
    let (m15, m48) = (_mm512_set1_epi8(15), _mm512_set1_epi8(48));
    // SAFETY: the caller's.
    unsafe {
        let tail = panel.add(layout.blocks * layout.body);
        for block in 0..layout.blocks {
            let body = panel.add(block * layout.body);
            behind(tail.add(block * 32), layout);
            let scale = _mm512_cvtph_ps(_mm256_loadu_si256(tail.add(block * 32).cast()));
            let scales = body.add(3072);
            for half in 0..2 {
                // Sums that a loop keeps must have names of their own, or they live in memory.
                let mut dots = [[_mm512_setzero_si512(); 4]; 2];
                for (part, dots) in dots.iter_mut().enumerate() {
                    let offset = |quarter: usize| *x.sixes.get_unchecked(block * 16 + half * 8 + quarter * 2 + part);
                    let (mut a, mut b) = (_mm512_set1_epi32(offset(0)), _mm512_set1_epi32(offset(1)));
                    let (mut c, mut d) = (_mm512_set1_epi32(offset(2)), _mm512_set1_epi32(offset(3)));
                    for group in part * 4..part * 4 + 4 {
                        let first = block * 64 + half * 32 + group;
                        let lower = body.add((half * 8 + group) * 192);
                        let (upper, bits) = (lower.add(64), lower.add(128));
                        // Two lines of three: asking for all leaves no room for what the processor asks for by itself.
                        ahead(lower);
                        ahead(bits);
                        let (lower, upper, bits) = (load(lower), load(upper), load(bits));
                        let steps = |low: __m512i, high: __m512i| {
                            _mm512_ternarylogic_epi32::<AND_OR>(high, m48, _mm512_and_si512(low, m15))
                        };
                        a = dot(a, steps(lower, _mm512_slli_epi16::<4>(bits)), x, first);
                        b = dot(b, steps(upper, _mm512_slli_epi16::<2>(bits)), x, first + 8);
                        c = dot(c, steps(_mm512_srli_epi16::<4>(lower), bits), x, first + 16);
                        let (low, high) = (_mm512_srli_epi16::<4>(upper), _mm512_srli_epi16::<2>(bits));
                        d = dot(d, steps(low, high), x, first + 24);
                    }
                    *dots = [a, b, c, d];
                }
                for number in 0..8 {
                    let (dots, number) = (dots[number % 2][number / 2], half * 8 + number);
                    let part = _mm512_cvtepi8_epi32(_mm_loadu_si128(scales.add(number * 16).cast()));
                    let part = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(part));
                    let x_scale = _mm512_set1_ps(*x.scales.get_unchecked(block * 8 + number / 2));
                    sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), _mm512_mul_ps(part, x_scale), sums);
                }
            }
        }
    }
    sums
}
