//! Two runs on the same questions, as figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::page_of;
use crate::analysis::mean;
use crate::analysis::stats::{mcnemar, paired_bootstrap};
use crate::session::SessionSummary;

/// Seed of the bootstraps: fixed, so that the same runs give the same intervals.
const SEED: u64 = 7;

/// Pairs of scored sessions of one question in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pairing {
    /// Pairs.
    pub n: usize,
    /// Pages they are about.
    pub pages: usize,
    /// Right in both.
    pub both: usize,
    /// Right in A alone.
    pub only_a: usize,
    /// Right in B alone.
    pub only_b: usize,
    /// Right in neither.
    pub neither: usize,
    /// Accuracy of A over the pairs; null of none.
    pub accuracy_a: Option<f64>,
    /// Accuracy of B over the pairs.
    pub accuracy_b: Option<f64>,
    /// Accuracy of B less that of A.
    pub difference: Option<f64>,
    /// 95 % interval of it: percentile bootstrap over pages; null with fewer than two pages, or where it was not asked for.
    pub difference_ci95: Option<[f64; 2]>,
    /// Exact two-sided p-value of McNemar's test over `only_a` and `only_b`. It knows of no pages.
    pub p: f64,
    /// The same adjusted over the tasks by Holm's method; null of what is no task.
    pub p_holm: Option<f64>,
    /// Mean score of A over the pairs, with partial credit.
    pub score_a: Option<f64>,
    /// Mean score of B.
    pub score_b: Option<f64>,
    /// Mean score of B less that of A.
    pub score_difference: Option<f64>,
    /// 95 % interval of it, as that of the accuracy.
    pub score_ci95: Option<[f64; 2]>,
}

/// One session of each run.
pub(super) type Pair<'a> = (&'a SessionSummary, &'a SessionSummary);

impl Pairing {
    pub(super) fn of(pairs: &[Pair<'_>], bootstrap: bool) -> Self {
        let right = |s: &SessionSummary| s.right == Some(true);
        let count = |a: bool, b: bool| pairs.iter().filter(|(x, y)| (right(x), right(y)) == (a, b)).count();
        let (both, only_a, only_b, neither) =
            (count(true, true), count(true, false), count(false, true), count(false, false));
        let n = pairs.len();
        let share = |of: usize| (n > 0).then(|| of as f64 / n as f64);
        let (accuracy_a, accuracy_b) = (share(both + only_a), share(both + only_b));
        let (score_a, score_b) = (mean(pairs.iter().map(|(a, _)| value(a))), mean(pairs.iter().map(|(_, b)| value(b))));
        let pages = by_page(pairs);
        let interval = |of: fn(&(f64, f64, usize)) -> f64| {
            let sums: Vec<(f64, usize)> = pages.values().map(|page| (of(page), page.2)).collect();
            bootstrap.then(|| paired_bootstrap(&sums, SEED)).flatten()
        };
        let difference = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| b - a);
        Self {
            n,
            pages: pages.len(),
            both,
            only_a,
            only_b,
            neither,
            accuracy_a,
            accuracy_b,
            difference: difference(accuracy_a, accuracy_b),
            difference_ci95: interval(|page| page.0),
            p: mcnemar(only_a, only_b),
            p_holm: None,
            score_a,
            score_b,
            score_difference: difference(score_a, score_b),
            score_ci95: interval(|page| page.1),
        }
    }
}

/// The score, with partial credit.
fn value(session: &SessionSummary) -> f64 {
    session.score.filter(|x| x.is_finite()).unwrap_or(0.0)
}

/// Differences of right answers and of scores, and the number of pairs, by page.
fn by_page<'a>(pairs: &[Pair<'a>]) -> BTreeMap<(Option<&'a str>, &'a str), (f64, f64, usize)> {
    let mut pages: BTreeMap<_, (f64, f64, usize)> = BTreeMap::new();
    for (a, b) in pairs {
        let right = |s: &SessionSummary| f64::from(u8::from(s.right == Some(true)));
        let page = pages.entry(page_of(a)).or_default();
        *page = (page.0 + right(b) - right(a), page.1 + value(b) - value(a), page.2 + 1);
    }
    pages
}
