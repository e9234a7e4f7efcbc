//! Questions asked several times.

/// The probability that at least one of `k` answers drawn without replacement from `n`, of which `right` are right, is
/// right (Chen et al. 2021); none where there are fewer than `k`. It rewards guessing where there are few answers.
pub fn pass_at(n: usize, right: usize, k: usize) -> Option<f64> {
    if k == 0 || k > n || right > n {
        return None;
    }
    let wrong = n - right;
    let miss: f64 = (0..k).map(|i| wrong.saturating_sub(i) as f64 / (n - i) as f64).product();
    Some(1.0 - miss)
}

/// The share of pairs of answers to one question that are the same; none of fewer than two.
pub fn agreement<T: Ord>(answers: impl IntoIterator<Item = T>) -> Option<f64> {
    let mut all: Vec<T> = answers.into_iter().collect();
    all.sort();
    let n = all.len();
    if n < 2 {
        return None;
    }
    let pairs = |n: usize| (n * (n - 1) / 2) as f64;
    let same: f64 = all.chunk_by(|a, b| a == b).map(|run| pairs(run.len())).sum();
    Some(same / pairs(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn drawn_without_replacement() {
        assert_eq!(pass_at(4, 1, 1), Some(0.25));
        assert!(pass_at(4, 2, 2).is_some_and(|p| (p - 5.0 / 6.0).abs() < 1e-12));
        assert_eq!((pass_at(4, 3, 2), pass_at(4, 0, 4), pass_at(3, 1, 4)), (Some(1.0), Some(0.0), None));
        assert_eq!(agreement(["a", "b", "a"]), Some(1.0 / 3.0));
        assert_eq!((agreement(["a"]), agreement([1, 1, 1])), (None, Some(1.0)));
    }

    proptest! {
        #[test]
        fn more_draws_pass_more(n in 1usize..30, right in 0usize..30, k in 1usize..29) {
            let right = right.min(n);
            if let (Some(less), Some(more)) = (pass_at(n, right, k), pass_at(n, right, k + 1)) {
                prop_assert!((0.0..=1.0).contains(&less) && more >= less - 1e-12);
            }
            prop_assert!(pass_at(n, right, 1).is_some_and(|p| (p - right as f64 / n as f64).abs() < 1e-12));
        }
    }
}
