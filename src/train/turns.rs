//! Which questions a page is asked: what is hard to learn comes more often than what is soon known.

use crate::benchmark::synthetic::Place;
use crate::benchmark::{AnswerForm, Question, Task};

/// Tasks in the order in which a page is asked, over and over.
pub const TURNS: [Task; 12] = [
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
pub fn is_well_known(question: &Question) -> bool {
    match question.task {
        Some(Task::PanelUnderstanding) => {
            Place::ALL.into_iter().any(|place| question.truth.as_deref() == Some(place.word()))
        }
        Some(Task::CharacterIdentification) => question.form == AnswerForm::Choice,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_its_turn() {
        assert!(Task::ALL.into_iter().all(|task| TURNS.contains(&task)));
    }
}
