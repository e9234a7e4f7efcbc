//! How a session went, in one word.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{SessionMeasures, session_measures};
use crate::trace::Trace;

/// How a session went; the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// It failed for a reason outside the model.
    Error,
    /// Stopped or cut off before an answer.
    Unfinished,
    /// Ended without an answer that could be read.
    NoAnswer,
    /// The truth is unknown.
    Unscored,
    /// Right, having looked at the target (or where no target is known).
    Right,
    /// Right without having looked at the target.
    RightUngrounded,
    /// Wrong, and every tool call was refused.
    InvalidBox,
    /// Wrong without a zoom.
    NoZoom,
    /// Wrong, having zoomed elsewhere.
    LookedWrong,
    /// Wrong although a zoom shows the target.
    LookedRightAnsweredWrong,
    /// Wrong; where it should have looked is unknown.
    Wrong,
}

impl Label {
    /// The name used in files and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Unfinished => "unfinished",
            Self::NoAnswer => "no-answer",
            Self::Unscored => "unscored",
            Self::Right => "right",
            Self::RightUngrounded => "right-ungrounded",
            Self::InvalidBox => "invalid-box",
            Self::NoZoom => "no-zoom",
            Self::LookedWrong => "looked-wrong",
            Self::LookedRightAnsweredWrong => "looked-right-answered-wrong",
            Self::Wrong => "wrong",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The label of a trace. Right means a score of 1.
pub fn label(trace: &Trace) -> Label {
    let targets = trace.start.as_ref().map_or(&[][..], |start| &start.question.targets);
    let measures = session_measures(&trace.zooms, targets);
    let reason = trace.end.as_ref().map(|end| end.reason.as_str());
    match (&trace.score, &trace.answer) {
        _ if reason == Some("error") => Label::Error,
        (_, None) if matches!(reason, None | Some("stopped")) => Label::Unfinished,
        (_, None) => Label::NoAnswer,
        (None, Some(_)) => Label::Unscored,
        (Some(score), Some(_)) if score.value >= 1.0 => right(&measures),
        (Some(_), Some(_)) => wrong(&measures),
    }
}

fn right(measures: &SessionMeasures) -> Label {
    if measures.looked_right == Some(false) { Label::RightUngrounded } else { Label::Right }
}

fn wrong(measures: &SessionMeasures) -> Label {
    match (measures.zooms, measures.looked_right) {
        (0, _) if measures.refused > 0 => Label::InvalidBox,
        (0, _) => Label::NoZoom,
        (_, Some(true)) => Label::LookedRightAnsweredWrong,
        (_, Some(false)) => Label::LookedWrong,
        (_, None) => Label::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(zooms: u32, refused: u32, looked_right: Option<bool>) -> SessionMeasures {
        SessionMeasures { zooms, refused, looked_right, ..SessionMeasures::default() }
    }

    #[test]
    fn wrong_answers_are_told_apart() {
        for (m, want) in [
            (measured(0, 0, Some(false)), "no-zoom"),
            (measured(0, 2, Some(false)), "invalid-box"),
            (measured(1, 0, Some(false)), "looked-wrong"),
            (measured(1, 0, Some(true)), "looked-right-answered-wrong"),
            (measured(1, 0, None), "wrong"),
        ] {
            assert_eq!(wrong(&m).name(), want);
        }
        assert_eq!(right(&measured(1, 0, Some(false))), Label::RightUngrounded);
        assert_eq!(right(&measured(1, 0, None)), Label::Right);
        assert_eq!(label(&Trace::new()), Label::Unfinished);
        assert_eq!(serde_json::to_value(Label::LookedWrong).ok(), Some(Label::LookedWrong.name().into()));
    }
}
