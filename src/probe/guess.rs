//! Is it guessing: the choices in other orders.

use super::Subject;
use super::error::{ProbeError, unfit};
use super::kind::ProbeKind;
use super::lab::{Lab, Planned, moved};
use super::report::{Arm, Report, Verdict, answer_of};
use crate::engine::{At, Edit};
use crate::session::SessionSummary;
use crate::text::one_line;

/// Most choices whose orders are tried.
const MOST_CHOICES: usize = 26;

pub(super) fn probe(subject: &Subject, lab: &mut Lab<'_>) -> Result<Report, ProbeError> {
    subject.untouched(false)?;
    let choices = &subject.start.question.choices;
    if choices.len() < 2 {
        return unfit(format!("the question of {} lists no choices that could stand in another order", subject.id()));
    }
    if choices.len() > MOST_CHOICES {
        return unfit(format!("{} choices are too many to try orders of; at most {MOST_CHOICES}", choices.len()));
    }
    let orders = orders(choices.len(), lab.settings().orders.max(1));
    let mut planned = vec![lab.control(subject)?];
    for (i, order) in orders.iter().enumerate() {
        let listed: Vec<String> = order.iter().filter_map(|at| choices.get(*at).cloned()).collect();
        let told = listed.iter().map(|choice| one_line(choice).into_owned()).collect::<Vec<_>>().join(" | ");
        let edit = Edit::Settings(vec!["choices".to_owned()]);
        let ask = lab.fork(subject, &format!("order-{}", i + 1), At::End, edit, |ask| ask.question.choices = listed)?;
        planned.push(Planned { arm: ("permuted", "choices in another order"), told, ask });
    }
    let arms = lab.run_arms(subject, planned)?;
    let control = lab.folder.get(&lab.id(subject, "control")).cloned().unwrap_or_default();
    let (verdict, sentence) = conclude(&control, choices, &orders, &arms)?;
    Ok(Report { arms, verdict, sentence, ..Report::of(ProbeKind::Guess, subject) })
}

/// Orders in which every choice stands elsewhere than it did: the rotations first, then the rotations of the reverse that
/// leave nothing where it was. `order[i]` is the choice that now stands at `i`.
fn orders(n: usize, most: usize) -> Vec<Vec<usize>> {
    let rotations = (1..n).map(|by| (0..n).map(|i| (i + by) % n).collect::<Vec<_>>());
    let mirrored = (0..n).map(|by| (0..n).map(|i| (2 * n - 1 - i - by) % n).collect::<Vec<_>>());
    let mut found: Vec<Vec<usize>> = Vec::new();
    for order in rotations.chain(mirrored) {
        let moves_all = order.iter().enumerate().all(|(i, at)| i != *at);
        if moves_all && !found.contains(&order) {
            found.push(order);
        }
    }
    found.truncate(most);
    found
}

/// Places in the list of the choices that an answer names, in its order.
fn places(answer: &str, listed: &[&str]) -> Option<Vec<usize>> {
    let place = |label: &str| listed.iter().position(|choice| *choice == label);
    if let Some(at) = place(answer) {
        return Some(vec![at]);
    }
    answer.split(", ").map(place).collect()
}

