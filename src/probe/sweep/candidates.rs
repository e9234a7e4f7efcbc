//! The answers whose probabilities are compared.

use crate::benchmark::{AnswerForm, Question, score_answer};
use crate::protocol::{ChoiceStyle, Profile};

/// Most answers that are compared.
const MOST: usize = 24;
/// Numbers on either side of the truth, where the question does not say which there can be.
const AROUND: i64 = 4;

/// An answer and the ways to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What it stands for.
    pub content: String,
    /// Every way this model may write it, whole.
    pub forms: Vec<String>,
    /// Whether it is fully right.
    pub right: bool,
}

/// The answers of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    pub list: Vec<Candidate>,
    /// Where they come from, in words, unless they are the choices.
    pub made: Option<String>,
}

/// The answers that a question can have, the truth among them, or why there are none.
pub(super) fn candidates(question: &Question, profile: &Profile) -> Result<Candidates, String> {
    let truth = question.truth.as_deref().ok_or("the right answer of its question is not known")?;
    let (contents, made) = contents(question, truth)?;
    let lettered = profile.prompt.choice_style == ChoiceStyle::Letters && question.form == AnswerForm::Choice;
    let list: Vec<Candidate> = contents
        .into_iter()
        .map(|content| {
            let place = question.choices.iter().position(|choice| *choice == content).filter(|_| lettered);
            let letter =
                place.and_then(|at| u8::try_from(at).ok()).filter(|at| *at < 26).map(|at| char::from(b'A' + at));
            let mut forms = vec![content.clone()];
            forms.extend(letter.map(|letter| letter.to_string()));
            forms.extend(letter.map(|letter| format!("{letter}. {content}")));
            let right = score_answer(question, Some(&content)).is_some_and(|score| score.value >= 1.0);
            Candidate { content, forms, right }
        })
        .collect();
    match list.iter().any(|candidate| candidate.right) {
        true if list.len() >= 2 => Ok(Candidates { list, made }),
        true => Err("its question has only one answer to compare".to_owned()),
        false => Err("the right answer is none of the answers its question can have".to_owned()),
    }
}

type Made = (Vec<String>, Option<String>);

fn contents(question: &Question, truth: &str) -> Result<Made, String> {
    let labels = if question.choices.is_empty() { &question.labels } else { &question.choices };
    match question.form {
        AnswerForm::Free => Err("a sentence has no other answers it could be compared with".to_owned()),
        AnswerForm::Choice | AnswerForm::Count if !labels.is_empty() => {
            let made =
                question.choices.is_empty().then(|| format!("all {} answers the question can have", labels.len()));
            Ok(bounded(labels.iter().cloned(), truth, made))
        }
        AnswerForm::Choice => Err("its question lists no choices".to_owned()),
        AnswerForm::Count => {
            let n: i64 = truth.trim().parse().map_err(|_| "the right number cannot be read".to_owned())?;
            let near = (n.saturating_sub(AROUND).max(0)..=n.saturating_add(AROUND)).map(|n| n.to_string());
            Ok(bounded(near, truth, Some(format!("numbers within {AROUND} of the right one"))))
        }
        AnswerForm::Order => {
            let n = labels.len();
            if n < 2 {
                return Err("what is to be ordered is not known".to_owned());
            }
            let (orders, made) = if n <= 4 {
                (permutations(n), format!("all {} orders", (1..=n).product::<usize>()))
            } else {
                let right: Vec<&str> = truth.split(", ").collect();
                let own: Option<Vec<usize>> = right.iter().map(|r| labels.iter().position(|l| l == r)).collect();
                let own = own.ok_or("the right order names what is not to be ordered")?;
                (near_orders(&own), format!("the right order and {} near it", MOST - 1))
            };
            let written = orders.into_iter().map(|order| joined(&order, labels));
            Ok(bounded(written, truth, Some(made)))
        }
        AnswerForm::Set => {
            let n = labels.len();
            if n == 0 {
                return Err("what the set is taken from is not known".to_owned());
            }
            let own: Vec<bool> = labels.iter().map(|label| truth.split(", ").any(|t| t == label)).collect();
            let (sets, made) = if n <= 4 {
                let all = (0..1_u32 << n).map(|bits| (0..n).map(|i| bits >> i & 1 == 1).collect()).collect();
                (all, format!("all {} sets", 1 << n))
            } else {
                (near_sets(&own), "the right set and those with one more or less".to_owned())
            };
            let written = sets.into_iter().map(|set: Vec<bool>| {
                let named: Vec<usize> = set.iter().enumerate().filter(|(_, on)| **on).map(|(i, _)| i).collect();
                if named.is_empty() { "none".to_owned() } else { joined(&named, labels) }
            });
            Ok(bounded(written, truth, Some(made)))
        }
    }
}

