//! Lettering is read by comparing it with the choices, in the order in which they are listed: whether a given word stands
//! in the crop, and where, is far easier to see than which of all words it is.

use super::read::MOMENTS;
use super::{Part, Role, text};
use crate::benchmark::Question;
use crate::benchmark::synthetic::PanelTruth;

/// "I read: MAYBE second, OH NO! third, OUCH! first."
pub(super) fn order(parts: &mut Vec<Part>, question: &Question, panel: &PanelTruth) -> Option<()> {
    text(parts, "I read:", Role::Plain);
    for (i, choice) in question.choices.iter().enumerate() {
        let place = panel.balloons.iter().position(|b| b.text == *choice)?;
        word(parts, i, choice);
        text(parts, *MOMENTS.get(place)?, Role::Seen);
    }
    text(parts, ".", Role::Plain);
    Some(())
}

/// "I read: HELLO! no, TEA? yes.": up to the one that is right.
pub(super) fn choice(parts: &mut Vec<Part>, question: &Question) -> Option<()> {
    let truth = question.truth.as_deref()?;
    let right = question.choices.iter().position(|choice| choice == truth)?;
    text(parts, "I read:", Role::Plain);
    for (i, choice) in question.choices.iter().take(right + 1).enumerate() {
        word(parts, i, choice);
        text(parts, if i == right { " yes" } else { " no" }, Role::Seen);
    }
    text(parts, ".", Role::Plain);
    Some(())
}

fn word(parts: &mut Vec<Part>, place: usize, choice: &str) {
    if place > 0 {
        text(parts, ",", Role::Plain);
    }
    text(parts, format!(" {choice}"), Role::Copied);
}
