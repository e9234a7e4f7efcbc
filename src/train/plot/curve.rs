//! A series as it is drawn: few enough points, a moving mean where there are many, a band.

use super::series::Series;

/// About so many points of a line are drawn.
const DRAWN: usize = 600;
/// From so many points on, a moving mean is drawn over the measured line.
pub const MANY: usize = 60;

/// What is drawn of one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The line that is looked at.
    pub line: Vec<(f64, f64)>,
    /// The measured values behind a moving mean; else empty.
    pub behind: Vec<(f64, f64)>,
    /// Step, low and high end of the band.
    pub band: Vec<(f64, f64, f64)>,
}

/// The curve of a series, with a band of this half width.
pub fn curve(series: &Series, width: Option<&Series>, smooth: bool) -> Curve {
    let points = series.points();
    let half = if smooth && points.len() >= MANY { (points.len() / 80).max(2) } else { 0 };
    let mean = moving_mean(points, half);
    let line = if half > 0 { every(&mean) } else { thin(points) };
    let behind = if half > 0 { thin(points) } else { Vec::new() };
    let joined = width.map(|width| series.beside(width)).unwrap_or_default();
    let middle: Vec<_> = joined.iter().map(|&(x, y, _)| (x, y)).collect();
    let widths: Vec<_> = joined.iter().map(|&(x, _, w)| (x, w)).collect();
    let (middle, widths) = (every(&moving_mean(&middle, half)), every(&moving_mean(&widths, half)));
    let band = middle.iter().zip(&widths).map(|(&(x, y), &(_, w))| (x, y - w, y + w)).collect();
    Curve { line, behind, band }
}

/// The mean of each point and so many on both sides, as far as there are any.
fn moving_mean(points: &[(f64, f64)], half: usize) -> Vec<(f64, f64)> {
    let mut sums = Vec::with_capacity(points.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    sums.extend(points.iter().map(|point| {
        sum += point.1;
        sum
    }));
    let mean = |i: usize| {
        let (first, end) = (i.saturating_sub(half), (i + half + 1).min(points.len()));
        Some((points.get(i)?.0, (sums.get(end)? - sums.get(first)?) / (end - first) as f64))
    };
    if half == 0 { points.to_vec() } else { (0..points.len()).filter_map(mean).collect() }
}

/// At most about [`DRAWN`] of the points, evenly, the last among them.
fn every(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(DRAWN).max(1);
    let mut kept: Vec<_> = points.iter().step_by(step).copied().collect();
    if points.last() != kept.last() {
        kept.extend(points.last());
    }
    kept
}

/// At most some 600 points: the lowest and the highest of each stretch, so that no spike is lost.
pub fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    thin_to(points, DRAWN)
}

/// The lowest and the highest point of each stretch, about so many in all, first and last among them.
pub fn thin_to(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most.max(4) {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(most + 2);
    kept.extend(points.first());
    for stretch in points.chunks(points.len().div_ceil((most / 2).max(1))) {
        let ends =
            [stretch.iter().min_by(|a, b| a.1.total_cmp(&b.1)), stretch.iter().max_by(|a, b| a.1.total_cmp(&b.1))];
        let mut ends: Vec<_> = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.extend(ends);
    }
    kept.extend(points.last());
    kept.dedup();
    kept
}
