//! `Q8_0`: a 16-bit scale and 32 signed bytes.

#![allow(clippy::indexing_slicing, reason = "arrays of constant length")]

pub(super) const BLOCK: usize = 32;
pub(super) const BYTES: usize = 34;
/// Where the scale begins.
pub(super) const SCALE: usize = 0;

pub(super) fn read(bytes: &[u8; BYTES], out: &mut [f32; BLOCK]) {
    let scale = super::half_at(bytes);
    for (out, byte) in out.iter_mut().zip(&bytes[2..]) {
        *out = scale * f32::from(*byte as i8);
    }
}

/// Rounds halves away from zero by a scale that is not rounded itself, as the reference does.
#[inline(always)]
pub(super) fn write(row: &[f32; BLOCK], out: &mut [u8; BYTES]) {
    let most = row.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
    let scale = most / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    out[..2].copy_from_slice(&half::f16::from_f32(scale).to_le_bytes());
    for (out, number) in out[2..].iter_mut().zip(row) {
        *out = (number * inverse).round() as i8 as u8;
    }
}
