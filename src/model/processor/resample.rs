//! Bicubic resampling that gives the same bytes as Pillow's `Image.resize(…, BICUBIC)` on 8-bit RGB.
//!
//! What has to agree for that: the cubic with a = −0.5, a support that grows with the reduction (so that shrinking is
//! antialiased), weights normalised in f64 and only then rounded to 22-bit fixed point, sums that start at one half, and
//! a first pass that is *rounded to bytes* before the second. A pass whose size does not change is skipped, which is not
//! the same as doing it. Written from that description; the goldens in `tests/` hold it to Pillow's bytes.
//!
//! The order of the passes is that of Pillow 13 ([`down_first`]). Older versions always began with the horizontal one,
//! which gives a level more or less here and there when the order differs.

#![allow(clippy::indexing_slicing, reason = "every index comes from tap tables built for the buffer's own size")]

use image::RgbImage;

use super::{MAX_PIXELS, ProcessorError};
use crate::geometry::Size;

/// Fractional bits of a weight.
const PRECISION: u32 = 22;
/// One half, in the fixed point of a sum.
const HALF: i32 = 1 << (PRECISION - 1);
/// Radius of the cubic when the image is not reduced.
const RADIUS: f64 = 2.0;
/// Bytes of a row that the vertical pass sums at a time: few enough to stay in registers.
const LANES: usize = 32;
/// Rows that the horizontal pass works on together.
const STRIP_ROWS: usize = 8;
/// Bytes of one column of such rows.
const STRIP: usize = STRIP_ROWS * 3;

/// Resizes to `w`×`h`, byte for byte as Pillow's bicubic does.
///
/// An empty source or target gives an image of zeros of the target size; a target of more than [`MAX_PIXELS`] gives an
/// empty image (use [`try_resize_bicubic`] where sizes come from outside).
pub fn resize_bicubic(image: &RgbImage, w: u32, h: u32) -> RgbImage {
    try_resize_bicubic(image, w, h).unwrap_or_default()
}

/// Resizes to `w`×`h`, byte for byte as Pillow's bicubic does.
///
/// # Errors
/// [`ProcessorError::Target`] when the target, or the buffer between the two passes, has more than [`MAX_PIXELS`].
pub fn try_resize_bicubic(image: &RgbImage, w: u32, h: u32) -> Result<RgbImage, ProcessorError> {
    let from = Size::new(image.width(), image.height());
    let largest = u64::from(w) * u64::from(h.max(from.h));
    if largest > MAX_PIXELS {
        return Err(ProcessorError::Target { from, w: w.into(), h: h.into(), limit: MAX_PIXELS });
    }
    if w == 0 || h == 0 || from.w == 0 || from.h == 0 {
        return Ok(RgbImage::new(w, h));
    }
    let order: [fn(&RgbImage, Size) -> Option<RgbImage>; 2] =
        if down_first(from, Size::new(w, h)) { [down, across] } else { [across, down] };
    let mut done: Option<RgbImage> = None;
    for pass in order {
        if let Some(next) = pass(done.as_ref().unwrap_or(image), Size::new(w, h)) {
            done = Some(next);
        }
    }
    Ok(done.unwrap_or_else(|| image.clone()))
}

/// Whether Pillow 13 begins with the vertical pass: when it removes more than twice as many rows as columns.
///
/// Found by comparing both orders with Pillow 13.0.0 on 700 random sizes, half of them next to the threshold.
fn down_first(from: Size, to: Size) -> bool {
    let (rows, columns) = (i64::from(from.h) - i64::from(to.h), i64::from(from.w) - i64::from(to.w));
    rows > 0 && rows > 2 * columns
}

/// For every output pixel: which input pixels it sums, and with which fixed-point weights.
struct Taps {
    /// `(first input pixel, first weight, number of both)` per output pixel.
    spans: Vec<(usize, usize, usize)>,
    weights: Vec<i32>,
}

impl Taps {
    /// The table for resizing `from` pixels to `to`.
    fn new(from: u32, to: u32) -> Self {
        let scale = f64::from(from) / f64::from(to);
        let reduction = scale.max(1.0);
        let radius = RADIUS * reduction;
        let mut taps = Self { spans: Vec::with_capacity(to as usize), weights: Vec::new() };
        let mut exact = Vec::new();
        for out in 0..to {
            let centre = (f64::from(out) + 0.5) * scale;
            let first = ((centre - radius + 0.5) as i64).max(0);
            let end = ((centre + radius + 0.5) as i64).min(i64::from(from));
            exact.clear();
            exact.extend((first..end).map(|x| cubic((x as f64 - centre + 0.5) * (1.0 / reduction))));
            let total: f64 = exact.iter().sum();
            taps.spans.push((first.max(0) as usize, taps.weights.len(), exact.len()));
            taps.weights.extend(exact.iter().map(|k| fixed(if total == 0.0 { *k } else { k / total })));
        }
        taps
    }
}

/// The cubic convolution kernel with a = −0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// A weight in fixed point, rounded half away from zero.
fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION);
    if weight < 0.0 { (scaled - 0.5) as i32 } else { (scaled + 0.5) as i32 }
}

