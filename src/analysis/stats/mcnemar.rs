//! Two runs, question by question.

/// The exact two-sided p-value of McNemar's test: that of a fair coin that shows `only_a` heads in `only_a + only_b` throws
/// (McNemar 1947; exact as in `statsmodels`). 1 without a discordant pair.
pub fn mcnemar(only_a: usize, only_b: usize) -> f64 {
    let (n, few) = (only_a + only_b, only_a.min(only_b));
    if n == 0 {
        return 1.0;
    }
    // ln of n over k, from one k to the next; the largest term is taken out, so that nothing underflows before the end.
    let terms = (0..=few).scan(0.0_f64, |log, k| {
        let own = *log;
        *log += ((n - k) as f64 / (k + 1) as f64).ln();
        Some(own)
    });
    let logs: Vec<f64> = terms.collect();
    let most = logs.iter().copied().fold(0.0, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
    (2.0 * (sum.ln() + most - n as f64 * std::f64::consts::LN_2).exp()).min(1.0)
}

/// p-values adjusted by Holm's step-down method (Holm 1979), in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    let value = |i: &usize| p.get(*i).copied().unwrap_or(1.0);
    order.sort_by(|a, b| value(a).total_cmp(&value(b)));
    let mut adjusted = vec![1.0; p.len()];
    let mut least: f64 = 0.0;
    for (rank, i) in order.iter().enumerate() {
        least = least.max(value(i) * (p.len() - rank) as f64).min(1.0);
        if let Some(place) = adjusted.get_mut(*i) {
            *place = least;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn textbook_values() {
        // binom.test(5, 17) in R; Agresti's 86 and 150 approvals; nothing to tell.
        assert!((mcnemar(5, 12) - 0.143_463_134_765_625).abs() < 1e-12);
        assert!((mcnemar(86, 150) - 3.715_936_139_571_386_6e-5).abs() < 1e-15, "{}", mcnemar(86, 150));
        assert_eq!((mcnemar(0, 0), mcnemar(3, 3), mcnemar(0, 1)), (1.0, 1.0, 1.0));
        assert!(mcnemar(0, 5000) < 1e-300 && mcnemar(4000, 5000) > 0.0);
        // Holm (1979) by hand.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let want = [0.03, 0.06, 0.06, 0.02];
        assert!(adjusted.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{adjusted:?}");
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn mcnemar_is_symmetric_and_a_probability(a in 0usize..300, b in 0usize..300) {
            let p = mcnemar(a, b);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!((p - mcnemar(b, a)).abs() < 1e-15);
            if a > b {
                prop_assert!(mcnemar(a + 1, b) <= p + 1e-12, "further apart is less likely");
            }
        }

        #[test]
        fn holm_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0..=1.0f64, 0..10), turn in 0usize..10) {
            let adjusted = holm(&p);
            for (i, (raw, high)) in p.iter().zip(&adjusted).enumerate() {
                prop_assert!(high >= raw && *high <= 1.0);
                for (other, other_high) in p.iter().zip(&adjusted).skip(i + 1) {
                    prop_assert!(raw > other || high <= other_high);
                }
            }
            if !p.is_empty() {
                let mut turned = p.clone();
                turned.rotate_left(turn % p.len());
                let mut again = holm(&turned);
                again.rotate_right(turn % p.len());
                prop_assert_eq!(again, adjusted);
            }
        }
    }
}
