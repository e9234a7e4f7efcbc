//! Whether a model's probabilities mean what they say.

use serde::Serialize;

/// Bins of a reliability diagram.
pub const BINS: usize = 10;

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Lowest probability in it.
    pub from: f64,
    /// Highest; the last bin holds 1, the others not their upper end.
    pub to: f64,
    /// Answers in it.
    pub n: usize,
    /// Right ones.
    pub right: usize,
    /// Their mean probability; null of none.
    pub p: Option<f64>,
    /// Share of right ones; null of none.
    pub accuracy: Option<f64>,
    /// 95 % Wilson interval of it.
    pub ci95: [f64; 2],
}

/// Reliability of answer probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Answers with a probability.
    pub n: usize,
    /// Expected calibration error: the mean over answers of |accuracy − mean probability| of their bin.
    pub ece: f64,
    /// Mean squared difference of probability and outcome.
    pub brier: f64,
    /// [`BINS`] of equal width.
    pub bins: Vec<Bin>,
}

/// The calibration of pairs (probability, whether right); none of no pairs.
pub fn calibration(pairs: impl IntoIterator<Item = (f64, bool)>) -> Option<Calibration> {
    let mut sums = [(0usize, 0usize, 0.0f64); BINS];
    let (mut all, mut brier) = (0usize, 0.0);
    for (p, right) in pairs {
        let p = if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) };
        let place = ((p * BINS as f64) as usize).min(BINS - 1);
        if let Some((n, hits, sum)) = sums.get_mut(place) {
            (*n, *hits, *sum) = (*n + 1, *hits + usize::from(right), *sum + p);
        }
        (all, brier) = (all + 1, brier + (p - f64::from(u8::from(right))).powi(2));
    }
    if all == 0 {
        return None;
    }
    let bin = |(i, &(n, right, sum)): (usize, &(usize, usize, f64))| {
        let share = |x: f64| (n > 0).then(|| x / n as f64);
        let edge = |i: usize| i as f64 / BINS as f64;
        let (p, accuracy) = (share(sum), share(right as f64));
        Bin { from: edge(i), to: edge(i + 1), n, right, p, accuracy, ci95: super::wilson(right, n) }
    };
    let bins: Vec<Bin> = sums.iter().enumerate().map(bin).collect();
    let off = |b: &Bin| b.p.zip(b.accuracy).map_or(0.0, |(p, a)| (p - a).abs() * b.n as f64);
    let ece = bins.iter().map(off).sum::<f64>() / all as f64;
    Some(Calibration { n: all, ece, brier: brier / all as f64, bins })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sure_and_right_half_the_time_is_off_by_half() {
        let found = calibration([(1.0, true), (1.0, false)]);
        assert!(
            found.is_some_and(|c| (c.ece - 0.5).abs() < 1e-12 && (c.brier - 0.5).abs() < 1e-12 && c.bins[9].n == 2)
        );
        let found = calibration([(0.75, true), (0.75, true), (0.75, true), (0.75, false)]);
        assert!(found.is_some_and(|c| c.ece.abs() < 1e-12));
        assert_eq!(calibration([]), None);
    }

    proptest! {
        #[test]
        fn errors_are_shares_and_order_does_not_count(mut pairs in prop::collection::vec((-0.1..1.1f64, any::<bool>()), 1..50)) {
            let one = calibration(pairs.iter().copied());
            pairs.reverse();
            let two = calibration(pairs.iter().copied());
            let (Some(one), Some(two)) = (one, two) else { return Err(TestCaseError::fail("none")) };
            prop_assert!((0.0..=1.0).contains(&one.ece) && (0.0..=1.0).contains(&one.brier));
            prop_assert!((one.ece - two.ece).abs() < 1e-12);
            prop_assert_eq!(one.bins.iter().map(|b| b.n).sum::<usize>(), one.n);
        }
    }
}
