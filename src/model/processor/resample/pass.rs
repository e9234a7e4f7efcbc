//! One pass over an image: sums of weighted bytes along its rows or its columns.

#![allow(clippy::indexing_slicing, reason = "every index comes from tap tables built for the buffer's own size")]

use image::RgbImage;

use super::taps::Taps;
use crate::geometry::Size;

/// Bytes of a row that the vertical pass sums at a time: few enough to stay in registers.
const LANES: usize = 32;
/// Rows that the horizontal pass works on together.
const STRIP_ROWS: usize = 8;
/// Bytes of one column of such rows.
const STRIP: usize = STRIP_ROWS * 3;

/// Makes the table for a number of input and output pixels.
pub(super) type MakeTaps = fn(u32, u32) -> Taps;

/// The horizontal pass, unless the width stays.
pub(super) fn across(image: &RgbImage, to: Size, taps: MakeTaps) -> Option<RgbImage> {
    if to.w == image.width() {
        return None;
    }
    let taps = taps(image.width(), to.w);
    let mut out = RgbImage::new(to.w, image.height());
    let (from, to) = (image.width() as usize * 3, to.w as usize * 3);
    run(Pass::Across { rows: image.as_raw(), from, to, taps: &taps }, &mut out);
    Some(out)
}

/// The vertical pass, unless the height stays.
pub(super) fn down(image: &RgbImage, to: Size, taps: MakeTaps) -> Option<RgbImage> {
    if to.h == image.height() {
        return None;
    }
    let taps = taps(image.height(), to.h);
    let mut out = RgbImage::new(image.width(), to.h);
    run(Pass::Down { rows: image.as_raw(), width: image.width() as usize * 3, taps: &taps }, &mut out);
    Some(out)
}

/// One pass over an image; widths are in bytes.
#[derive(Clone, Copy)]
enum Pass<'a> {
    Across { rows: &'a [u8], from: usize, to: usize, taps: &'a Taps },
    Down { rows: &'a [u8], width: usize, taps: &'a Taps },
}

/// Runs a pass with the widest vectors this processor has.
#[allow(unsafe_code, reason = "calling code compiled for AVX2 needs proof that the processor has it")]
fn run(pass: Pass<'_>, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the only requirement of `run_avx2` is that AVX2 exists, and the line above has just asked for it.
        return unsafe { run_avx2(pass, out) };
    }
    run_anywhere(pass, out);
}

/// The same Rust code, compiled with AVX2: integer arithmetic, so the bytes cannot differ.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(pass: Pass<'_>, out: &mut [u8]) {
    run_anywhere(pass, out);
}

#[inline(always)]
fn run_anywhere(pass: Pass<'_>, out: &mut [u8]) {
    match pass {
        Pass::Across { rows, from, to, taps } => {
            let mut strip = vec![[0u8; STRIP]; from / 3];
            for (rows, targets) in rows.chunks(from * STRIP_ROWS).zip(out.chunks_mut(to * STRIP_ROWS)) {
                for (at, row) in rows.chunks_exact(from).enumerate() {
                    for (column, pixel) in strip.iter_mut().zip(row.chunks_exact(3)) {
                        column[at * 3..at * 3 + 3].copy_from_slice(pixel);
                    }
                }
                strip_across(&strip, taps, targets, to);
            }
        }
        Pass::Down { rows, width, taps } => {
            let sum = Sum::of(taps);
            for (target, &(first, weight, n)) in out.chunks_exact_mut(width).zip(&taps.spans) {
                let weights = &taps.weights[weight..weight + n];
                row_down(&rows[first * width..(first + n) * width], width, weights, sum, target);
            }
        }
    }
}

/// How sums begin and end: at one half, and without their fractional bits.
#[derive(Clone, Copy)]
struct Sum {
    half: i32,
    precision: u32,
}

impl Sum {
    #[inline(always)]
    fn of(taps: &Taps) -> Self {
        Self { half: (1 << taps.precision) >> 1, precision: taps.precision }
    }

    /// A finished sum as a byte.
    #[inline(always)]
    fn byte(self, sum: i32) -> u8 {
        (sum >> self.precision).clamp(0, 255) as u8
    }
}

/// Sums columns of a strip: several rows at once, so that a column is a vector. Rows beyond the last target are stale and
/// not written.
#[inline(always)]
fn strip_across(strip: &[[u8; STRIP]], taps: &Taps, targets: &mut [u8], to: usize) {
    let sum = Sum::of(taps);
    for (x, &(first, weight, n)) in taps.spans.iter().enumerate() {
        let mut sums = [sum.half; STRIP];
        for (column, &k) in strip[first..first + n].iter().zip(&taps.weights[weight..weight + n]) {
            add(&mut sums, column, k);
        }
        let bytes = sums.map(|s| sum.byte(s));
        for (row, pixel) in targets.chunks_exact_mut(to).zip(bytes.chunks_exact(3)) {
            row[x * 3..x * 3 + 3].copy_from_slice(pixel);
        }
    }
}

/// Adds weighted bytes to sums. Sums stay far inside i32 (the weights' absolute values add up to less than 1.5 in fixed
/// point); wrapping only spares the check.
#[inline(always)]
fn add<const N: usize>(sums: &mut [i32; N], bytes: &[u8; N], k: i32) {
    for (sum, &value) in sums.iter_mut().zip(bytes) {
        *sum = sum.wrapping_add(i32::from(value).wrapping_mul(k));
    }
}

/// `rows` holds as many rows of `width` bytes as there are weights.
#[inline(always)]
fn row_down(rows: &[u8], width: usize, weights: &[i32], sum: Sum, target: &mut [u8]) {
    let (blocks, rest) = target.as_chunks_mut::<LANES>();
    let mut at = 0;
    for block in blocks {
        let mut sums = [sum.half; LANES];
        for (row, &k) in rows.chunks_exact(width).zip(weights) {
            if let Some(bytes) = row[at..].first_chunk() {
                add(&mut sums, bytes, k);
            }
        }
        *block = sums.map(|s| sum.byte(s));
        at += LANES;
    }
    for (column, channel) in (at..).zip(rest) {
        let mut one = [sum.half];
        for (row, &k) in rows.chunks_exact(width).zip(weights) {
            add(&mut one, &[row[column]], k);
        }
        *channel = sum.byte(one[0]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn vectors_and_scalars_agree(pixels in proptest::collection::vec(any::<u8>(), 23 * 17 * 3), nh in 1u32..50, nw in 1u32..50) {
            let image = RgbImage::from_raw(23, 17, pixels).unwrap();
            for make in [Taps::pillow as MakeTaps, Taps::torchvision] {
                for pass in [across, down] {
                    let fast = pass(&image, Size::new(nw, nh), make).unwrap_or_else(|| image.clone());
                    let mut slow = RgbImage::new(fast.width(), fast.height());
                    let (from, to) = (69, fast.width() as usize * 3);
                    if fast.width() != 23 {
                        run_anywhere(Pass::Across { rows: &image, from, to, taps: &make(23, nw) }, &mut slow);
                    } else if fast.height() != 17 {
                        run_anywhere(Pass::Down { rows: &image, width: 69, taps: &make(17, nh) }, &mut slow);
                    } else {
                        slow = image.clone();
                    }
                    prop_assert_eq!(fast, slow);
                }
            }
        }
    }
}
