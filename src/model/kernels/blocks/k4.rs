//! `Q4_K` and `Q5_K`: scales of scales and minima (16 bits each), 8 scales and 8 minima of 6 bits in 12 bytes, for `Q5_K`
//! the fifth bits (bit `j` of byte `i`: number `i` of part `j`), then the low four bits: 32 bytes hold two parts, the
//! first in the low halves.

#![allow(clippy::indexing_slicing, reason = "arrays of constant length")]

use super::affine::{affine, side_by_side};
use super::{SUPER, half_at};

pub(super) const BYTES_4: usize = 144;
pub(super) const BYTES_5: usize = 176;
/// Where the scale of the scales begins.
pub(super) const SCALE: usize = 0;
/// Numbers of a part.
const PART: usize = 32;
/// Where the bits of the numbers begin.
const HEAD: usize = 16;

/// The 8 scales and 8 minima of 12 bytes.
pub(crate) fn scales(bytes: &[u8; 12]) -> ([u8; 8], [u8; 8]) {
    let (mut scales, mut minima) = ([0; 8], [0; 8]);
    for j in 0..4 {
        let (a, b, c) = (bytes[j], bytes[4 + j], bytes[8 + j]);
        scales[j] = a & 63;
        minima[j] = b & 63;
        scales[4 + j] = c & 15 | a >> 6 << 4;
        minima[4 + j] = c >> 4 | b >> 6 << 4;
    }
    (scales, minima)
}

fn packed(scales: &[u8; 8], minima: &[u8; 8]) -> [u8; 12] {
    let mut bytes = [0; 12];
    for j in 0..4 {
        bytes[j] = scales[j] | scales[4 + j] >> 4 << 6;
        bytes[4 + j] = minima[j] | minima[4 + j] >> 4 << 6;
        bytes[8 + j] = scales[4 + j] & 15 | minima[4 + j] << 4;
    }
    bytes
}

pub(super) fn read_4(bytes: &[u8; BYTES_4], out: &mut [f32; SUPER]) {
    read(bytes, &bytes[HEAD..], &[0; PART], out);
}

pub(super) fn read_5(bytes: &[u8; BYTES_5], out: &mut [f32; SUPER]) {
    let mut fifth = [0; PART];
    fifth.copy_from_slice(&bytes[HEAD..HEAD + PART]);
    read(bytes, &bytes[HEAD + PART..], &fifth, out);
}

fn read(head: &[u8], low: &[u8], fifth: &[u8; PART], out: &mut [f32; SUPER]) {
    let (scale, minimum) = (half_at(head), half_at(&head[2..]));
    let mut twelve = [0; 12];
    twelve.copy_from_slice(&head[4..HEAD]);
    let (scales, minima) = scales(&twelve);
    for (j, out) in out.chunks_exact_mut(PART).enumerate() {
        let (scale, minimum) = (scale * f32::from(scales[j]), minimum * f32::from(minima[j]));
        let low = &low[j / 2 * PART..][..PART];
        for ((out, low), fifth) in out.iter_mut().zip(low).zip(fifth) {
            let q = low >> (4 * (j % 2)) & 15 | (fifth >> j & 1) << 4;
            *out = scale * f32::from(q) - minimum;
        }
    }
}

#[inline(always)]
pub(super) fn write_4(row: &[f32; SUPER], out: &mut [u8; BYTES_4]) {
    let (head, low) = out.split_at_mut(HEAD);
    let q = write(row, head, 15.0);
    pack_low(&q, low);
}

#[inline(always)]
pub(super) fn write_5(row: &[f32; SUPER], out: &mut [u8; BYTES_5]) {
    let (head, rest) = out.split_at_mut(HEAD);
    let (fifth, low) = rest.split_at_mut(PART);
    let q = write(row, head, 31.0);
    for (i, fifth) in fifth.iter_mut().enumerate() {
        *fifth = (0..8).fold(0, |bits, j| bits | q[j * PART + i] >> 4 << j);
    }
    pack_low(&q, low);
}

#[inline(always)]
fn pack_low(q: &[u8; SUPER], low: &mut [u8]) {
    for (q, low) in q.chunks_exact(2 * PART).zip(low.chunks_exact_mut(PART)) {
        for i in 0..PART {
            low[i] = q[i] & 15 | q[PART + i] << 4;
        }
    }
}

/// Writes the head and gives the numbers as steps from 0 to `top`.
#[inline(always)]
fn write(row: &[f32; SUPER], head: &mut [u8], top: f32) -> [u8; SUPER] {
    let (best_scales, best_minima) = match row.as_chunks::<PART>().0.first_chunk() {
        Some(parts) => affine(&side_by_side(parts), top),
        None => ([0.0; 8], [0.0; 8]),
    };
    let (scale, scales) = six_bits(&best_scales);
    let (minimum, minima) = six_bits(&best_minima);
    head[..2].copy_from_slice(&scale.to_le_bytes());
    head[2..4].copy_from_slice(&minimum.to_le_bytes());
    head[4..HEAD].copy_from_slice(&packed(&scales, &minima));
    let mut steps = [0; SUPER];
    for (j, (part, steps)) in row.chunks_exact(PART).zip(steps.chunks_exact_mut(PART)).enumerate() {
        let scale = scale.to_f32() * f32::from(scales[j]);
        let minimum = minimum.to_f32() * f32::from(minima[j]);
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        for (x, step) in part.iter().zip(steps) {
            *step = ((x + minimum) * inverse).round_ties_even().clamp(0.0, top) as u8;
        }
    }
    steps
}

/// Numbers that are not negative as steps from 0 to 63 of a common scale.
#[inline(always)]
fn six_bits(numbers: &[f32; 8]) -> (half::f16, [u8; 8]) {
    let most = numbers.iter().fold(0.0_f32, |most, number| most.max(*number));
    let scale = half::f16::from_f32(most / 63.0);
    let inverse = if scale.to_f32() > 0.0 { 1.0 / scale.to_f32() } else { 0.0 };
    (scale, numbers.map(|number| (number * inverse).round_ties_even().clamp(0.0, 63.0) as u8))
}
