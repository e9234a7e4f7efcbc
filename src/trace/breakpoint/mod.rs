//! Breakpoints: conditions on what a session does, as text.
//!
//! Takes: a condition such as `zoom and iou<.3` and the [`Moment`]s of a session, one for each token the model wrote, made
//! by a [`Watcher`] while the session is computed or from a recorded [`Trace`](super::Trace). Gives: whether it holds there, and on what.
//! The same code stops a running model and a playback.

mod condition;
mod moment;
mod parse;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::str::FromStr;

pub use moment::{Moment, Watcher, ZoomFacts, moments};
pub use parse::BreakpointError;

use condition::Condition;

/// A condition, as written and as understood.
///
/// Conditions that only count (`tokens>=100`) hold for ever once they hold, so they fire where they begin to; all others
/// fire at every moment they hold.
#[derive(Clone, Debug)]
pub struct Breakpoint {
    text: String,
    condition: Condition,
}

impl Breakpoint {
    /// The condition as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it fires on at `now`, in words; `before` is the moment before, where there is one.
    pub fn fires(&self, now: &Moment, before: Option<&Moment>) -> Option<String> {
        if !self.condition.holds(now) {
            return None;
        }
        if self.condition.only_counts() && before.is_some_and(|before| self.condition.holds(before)) {
            return None;
        }
        Some(words::reasons(&self.condition, now))
    }
}

impl FromStr for Breakpoint {
    type Err = BreakpointError;

    fn from_str(text: &str) -> Result<Self, BreakpointError> {
        Ok(Self { text: text.trim().to_owned(), condition: parse::parse(text)? })
    }
}

impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Breakpoint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What can be asked for, with an example of each: for help and completion.
pub const CONDITIONS: [(&str, &str); 18] = [
    ("zoom", "a zoom returns a crop; zoom:2 the second call"),
    ("refused", "a zoom is refused; refused:off_page for that reason"),
    ("iou<.3", "IoU of the crop with the target; also coverage, tightness"),
    ("coverage<.5", "share of the target inside the crop"),
    ("tightness<.2", "share of the crop that is target"),
    ("repeat", "a crop like an earlier one (IoU ≥ .8); repeat>=.5"),
    ("warning", "the box would hit the target in another frame"),
    ("p<.3", "probability of the token"),
    ("margin<.1", "probability of the likeliest less that of the second"),
    ("entropy>1", "entropy in nats"),
    ("text:\"hat\"", "the turn's text comes to hold this (any case); text:/ha[td]/ a regular expression"),
    ("open:call", "a segment opens: think, call, answer"),
    ("close:think", "a segment closes: think, call, answer, text"),
    ("answer", "an answer is read; answer:right, answer:wrong"),
    ("tokens>=100", "so many tokens were written"),
    ("turn>=2", "the model's turn has this number"),
    ("at>=200", "the position of the token in the context"),
    ("forced", "an edit chose the token; in a recording: a running one passes over its edit"),
];
