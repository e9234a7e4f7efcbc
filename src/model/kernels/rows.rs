//! What happens to rows between products. No fused multiply-adds, so that every processor gives the same bits.

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use super::Wide;

/// Partial sums of a long sum.
const PARTS: usize = 8;

impl Wide {
    /// Root-mean-square norm of every row of `x` with `weight`.
    pub(crate) fn norm(self, x: &[f32], weight: &[f32], eps: f32, y: &mut Vec<f32>) {
        y.clear();
        y.resize(x.len(), 0.0);
        self.norm_into(x, weight, eps, y);
    }

    /// The same into rows that are there already.
    pub(crate) fn norm_into(self, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
        fn run(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
            let width = weight.len().max(1);
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
                let root = (sum_of_squares(x) / width as f32 + eps).sqrt();
                for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
                    *y = x / root * weight;
                }
            }
        }
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
        unsafe {
            run(x, weight, eps, y);
        }
    }

    /// Rows (gate, up) of `2 * width` numbers → `silu(gate) * up`.
    pub(crate) fn gate(self, x: &[f32], width: usize, y: &mut Vec<f32>) {
        y.clear();
        y.resize(x.len() / 2, 0.0);
        self.gate_into(x, width, y);
    }

    /// The same into rows that are there already.
    pub(crate) fn gate_into(self, x: &[f32], width: usize, y: &mut [f32]) {
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
        fn run(x: &[f32], width: usize, y: &mut [f32]) {
            for (x, y) in x.chunks_exact(2 * width).zip(y.chunks_exact_mut(width)) {
                let (gate, up) = x.split_at(width);
                for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
                    *y = gate / (1.0 + exp(-gate)) * up;
                }
            }
        }
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
        unsafe {
            run(x, width.max(1), y);
        }
    }
}

/// In eight interleaved parts, added up pairwise.
#[inline(always)]
fn sum_of_squares(x: &[f32]) -> f32 {
    let mut parts = [0_f32; PARTS];
    let (whole, rest) = x.as_chunks::<PARTS>();
    for numbers in whole {
        for (part, number) in parts.iter_mut().zip(numbers) {
            *part += number * number;
        }
    }
    for (part, number) in parts.iter_mut().zip(rest) {
        *part += number * number;
    }
    added(parts)
}

#[inline(always)]
fn added(parts: [f32; PARTS]) -> f32 {
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Turns scores into weights that are still to be divided by the sum that is returned. Empty scores sum to 0.
#[inline(always)]
pub(super) fn weigh(scores: &mut [f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; PARTS];
    let (whole, rest) = scores.as_chunks::<PARTS>();
    for numbers in whole {
        for (most, number) in most.iter_mut().zip(numbers) {
            *most = if *number > *most { *number } else { *most };
        }
    }
    let most = most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    // In two loops: together the compiler would compute two or four at a time.
    for number in scores.iter_mut() {
        *number = exp(*number - most);
    }
    let mut parts = [0_f32; PARTS];
    let (whole, rest) = scores.as_chunks::<PARTS>();
    for numbers in whole {
        for (part, number) in parts.iter_mut().zip(numbers) {
            *part += number;
        }
    }
    for (part, number) in parts.iter_mut().zip(rest) {
        *part += number;
    }
    added(parts)
}

/// e to the power of `x`, to 2 units in the last place; below -87 it stays where f32 has its smallest normal numbers.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree 7, 2^n by its exponent bits. Everything is arithmetic on lanes, so loops over it become vector code.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: the first has few bits, so that n times it is exact.
    const LN2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2.0 - n * LN2.1;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let power = p * (r * r) + r + 1.0;
    power * f32::from_bits((shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127)) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_right_to_the_last_bits() {
        let mut worst = 0.0_f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let right = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - right) / right).abs());
        }
        assert!(worst < 2.5e-7, "{worst}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 2e-38 && exp(f32::NAN).is_nan());
    }

    #[test]
    fn weights_are_a_softmax_at_any_length() {
        for length in [0_usize, 1, 7, 8, 9, 64, 101] {
            let scores: Vec<f32> = (0..length).map(|i| ((i * 37) % 19) as f32 / 3.0 - 2.0).collect();
            let mut weights = scores.clone();
            let sum = weigh(&mut weights);
            let total: f64 = scores.iter().map(|s| f64::from(*s).exp()).sum();
            for (weight, score) in weights.iter().zip(&scores) {
                let right = f64::from(*score).exp() / total;
                assert!((f64::from(weight / sum) - right).abs() < 1e-6, "{length}");
            }
        }
    }
}
