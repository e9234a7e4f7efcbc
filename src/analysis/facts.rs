//! What a label needs to know of a session.

use super::tokens::{TokenFacts, TokenTail};
use super::{SessionMeasures, other_frame, session_measures};
use crate::benchmark::{AnswerForm, Question, normalise};
use crate::geometry::FrameKind;
use crate::trace::{Answer, ImageRole, Trace};

/// How a session ended, as far as labels tell ends apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It goes on, or its end was never written.
    #[default]
    Open,
    /// A person or a breakpoint ended it.
    Stopped,
    /// A fault outside the model.
    Failed,
    /// Turns or tokens were used up.
    RanOut,
    /// The model ended it, with an answer or without.
    Done,
}

impl Ending {
    /// From `session_end.reason`.
    pub fn of(reason: Option<&str>) -> Self {
        match reason {
            None => Self::Open,
            Some("stopped" | "break") => Self::Stopped,
            Some("error") => Self::Failed,
            Some("max_tokens" | "max_turns") => Self::RanOut,
            Some(_) => Self::Done,
        }
    }
}

/// What a label needs to know of a session: figures, no text. A pure function of a trace; a summary holds all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// How it ended.
    pub ending: Ending,
    /// Whether there is an answer.
    pub answered: bool,
    /// Whether the answer stands for a content.
    pub resolved: bool,
    /// Whether it is fully right; none where it was not scored.
    pub right: Option<bool>,
    /// Whether a person's free text is asked for, which only a judge can read.
    pub free: bool,
    /// Whether the zoom tool was offered.
    pub tool: bool,
    /// Whether the page was shown too small to answer without a zoom; none where it is not known.
    pub zoom_needed: Option<bool>,
    /// The zooms against the targets.
    pub zooms: SessionMeasures,
    /// The best coverage a zoom would have were its numbers read in another frame, and that frame.
    pub other_frame: Option<(f64, Option<FrameKind>)>,
    /// What the tokens say.
    pub tokens: TokenFacts,
}

impl Facts {
    /// The facts of a whole trace.
    pub fn of(trace: &Trace) -> Self {
        Self::with_tokens(trace, TokenTail::of(trace).facts())
    }

    /// The facts of a trace that may lack its tokens.
    pub fn with_tokens(trace: &Trace, tokens: TokenFacts) -> Self {
        let question = trace.start.as_ref().map(|start| &start.question);
        let targets = question.map_or(&[][..], |question| &question.targets);
        Self {
            ending: Ending::of(trace.end.as_ref().map(|end| end.reason.as_str())),
            answered: trace.answer.is_some(),
            resolved: trace.answer.as_ref().is_some_and(|a| a.content.is_some()),
            right: trace.score.as_ref().map(|score| score.value >= 1.0),
            free: question.is_some_and(|question| question.form == AnswerForm::Free),
            tool: trace.start.as_ref().is_some_and(|start| start.tool),
            zoom_needed: question.and_then(|question| zoom_needed(question, trace)),
            zooms: session_measures(&trace.zooms, targets),
            other_frame: other_frame(trace),
            tokens,
        }
    }
}

/// By the smaller of the two scales the page was shown at; none where it never was.
fn zoom_needed(question: &Question, trace: &Trace) -> Option<bool> {
    let page = trace.images.iter().find(|image| image.event.role == ImageRole::Page)?;
    let (from, to) = (page.event.original, page.event.processed);
    let scale = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
    question.zoom_needed(scale(from.w, to.w).min(scale(from.h, to.h)))
}

/// Which of the listed choices was answered, and which is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionFacts {
    /// Place of the answered choice in the list, from 1.
    pub answered: Option<u32>,
    /// Place of the right one.
    pub right: Option<u32>,
    /// How many choices are listed; none where the answer is not one of a list.
    pub of: Option<u32>,
    /// Whether the answer names its choice by the letter rather than by what it says.
    pub by_letter: Option<bool>,
}

impl OptionFacts {
    /// Of an answer to a question; nothing where the question lists no choices.
    pub fn of(question: &Question, answer: Option<&Answer>) -> Self {
        if question.form != AnswerForm::Choice || question.choices.is_empty() {
            return Self::default();
        }
        let place = |text: &str| {
            let at = question.choices.iter().position(|choice| normalise(choice) == normalise(text))?;
            u32::try_from(at + 1).ok()
        };
        let content = answer.and_then(|answer| answer.content.as_deref());
        Self {
            answered: content.and_then(place),
            right: question.truth.as_deref().and_then(place),
            of: u32::try_from(question.choices.len()).ok(),
            by_letter: answer.zip(content).map(|(answer, content)| normalise(&answer.raw) != normalise(content)),
        }
    }
}

/// What a shortcut around looking would have answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortcutFacts {
    /// Whether the shortcut gives the truth.
    pub right: Option<bool>,
    /// Whether the session answered what the shortcut gives.
    pub taken: Option<bool>,
}

impl ShortcutFacts {
    /// Of an answer to a question; nothing where the question names no shortcut.
    pub fn of(question: &Question, content: Option<&str>) -> Self {
        let Some(shortcut) = question.shortcut.as_deref().map(normalise) else { return Self::default() };
        Self {
            right: question.truth.as_deref().map(|truth| normalise(truth) == shortcut),
            taken: content.map(|content| normalise(content) == shortcut),
        }
    }
}
