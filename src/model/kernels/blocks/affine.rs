//! Scales for a few numbers that share one.

#![allow(clippy::indexing_slicing, reason = "arrays of constant length")]

/// Sums are kept in so many parts, so that loops over them become vector code.
const PARTS: usize = 8;
/// Scales tried around the one that spans the numbers.
const STEPS: usize = 17;

#[inline(always)]
fn total(parts: [f32; PARTS]) -> f32 {
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Scale and minimum (both not negative) with `x ≈ scale * q - minimum` for whole `q` from 0 to `top`.
///
/// For each of a few spacings the numbers are rounded and the best line through them is found by least squares, larger
/// numbers weighing more; the spacing with the least error wins.
#[inline(always)]
pub(super) fn affine<const N: usize>(x: &[f32; N], top: f32) -> (f32, f32) {
    let least = x.iter().fold(0.0_f32, |least, x| least.min(*x));
    let most = x.iter().fold(least, |most, x| most.max(*x));
    let span = most - least;
    // Also false for what is no number.
    if !(span > 0.0 && span.is_finite()) {
        return (0.0, if least.is_finite() { -least } else { 0.0 });
    }
    let mean = (x.iter().map(|x| x * x).sum::<f32>() / N as f32).sqrt();
    let weights: [f32; N] = std::array::from_fn(|i| mean + x[i].abs());
    let sum_w: f32 = weights.iter().sum();
    let sum_x: f32 = weights.iter().zip(x).map(|(w, x)| w * x).sum();
    let sum_xx: f32 = weights.iter().zip(x).map(|(w, x)| w * x * x).sum();
    let mut best = (f32::INFINITY, span / top, -least);
    for step in 0..STEPS {
        let spacing = (top - 1.0 + step as f32 * 0.125) / span;
        let (mut q1, mut q2, mut qx) = ([0.0; PARTS], [0.0; PARTS], [0.0; PARTS]);
        for (x, w) in x.as_chunks::<PARTS>().0.iter().zip(weights.as_chunks::<PARTS>().0) {
            for i in 0..PARTS {
                let q = ((x[i] - least) * spacing).round_ties_even().clamp(0.0, top);
                let wq = w[i] * q;
                q1[i] += wq;
                q2[i] += wq * q;
                qx[i] += wq * x[i];
            }
        }
        let (q1, q2, qx) = (total(q1), total(q2), total(qx));
        let determinant = sum_w * q2 - q1 * q1;
        if determinant <= 0.0 {
            continue;
        }
        let mut scale = (sum_w * qx - sum_x * q1) / determinant;
        let mut offset = (q2 * sum_x - q1 * qx) / determinant;
        if offset > 0.0 {
            (scale, offset) = (qx / q2, 0.0);
        }
        let error = sum_xx
            + scale * scale * q2
            + offset * offset * sum_w
            + 2.0 * (scale * offset * q1 - scale * qx - offset * sum_x);
        if error < best.0 && scale > 0.0 {
            best = (error, scale, -offset);
        }
    }
    (best.1, best.2)
}

/// A scale, of either sign, with `x ≈ scale * q` for whole `q` from `-half` to `half - 1`: the same search without a
/// minimum, numbers weighing by their squares.
#[inline(always)]
pub(super) fn symmetric<const N: usize>(x: &[f32; N], half: f32) -> f32 {
    let most = x.iter().fold(0.0_f32, |most, x| if x.abs() > most.abs() { *x } else { most });
    if !(most.abs() > 1e-30 && most.is_finite()) {
        return 0.0;
    }
    let (mut best, mut scale) = (0.0, -most / half);
    for step in 0..STEPS {
        let spacing = -(half - 1.0 + step as f32 * 0.125) / most;
        let (mut q2, mut qx) = ([0.0; PARTS], [0.0; PARTS]);
        for x in x.as_chunks::<PARTS>().0 {
            for i in 0..PARTS {
                let q = (x[i] * spacing).round_ties_even().clamp(-half, half - 1.0);
                let wq = x[i] * x[i] * q;
                q2[i] += wq * q;
                qx[i] += wq * x[i];
            }
        }
        let (q2, qx) = (total(q2), total(qx));
        if q2 > 0.0 && qx * qx > best * q2 {
            (best, scale) = (qx * qx / q2, qx / q2);
        }
    }
    scale
}
