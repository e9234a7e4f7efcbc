//! Scales for numbers that share one, for eight parts of a block at a time: number `i` of all eight side by side, so that
//! everything is arithmetic on lanes and becomes vector code.

#![allow(clippy::indexing_slicing, reason = "arrays of constant length")]

/// Parts side by side.
pub(super) const LANES: usize = 8;
/// Scales tried around the one that spans the numbers.
const STEPS: usize = 17;

/// A number for each part.
pub(super) type Each = [f32; LANES];

/// Eight parts of `N` numbers, one after the other, put side by side.
#[inline(always)]
pub(super) fn side_by_side<const N: usize>(parts: &[[f32; N]; LANES]) -> [Each; N] {
    let mut out = [[0.0; LANES]; N];
    for (i, out) in out.iter_mut().enumerate() {
        for (out, part) in out.iter_mut().zip(parts) {
            *out = part[i];
        }
    }
    out
}

#[inline(always)]
fn each(of: impl Fn(usize) -> f32) -> Each {
    let mut out = [0.0; LANES];
    for (l, out) in out.iter_mut().enumerate() {
        *out = of(l);
    }
    out
}

/// Scales and minima (both not negative) with `x ≈ scale * q - minimum` for whole `q` from 0 to `top`.
///
/// For each of a few spacings the numbers are rounded and the best line through them is found by least squares, larger
/// numbers weighing more; the spacing with the least error wins.
#[inline(always)]
pub(super) fn affine<const N: usize>(x: &[Each; N], top: f32) -> (Each, Each) {
    let (mut least, mut most, mut squares) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    for x in x {
        least = each(|l| if x[l] < least[l] { x[l] } else { least[l] });
        most = each(|l| if x[l] > most[l] { x[l] } else { most[l] });
        squares = each(|l| squares[l] + x[l] * x[l]);
    }
    let span = each(|l| most[l] - least[l]);
    let mean = each(|l| (squares[l] / N as f32).sqrt());
    let (mut sum_w, mut sum_x, mut sum_xx) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for x in x {
        let w = each(|l| mean[l] + x[l].abs());
        sum_w = each(|l| sum_w[l] + w[l]);
        sum_x = each(|l| sum_x[l] + w[l] * x[l]);
        sum_xx = each(|l| sum_xx[l] + w[l] * x[l] * x[l]);
    }
    let (mut error, mut scale, mut minimum) =
        ([f32::INFINITY; LANES], each(|l| span[l] / top), each(|l| 0.0 - least[l]));
    for step in 0..STEPS {
        let spacing = each(|l| (top - 1.0 + step as f32 * 0.125) / span[l]);
        let (mut q1, mut q2, mut qx) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for x in x {
            let q = each(|l| ((x[l] - least[l]) * spacing[l]).round_ties_even().max(0.0).min(top));
            let wq = each(|l| (mean[l] + x[l].abs()) * q[l]);
            q1 = each(|l| q1[l] + wq[l]);
            q2 = each(|l| q2[l] + wq[l] * q[l]);
            qx = each(|l| qx[l] + wq[l] * x[l]);
        }
        let determinant = each(|l| sum_w[l] * q2[l] - q1[l] * q1[l]);
        let sloped = each(|l| (sum_w[l] * qx[l] - sum_x[l] * q1[l]) / determinant[l]);
        let offset = each(|l| (q2[l] * sum_x[l] - q1[l] * qx[l]) / determinant[l]);
        // A minimum cannot be negative: then the line goes through zero.
        let slope = each(|l| if offset[l] > 0.0 { qx[l] / q2[l] } else { sloped[l] });
        let offset = each(|l| if offset[l] > 0.0 { 0.0 } else { offset[l] });
        let now = each(|l| {
            sum_xx[l]
                + slope[l] * slope[l] * q2[l]
                + offset[l] * offset[l] * sum_w[l]
                + 2.0 * (slope[l] * offset[l] * q1[l] - slope[l] * qx[l] - offset[l] * sum_x[l])
        });
        let better = |l: usize| determinant[l] > 0.0 && now[l] < error[l] && slope[l] > 0.0;
        scale = each(|l| if better(l) { slope[l] } else { scale[l] });
        minimum = each(|l| if better(l) { -offset[l] } else { minimum[l] });
        error = each(|l| if better(l) { now[l] } else { error[l] });
    }
    // Numbers that are all the same, and what is no number.
    let spans = |l: usize| span[l] > 0.0 && span[l].is_finite();
    let alone = each(|l| if least[l].is_finite() { 0.0 - least[l] } else { 0.0 });
    (each(|l| if spans(l) { scale[l] } else { 0.0 }), each(|l| if spans(l) { minimum[l] } else { alone[l] }))
}

/// Scales, of either sign, with `x ≈ scale * q` for whole `q` from `-half` to `half - 1`: the same search without a
/// minimum, numbers weighing by their squares.
#[inline(always)]
pub(super) fn symmetric<const N: usize>(x: &[Each; N], half: f32) -> Each {
    let mut most = [0.0_f32; LANES];
    for x in x {
        most = each(|l| if x[l].abs() > most[l].abs() { x[l] } else { most[l] });
    }
    let (mut best, mut scale) = ([0.0; LANES], each(|l| -most[l] / half));
    for step in 0..STEPS {
        let spacing = each(|l| -(half - 1.0 + step as f32 * 0.125) / most[l]);
        let (mut q2, mut qx) = ([0.0; LANES], [0.0; LANES]);
        for x in x {
            let q = each(|l| (x[l] * spacing[l]).round_ties_even().max(-half).min(half - 1.0));
            let wq = each(|l| x[l] * x[l] * q[l]);
            q2 = each(|l| q2[l] + wq[l] * q[l]);
            qx = each(|l| qx[l] + wq[l] * x[l]);
        }
        let better = |l: usize| q2[l] > 0.0 && qx[l] * qx[l] > best[l] * q2[l];
        scale = each(|l| if better(l) { qx[l] / q2[l] } else { scale[l] });
        best = each(|l| if better(l) { qx[l] * qx[l] / q2[l] } else { best[l] });
    }
    each(|l| if most[l].abs() > 1e-30 && most[l].is_finite() { scale[l] } else { 0.0 })
}