fn conclude(
    control: &SessionSummary,
    choices: &[String],
    orders: &[Vec<usize>],
    arms: &[Arm],
) -> Result<(Verdict, String), ProbeError> {
    let own: Vec<&str> = choices.iter().map(String::as_str).collect();
    let base = control.answer.as_deref().filter(|_| control.resolved);
    let Some((base, there)) = base.and_then(|base| places(base, &own).map(|at| (base, at))) else {
        let answer = answer_of(control).unwrap_or_else(|| "nothing".to_owned());
        return unfit(format!(
            "asked as it was, it says \"{answer}\", which is none of the choices: no order tells anything"
        ));
    };
    let permuted = arms.iter().find(|arm| arm.name == "permuted");
    let answers = permuted.map(|arm| arm.answers.as_slice()).unwrap_or_default();
    let (mut content, mut place) = (0, 0);
    for (answer, order) in answers.iter().zip(orders) {
        let listed: Vec<&str> = order.iter().filter_map(|at| own.get(*at).copied()).collect();
        let Some(answer) = answer.as_deref() else { continue };
        content += usize::from(answer == one_line(base));
        place += usize::from(answer != one_line(base) && places(answer, &listed).as_ref() == Some(&there));
    }
    let n = answers.len();
    let base = one_line(base);
    let figures = format!("the same content in {content} of {n} orders, the same place in {place}");
    let (verdict, mut sentence) = if 4 * content >= 3 * n {
        (
            Verdict::Content,
            format!("It is not guessing by place: it keeps to \"{base}\" wherever that stands ({figures})."),
        )
    } else if 2 * place >= n {
        let nth = there.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(", ");
        (
            Verdict::Place,
            format!("It follows the list, not what it saw: place {nth}, whatever stands there ({figures})."),
        )
    } else {
        (Verdict::Mixed, format!("It follows neither content nor place: its answer moves with the order ({figures})."))
    };
    sentence.push_str(&moved(arms));
    Ok((verdict, sentence))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_order_moves_every_choice_and_maps_back(n in 2usize..12, most in 1usize..9) {
            let found = orders(n, most);
            prop_assert!(!found.is_empty() && found.len() <= most);
            for order in &found {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
                prop_assert!(order.iter().enumerate().all(|(i, at)| i != *at));
                // What stands at a place of the new list is the choice it came from.
                let names: Vec<String> = (0..n).map(|i| format!("choice {i}")).collect();
                let listed: Vec<&str> = order.iter().map(|at| names[*at].as_str()).collect();
                for (place, at) in order.iter().enumerate() {
                    prop_assert_eq!(places(&names[*at], &listed), Some(vec![place]));
                }
            }
            let unique: std::collections::HashSet<_> = found.iter().collect();
            prop_assert_eq!(unique.len(), found.len());
        }
    }

    fn told(answers: &[&str], base: &str, choices: &[&str]) -> (Verdict, String) {
        let choices: Vec<String> = choices.iter().map(|c| (*c).to_owned()).collect();
        let orders = orders(choices.len(), 6);
        let mut arm = Arm::new("permuted", "");
        arm.answers = answers.iter().map(|a| Some((*a).to_owned())).collect();
        let control = SessionSummary { answer: Some(base.to_owned()), resolved: true, ..SessionSummary::default() };
        conclude(&control, &choices, &orders, &[arm]).unwrap()
    }

    #[test]
    fn content_and_place_are_told_apart() {
        // Rotations of a, b, c: [b, c, a], [c, a, b]; the answer stood second.
        let (verdict, words) = told(&["b", "b"], "b", &["a", "b", "c"]);
        assert_eq!(verdict, Verdict::Content, "{words}");
        let (verdict, words) = told(&["c", "a"], "b", &["a", "b", "c"]);
        assert_eq!(verdict, Verdict::Place, "{words}");
        assert!(words.contains("place 2"), "{words}");
        let (verdict, _) = told(&["a", "c"], "b", &["a", "b", "c"]);
        assert_eq!(verdict, Verdict::Mixed);
        let (verdict, _) = told(&["c, a, b", "a, b, c"], "b, c, a", &["a", "b", "c"]);
        assert_eq!(verdict, Verdict::Place, "orders by their places, too");
    }

    #[test]
    fn an_answer_that_is_no_choice_tells_nothing() {
        let control = SessionSummary { answer: Some("x".into()), resolved: false, ..SessionSummary::default() };
        let choices = ["a".to_owned(), "b".to_owned()];
        let error = conclude(&control, &choices, &orders(2, 6), &[]).unwrap_err();
        assert!(error.to_string().contains("none of the choices"), "{error}");
    }
}
