//! Loops that the compiler turns into vector code, compiled twice: for any CPU, and for one with AVX2.
//!
//! Both versions do the same operations in the same order (no fused multiply-add, eight explicit partial sums), so they
//! give the same bits.

/// Defines a function whose body is compiled for the baseline and for AVX2; the CPU decides at run time.
macro_rules! vectorised {
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        $visible fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body($($arg: $type),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($arg: $type),*) $(-> $out)? {
                    body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the only requirement is a CPU with AVX2, which has just been checked.
                    return unsafe { wide($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(super) use vectorised;

/// e to the power of `x`, within 2 units in the last place; 0 below −87.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5·2²³: adding it rounds to a whole number
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = if x < -87.0 { -87.0 } else { x };
    let clamped = if clamped > 88.0 { 88.0 } else { clamped };
    let shifted = clamped * std::f32::consts::LOG2_E + MAGIC;
    let whole = shifted - MAGIC;
    let r = clamped - whole * LN2_HIGH - whole * LN2_LOW;
    // The Taylor series up to r⁷: |r| ≤ ln 2 / 2, so the rest is below 6e-9.
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    let e = p * (r * r) + r + 1.0;
    let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
    let value = e * f32::from_bits(power);
    // NaN compares false and passes through.
    if x < -87.0 { 0.0 } else { value }
}

/// Sum with eight partial sums.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    fold(x, |part, v| part + v, 0.0)
}

/// Dot product with eight partial sums.
#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut parts = [0f32; 8];
    let (mut xs, mut ys) = (x.chunks_exact(8), y.chunks_exact(8));
    for (a, b) in (&mut xs).zip(&mut ys) {
        for ((part, a), b) in parts.iter_mut().zip(a).zip(b) {
            *part += a * b;
        }
    }
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    parts.iter().sum::<f32>() + rest
}

/// Largest value; −∞ for none.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    fold(x, |part, v| if v > part { v } else { part }, f32::NEG_INFINITY)
}

#[inline(always)]
fn fold(x: &[f32], f: impl Fn(f32, f32) -> f32, start: f32) -> f32 {
    let mut parts = [start; 8];
    let mut chunks = x.chunks_exact(8);
    for chunk in &mut chunks {
        for (part, &value) in parts.iter_mut().zip(chunk) {
            *part = f(*part, value);
        }
    }
    let rest = chunks.remainder().iter().fold(start, |part, &value| f(part, value));
    parts.iter().fold(rest, |part, &value| f(part, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_close() {
        let mut worst = 0f64;
        for i in -86_000..88_000 {
            let x = i as f32 / 1000.0;
            let true_value = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - true_value).abs() / true_value);
        }
        assert!(worst < 3e-7, "{worst}");
        assert_eq!((exp(0.0), exp(-1e9), exp(f32::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_take_every_value() {
        let x: Vec<f32> = (0..21).map(|v| v as f32).collect();
        assert_eq!((sum(&x), max(&x), dot(&x, &x)), (210.0, 20.0, 2870.0));
        assert_eq!(max(&[-3.0]), -3.0);
    }
}
