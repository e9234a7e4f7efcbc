//! How many figures there are.

use super::{Asked, pick_panel, smallest, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{PageTruth, Scene};

/// "How many figures are in panel 4?"
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.scene == Scene::Crowd)?;
    let wordings = [
        "How many figures are in panel {0}?",
        "In panel {0}, how many figures are there?",
        "Count the figures in panel {0}.",
        "What is the number of figures in panel {0}?",
    ];
    let text = wording(truth, dice, wordings, &[&panel.number.to_string()]);
    Some(Asked {
        text,
        form: AnswerForm::Count,
        choices: Vec::new(),
        labels: (1..=truth.difficulty.largest_crowd()).map(|n| n.to_string()).collect(),
        right: panel.figures.len().to_string(),
        panels: vec![panel],
        detail: smallest(&panel.figures),
        shortcut: None,
    })
}
