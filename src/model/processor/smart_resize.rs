//! Which size an image is resized to before it is cut into patches.

use super::{MAX_PIXELS, ProcessorError};
use crate::geometry::Size;

/// Largest ratio between the sides that is accepted.
const MAX_ASPECT: u32 = 200;

/// The height and width nearest to the given ones that divide by `factor` and whose area lies between `min_pixels` and
/// `max_pixels`, as `(height, width)`.
///
/// The rules are those of `smart_resize` in Hugging Face's Qwen2-VL image processor: halves are rounded to even (70 px
/// at factor 28 become 56), areas that are too large are scaled down and floored (never below one factor), areas that
/// are too small are scaled up and rounded up. `max_pixels` wins over `min_pixels` only by being looked at first.
///
/// # Errors
/// [`ProcessorError::Empty`] for a side of 0, [`ProcessorError::Aspect`] above a ratio of 200,
/// [`ProcessorError::Target`] when the result has no area or more than [`MAX_PIXELS`].
pub fn smart_resize(
    height: u32,
    width: u32,
    factor: u32,
    min_pixels: u64,
    max_pixels: u64,
) -> Result<(u32, u32), ProcessorError> {
    let size = Size::new(width, height);
    if height == 0 || width == 0 {
        return Err(ProcessorError::Empty { size });
    }
    let (h, w, f) = (f64::from(height), f64::from(width), f64::from(factor.max(1)));
    if h.max(w) / h.min(w) > f64::from(MAX_ASPECT) {
        return Err(ProcessorError::Aspect { size, limit: MAX_ASPECT });
    }
    let (mut new_h, mut new_w) = ((h / f).round_ties_even() * f, (w / f).round_ties_even() * f);
    let (min, max) = (min_pixels as f64, max_pixels as f64);
    if new_h * new_w > max {
        let beta = (h * w / max).sqrt();
        new_h = ((h / beta / f).floor() * f).max(f);
        new_w = ((w / beta / f).floor() * f).max(f);
    } else if new_h * new_w < min {
        let beta = (min / (h * w)).sqrt();
        new_h = (h * beta / f).ceil() * f;
        new_w = (w * beta / f).ceil() * f;
    }
    checked(size, new_h, new_w)
}

/// Both sides as integers, if they have an area within bounds.
fn checked(from: Size, h: f64, w: f64) -> Result<(u32, u32), ProcessorError> {
    let area = h * w;
    if !(area >= 1.0 && area <= MAX_PIXELS as f64) {
        return Err(ProcessorError::Target { from, w: w as u64, h: h as u64, limit: MAX_PIXELS });
    }
    Ok((h as u32, w as u32))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_to_even() {
        assert_eq!(smart_resize(70, 70, 28, 1, 1 << 20).unwrap(), (56, 56));
        assert_eq!(smart_resize(98, 98, 28, 1, 1 << 20).unwrap(), (112, 112));
        assert_eq!(smart_resize(42, 126, 28, 1, 1 << 20).unwrap(), (56, 112));
    }

    #[test]
    fn areas_are_brought_into_bounds() {
        assert_eq!(smart_resize(1176, 840, 28, 3136, 140 * 196).unwrap(), (196, 140));
        assert_eq!(smart_resize(1, 1, 28, 3136, 1 << 20).unwrap(), (56, 56));
        assert_eq!(smart_resize(1, 200, 28, 3136, 1 << 20).unwrap(), (28, 812));
    }

    #[test]
    fn hopeless_sizes_are_refused() {
        assert!(matches!(smart_resize(0, 10, 28, 1, 10), Err(ProcessorError::Empty { .. })));
        assert!(matches!(smart_resize(1, 201, 28, 1, 1 << 20), Err(ProcessorError::Aspect { .. })));
        assert!(matches!(smart_resize(9, 9, 28, 0, 1 << 20), Err(ProcessorError::Target { .. })));
        assert!(matches!(smart_resize(9, 9, 28, u64::MAX, u64::MAX), Err(ProcessorError::Target { .. })));
    }

    proptest! {
        #[test]
        fn results_divide_and_fit(h: u32, w: u32, factor in 0u32..100, min: u64, max: u64) {
            if let Ok((nh, nw)) = smart_resize(h, w, factor, min, max) {
                prop_assert!(nh % factor.max(1) == 0 && nw % factor.max(1) == 0);
                prop_assert!(u64::from(nh) * u64::from(nw) <= MAX_PIXELS && nh > 0 && nw > 0);
            }
        }
    }
}
