//! What an update wants done outside the state.

use std::path::PathBuf;

use super::action::Unit;
use super::app::Choice;
use super::debug::Order;
use super::sessions::Chore;
use crate::engine::{Look, Looking};
use crate::probe::ProbeKind;
use crate::trace::breakpoint::Breakpoint;

/// Work for the program around the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a session on a question of the benchmark (by index).
    AskQuestion(usize),
    /// Start a session on a typed question.
    AskTyped {
        /// The page it is about.
        page: Choice,
        /// The question.
        text: String,
        /// Choices, possibly none.
        choices: Vec<String>,
    },
    /// Read a recorded session.
    OpenLog(PathBuf),
    /// Let the engine run.
    Run,
    /// Let the engine pause.
    Pause,
    /// Let the engine do one step.
    Step(Unit),
    /// The session on screen is closed: stop its engine, close its log.
    CloseSession,
    /// Load a picture for the preview.
    LoadPreview(Choice),
    /// Something with the recorded sessions.
    OnSessions(Chore),
    /// Take the mouse, or give it to the terminal.
    Mouse(bool),
    /// Fork the session on screen.
    Fork(Box<Order>),
    /// Run a probe of the session on screen.
    Probe(ProbeKind),
    /// Look at a token of the session on screen.
    Look(Look),
    /// Keep what looking at the latest token needs, or no longer.
    Watch(Looking),
    /// Stop the probe that runs.
    StopProbe,
    /// Pause where one of these fires.
    Breakpoints(Vec<Breakpoint>),
    /// Read a recorded session to put it beside the one on screen.
    OpenBeside(PathBuf),
    /// Find a recorded session by its id and put it beside the one on screen.
    FindBeside(String),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Leave.
    Quit,
}
