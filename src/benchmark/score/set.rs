//! Sets: precision, recall, F1, identity switches.

use super::read::{all_labels, normalise};
use super::{Scored, labels, share};
use crate::benchmark::Question;

pub(super) fn score(question: &Question, truth: &str, content: Option<&str>) -> Scored {
    let truth = labels(truth);
    let Some(given) = content.map(labels) else {
        let parts = vec![("exact", 0.0), ("precision", 0.0), ("recall", 0.0), ("f1", 0.0)];
        return ("set", 0.0, parts);
    };
    let has = |list: &[&str], label: &str| list.iter().any(|l| normalise(l) == normalise(label));
    let hits = given.iter().filter(|label| has(&truth, label)).count();
    let both_empty = truth.is_empty() && given.is_empty();
    let ratio = |of: usize| if both_empty { 1.0 } else { hits as f64 / of.max(1) as f64 };
    let (precision, recall) = (ratio(given.len()), ratio(truth.len()));
    let f1 = if both_empty { 1.0 } else { 2.0 * hits as f64 / (given.len() + truth.len()) as f64 };
    let exact = share(hits == given.len() && hits == truth.len());
    let track: Vec<bool> =
        all_labels(question).iter().filter(|label| has(&given, label)).map(|label| has(&truth, label)).collect();
    let parts = vec![
        ("exact", exact),
        ("precision", precision),
        ("recall", recall),
        ("f1", f1),
        ("switches", switches(&track) as f64),
    ];
    ("set", f1, parts)
}

/// How often a track over panels passes from the figure asked for to another one or back: the identity switches of
/// multi-object tracking with panels as frames.
fn switches(track: &[bool]) -> usize {
    track.iter().zip(track.iter().skip(1)).filter(|(a, b)| a != b).count()
}
