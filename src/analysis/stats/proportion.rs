//! Statistics of proportions.

/// 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % Wilson score interval of `right` out of `n`; `[0, 1]` for `n` = 0 (Wilson 1927).
pub fn wilson(right: usize, n: usize) -> [f64; 2] {
    if n == 0 { [0.0, 1.0] } else { wilson_effective(right as f64 / n as f64, n as f64) }
}

/// The 95 % Wilson score interval of a share `p` of `n`, which need not be whole; `[0, 1]` where `n` is not positive.
pub fn wilson_effective(p: f64, n: f64) -> [f64; 2] {
    if n.is_nan() || n <= 0.0 {
        return [0.0, 1.0];
    }
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// The mean; none of nothing.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_equals_published_values() {
        // Newcombe (1998), table I: 81 of 263, and 0 of 20.
        let [low, high] = wilson(81, 263);
        assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4, "{low} {high}");
        let [low, high] = wilson(0, 20);
        assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn mean_of_nothing_is_none() {
        assert_eq!(mean([]), None);
        assert_eq!(mean([1.0, 2.0]), Some(1.5));
    }
}
