//! Which input pixels an output pixel sums, and with which fixed-point weights.

/// Radius of the cubic when the image is not reduced.
const RADIUS: f64 = 2.0;
/// Fractional bits of a weight in Pillow; the most that torchvision takes.
const PILLOW_PRECISION: u32 = 22;

/// The table of one pass.
pub(super) struct Taps {
    /// `(first input pixel, first weight, number of both)` per output pixel.
    pub(super) spans: Vec<(usize, usize, usize)>,
    /// Weights of all spans, one behind the other, in fixed point.
    pub(super) weights: Vec<i32>,
    /// Fractional bits of a weight.
    pub(super) precision: u32,
}

impl Taps {
    /// Pillow's table for resizing `from` pixels to `to`: 22 fractional bits.
    pub(super) fn pillow(from: u32, to: u32) -> Self {
        let (spans, exact) = exact(from, to, usize::MAX);
        Self {
            spans,
            weights: exact.iter().map(|k| fixed(*k, PILLOW_PRECISION)).collect(),
            precision: PILLOW_PRECISION,
        }
    }

    /// torchvision's table: as many fractional bits as let the largest weight fit into 16 bits.
    ///
    /// ATen's table has room for `2·⌈radius⌉ + 1` weights a pixel, the radius rounded up as an f32; a span that is longer
    /// loses its last.
    pub(super) fn torchvision(from: u32, to: u32) -> Self {
        let radius = RADIUS * (f64::from(from) / f64::from(to)).max(1.0);
        let room = (radius as f32).ceil() as usize * 2 + 1;
        let (spans, exact) = exact(from, to, room);
        let largest = exact.iter().copied().fold(0.0, f64::max);
        let fits = |bits: &u32| ((0.5 + largest * f64::from(1 << (bits + 1))) as i64) < 1 << 15;
        let precision = (0..PILLOW_PRECISION).take_while(fits).count() as u32;
        Self { spans, weights: exact.iter().map(|k| fixed(*k, precision)).collect(), precision }
    }
}

/// Spans of at most `room` weights, and their weights before rounding; those of a span add up to 1.
fn exact(from: u32, to: u32, room: usize) -> (Vec<(usize, usize, usize)>, Vec<f64>) {
    let scale = f64::from(from) / f64::from(to);
    let reduction = scale.max(1.0);
    let radius = RADIUS * reduction;
    let (mut spans, mut all) = (Vec::with_capacity(to as usize), Vec::new());
    let mut span = Vec::new();
    for out in 0..to {
        let centre = (f64::from(out) + 0.5) * scale;
        let first = ((centre - radius + 0.5) as i64).max(0);
        let end = ((centre + radius + 0.5) as i64).min(i64::from(from));
        span.clear();
        span.extend((first..end).take(room).map(|x| cubic((x as f64 - centre + 0.5) * (1.0 / reduction))));
        let total: f64 = span.iter().sum();
        spans.push((first as usize, all.len(), span.len()));
        all.extend(span.iter().map(|k| if total == 0.0 { *k } else { k / total }));
    }
    (spans, all)
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
fn fixed(weight: f64, precision: u32) -> i32 {
    let scaled = weight * f64::from(1 << precision);
    if weight < 0.0 { (scaled - 0.5) as i32 } else { (scaled + 0.5) as i32 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one() {
        for (from, to) in [(390, 168), (7, 100), (1, 5), (1000, 3), (40_000, 1)] {
            for taps in [Taps::pillow(from, to), Taps::torchvision(from, to)] {
                for &(first, weight, n) in &taps.spans {
                    let sum: i32 = taps.weights[weight..weight + n].iter().sum();
                    assert!((sum - (1 << taps.precision)).abs() <= n as i32, "{from}→{to}: {sum}");
                    assert!(first + n <= from as usize);
                }
            }
        }
    }

    #[test]
    fn torchvisions_weights_fit_into_16_bits_and_fill_them() {
        for (from, to) in [(390, 168), (7, 100), (1000, 3), (5, 5), (100_000, 1)] {
            let taps = Taps::torchvision(from, to);
            let largest = taps.weights.iter().copied().max().unwrap();
            assert!(largest < 1 << 15, "{from}→{to}: {largest}");
            assert!(largest >= 1 << 13 || taps.precision == PILLOW_PRECISION, "{from}→{to}: {largest}");
        }
        assert_eq!(Taps::torchvision(5, 5).precision, 14);
    }
}
