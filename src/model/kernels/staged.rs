//! A panel of quantised weights taken apart: one byte a weight, one scale (and minimum) a part.

#![allow(clippy::indexing_slicing, reason = "lengths are made here")]

use super::blocks::Format;
use super::pack::{GROUP, Layout};
use super::{Panels, Workspace};

/// A cache line of bytes: four inputs of [`GROUP`] outputs.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

/// A number for each output of a panel.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Each(pub(super) [f32; GROUP]);

/// Memory for one panel.
#[derive(Debug, Default)]
pub(super) struct Stage {
    lines: Vec<Line>,
    scales: Vec<Each>,
    minima: Vec<Each>,
    /// For attention.
    pub(super) workspace: Workspace,
    /// Keys and values of one segment.
    pub(super) panels: Option<Panels>,
}

/// A panel taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Staged<'a> {
    /// Steps, not negative: inputs 4 i to 4 i + 3 of each output in bytes 64 i to 64 i + 63.
    pub(super) steps: &'a [u8],
    /// Scales, for each part of the inputs (32, or 16 for `Q6_K`).
    pub(super) scales: &'a [Each],
    /// Minima, for each 32 inputs, or nothing.
    pub(super) minima: &'a [Each],
}

impl Stage {
    /// Takes a panel apart. The caller must run on a processor with the features of [`super::Wide`] for it to be quick; it
    /// is right anywhere.
    #[inline(always)]
    pub(super) fn take<'a>(&'a mut self, layout: Layout, panel: &'a [u8]) -> Staged<'a> {
        let parts = match layout.format {
            Format::Q6K => layout.inputs / 16,
            _ => layout.inputs / 32,
        };
        let quarter = layout.inputs / 4;
        self.scales.resize(parts, Each([0.0; GROUP]));
        if layout.format == Format::Q8_0 {
            let (steps, tail) = panel.split_at(layout.blocks * layout.body);
            for (scales, halves) in self.scales.iter_mut().zip(tail.as_chunks::<32>().0) {
                scales.0 = halves_of(halves);
            }
            return Staged { steps: &steps[..layout.inputs * GROUP], scales: &self.scales, minima: &[] };
        }
        self.lines.resize(quarter, Line([0; 64]));
        let (bodies, tail) = panel.split_at(layout.blocks * layout.body);
        let places = self.lines.chunks_exact_mut(64).zip(bodies.chunks_exact(layout.body));
        if layout.format == Format::Q6K {
            let places = places.zip(self.scales.chunks_exact_mut(16)).zip(tail.as_chunks::<32>().0);
            for (((lines, body), scales), halves) in places {
                six(lines, body, scales, &halves_of(halves));
            }
            return Staged { steps: bytes(&self.lines), scales: &self.scales, minima: &[] };
        }
        self.minima.resize(parts, Each([0.0; GROUP]));
        for (((lines, body), scales), minima) in
            places.zip(self.scales.chunks_exact_mut(8)).zip(self.minima.chunks_exact_mut(8))
        {
            four(lines, body, layout.format == Format::Q5K);
            four_scales(body, scales, minima);
        }
        Staged { steps: bytes(&self.lines), scales: &self.scales, minima: &self.minima }
    }
}

fn bytes(lines: &[Line]) -> &[u8] {
    // SAFETY: a line is 64 bytes without padding (aligned to 64), so the lines are so many bytes; same lifetime.
    #[allow(unsafe_code, reason = "see there")]
    unsafe {
        std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines))
    }
}

#[inline(always)]
fn line(bytes: &[u8], index: usize) -> &[u8; 64] {
    const NONE: [u8; 64] = [0; 64];
    bytes[index * 64..].first_chunk().unwrap_or(&NONE)
}

/// Sixteen 16-bit numbers.
#[inline(always)]
fn halves_of(bytes: &[u8; 32]) -> [f32; GROUP] {
    let words = bytes.as_chunks::<2>().0;
    std::array::from_fn(|i| widen(u16::from_le_bytes(words[i])))
}

