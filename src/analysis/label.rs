//! How a session went, in one word, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::{Ending, Facts};
use crate::config::Thresholds;

/// How a session went. [`Label::of`] gives the first that fits, in the order of [`Label::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// It failed for a reason outside the model: the session ended in an error.
    Infrastructure,
    /// Wrong, and no answer could be read, or no call could (and it did not run out of turns or tokens).
    BadFormat,
    /// Wrong, and every call was refused because of its box.
    InvalidBox,
    /// Wrong; no zoom shows the target, but one would, were its numbers read in another frame.
    FrameError,
    /// Wrong; the text goes round in circles at its end (whether or not its tokens then ran out).
    Loop,
    /// No answer when turns or tokens were used up.
    OutOfBudget,
    /// Wrong without a zoom where one is needed.
    Premature,
    /// Wrong, having looked twice at one place.
    RepeatedZoom,
    /// Wrong, having looked elsewhere.
    LookedWrong,
    /// Wrong, having seen a part of the target, or having seen it from too far away.
    PartialLook,
    /// Wrong although a zoom shows the target.
    LookedRightAnsweredWrong,
    /// Wrong; where it should have looked is unknown, or no zoom was needed and none made.
    Wrong,
    /// Right, having looked at the target (or where no target is known, or no zoom is needed).
    Right,
    /// Right, though no zoom shows the target and one is needed (or nobody knows whether).
    RightUngrounded,
    /// Answered, and the truth is unknown or only a judge could tell.
    Unscored,
    /// It goes on, or a person stopped it before an answer.
    Unfinished,
    /// A person doubts the truth; never given automatically.
    TruthDoubtful,
}

impl Label {
    /// Every label, in the order in which they are tried and listed.
    pub const ALL: [Self; 17] = [
        Self::Infrastructure,
        Self::BadFormat,
        Self::InvalidBox,
        Self::FrameError,
        Self::Loop,
        Self::OutOfBudget,
        Self::Premature,
        Self::RepeatedZoom,
        Self::LookedWrong,
        Self::PartialLook,
        Self::LookedRightAnsweredWrong,
        Self::Wrong,
        Self::Right,
        Self::RightUngrounded,
        Self::Unscored,
        Self::Unfinished,
        Self::TruthDoubtful,
    ];

    /// The name used in files, filters and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::BadFormat => "bad-format",
            Self::InvalidBox => "invalid-box",
            Self::FrameError => "frame-error",
            Self::Loop => "loop",
            Self::OutOfBudget => "out-of-budget",
            Self::Premature => "premature",
            Self::RepeatedZoom => "repeated-zoom",
            Self::LookedWrong => "looked-wrong",
            Self::PartialLook => "partial-look",
            Self::LookedRightAnsweredWrong => "looked-right-answered-wrong",
            Self::Wrong => "wrong",
            Self::Right => "right",
            Self::RightUngrounded => "right-ungrounded",
            Self::Unscored => "unscored",
            Self::Unfinished => "unfinished",
            Self::TruthDoubtful => "truth-doubtful",
        }
    }

    /// The label of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    /// One line that says what it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Infrastructure => "ended in an error outside the model",
            Self::BadFormat => "wrong: no answer, or no tool call, that could be read",
            Self::InvalidBox => "wrong: every call was refused because of its box",
            Self::FrameError => "wrong: a box hits the target only read in another frame",
            Self::Loop => "wrong: the text repeats itself at its end",
            Self::OutOfBudget => "no answer when turns or tokens were used up",
            Self::Premature => "wrong: no zoom where one is needed",
            Self::RepeatedZoom => "wrong: looked twice at one place",
            Self::LookedWrong => "wrong: looked elsewhere",
            Self::PartialLook => "wrong: saw a part of the target, or saw it from too far away",
            Self::LookedRightAnsweredWrong => "wrong, though a zoom shows the target",
            Self::Wrong => "wrong; where to look is unknown, or no zoom was needed",
            Self::Right => "right, having looked at the target where that is needed",
            Self::RightUngrounded => "right, though no zoom shows the target",
            Self::Unscored => "answered; the truth is unknown or takes a judge",
            Self::Unfinished => "no end, or stopped before an answer",
            Self::TruthDoubtful => "a person doubts the truth",
        }
    }

    /// Whether the model failed: what a table of failures counts.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::Infrastructure
                | Self::Right
                | Self::RightUngrounded
                | Self::Unscored
                | Self::Unfinished
                | Self::TruthDoubtful
        )
    }

    /// The first label that fits.
    pub fn of(facts: &Facts, lines: &Thresholds) -> Self {
        match (facts.ending, facts.right, facts.answered) {
            (Ending::Failed, ..) => Self::Infrastructure,
            (Ending::Open | Ending::Stopped, _, false) => Self::Unfinished,
            (_, Some(true), _) => right(facts, lines),
            (_, None, true) => Self::Unscored,
            _ => wrong(facts, lines),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a zoom shows the target.
fn looked(facts: &Facts, lines: &Thresholds) -> bool {
    let best = facts.zooms.best.map(|best| best.measures);
    best.is_some_and(|m| m.coverage >= lines.partial_look && m.tightness >= lines.tightness)
}

fn right(facts: &Facts, lines: &Thresholds) -> Label {
    let grounded = facts.zooms.targets == 0 || looked(facts, lines) || facts.zoom_needed == Some(false);
    if grounded { Label::Right } else { Label::RightUngrounded }
}

fn wrong(facts: &Facts, lines: &Thresholds) -> Label {
    let (zooms, ran_out) = (&facts.zooms, facts.ending == Ending::RanOut);
    let readable = facts.answered && (facts.resolved || facts.free);
    let frame = !looked(facts, lines) && facts.other_frame.is_some_and(|(c, _)| c > 0.0 && c >= lines.frame_error);
    let covered = zooms.best.map(|best| best.measures.coverage);
    match () {
        () if !ran_out && (!readable || (zooms.zooms == 0 && zooms.bad_calls > 0)) => Label::BadFormat,
        () if zooms.refused > 0 && zooms.zooms == 0 && zooms.bad_boxes == zooms.refused && !frame => Label::InvalidBox,
        () if frame => Label::FrameError,
        () if facts.tokens.loops >= lines.loops => Label::Loop,
        () if ran_out && !facts.answered => Label::OutOfBudget,
        () if zooms.zooms == 0 && facts.zoom_needed == Some(true) => Label::Premature,
        () if zooms.repeat.is_some_and(|iou| iou >= lines.repeated_zoom) => Label::RepeatedZoom,
        () if looked(facts, lines) => Label::LookedRightAnsweredWrong,
        () if covered.is_some_and(|c| c < lines.looked_wrong) => Label::LookedWrong,
        () if covered.is_some() => Label::PartialLook,
        () => Label::Wrong,
    }
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