/// At most [`MOST`], each once, the truth among them where it is one of all.
fn bounded(all: impl Iterator<Item = String>, truth: &str, made: Option<String>) -> Made {
    let (mut kept, mut cut): (Vec<String>, bool) = (Vec::new(), false);
    let mut found_truth = None;
    for content in all {
        if kept.contains(&content) {
            continue;
        }
        if kept.len() < MOST {
            kept.push(content);
        } else {
            cut = true;
            if content == truth {
                found_truth = Some(content);
            }
        }
    }
    if let (Some(truth), Some(last)) = (found_truth, kept.last_mut()) {
        *last = truth;
    }
    let made = if cut { Some(format!("{MOST} of {}", made.unwrap_or_else(|| "the choices".to_owned()))) } else { made };
    (kept, made)
}

fn joined(order: &[usize], labels: &[String]) -> String {
    order.iter().filter_map(|at| labels.get(*at)).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Every order of `n` things, by the alphabet of their places.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..n {
        let longer = |part: &Vec<usize>| {
            let free = (0..n).filter(|i| !part.contains(i)).collect::<Vec<_>>();
            free.into_iter().map(|i| part.iter().copied().chain([i]).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// An order, and those with two of it changed for each other, neighbours first.
fn near_orders(own: &[usize]) -> Vec<Vec<usize>> {
    let n = own.len();
    let mut all = vec![own.to_vec()];
    for apart in 1..n {
        for i in 0..n - apart {
            let mut other = own.to_vec();
            other.swap(i, i + apart);
            all.push(other);
            if all.len() >= MOST {
                return all;
            }
        }
    }
    all
}

/// A set, and those with one thing more or less.
fn near_sets(own: &[bool]) -> Vec<Vec<bool>> {
    let flipped = (0..own.len()).map(|i| own.iter().enumerate().map(|(j, on)| (i == j) != *on).collect());
    [own.to_vec()].into_iter().chain(flipped).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn question(form: AnswerForm, choices: &[&str], labels: &[&str], truth: &str) -> Question {
        let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        Question { form, choices: own(choices), labels: own(labels), truth: Some(truth.into()), ..Question::default() }
    }

    fn of(question: &Question, profile: &str) -> Result<Candidates, String> {
        candidates(question, &Profile::builtin(profile).unwrap())
    }

    #[test]
    fn choices_are_written_as_the_profile_lists_them() {
        let q = question(AnswerForm::Choice, &["Pip", "Bo"], &[], "Bo");
        let words = of(&q, "rarl").unwrap();
        assert_eq!(words.list[1], Candidate { content: "Bo".into(), forms: vec!["Bo".into()], right: true });
        assert_eq!(words.made, None);
        assert_eq!(of(&q, "grounding").unwrap().list[1].forms, ["Bo", "B", "B. Bo"]);
    }

    #[test]
    fn what_is_not_listed_is_made_and_said() {
        let count = of(&question(AnswerForm::Count, &[], &[], "2"), "rarl").unwrap();
        let contents: Vec<_> = count.list.iter().map(|c| c.content.as_str()).collect();
        assert_eq!(contents, ["0", "1", "2", "3", "4", "5", "6"]);
        assert!(count.made.unwrap().contains("within 4"));
        let order = of(&question(AnswerForm::Order, &["A", "B", "C"], &[], "C, A, B"), "rarl").unwrap();
        assert_eq!(order.list.iter().filter(|c| c.right).map(|c| c.content.as_str()).collect::<Vec<_>>(), ["C, A, B"]);
        assert_eq!((order.list.len(), order.made.as_deref()), (6, Some("all 6 orders")));
        let long = of(
            &question(AnswerForm::Order, &["A", "B", "C", "D", "E", "F", "G", "H"], &[], "H, G, F, E, D, C, B, A"),
            "rarl",
        );
        let long = long.unwrap();
        assert!(long.list.len() <= MOST && long.list[0].right);
        let set = of(&question(AnswerForm::Set, &[], &["1", "7", "9"], "7"), "rarl").unwrap();
        assert_eq!(set.list.len(), 8);
        assert!(set.list.iter().any(|c| c.content == "none") && set.list.iter().any(|c| c.content == "1, 9"));
        assert_eq!(set.list.iter().filter(|c| c.right).count(), 1);
    }

    #[test]
    fn what_has_no_probability_is_refused_in_words() {
        let unknown = Question { truth: None, ..question(AnswerForm::Choice, &["a", "b"], &[], "a") };
        assert!(of(&unknown, "rarl").unwrap_err().contains("not known"));
        assert!(of(&question(AnswerForm::Free, &[], &[], "a"), "rarl").unwrap_err().contains("sentence"));
        assert!(of(&question(AnswerForm::Choice, &["a", "b"], &[], "c"), "rarl").unwrap_err().contains("none of"));
    }

    #[test]
    fn the_truth_is_kept_among_many() {
        let labels: Vec<String> = (0..100).map(|n| format!("w{n}")).collect();
        let texts: Vec<&str> = labels.iter().map(String::as_str).collect();
        let found = of(&question(AnswerForm::Choice, &[], &texts, "w99"), "rarl").unwrap();
        assert!(found.list.len() == MOST && found.list.iter().filter(|c| c.right).count() == 1);
        assert!(found.made.unwrap().starts_with("24 of all 100"));
    }
}