/// A finished sum as a byte.
#[inline(always)]
fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// The horizontal pass, unless the width stays.
fn across(image: &RgbImage, to: Size) -> Option<RgbImage> {
    if to.w == image.width() {
        return None;
    }
    let taps = Taps::new(image.width(), to.w);
    let mut out = RgbImage::new(to.w, image.height());
    let (from, to) = (image.width() as usize * 3, to.w as usize * 3);
    run(Pass::Across { rows: image.as_raw(), from, to, taps: &taps }, &mut out);
    Some(out)
}

/// The vertical pass, unless the height stays.
fn down(image: &RgbImage, to: Size) -> Option<RgbImage> {
    if to.h == image.height() {
        return None;
    }
    let taps = Taps::new(image.height(), to.h);
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
            for (target, &(first, weight, n)) in out.chunks_exact_mut(width).zip(&taps.spans) {
                row_down(&rows[first * width..(first + n) * width], width, &taps.weights[weight..weight + n], target);
            }
        }
    }
}

/// Sums columns of a strip: several rows at once, so that a column is a vector. Rows beyond the last target are stale and
/// not written.
#[inline(always)]
fn strip_across(strip: &[[u8; STRIP]], taps: &Taps, targets: &mut [u8], to: usize) {
    for (x, &(first, weight, n)) in taps.spans.iter().enumerate() {
        let mut sums = [HALF; STRIP];
        for (column, &k) in strip[first..first + n].iter().zip(&taps.weights[weight..weight + n]) {
            add(&mut sums, column, k);
        }
        let bytes = sums.map(byte);
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
fn row_down(rows: &[u8], width: usize, weights: &[i32], target: &mut [u8]) {
    let (blocks, rest) = target.as_chunks_mut::<LANES>();
    let mut at = 0;
    for block in blocks {
        let mut sums = [HALF; LANES];
        for (row, &k) in rows.chunks_exact(width).zip(weights) {
            if let Some(bytes) = row[at..].first_chunk() {
                add(&mut sums, bytes, k);
            }
        }
        *block = sums.map(byte);
        at += LANES;
    }
    for (column, channel) in (at..).zip(rest) {
        let mut sum = [HALF];
        for (row, &k) in rows.chunks_exact(width).zip(weights) {
            add(&mut sum, &[row[column]], k);
        }
        *channel = byte(sum[0]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use image::Rgb;
    use proptest::prelude::*;

    #[test]
    fn weights_sum_to_one() {
        for (from, to) in [(390, 168), (7, 100), (1, 5), (1000, 3)] {
            let taps = Taps::new(from, to);
            for &(first, weight, n) in &taps.spans {
                let sum: i32 = taps.weights[weight..weight + n].iter().sum();
                assert!((sum - (1 << PRECISION)).abs() <= n as i32, "{from}→{to}: {sum}");
                assert!(first + n <= from as usize);
            }
        }
    }

    #[test]
    fn the_same_size_is_the_same_image() {
        let image = RgbImage::from_fn(5, 7, |x, y| Rgb([x as u8 * 50, y as u8 * 30, 9]));
        assert_eq!(resize_bicubic(&image, 5, 7), image);
    }

    #[test]
    fn too_large_is_refused_before_anything_is_allocated() {
        let image = RgbImage::new(2, 2);
        assert!(try_resize_bicubic(&image, u32::MAX, u32::MAX).is_err());
        assert_eq!(resize_bicubic(&image, u32::MAX, 70_000).dimensions(), (0, 0));
        let tall = RgbImage::new(1, 1 << 20);
        assert!(try_resize_bicubic(&tall, 1 << 20, 1).is_err(), "the buffer between the passes would be huge");
    }

    proptest! {
        #[test]
        fn flat_stays_flat_and_nothing_panics(w in 0u32..40, h in 0u32..40, nw in 0u32..90, nh in 0u32..90, v: [u8; 3]) {
            let image = RgbImage::from_pixel(w, h, Rgb(v));
            let resized = try_resize_bicubic(&image, nw, nh).unwrap();
            prop_assert_eq!(resized.dimensions(), (nw, nh));
            if w > 0 && h > 0 {
                prop_assert!(resized.pixels().all(|p| p.0 == v));
            }
        }

        #[test]
        fn vectors_and_scalars_agree(pixels in proptest::collection::vec(any::<u8>(), 23 * 17 * 3), nh in 1u32..50, nw in 1u32..50) {
            let image = RgbImage::from_raw(23, 17, pixels).unwrap();
            for pass in [across, down] {
                let fast = pass(&image, Size::new(nw, nh)).unwrap_or_else(|| image.clone());
                let mut slow = RgbImage::new(fast.width(), fast.height());
                let (from, to) = (69, fast.width() as usize * 3);
                if fast.width() != 23 {
                    run_anywhere(Pass::Across { rows: &image, from, to, taps: &Taps::new(23, nw) }, &mut slow);
                } else if fast.height() != 17 {
                    run_anywhere(Pass::Down { rows: &image, width: 69, taps: &Taps::new(17, nh) }, &mut slow);
                } else {
                    slow = image.clone();
                }
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
