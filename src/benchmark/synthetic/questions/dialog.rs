//! In which order balloons are read.

use super::{Asked, pick_panel, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{PageTruth, Scene};

/// "In which order are the balloons of panel 5 read?", with what they say as choices in any order.
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.scene == Scene::Talk && p.balloons.len() > 1)?;
    let spoken: Vec<String> = panel.balloons.iter().map(|b| b.text.clone()).collect();
    let mut choices = spoken.clone();
    dice.shuffle(&mut choices);
    let wordings = [
        "In which order are the balloons of panel {0} read?",
        "Put the balloons of panel {0} in reading order.",
        "What is said first, next and last in panel {0}?",
        "Sort what is said in panel {0} as it is read.",
    ];
    Some(Asked {
        text: wording(truth, dice, wordings, &[&panel.number.to_string()]),
        form: AnswerForm::Order,
        choices,
        labels: Vec::new(),
        right: spoken.join(", "),
        panels: vec![panel],
        detail: panel.balloons.iter().map(|b| b.letter).fold(f32::INFINITY, f32::min),
        shortcut: None,
    })
}
