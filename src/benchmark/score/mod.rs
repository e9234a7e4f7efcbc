//! From an answer as written to its content, and from content to a score.
//!
//! Content is what an answer stands for, without its wording: a choice's text, a number in digits, labels divided by `, `.
//! [`resolve_answer`] reads it, [`score_answer`] holds it against the truth. Exact and partial credit are always given
//! together: `value` for the one figure, `parts` by name for the rest.

mod order;
mod read;
mod set;

use super::{AnswerForm, Question};
pub use read::{normalise, resolve_answer};

/// What a scorer says.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Scorer name: that of the answer's form.
    pub scorer: &'static str,
    /// Scorer version.
    pub version: u32,
    /// 1 fully right, 0 wrong, between for partial credit.
    pub value: f64,
    /// Why, in words.
    pub explanation: String,
    /// Measures of this form of answer by name.
    pub parts: Vec<(&'static str, f64)>,
}

/// Raised whenever the same answer gets another score.
const VERSION: u32 = 2;
/// Between labels, in truths and contents.
pub(super) const DIVIDER: &str = ", ";
/// The content of an empty set.
pub(super) const NOTHING: &str = "none";

/// Scores an answer's content against the question's truth; `None` where the truth is unknown or where only a judge
/// could tell ([`AnswerForm::Free`]). A missing answer is a wrong one.
///
/// | form | parts | value |
/// |---|---|---|
/// | choice | `exact` | exact |
/// | count | `exact`, `error` = \|answer − truth\| (only of a given answer) | exact |
/// | order | `exact`, `tau_b` (Kendall), `adjacent` (share of neighbours kept) | τ-b where positive, times the share of labels given |
/// | set | `exact`, `precision`, `recall`, `f1`, `switches` (only of a given answer) | F1 |
pub fn score_answer(question: &Question, content: Option<&str>) -> Option<Score> {
    let truth = question.truth.as_deref()?;
    let (scorer, value, parts) = match question.form {
        AnswerForm::Free => return None,
        AnswerForm::Choice => choice(truth, content),
        AnswerForm::Count => count(truth, content),
        AnswerForm::Order => order::score(question, truth, content),
        AnswerForm::Set => set::score(question, truth, content),
    };
    let explanation = match content {
        Some(c) if value >= 1.0 => format!("\"{c}\" is right"),
        Some(c) => format!("\"{c}\", the truth is \"{truth}\""),
        None => format!("no answer that could be read, the truth is \"{truth}\""),
    };
    Some(Score { scorer, version: VERSION, value, explanation, parts })
}

/// Scorer, value, parts.
type Scored = (&'static str, f64, Vec<(&'static str, f64)>);

fn choice(truth: &str, content: Option<&str>) -> Scored {
    let right = share(content.is_some_and(|c| read::normalise(c) == read::normalise(truth)));
    ("choice", right, vec![("exact", right)])
}

fn count(truth: &str, content: Option<&str>) -> Scored {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let error = content.and_then(number).zip(number(truth)).map(|(a, b)| (a - b).abs());
    let right = share(error == Some(0.0));
    let mut parts = vec![("exact", right)];
    parts.extend(error.map(|e| ("error", e)));
    ("count", right, parts)
}

fn share(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// The labels of a truth or content.
fn labels(text: &str) -> Vec<&str> {
    if text == NOTHING { Vec::new() } else { text.split(DIVIDER).filter(|l| !l.is_empty()).collect() }
}

/// The probability that a uniform guess among all answers of the question's form is fully right; `None` where they are
/// not known.
pub fn chance(question: &Question) -> Option<f64> {
    let n = if question.choices.is_empty() { question.labels.len() } else { question.choices.len() };
    if n == 0 {
        return None;
    }
    let answers = match question.form {
        AnswerForm::Free => return None,
        AnswerForm::Choice | AnswerForm::Count => n as f64,
        AnswerForm::Order => (1..=n).map(|k| k as f64).product(),
        AnswerForm::Set => (n as f64).exp2(),
    };
    Some(1.0 / answers)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
