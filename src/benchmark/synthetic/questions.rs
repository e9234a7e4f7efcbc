//! Questions about drawn pages, with answers that follow from the truth.

use super::rng::{Dice, dice};
use super::world::{Action, PageTruth, PanelTruth};
use crate::benchmark::{Question, Task};

/// One question of this task about the page, or `None` where the page has no panel for it.
///
/// `salt` tells several questions of one task about one page apart. Choices are shuffled, wordings and panels are drawn
/// independently of the truth.
pub fn question_for(truth: &PageTruth, task: Task, salt: u32) -> Option<Question> {
    let mut dice = dice(truth.seed, &format!("question {task} {salt}"));
    match task {
        Task::ActionRecognition => action(truth, &mut dice, salt),
        Task::DepthComparison => depth(truth, &mut dice, salt),
        _ => None,
    }
}

/// At most one question of each task about the page.
pub fn page_questions(truth: &PageTruth) -> Vec<Question> {
    Task::ALL.into_iter().filter_map(|task| question_for(truth, task, 0)).collect()
}

/// "In panel 3, what is Pip doing?", of a panel with one figure; half of the questions list four choices.
fn action(truth: &PageTruth, dice: &mut Dice, salt: u32) -> Option<Question> {
    let panels: Vec<_> = truth.panels.iter().filter(|p| p.figures.len() == 1).collect();
    let panel = panels.get(dice.below(panels.len()))?;
    let figure = panel.figures.first()?;
    let (name, n) = (figure.figure.name(), panel.number);
    let text = match dice.below(2) {
        0 => format!("In panel {n}, what is {name} doing?"),
        _ => format!("What is {name} doing in panel {n}?"),
    };
    let right = figure.action.word();
    let mut choices = Vec::new();
    if dice.chance(0.5) {
        let mut others = Action::ALL.map(Action::word);
        dice.shuffle(&mut others);
        choices = others.into_iter().filter(|w| *w != right).take(3).chain([right]).map(str::to_owned).collect();
        dice.shuffle(&mut choices);
    }
    Some(question(truth, panel, Task::ActionRecognition, salt, text, choices, right))
}

/// "In panel 2, who is nearer?" of a panel with two figures; the two names are the choices.
fn depth(truth: &PageTruth, dice: &mut Dice, salt: u32) -> Option<Question> {
    let panels: Vec<_> = truth.panels.iter().filter(|p| p.figures.len() == 2).collect();
    let panel = panels.get(dice.below(panels.len()))?;
    let nearest = panel.figures.iter().max_by_key(|f| f.depth)?;
    let mut names: Vec<String> = panel.figures.iter().map(|f| f.figure.name().to_owned()).collect();
    dice.shuffle(&mut names);
    let n = panel.number;
    let text = match dice.below(2) {
        0 => format!("In panel {n}, who is nearer?"),
        _ => format!("Who is nearer in panel {n}?"),
    };
    Some(question(truth, panel, Task::DepthComparison, salt, text, names, nearest.figure.name()))
}

fn question(
    truth: &PageTruth,
    panel: &PanelTruth,
    task: Task,
    salt: u32,
    text: String,
    choices: Vec<String>,
    right: &str,
) -> Question {
    let id = format!("{}-{}{}", truth.name(), task.name(), if salt == 0 { String::new() } else { format!("-{salt}") });
    Question {
        id,
        task: Some(task),
        family: Some(task.family()),
        text,
        choices,
        truth: Some(right.to_owned()),
        targets: vec![panel.bounds],
        page: Some(truth.name()),
        detail: panel.figures.iter().map(|f| f64::from(f.height)).reduce(f64::min),
        ..Question::default()
    }
}
