//! Who a figure is, and where it appears.

use super::{Asked, listed, options, pick_panel, smallest, wording};
use crate::benchmark::AnswerForm;
use crate::benchmark::synthetic::rng::Dice;
use crate::benchmark::synthetic::world::{Difficulty, Figure, PageTruth, PanelTruth, Scene};

/// Half of the questions ask who somebody is, the others in which panels somebody appears.
pub(super) fn ask<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    if dice.chance(0.5) { who(truth, dice) } else { place(truth, dice) }
}

/// "Who is in panel 3?", with four names; the twin is always one of them.
fn who<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let panel = pick_panel(truth, dice, |p| matches!(p.scene, Scene::Lone | Scene::Beat) && p.figures.len() == 1)?;
    let figure = panel.figures.first()?;
    let (right, twin) = (figure.figure.name(), figure.figure.twin().name());
    let others = Figure::ALL.map(Figure::name).into_iter().filter(|n| *n != twin);
    let mut choices = options(dice, right, others, 2);
    choices.push(twin.to_owned());
    dice.shuffle(&mut choices);
    let wordings = [
        "Who is in panel {0}?",
        "In panel {0}, who is it?",
        "What is the name of the figure in panel {0}?",
        "Which of these figures appears in panel {0}?",
    ];
    Some(Asked {
        text: wording(truth, dice, wordings, &[&panel.number.to_string()]),
        form: AnswerForm::Choice,
        choices,
        labels: Vec::new(),
        right: right.to_owned(),
        panels: vec![panel],
        detail: figure.height,
        shortcut: None,
    })
}

/// "In which of panels 2, 5 and 7 does Pip appear?": at least one, never all.
fn place<'a>(truth: &'a PageTruth, dice: &mut Dice) -> Option<Asked<'a>> {
    let candidates = match truth.difficulty {
        Difficulty::Easy => 3,
        Difficulty::Medium => 4,
        Difficulty::Hard => 6,
    };
    // How often the figure appears is fixed before the figure, so that frequent figures are not asked for more often.
    let present = 1 + dice.below(candidates - 1);
    let mut cast = Figure::ALL;
    dice.shuffle(&mut cast);
    let (figure, with, without) = cast.into_iter().find_map(|figure| {
        let (with, without) = split(truth, figure);
        (with.len() >= present && without.len() >= candidates - present).then_some((figure, with, without))
    })?;
    let mut panels = draw(dice, with, present);
    panels.extend(draw(dice, without, candidates - present));
    panels.sort_by_key(|p| p.number);
    let labels: Vec<String> = panels.iter().map(|p| p.number.to_string()).collect();
    let shows = |p: &&&PanelTruth| p.figures.iter().any(|f| f.figure == figure);
    let right: Vec<String> = panels.iter().filter(shows).map(|p| p.number.to_string()).collect();
    let wordings = [
        "In which of panels {1} does {0} appear?",
        "Which of panels {1} show {0}?",
        "{0} appears in some of panels {1}: in which?",
        "Find {0} in panels {1}. Where is it?",
    ];
    Some(Asked {
        text: wording(truth, dice, wordings, &[figure.name(), &listed(&labels)]),
        form: AnswerForm::Set,
        choices: Vec::new(),
        labels,
        right: right.join(", "),
        detail: smallest(panels.iter().flat_map(|p| &p.figures)),
        shortcut: None,
        panels,
    })
}

/// Panels with the figure, and panels with somebody else; crowds are left to counting.
fn split(truth: &PageTruth, figure: Figure) -> (Vec<&PanelTruth>, Vec<&PanelTruth>) {
    let asked = truth.panels.iter().filter(|p| p.scene != Scene::Crowd && !p.figures.is_empty());
    asked.partition(|p| p.figures.iter().any(|f| f.figure == figure))
}

fn draw<'a>(dice: &mut Dice, mut panels: Vec<&'a PanelTruth>, n: usize) -> Vec<&'a PanelTruth> {
    dice.shuffle(&mut panels);
    panels.truncate(n);
    panels
}
