//! What is read from a crop, and the answer that follows from it.

use super::{Part, Role, compare, text};
use crate::benchmark::synthetic::{Figure, PanelTruth};
use crate::benchmark::{AnswerForm, Question, Task};

/// Words for the moments of a story and the balloons of a talk, in their order.
pub(super) const MOMENTS: [&str; 6] = [" first", " second", " third", " fourth", " fifth", " sixth"];

/// What the crop of a panel says about the question; `found` are the panels before it that a set has.
pub(super) fn panel(
    parts: &mut Vec<Part>,
    question: &Question,
    panel: &PanelTruth,
    name: &str,
    found: &mut Vec<String>,
) -> Option<()> {
    match question.task? {
        Task::ActionRecognition => action(parts, question, panel),
        Task::DepthComparison => depth(parts, panel),
        Task::CharacterCounting => count(parts, panel),
        Task::CharacterIdentification => {
            who(parts, panel, name)?;
            if question.form == AnswerForm::Set { verdict(parts, question, panel, name, found) } else { Some(()) }
        }
        Task::PanelReordering => moment(parts, panel, name),
        Task::DialogReordering => compare::order(parts, question, panel),
        Task::PanelUnderstanding if panel.place.word() == question.truth.as_deref()? => {
            // What is asked for is what is seen.
            text(parts, "Now I can read it.", Role::Plain);
            Some(())
        }
        Task::PanelUnderstanding => compare::choice(parts, question),
    }
}

/// The answer: what was read is copied, what is seen only now must be seen.
pub(super) fn answer(parts: &mut Vec<Part>, question: &Question, panels: &[&PanelTruth]) -> Option<()> {
    let truth = question.truth.as_deref()?;
    let place = panels.first().is_some_and(|p| p.place.word() == truth);
    let seen = question.task? == Task::PanelUnderstanding && place;
    let role = if seen { Role::Seen } else { Role::Copied };
    if !matches!(question.form, AnswerForm::Order | AnswerForm::Set) {
        text(parts, truth, role);
        return Some(());
    }
    listed(parts, truth.split(", "), "", role);
    Some(())
}

/// "1, 9": labels one after the other, `blank` before the first.
fn listed<'a>(parts: &mut Vec<Part>, labels: impl Iterator<Item = &'a str>, blank: &str, role: Role) {
    for (i, label) in labels.enumerate() {
        if i > 0 {
            text(parts, ",", role);
        }
        text(parts, format!("{}{label}", if i > 0 { " " } else { blank }), role);
    }
}

fn action(parts: &mut Vec<Part>, question: &Question, panel: &PanelTruth) -> Option<()> {
    let figure = panel.figures.iter().find(|f| asks_for(question, f.figure.name()))?;
    text(parts, figure.figure.name(), Role::Copied);
    text(parts, " is", Role::Plain);
    text(parts, format!(" {}", figure.action.word()), Role::Seen);
    text(parts, ".", Role::Plain);
    Some(())
}

fn depth(parts: &mut Vec<Part>, panel: &PanelTruth) -> Option<()> {
    let [left, right] = &panel.figures[..] else { return None };
    let (side, near) = if left.depth > right.depth { (" left", left) } else { (" right", right) };
    text(parts, "On the left is", Role::Plain);
    text(parts, format!(" {}", left.figure.name()), Role::Seen);
    text(parts, ", on the right", Role::Plain);
    text(parts, format!(" {}", right.figure.name()), Role::Copied);
    text(parts, ". The", Role::Plain);
    text(parts, side, Role::Seen);
    text(parts, " one is larger, so", Role::Plain);
    text(parts, format!(" {}", near.figure.name()), Role::Copied);
    text(parts, " is nearer.", Role::Plain);
    Some(())
}

/// "1 Pip, 2 Moss": enumerating is what makes the number.
fn count(parts: &mut Vec<Part>, panel: &PanelTruth) -> Option<()> {
    for (i, figure) in panel.figures.iter().enumerate() {
        if i > 0 {
            text(parts, ",", Role::Seen);
        }
        text(parts, format!("{}{}", if i > 0 { " " } else { "" }, i + 1), Role::Plain);
        text(parts, format!(" {}", figure.figure.name()), Role::Seen);
    }
    text(parts, ".", Role::Seen);
    Some(())
}

/// "Panel 3: Pip and Moss."
fn who(parts: &mut Vec<Part>, panel: &PanelTruth, name: &str) -> Option<()> {
    text(parts, "Panel", Role::Plain);
    text(parts, name, Role::Copied);
    text(parts, ":", Role::Plain);
    for (i, figure) in panel.figures.iter().enumerate() {
        if i > 0 {
            text(parts, " and", Role::Seen);
        }
        text(parts, format!(" {}", figure.figure.name()), Role::Seen);
    }
    text(parts, ".", Role::Seen);
    Some(())
}

/// " Pip yes: 3, 7." or " Pip no." after the names: whether the figure asked for is among them, and where it has been found so far.
fn verdict(
    parts: &mut Vec<Part>,
    question: &Question,
    panel: &PanelTruth,
    name: &str,
    found: &mut Vec<String>,
) -> Option<()> {
    let figure = Figure::ALL.into_iter().find(|f| asks_for(question, f.name()))?;
    let here = panel.figures.iter().any(|f| f.figure == figure);
    if here {
        found.push(name.trim().to_owned());
    }
    text(parts, format!(" {}", figure.name()), Role::Copied);
    text(parts, if here { " yes" } else { " no" }, Role::Copied);
    if !found.is_empty() {
        text(parts, ":", Role::Copied);
        listed(parts, found.iter().map(String::as_str), " ", Role::Copied);
    }
    text(parts, ".", Role::Copied);
    Some(())
}

/// Whether the question names this figure.
fn asks_for(question: &Question, name: &str) -> bool {
    question.text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name)
}

/// "Panel A is second."
fn moment(parts: &mut Vec<Part>, panel: &PanelTruth, name: &str) -> Option<()> {
    let word = MOMENTS.get(panel.beat.as_ref()?.step as usize)?;
    text(parts, "Panel", Role::Plain);
    text(parts, name, Role::Copied);
    text(parts, " is", Role::Plain);
    text(parts, *word, Role::Seen);
    text(parts, ".", Role::Plain);
    Some(())
}
