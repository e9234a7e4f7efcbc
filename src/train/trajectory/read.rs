//! What is read from a crop, and the answer that follows from it.

use super::{Part, Role, text};
use crate::benchmark::synthetic::PanelTruth;
use crate::benchmark::{AnswerForm, Question, Task};

/// Words for the moments of a story, in its order.
const MOMENTS: [&str; 6] = [" first", " second", " third", " fourth", " fifth", " sixth"];

/// What the crop of a panel says about the question.
pub(super) fn panel(parts: &mut Vec<Part>, question: &Question, panel: &PanelTruth, name: &str) -> Option<()> {
    match question.task? {
        Task::ActionRecognition => action(parts, question, panel),
        Task::DepthComparison => depth(parts, panel),
        Task::CharacterCounting => count(parts, panel),
        Task::CharacterIdentification => who(parts, panel, name),
        Task::PanelReordering => moment(parts, panel, name),
        // What is asked for is what is read.
        Task::PanelUnderstanding | Task::DialogReordering => {
            text(parts, "Now I can read it.", Role::Plain);
            Some(())
        }
    }
}

/// The answer: what was read is copied, what is read only now must be seen.
pub(super) fn answer(parts: &mut Vec<Part>, question: &Question) -> Option<()> {
    let truth = question.truth.as_deref()?;
    let seen = matches!(question.task?, Task::PanelUnderstanding | Task::DialogReordering);
    let role = if seen { Role::Seen } else { Role::Copied };
    if !matches!(question.form, AnswerForm::Order | AnswerForm::Set) {
        text(parts, truth, role);
        return Some(());
    }
    for (i, label) in truth.split(", ").enumerate() {
        if i > 0 {
            text(parts, ",", Role::Plain);
        }
        text(parts, format!("{}{label}", if i > 0 { " " } else { "" }), role);
    }
    Some(())
}

fn action(parts: &mut Vec<Part>, question: &Question, panel: &PanelTruth) -> Option<()> {
    let asked = |name: &str| question.text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    let figure = panel.figures.iter().find(|f| asked(f.figure.name()))?;
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
