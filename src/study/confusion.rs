//! What was answered where something else is true.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::benchmark::{AnswerForm, normalise};
use crate::session::SessionSummary;

/// Most kinds of answers of a matrix; with more it tells nobody anything.
const MOST: usize = 40;

/// Truths × answers of questions with one of several choices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Truths and answers that occur, in the order of the alphabet; as they are compared (lower case).
    pub classes: Vec<String>,
    /// `counts[truth][answer]`.
    pub counts: Vec<Vec<usize>>,
    /// For each truth how often no answer could be read.
    pub none: Vec<usize>,
}

impl Confusion {
    /// Of scored sessions; none where no choice is among them, or where there are more than 40 kinds of answers.
    pub fn of(scored: &[&SessionSummary]) -> Option<Self> {
        let choices = scored.iter().filter(|s| s.form == AnswerForm::Choice);
        let pairs = choices.filter_map(|s| {
            let answer = s.answer.as_deref().filter(|_| s.resolved).map(normalise);
            s.truth.as_deref().map(|truth| (normalise(truth), answer))
        });
        let mut found: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (truth, answer) in pairs {
            for kind in [Some(&truth), answer.as_ref()].into_iter().flatten() {
                if !kinds.contains_key(kind) {
                    kinds.insert(kind.clone(), 0);
                }
            }
            if kinds.len() > MOST {
                return None;
            }
            *found.entry((truth, answer)).or_default() += 1;
        }
        if kinds.is_empty() {
            return None;
        }
        kinds.values_mut().enumerate().for_each(|(i, place)| *place = i);
        let mut counts = vec![vec![0; kinds.len()]; kinds.len()];
        let mut none = vec![0; kinds.len()];
        for ((truth, answer), n) in found {
            let row = kinds.get(&truth).copied().unwrap_or(0);
            let place = match answer.and_then(|answer| kinds.get(&answer)) {
                Some(column) => counts.get_mut(row).and_then(|row| row.get_mut(*column)),
                None => none.get_mut(row),
            };
            if let Some(place) = place {
                *place += n;
            }
        }
        Some(Self { classes: kinds.into_keys().collect(), counts, none })
    }
}
