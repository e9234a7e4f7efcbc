//! Whether answers prefer a letter.

use serde::Serialize;

/// How the answered letters spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Uniformity {
    /// How often the first, second, … listed choice was answered.
    pub answered: Vec<usize>,
    /// How often it was the right one.
    pub right: Vec<usize>,
    /// Pearson's statistic against "every listed choice equally often", summed over questions with equally many choices.
    pub chi2: f64,
    /// Its degrees of freedom.
    pub df: usize,
    /// Probability of a statistic at least as large where no letter is preferred (asymptotic: with fewer than five expected
    /// answers a letter it is a rough figure).
    pub p: f64,
}

/// From triples (place answered, place that is right, number of choices), places from 0; none of none. Choices stand in
/// random order, so that a model without a preference answers every place equally often, however good it is.
pub fn uniformity(answers: impl IntoIterator<Item = (usize, Option<usize>, usize)>) -> Option<Uniformity> {
    let mut by_count: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    let (mut answered, mut right) = (Vec::new(), Vec::new());
    for (place, truth, of) in answers.into_iter().filter(|(place, _, of)| place < of && (2..=MOST).contains(of)) {
        let counts = by_count.entry(of).or_insert_with(|| vec![0; of]);
        [(counts, place)].into_iter().for_each(|(list, at)| bump(list, at));
        bump(&mut answered, place);
        truth.filter(|truth| truth < &of).into_iter().for_each(|truth| bump(&mut right, truth));
    }
    let width = by_count.keys().max().copied()?;
    answered.resize(width, 0);
    right.resize(width, 0);
    let one = |counts: &Vec<usize>| {
        let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        counts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum::<f64>()
    };
    let chi2 = by_count.values().map(one).sum();
    let df = by_count.keys().map(|of| of - 1).sum();
    Some(Uniformity { answered, right, chi2, df, p: chi_square_tail(chi2, df) })
}

/// Most choices of one question that are counted.
const MOST: usize = 26;

fn bump(list: &mut Vec<usize>, at: usize) {
    if list.len() <= at {
        list.resize(at + 1, 0);
    }
    if let Some(n) = list.get_mut(at) {
        *n += 1;
    }
}

/// The probability that a χ² variable with `df` degrees of freedom is at least `x`.
///
/// For whole degrees of freedom it is a finite sum (Abramowitz and Stegun 26.4.4 and 26.4.5); the odd case needs erfc, here
/// by its continued fraction and series to 1e-12.
pub fn chi_square_tail(x: f64, df: usize) -> f64 {
    if df == 0 || x <= 0.0 {
        return 1.0;
    }
    let half = x / 2.0;
    let (start, mut term, first) = if df.is_multiple_of(2) {
        ((-half).exp(), (-half).exp(), 1.0)
    } else {
        let e = (-half).exp() * (half / std::f64::consts::PI).sqrt() * 2.0;
        (erfc(half.sqrt()), e / 1.0, 1.5)
    };
    // Even: e^-h · Σ h^k / k!. Odd: erfc(√h) + e^-h · Σ h^(k+1/2) / Γ(k + 3/2).
    let mut sum = start;
    let steps = if df.is_multiple_of(2) { df / 2 - 1 } else { df / 2 };
    for k in 0..steps {
        if df.is_multiple_of(2) {
            term *= half / (k as f64 + first);
            sum += term;
        } else {
            sum += term;
            term *= half / (k as f64 + first);
        }
    }
    sum.clamp(0.0, 1.0)
}

/// The complementary error function for x ≥ 0.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            let add = term / (2.0 * f64::from(n) + 1.0);
            sum += add;
            if add.abs() < 1e-17 * sum.abs() {
                break;
            }
        }
        return 1.0 - 2.0 / std::f64::consts::PI.sqrt() * sum;
    }
    // Lentz's way from the end of the fraction: x + (1/2)/(x + 1/(x + (3/2)/(x + …))).
    let tail = (1..=120).rev().fold(x, |rest, k| x + f64::from(k) / 2.0 / rest);
    (-x * x).exp() / std::f64::consts::PI.sqrt() / tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tails_equal_published_values() {
        // 95 % points of Abramowitz and Stegun, table 26.8.
        for (df, x) in [
            (1, 3.841_458_820_694_124),
            (2, 5.991_464_547_107_979),
            (3, 7.814_727_903_251_178),
            (10, 18.307_038_053_275_146),
        ] {
            assert!((chi_square_tail(x, df) - 0.05).abs() < 1e-10, "{df}: {}", chi_square_tail(x, df));
        }
        assert_eq!((chi_square_tail(0.0, 3), chi_square_tail(5.0, 0)), (1.0, 1.0));
    }

    #[test]
    fn a_preference_is_seen() {
        let always_a = uniformity((0..20).map(|i| (0, Some(i % 4), 4)));
        assert!(
            always_a.is_some_and(|u| u.p < 1e-6 && u.answered == [20, 0, 0, 0] && u.right == [5, 5, 5, 5] && u.df == 3)
        );
        let even = uniformity((0..20).map(|i| (i % 4, None, 4)));
        assert!(even.is_some_and(|u| u.p == 1.0 && u.chi2 == 0.0));
        let mixed = uniformity((0..40).map(|i| (0, None, 2 + i % 2)));
        assert!(mixed.is_some_and(|u| u.df == 3 && (u.chi2 - 60.0).abs() < 1e-9));
        assert_eq!(uniformity([(3, None, 2)]), None);
    }

    proptest! {
        #[test]
        fn tails_fall(x in 0.0..200.0f64, df in 1usize..30) {
            let p = chi_square_tail(x, df);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(chi_square_tail(x + 1.0, df) <= p + 1e-12);
            prop_assert!(chi_square_tail(x, df + 1) + 1e-10 >= p);
        }
    }
}
