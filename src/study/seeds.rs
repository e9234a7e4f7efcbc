//! Questions that were asked several times.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::mean;
use crate::analysis::stats::{agreement, pass_at};
use crate::benchmark::normalise;
use crate::session::SessionSummary;

/// Most `k` that are told.
const MOST: usize = 16;

/// How sessions of one question, asked with several seeds, differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seeds {
    /// Questions asked more than once (of one model in one run).
    pub questions: usize,
    /// Fewest sessions of one of them.
    pub fewest: usize,
    /// Mean Pass@k for k = 1, 2, … up to `fewest` (16 at most).
    pub pass: Vec<f64>,
    /// Mean share of pairs of sessions of one question that gave the same answer.
    pub agreement: f64,
    /// Share of the questions that every session answered right.
    pub always: f64,
    /// Share of the questions that no session answered right.
    pub never: f64,
}

impl Seeds {
    /// Of scored sessions; none where no question was asked twice.
    pub fn of(scored: &[&SessionSummary]) -> Option<Self> {
        let mut questions: BTreeMap<(Option<&str>, &str, &str), Vec<&SessionSummary>> = BTreeMap::new();
        for session in scored {
            let key = (session.run.as_deref(), session.model.as_str(), session.question_id.as_str());
            questions.entry(key).or_default().push(session);
        }
        questions.retain(|_, sessions| sessions.len() > 1);
        let fewest = questions.values().map(Vec::len).min()?;
        let counts: Vec<(usize, usize)> =
            questions.values().map(|of| (of.len(), of.iter().filter(|s| s.right == Some(true)).count())).collect();
        let pass = |k: usize| mean(counts.iter().filter_map(|(n, right)| pass_at(*n, *right, k)));
        let answers = |of: &Vec<&SessionSummary>| {
            agreement(of.iter().map(|s| s.answer.as_deref().filter(|_| s.resolved).map(normalise)))
        };
        let share = |of: usize| of as f64 / counts.len().max(1) as f64;
        Some(Self {
            questions: counts.len(),
            fewest,
            pass: (1..=fewest.min(MOST)).filter_map(pass).collect(),
            agreement: mean(questions.values().filter_map(answers))?,
            always: share(counts.iter().filter(|(n, right)| n == right).count()),
            never: share(counts.iter().filter(|(_, right)| *right == 0).count()),
        })
    }
}
