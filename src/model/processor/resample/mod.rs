//! Bicubic resampling that gives the same bytes as Pillow's `Image.resize(…, BICUBIC)` on 8-bit RGB, or the same as
//! torchvision's `resize(…, BICUBIC, antialias=True)` on `uint8` tensors on a CPU.
//!
//! What both have in common: the cubic with a = −0.5, a support that grows with the reduction (so that shrinking is
//! antialiased), weights normalised in f64 and only then rounded to fixed point, sums that start at one half, and a first
//! pass that is *rounded to bytes* before the second. A pass whose size does not change is skipped, which is not the same
//! as doing it. Written from that description; the goldens in `tests/` hold it to both libraries' bytes.
//!
//! What differs: Pillow's weights have 22 fractional bits, torchvision's (ATen's `_upsample_bicubic2d_aa`, after
//! Pillow-SIMD) as many as let the largest of a pass fit into 16 bits. torchvision always begins with the horizontal
//! pass; the order in Pillow is that of version 13 ([`down_first`]): older versions began with the horizontal one too,
//! which gives a level more or less here and there when the order differs.

mod pass;
mod taps;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use self::pass::{MakeTaps, across, down};
use self::taps::Taps;
use super::{MAX_PIXELS, ProcessorError};
use crate::geometry::Size;

/// Whose bytes a resized image has, and whose rounding its normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// Pillow's, as Hugging Face's slow image processors and `qwen_vl_utils` resize.
    #[default]
    Pillow,
    /// torchvision's on a CPU, as Hugging Face's fast image processors resize.
    Torchvision,
}

impl Resampler {
    /// The name flags and logs know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pillow => "pillow",
            Self::Torchvision => "torchvision",
        }
    }

    /// Resizes to `w`×`h`, byte for byte as that library does.
    ///
    /// # Errors
    /// [`ProcessorError::Target`] when the target, or the buffer between the two passes, has more than [`MAX_PIXELS`].
    pub fn resize(self, image: &RgbImage, w: u32, h: u32) -> Result<RgbImage, ProcessorError> {
        let (from, to) = (Size::new(image.width(), image.height()), Size::new(w, h));
        let largest = u64::from(w) * u64::from(h.max(from.h));
        if largest > MAX_PIXELS {
            return Err(ProcessorError::Target { from, w: w.into(), h: h.into(), limit: MAX_PIXELS });
        }
        if w == 0 || h == 0 || from.w == 0 || from.h == 0 {
            return Ok(RgbImage::new(w, h));
        }
        let (vertical_first, taps): (bool, MakeTaps) = match self {
            Self::Pillow => (down_first(from, to), Taps::pillow),
            Self::Torchvision => (false, Taps::torchvision),
        };
        let order = if vertical_first { [down, across] } else { [across, down] };
        let mut done: Option<RgbImage> = None;
        for pass in order {
            if let Some(next) = pass(done.as_ref().unwrap_or(image), to, taps) {
                done = Some(next);
            }
        }
        Ok(done.unwrap_or_else(|| image.clone()))
    }
}

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
    Resampler::Pillow.resize(image, w, h)
}

/// Whether Pillow 13 begins with the vertical pass: when it removes more than twice as many rows as columns.
///
/// Found by comparing both orders with Pillow 13.0.0 on 700 random sizes, half of them next to the threshold.
fn down_first(from: Size, to: Size) -> bool {
    let (rows, columns) = (i64::from(from.h) - i64::from(to.h), i64::from(from.w) - i64::from(to.w));
    rows > 0 && rows > 2 * columns
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use image::Rgb;
    use proptest::prelude::*;

    const BOTH: [Resampler; 2] = [Resampler::Pillow, Resampler::Torchvision];

    #[test]
    fn the_same_size_is_the_same_image() {
        let image = RgbImage::from_fn(5, 7, |x, y| Rgb([x as u8 * 50, y as u8 * 30, 9]));
        for resampler in BOTH {
            assert_eq!(resampler.resize(&image, 5, 7).unwrap(), image);
        }
        assert_eq!(resize_bicubic(&image, 5, 7), image);
    }

    #[test]
    fn too_large_is_refused_before_anything_is_allocated() {
        let image = RgbImage::new(2, 2);
        let tall = RgbImage::new(1, 1 << 20);
        for resampler in BOTH {
            assert!(resampler.resize(&image, u32::MAX, u32::MAX).is_err());
            assert!(resampler.resize(&tall, 1 << 20, 1).is_err(), "the buffer between the passes would be huge");
        }
        assert_eq!(resize_bicubic(&image, u32::MAX, 70_000).dimensions(), (0, 0));
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
            prop_assert_eq!(Resampler::Torchvision.resize(&image, nw, nh).unwrap().dimensions(), (nw, nh));
        }
    }
}
