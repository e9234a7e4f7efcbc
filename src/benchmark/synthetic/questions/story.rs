//! In which order panels tell a story.

use super::{Asked, listed, smallest, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::scene::letter_height;
use crate::benchmark::synthetic::world::{PageTruth, PanelTruth};

/// "In which order do panels A, B and C tell the story?"
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let mut told: Vec<(&PanelTruth, u32, String)> = truth
        .panels
        .iter()
        .filter_map(|p| p.beat.as_ref().map(|beat| (p, beat.step, beat.label.to_string())))
        .collect();
    if told.len() < 2 {
        return None;
    }
    let labels: Vec<String> = told.iter().map(|(_, _, label)| label.clone()).collect();
    let panels: Vec<_> = told.iter().map(|(panel, ..)| *panel).collect();
    told.sort_by_key(|(_, step, _)| *step);
    let right: Vec<_> = told.iter().map(|(_, _, label)| label.as_str()).collect();
    let wordings = [
        "In which order do panels {0} tell the story?",
        "Put panels {0} in the order of the story.",
        "Panels {0} have been mixed up: what is the right order?",
        "What happens first, and what next, in panels {0}?",
    ];
    Some(Asked {
        text: wording(truth, dice, wordings, &[&listed(&labels)]),
        form: AnswerForm::Order,
        choices: Vec::new(),
        right: right.join(", "),
        labels,
        detail: smallest(panels.iter().flat_map(|p| &p.figures)).min(letter_height(truth.difficulty)),
        shortcut: None,
        panels,
    })
}
