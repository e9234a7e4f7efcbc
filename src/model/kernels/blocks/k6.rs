//! `Q6_K`: low four bits (128 bytes), high two bits (64 bytes), 16 signed scales, a 16-bit scale of them. Within each half
//! of 128 numbers, byte `i` of the low bits holds numbers `i` and `i + 64`, byte `i` (of 32) of the high bits numbers `i`,
//! `i + 32`, `i + 64`, `i + 96`.

#![allow(clippy::indexing_slicing, reason = "arrays of constant length")]

use super::affine::{LANES, side_by_side, symmetric};
use super::{SUPER, half_at};

pub(super) const BYTES: usize = 210;
/// Where the scale of the scales begins.
pub(super) const SCALE: usize = 208;
/// Numbers of a part.
const PART: usize = 16;
const LOW: usize = 128;
const HIGH: usize = 64;

pub(super) fn read(bytes: &[u8; BYTES], out: &mut [f32; SUPER]) {
    let (low, rest) = bytes.split_at(LOW);
    let (high, rest) = rest.split_at(HIGH);
    let (scales, scale) = rest.split_at(PART);
    let scale = half_at(scale);
    for (number, out) in out.iter_mut().enumerate() {
        let (half, quarter, i) = (number / 128, number % 128 / 32, number % 32);
        let low = low[half * 64 + quarter % 2 * 32 + i] >> (quarter / 2 * 4) & 15;
        let high = high[half * 32 + i] >> (quarter * 2) & 3;
        let q = (low | high << 4) as i8 - 32;
        *out = scale * f32::from(scales[number / PART] as i8) * f32::from(q);
    }
}

#[inline(always)]
pub(super) fn write(row: &[f32; SUPER], out: &mut [u8; BYTES]) {
    let mut best = [0.0_f32; SUPER / PART];
    let parts = row.as_chunks::<PART>().0.as_chunks::<LANES>().0;
    for (scales, parts) in best.as_chunks_mut::<LANES>().0.iter_mut().zip(parts) {
        *scales = symmetric(&side_by_side(parts), 32.0);
    }
    let most = best.iter().fold(0.0_f32, |most, scale| if scale.abs() > most.abs() { *scale } else { most });
    let scale = half::f16::from_f32(most / -128.0);
    let inverse = if scale.to_f32() == 0.0 { 0.0 } else { 1.0 / scale.to_f32() };
    let scales = best.map(|best| (best * inverse).round_ties_even().clamp(-128.0, 127.0) as i8);
    let mut steps = [0_u8; SUPER];
    for (j, (part, steps)) in row.chunks_exact(PART).zip(steps.chunks_exact_mut(PART)).enumerate() {
        let scale = scale.to_f32() * f32::from(scales[j]);
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (x, step) in part.iter().zip(steps) {
            *step = ((x * inverse).round_ties_even().clamp(-32.0, 31.0) + 32.0) as u8;
        }
    }
    let (low, rest) = out.split_at_mut(LOW);
    let (high, rest) = rest.split_at_mut(HIGH);
    for half in 0..2 {
        let q = |quarter: usize, i: usize| steps[half * 128 + quarter * 32 + i];
        for i in 0..32 {
            low[half * 64 + i] = q(0, i) & 15 | q(2, i) << 4;
            low[half * 64 + 32 + i] = q(1, i) & 15 | q(3, i) << 4;
            high[half * 32 + i] = q(0, i) >> 4 | q(1, i) >> 4 << 2 | q(2, i) >> 4 << 4 | q(3, i) >> 4 << 6;
        }
    }
    for (out, scale) in rest.iter_mut().zip(scales) {
        *out = scale as u8;
    }
    rest[PART..].copy_from_slice(&scale.to_le_bytes());
}
