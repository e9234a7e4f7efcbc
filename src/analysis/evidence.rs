//! Why a session has its label, in one sentence with figures.

use serde::Serialize;

use super::facts::{Ending, Facts};
use super::{BestZoom, Label};
use crate::config::Thresholds;

/// A label and why it fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The label.
    pub label: Label,
    /// One sentence with the figures behind it; no text of the model is in it.
    pub sentence: String,
}

impl Evidence {
    /// The first label that fits, and why.
    pub fn of(facts: &Facts, lines: &Thresholds) -> Self {
        let label = Label::of(facts, lines);
        Self { label, sentence: sentence(label, facts) }
    }
}

pub(super) fn sentence(label: Label, facts: &Facts) -> String {
    let zooms = &facts.zooms;
    match label {
        Label::Infrastructure => "the session ended in an error".to_owned(),
        Label::BadFormat => bad_format(facts),
        Label::InvalidBox => format!("{} refused because of the box", all(zooms.refused, "call")),
        Label::FrameError => frame_error(facts),
        Label::Loop => format!("its last words stand there {} times in a row", facts.tokens.loops),
        Label::OutOfBudget => {
            format!("turns or tokens were used up after {} without an answer", count(zooms.zooms, "zoom"))
        }
        Label::Premature if facts.tool => "no zoom, and the page was shown too small to answer without one".to_owned(),
        Label::Premature => "no tool was offered, and the page was shown too small to answer without a zoom".to_owned(),
        Label::RepeatedZoom => {
            let iou = zooms.repeat.map_or_else(String::new, |iou| format!(" (IoU {})", share(iou)));
            format!("{}, and two of them show the same place{iou}", count(zooms.zooms, "zoom"))
        }
        Label::LookedWrong | Label::PartialLook | Label::LookedRightAnsweredWrong => look(facts),
        Label::Wrong if zooms.zooms == 0 => "no zoom, and none is known to be needed".to_owned(),
        Label::Wrong => format!("{}, and where to look is not known", count(zooms.zooms, "zoom")),
        Label::Right => grounded(facts),
        Label::RightUngrounded if zooms.zooms == 0 => "right without a zoom".to_owned(),
        Label::RightUngrounded => look(facts),
        Label::Unscored => "an answer, and no truth to hold it against".to_owned(),
        Label::Unfinished if facts.ending == Ending::Open => "it has no end".to_owned(),
        Label::Unfinished => "it was stopped before an answer".to_owned(),
        Label::TruthDoubtful => "a person doubts the truth".to_owned(),
    }
}

fn bad_format(facts: &Facts) -> String {
    match (facts.answered, facts.resolved || facts.free) {
        (false, _) => "it ended without an answer".to_owned(),
        (true, false) => "the answer stands for nothing that was asked for".to_owned(),
        _ => format!(
            "{} of {} could not be read, none gave a crop",
            facts.zooms.bad_calls,
            count(facts.zooms.refused, "call")
        ),
    }
}

fn frame_error(facts: &Facts) -> String {
    let (covered, frame) = facts.other_frame.unwrap_or_default();
    let own = facts.zooms.best.map_or(0.0, |best| best.measures.coverage);
    let frame = frame.map_or("another frame", |frame| frame.name());
    format!("at best {} of the target is covered; read as {frame} it would be {}", share(own), share(covered))
}

fn look(facts: &Facts) -> String {
    let Some(BestZoom { number, measures }) = facts.zooms.best else { return "no zoom".to_owned() };
    let of = if facts.zooms.zooms > 1 { format!(", the best of {}", facts.zooms.zooms) } else { String::new() };
    let wide = if measures.tightness < super::LOOKED_TIGHTNESS && measures.coverage > 0.0 {
        format!(", which is only {} of the crop", share(measures.tightness))
    } else {
        String::new()
    };
    format!("zoom {number} covers {} of the target{wide}{of}", share(measures.coverage))
}

fn grounded(facts: &Facts) -> String {
    match (facts.zooms.targets, facts.zooms.best) {
        (0, _) => "right; where to look is not known".to_owned(),
        (_, Some(_)) => look(facts),
        (_, None) => "right without a zoom, and none was needed".to_owned(),
    }
}

fn all(n: u32, what: &str) -> String {
    if n == 1 { format!("the only {what} was") } else { format!("all {n} {what}s were") }
}

fn count(n: u32, what: &str) -> String {
    match n {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// Two digits without the leading zero, as screens have it.
fn share(x: f64) -> String {
    let text = format!("{x:.2}");
    text.strip_prefix('0').map_or(text.clone(), str::to_owned)
}
