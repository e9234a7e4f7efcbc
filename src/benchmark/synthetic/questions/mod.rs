//! Questions about drawn pages, with answers that follow from the truth; one file a task.
//!
//! Everything that is not the truth is drawn independently of it: the panel asked about, the wording, the order of the
//! choices, the candidates. So neither a letter, nor a place in a list, nor a wording tells anything.

mod action;
mod counting;
mod depth;
mod dialog;
mod identification;
mod story;
mod understanding;

use super::rng::{Dice, dice};
use super::world::{Difficulty, PageTruth, PanelTruth};
use crate::benchmark::{AnswerForm, Question, Task};

/// What a task's file gives: a question without its names.
struct Asked<'a> {
    text: String,
    form: AnswerForm,
    choices: Vec<String>,
    labels: Vec<String>,
    right: String,
    /// The panels one has to look at.
    panels: Vec<&'a PanelTruth>,
    /// Page pixels of the smallest thing one has to make out.
    detail: f32,
    /// What a shortcut around looking would answer.
    shortcut: Option<String>,
}

/// One question of this task about the page, or `None` where the page has no panel for it.
///
/// `salt` tells several questions of one task about one page apart. Choices are shuffled, wordings and panels are drawn
/// independently of the truth.
pub fn question_for(truth: &PageTruth, task: Task, salt: u32) -> Option<Question> {
    let mut dice = dice(truth.seed, &format!("question {task} {salt}"));
    let asked = match task {
        Task::PanelUnderstanding => understanding::ask(truth, &mut dice),
        Task::DepthComparison => depth::ask(truth, &mut dice),
        Task::ActionRecognition => action::ask(truth, &mut dice),
        Task::CharacterCounting => counting::ask(truth, &mut dice),
        Task::DialogReordering => dialog::ask(truth, &mut dice),
        Task::CharacterIdentification => identification::ask(truth, &mut dice),
        Task::PanelReordering => story::ask(truth, &mut dice),
    }?;
    let page = truth.name();
    let salt = if salt == 0 { String::new() } else { format!("-{salt}") };
    Some(Question {
        id: format!("{page}-{}{salt}", task.name()),
        task: Some(task),
        family: Some(task.family()),
        text: asked.text,
        choices: asked.choices,
        form: asked.form,
        labels: asked.labels,
        truth: Some(asked.right),
        targets: asked.panels.iter().map(|p| p.bounds).collect(),
        page: Some(page),
        detail: Some(f64::from(asked.detail)),
        shortcut: asked.shortcut,
    })
}

/// At most one question of each task about the page.
pub fn page_questions(truth: &PageTruth) -> Vec<Question> {
    Task::ALL.into_iter().filter_map(|task| question_for(truth, task, 0)).collect()
}

/// One of the panels that will do.
fn pick_panel<'a>(
    truth: &'a PageTruth,
    dice: &mut Dice,
    will_do: impl Fn(&PanelTruth) -> bool,
) -> Option<&'a PanelTruth> {
    let panels: Vec<_> = truth.panels.iter().filter(|p| will_do(p)).collect();
    panels.get(dice.below(panels.len())).copied()
}

/// A wording with its `{}`s filled. Easy pages keep to the first two, so that little has to be learnt from them.
fn wording<const N: usize>(truth: &PageTruth, dice: &mut Dice, wordings: [&str; N], fill: &[&str]) -> String {
    let known = if truth.difficulty == Difficulty::Easy { N.min(2) } else { N };
    let mut text = wordings.get(dice.below(known)).copied().unwrap_or_default().to_owned();
    for (i, value) in fill.iter().enumerate() {
        text = text.replace(&format!("{{{i}}}"), value);
    }
    text
}

/// The right word among `wrong` others of a list, shuffled.
fn options<'a>(dice: &mut Dice, right: &'a str, all: impl IntoIterator<Item = &'a str>, wrong: usize) -> Vec<String> {
    let mut others: Vec<&str> = all.into_iter().filter(|w| *w != right).collect();
    dice.shuffle(&mut others);
    let mut choices: Vec<String> = others.into_iter().take(wrong).chain([right]).map(str::to_owned).collect();
    dice.shuffle(&mut choices);
    choices
}

/// "2", "2 and 5", "2, 5 and 7".
fn listed(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// The smallest height among some figures, page pixels.
fn smallest<'a>(figures: impl IntoIterator<Item = &'a super::world::FigureTruth>) -> f32 {
    figures.into_iter().map(|f| f.height).fold(f32::INFINITY, f32::min)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
