//! Who is nearer.

use super::{Asked, pick_panel, smallest, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Difficulty, PageTruth, Scene};

/// "In panel 2, who is nearer?" with the names as choices; beyond easy pages half of the questions ask who is farther.
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| p.scene == Scene::Depth && p.figures.len() > 1)?;
    let farther = truth.difficulty != Difficulty::Easy && dice.chance(0.5);
    let key = |depth: u32| if farther { u32::MAX - depth } else { depth };
    let right = panel.figures.iter().max_by_key(|f| key(f.depth))?;
    let mut names: Vec<String> = panel.figures.iter().map(|f| f.figure.name().to_owned()).collect();
    dice.shuffle(&mut names);
    // "Lower on the page is nearer": right in half of the panels.
    let low = |feet: f32| if farther { -feet } else { feet };
    let shortcut = panel.figures.iter().max_by(|a, b| low(a.feet).total_cmp(&low(b.feet)));
    let n = panel.number.to_string();
    let text = match (farther, names.len()) {
        (true, _) => wording(
            truth,
            dice,
            [
                "In panel {0}, who is farthest away?",
                "Who is farthest away in panel {0}?",
                "Who stands at the back of panel {0}?",
            ],
            &[&n],
        ),
        (false, 2) => wording(
            truth,
            dice,
            ["In panel {0}, who is nearer?", "Who is nearer in panel {0}?", "Who stands closer to us in panel {0}?"],
            &[&n],
        ),
        (false, _) => wording(truth, dice, ["In panel {0}, who is nearest?", "Who is nearest in panel {0}?"], &[&n]),
    };
    Some(Asked {
        text,
        form: AnswerForm::Choice,
        choices: names,
        labels: Vec::new(),
        right: right.figure.name().to_owned(),
        panels: vec![panel],
        detail: smallest(&panel.figures),
        shortcut: shortcut.map(|f| f.figure.name().to_owned()),
    })
}
