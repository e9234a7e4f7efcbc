//! Proportions of questions that share pages.

use serde::Serialize;

use super::proportion::wilson_effective;

/// A share with an interval that knows that questions about one page are alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clustered {
    /// Clusters: pages, or questions where no page is known.
    pub clusters: usize,
    /// Variance with clusters over variance without (Kish's design effect), at least 1.
    pub design_effect: f64,
    /// 95 % Wilson interval of the share, with `n / design_effect` for `n`.
    pub ci95: [f64; 2],
}

/// The clustered interval of a share, from how many are right out of how many in each cluster.
///
/// The variance with clusters is the linearised ("sandwich") one with its factor G / (G − 1) for G clusters (Miller 2024,
/// "Adding error bars to evals"), that without is p (1 − p) / n. An interval that is narrower than the plain one is not
/// given: with few clusters their variance is itself uncertain.
pub fn clustered(clusters: impl IntoIterator<Item = (usize, usize)>) -> Clustered {
    let all: Vec<(usize, usize)> = clusters.into_iter().filter(|(_, n)| *n > 0).collect();
    let (groups, right, n) =
        all.iter().fold((0, 0, 0), |(g, r, n): (usize, usize, usize), (right, of)| (g + 1, r + right, n + of));
    let (count, p) = (n as f64, right as f64 / (n as f64).max(1.0));
    let plain = p * (1.0 - p) / count.max(1.0);
    let squares: f64 = all.iter().map(|&(right, of)| (right as f64 - p * of as f64).powi(2)).sum();
    let few = groups as f64 / (groups as f64 - 1.0);
    let with = squares * few / (count * count);
    let design_effect = if groups > 1 && plain > 0.0 { (with / plain).max(1.0) } else { 1.0 };
    Clustered { clusters: groups, design_effect, ci95: wilson_effective(p, count / design_effect) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::wilson;
    use proptest::prelude::*;

    #[test]
    fn alone_on_its_page_every_question_is_as_without_pages() {
        let each = clustered([(1, 1), (0, 1), (1, 1), (1, 1)]);
        // G / (G - 1) is all that differs.
        assert!((each.design_effect - 4.0 / 3.0).abs() < 1e-12, "{each:?}");
        let twins = clustered([(2, 2), (0, 2), (2, 2), (2, 2)]);
        assert!((twins.design_effect - 8.0 / 3.0).abs() < 1e-12, "pages that are all or nothing count as one question");
        assert_eq!(clustered([(3, 3), (4, 4)]).design_effect, 1.0);
        assert_eq!(clustered([]).ci95, [0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_plain_one(clusters in prop::collection::vec((0usize..5, 1usize..5), 0..20), turn in 0usize..20) {
            let mut clusters: Vec<(usize, usize)> = clusters.into_iter().map(|(r, n)| (r.min(n), n)).collect();
            let one = clustered(clusters.iter().copied());
            let (right, n) = clusters.iter().fold((0, 0), |(r, n), c| (r + c.0, n + c.1));
            let plain = wilson(right, n);
            prop_assert!(one.ci95[0] <= plain[0] + 1e-12 && one.ci95[1] >= plain[1] - 1e-12);
            prop_assert!(one.design_effect >= 1.0 && one.ci95[0] >= 0.0 && one.ci95[1] <= 1.0);
            if !clusters.is_empty() {
                let turn = turn % clusters.len();
                clusters.rotate_left(turn);
            }
            let other = clustered(clusters.iter().copied());
            prop_assert!((other.ci95[0] - one.ci95[0]).abs() < 1e-12);
        }
    }
}
