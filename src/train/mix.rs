//! Which questions a page is asked, the same for all ways of training: every task alike, or what is hard to learn more often.

use std::collections::HashSet;

use crate::benchmark::synthetic::{PageTruth, Place, dice, question_for};
use crate::benchmark::{AnswerForm, Question, Task};

/// Share of well-known questions that are asked.
const WELL_KNOWN: f32 = 0.4;
/// Questions tried for a page before it is given up to have more.
const TRIES: u32 = 60;

/// Tasks in the order in which a page is asked, over and over.
const HARD: [Task; 12] = [
    Task::DialogReordering,
    Task::PanelUnderstanding,
    Task::CharacterIdentification,
    Task::PanelReordering,
    Task::DepthComparison,
    Task::DialogReordering,
    Task::PanelUnderstanding,
    Task::CharacterIdentification,
    Task::CharacterCounting,
    Task::DialogReordering,
    Task::PanelUnderstanding,
    Task::ActionRecognition,
];

/// Questions of a task that are learnt long before its others: where a panel is, and who somebody is.
fn is_well_known(question: &Question) -> bool {
    match question.task {
        Some(Task::PanelUnderstanding) => {
            Place::ALL.into_iter().any(|place| question.truth.as_deref() == Some(place.word()))
        }
        Some(Task::CharacterIdentification) => question.form == AnswerForm::Choice,
        _ => false,
    }
}

/// Which tasks a page is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix<'a> {
    /// What is hard to learn comes more often.
    Hard,
    /// These, one after the other.
    Even(&'a [Task]),
}

/// Up to `count` questions about a page, no two alike. All ways of training ask these.
pub fn questions_of(truth: &PageTruth, count: usize, mix: Mix<'_>) -> Vec<Question> {
    let mut dice = dice(truth.seed, "questions");
    let tasks = match mix {
        Mix::Hard => &HARD[..],
        Mix::Even(tasks) => tasks,
    };
    // Pages begin at different tasks, or what comes last would be missing from the fullest pages.
    let order = tasks.iter().cycle().skip(dice.below(tasks.len()));
    let (mut asked, mut all) = (HashSet::new(), Vec::with_capacity(count));
    for (salt, task) in (0..TRIES).zip(order) {
        if all.len() >= count {
            break;
        }
        let Some(question) = question_for(truth, *task, salt) else { continue };
        let passed = mix == Mix::Hard && is_well_known(&question) && !dice.chance(WELL_KNOWN);
        if !passed && asked.insert(key(&question)) {
            all.push(question);
        }
    }
    all
}

/// The same words with other choices, or with the same in another order, are another question.
fn key(question: &Question) -> String {
    format!("{} {}", question.text, question.choices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_asked() {
        assert!(Task::ALL.into_iter().all(|task| HARD.contains(&task)));
    }
}
