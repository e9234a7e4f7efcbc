//! Whether the place of a right answer gives it away.
//!
//! A model that has learnt that B is mostly right needs no page. Where options are shuffled, every place is right equally
//! often; Pearson's chi-squared test says how unlikely the counts would be then.

use std::collections::BTreeMap;

use crate::benchmark::{AnswerForm, Question, Task};

/// Below this probability of chance a bias is reported.
const ALPHA: f64 = 0.001;
/// Expected number in each place from which on the test holds.
const ENOUGH: u64 = 5;
/// More places than questions list.
const MOST_PLACES: usize = 64;

/// What is counted: which choice is right, which label an order begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Choice,
    First,
    Last,
}

/// Counts of places by task and number of places.
#[derive(Debug, Default)]
pub struct Bias {
    counts: BTreeMap<(Option<Task>, What, usize), Vec<u64>>,
}

impl Bias {
    /// Counts a question.
    pub fn add(&mut self, question: &Question) {
        let Some(truth) = question.truth.as_deref() else { return };
        let place = |items: &[String], item: &str| {
            items.iter().position(|i| i.trim().to_lowercase() == item.trim().to_lowercase())
        };
        match question.form {
            AnswerForm::Choice => {
                self.count(question.task, What::Choice, question.choices.len(), place(&question.choices, truth));
            }
            AnswerForm::Order => {
                let items = if question.labels.is_empty() { &question.choices } else { &question.labels };
                let (first, last) = (truth.split(',').next(), truth.split(',').next_back());
                self.count(question.task, What::First, items.len(), first.and_then(|l| place(items, l)));
                self.count(question.task, What::Last, items.len(), last.and_then(|l| place(items, l)));
            }
            AnswerForm::Count | AnswerForm::Set | AnswerForm::Free => {}
        }
    }

    fn count(&mut self, task: Option<Task>, what: What, places: usize, place: Option<usize>) {
        let Some(place) = place.filter(|_| (2..=MOST_PLACES).contains(&places)) else { return };
        let counts = self.counts.entry((task, what, places)).or_insert_with(|| vec![0; places]);
        if let Some(n) = counts.get_mut(place) {
            *n += 1;
        }
    }

    /// What is unlikely to be chance, in words.
    pub fn findings(&self) -> Vec<String> {
        let unlikely = self.counts.iter().filter_map(|((task, what, places), counts)| {
            let p = uniform(counts).filter(|p| *p < ALPHA)?;
            let of = task.map_or("questions without a task".to_owned(), |t| format!("{t} questions"));
            let what = match what {
                What::Choice => "the right choice's place",
                What::First => "the label an order begins with",
                What::Last => "the label an order ends with",
            };
            let counts = counts.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            Some(format!("{of} with {places}: {what} is uneven ({counts}; chi-squared, p = {p:.1e})"))
        });
        unlikely.collect()
    }
}

/// Probability that counts at least as uneven come from a uniform draw; none where there are too few to tell.
fn uniform(counts: &[u64]) -> Option<f64> {
    let (n, places) = (counts.iter().sum::<u64>(), counts.len() as u64);
    if places < 2 || n < ENOUGH * places {
        return None;
    }
    let expected = n as f64 / places as f64;
    let statistic: f64 = counts.iter().map(|c| (*c as f64 - expected).powi(2) / expected).sum();
    Some(chi_squared_tail(statistic, places - 1))
}

/// Probability that a chi-squared variable with so many degrees of freedom exceeds `x`.
///
/// Q(k/2, x/2) by the recurrence Q(a+1, y) = Q(a, y) + y^a e^-y / Γ(a+1), from Q(1, y) = e^-y or Q(1/2, y) = erfc(√y)
/// (Abramowitz & Stegun 6.5.21, 6.5.17).
fn chi_squared_tail(x: f64, freedom: u64) -> f64 {
    let y = x / 2.0;
    let (mut tail, mut a, mut term) = if freedom.is_multiple_of(2) {
        ((-y).exp(), 1.0, y * (-y).exp())
    } else {
        (erfc(y.sqrt()), 0.5, (y / std::f64::consts::PI).sqrt() * 2.0 * (-y).exp())
    };
    while 2.0 * a < freedom as f64 - 0.5 {
        tail += term;
        a += 1.0;
        term *= y / a;
    }
    tail.clamp(0.0, 1.0)
}

/// The complementary error function for x ≥ 0, to 1.5e-7 (Abramowitz & Stegun 7.1.26).
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    series * (-x * x).exp()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tails_equal_tabled_values() {
        // Critical values of the chi-squared distribution at 0.05 and 0.001.
        for (freedom, x, p) in [
            (1, 3.841, 0.05),
            (1, 10.828, 0.001),
            (2, 5.991, 0.05),
            (3, 7.815, 0.05),
            (3, 16.266, 0.001),
            (4, 18.467, 0.001),
            (7, 14.067, 0.05),
            (8, 26.124, 0.001),
        ] {
            let tail = chi_squared_tail(x, freedom);
            assert!((tail - p).abs() < 1e-3 * p + 2e-6 + p * 5e-4, "{freedom} {x}: {tail}");
        }
        assert_eq!(chi_squared_tail(0.0, 4), 1.0);
    }

    #[test]
    fn places_are_counted() {
        let question = |truth: &str| Question {
            choices: ["Pip", "Moss"].map(str::to_owned).into(),
            truth: Some(truth.to_owned()),
            ..Question::default()
        };
        let mut even = Bias::default();
        let mut uneven = Bias::default();
        for n in 0..60 {
            even.add(&question(if n % 2 == 0 { "Pip" } else { "Moss" }));
            uneven.add(&question(if n % 5 == 0 { "Pip" } else { "moss" }));
        }
        assert_eq!(even.findings(), Vec::<String>::new());
        assert!(uneven.findings().first().unwrap().contains("12, 48"), "{:?}", uneven.findings());
        assert_eq!(uniform(&[9, 0]), None, "too few");
    }

    #[test]
    fn orders_are_counted_by_their_ends() {
        let mut bias = Bias::default();
        let labels: Vec<String> = ["A", "B", "C"].map(str::to_owned).into();
        for truth in ["A, B, C", "A, C, B"].iter().cycle().take(40) {
            let truth = Some((*truth).to_owned());
            bias.add(&Question { form: AnswerForm::Order, labels: labels.clone(), truth, ..Question::default() });
        }
        assert_eq!(bias.findings().len(), 2, "always A first, never A last: {:?}", bias.findings());
    }
}
