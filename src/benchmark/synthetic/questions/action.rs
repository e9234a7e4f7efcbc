//! What a figure is doing.

use super::{Asked, options, pick_panel, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Action, PageTruth, Scene};

/// "In panel 3, what is Pip doing?"; half of the questions list four choices.
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.scene == Scene::Lone && !p.figures.is_empty())?;
    let figure = panel.figures.get(dice.below(panel.figures.len()))?;
    let wordings = [
        "In panel {1}, what is {0} doing?",
        "What is {0} doing in panel {1}?",
        "Which word says what {0} is doing in panel {1}?",
        "Look at {0} in panel {1}: what is going on?",
    ];
    let text = wording(truth, dice, wordings, &[figure.figure.name(), &panel.number.to_string()]);
    let right = figure.action.word();
    let words = Action::ALL.map(Action::word);
    let choices = if dice.chance(0.5) { options(dice, right, words, 3) } else { Vec::new() };
    let labels = if choices.is_empty() { words.map(str::to_owned).into() } else { Vec::new() };
    Some(Asked {
        text,
        form: AnswerForm::Choice,
        choices,
        labels,
        right: right.to_owned(),
        panels: vec![panel],
        detail: figure.height,
        shortcut: None,
    })
}
