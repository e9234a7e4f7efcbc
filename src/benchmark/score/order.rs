//! Orders: exact, Kendall's τ-b, neighbours kept.

use super::read::{all_labels, normalise};
use super::{Scored, labels, share};
use crate::benchmark::Question;

pub(super) fn score(question: &Question, truth: &str, content: Option<&str>) -> Scored {
    let truth = labels(truth);
    let given = content.map(labels).unwrap_or_default();
    let place = |label: &str, order: &[&str]| order.iter().position(|l| normalise(l) == normalise(label));
    // Labels that were left out are tied behind all that were given.
    let ranks: Vec<usize> = truth.iter().map(|label| place(label, &given).unwrap_or(given.len())).collect();
    let listed = given.iter().filter(|label| place(label, &truth).is_some()).count();
    let complete = listed == truth.len() && given.len() == truth.len();
    let exact = share(complete && ranks.iter().enumerate().all(|(i, rank)| i == *rank));
    let tau = tau_b(&ranks);
    let answered = listed as f64 / all_labels(question).len().max(truth.len()).max(1) as f64;
    let value = if exact == 1.0 { 1.0 } else { (tau.max(0.0) * answered).min(0.999) };
    ("order", value, vec![("exact", exact), ("tau_b", tau), ("adjacent", adjacent(&ranks, given.len()))])
}

/// Kendall's τ-b between 0, 1, 2, … and these ranks, which may be tied (Kendall 1945); 0 where all are tied.
pub(super) fn tau_b(ranks: &[usize]) -> f64 {
    let pairs = || ranks.iter().enumerate().flat_map(|(i, a)| ranks.iter().skip(i + 1).map(move |b| (a, b)));
    let (concordant, discordant) = (pairs().filter(|(a, b)| a < b).count(), pairs().filter(|(a, b)| a > b).count());
    let (all, untied) = (pairs().count(), concordant + discordant);
    if untied == 0 {
        return 0.0;
    }
    (concordant as f64 - discordant as f64) / (all as f64 * untied as f64).sqrt()
}

/// Share of the truth's neighbouring pairs that stand next to each other, in this order, in the answer; `missing` is the
/// rank of labels that were left out.
fn adjacent(ranks: &[usize], missing: usize) -> f64 {
    let neighbours = ranks.len().saturating_sub(1);
    if neighbours == 0 {
        return share(ranks.iter().all(|rank| *rank < missing));
    }
    let kept = ranks.iter().zip(ranks.iter().skip(1)).filter(|(a, b)| **b < missing && **a + 1 == **b).count();
    kept as f64 / neighbours as f64
}