/// A 16-bit floating point number as one of 32 bits, in arithmetic that becomes vector code.
#[inline(always)]
fn widen(word: u16) -> f32 {
    let (sign, rest) = (u32::from(word & 0x8000) << 16, u32::from(word & 0x7FFF));
    // Exponents differ by 112; scaling by a power of two is exact, for subnormal numbers too.
    let scaled = f32::from_bits(rest << 13) * f32::from_bits((127 + 112) << 23);
    let magnitude = if rest >= 0x7C00 { f32::from_bits(0x7F80_0000 | rest << 13) } else { scaled };
    f32::from_bits(magnitude.to_bits() | sign)
}

#[inline(always)]
fn four(lines: &mut [Line], body: &[u8], fifth: bool) {
    let low = &body[if fifth { 768 } else { 256 }..];
    for pair in 0..4 {
        for group in 0..8 {
            let from = line(low, pair * 8 + group);
            let (first, second) = (pair * 16 + group, pair * 16 + 8 + group);
            if fifth {
                let high = line(&body[256..], group);
                let bit = 2 * pair;
                lines[first].0 = std::array::from_fn(|i| from[i] & 15 | (high[i] >> bit & 1) << 4);
                lines[second].0 = std::array::from_fn(|i| from[i] >> 4 | (high[i] >> (bit + 1) & 1) << 4);
            } else {
                lines[first].0 = from.map(|byte| byte & 15);
                lines[second].0 = from.map(|byte| byte >> 4);
            }
        }
    }
}

#[inline(always)]
fn four_scales(body: &[u8], scales: &mut [Each], minima: &mut [Each]) {
    let halves = line(body, 0);
    let (first, second) = halves.split_at(32);
    let half = |bytes: &[u8]| bytes.first_chunk().map_or([0.0; GROUP], halves_of);
    let (scale, minimum) = (half(first), half(second));
    let (a, b, c) = (line(body, 1), line(body, 2), line(body, 3));
    for j in 0..4 {
        for i in 0..GROUP {
            let (a, b, c) = (a[j * GROUP + i], b[j * GROUP + i], c[j * GROUP + i]);
            scales[j].0[i] = scale[i] * f32::from(a & 63);
            minima[j].0[i] = minimum[i] * f32::from(b & 63);
            scales[4 + j].0[i] = scale[i] * f32::from(c & 15 | a >> 6 << 4);
            minima[4 + j].0[i] = minimum[i] * f32::from(c >> 4 | b >> 6 << 4);
        }
    }
}

#[inline(always)]
fn six(lines: &mut [Line], body: &[u8], scales: &mut [Each], scale: &[f32; GROUP]) {
    let (quants, bytes) = body.split_at(3072);
    for half in 0..2 {
        for group in 0..8 {
            let place = (half * 8 + group) * 3;
            let (first, second, high) = (line(quants, place), line(quants, place + 1), line(quants, place + 2));
            let to = |quarter: usize| half * 32 + quarter * 8 + group;
            lines[to(0)].0 = std::array::from_fn(|i| first[i] & 15 | (high[i] & 3) << 4);
            lines[to(1)].0 = std::array::from_fn(|i| second[i] & 15 | (high[i] >> 2 & 3) << 4);
            lines[to(2)].0 = std::array::from_fn(|i| first[i] >> 4 | (high[i] >> 4 & 3) << 4);
            lines[to(3)].0 = std::array::from_fn(|i| second[i] >> 4 | high[i] >> 6 << 4);
        }
    }
    for (to, from) in scales.iter_mut().zip(bytes.as_chunks::<GROUP>().0) {
        to.0 = std::array::from_fn(|i| scale[i] * f32::from(from[i] as i8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_widen_exactly() {
        for word in 0..=u16::MAX {
            let (a, b) = (widen(word), half::f16::from_bits(word).to_f32());
            assert!(a == b && a.is_sign_negative() == b.is_sign_negative() || a.is_nan() && b.is_nan(), "{word:#x}");
        }
    }
}
