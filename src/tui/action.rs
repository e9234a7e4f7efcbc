//! Everything that can happen to the explorer's state.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;

use super::app::{Choice, EngineState, Entry, Verdict};
use super::attend::AttendAction;
use super::compare::{CompareAction, RunRow, Versus};
use super::debug::DebugAction;
use super::debug::label::{About, Said};
use super::failures::{Board, FailuresAction};
use super::library::FilterBy;
use super::mouse::MouseAction;
pub use super::page_moves::PageMove;
use super::probe::{ProbeAction, ProbeNews};
use super::sessions::{Deed, Outcome, Row};
use crate::trace::{Body, Record};

/// A unit to step by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One token.
    Token,
    /// To the end of the segment.
    Segment,
    /// To the end of the turn.
    Turn,
}

/// Where to move the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrub {
    /// One token back.
    PrevToken,
    /// One token on.
    NextToken,
    /// One segment back.
    PrevSegment,
    /// One segment on.
    NextSegment,
    /// Before the first token.
    Start,
    /// To the end, following again.
    End,
}

/// An edit of the text field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Inserts text (a typed character or a paste).
    Insert(String),
    /// Deletes before the cursor.
    Backspace,
    /// Deletes under the cursor.
    Delete,
    /// Deletes the word before the cursor.
    DeleteWord,
    /// Deletes everything before the cursor.
    DeleteToStart,
    /// Moves left.
    Left,
    /// Moves right.
    Right,
    /// Moves to the start.
    Home,
    /// Moves to the end.
    End,
}

/// A record that arrived, with the pixels of an image record.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The record.
    pub record: Record,
    /// The pixels, where the record is an image and they are known.
    pub pixels: Option<Arc<RgbImage>>,
}

/// A picture for the library's and the ask form's preview.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it is a preview of.
    pub of: Choice,
    /// Its pixels, or why there are none.
    pub pixels: Result<Arc<RgbImage>, String>,
}

/// Something that happens: a key's meaning, or news from outside.
#[derive(Clone, Debug)]
pub enum Action {
    /// Move the selection or scroll up.
    Up,
    /// Move the selection or scroll down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
    /// To the next group of rows.
    NextGroup,
    /// To the group before.
    PrevGroup,
    /// Narrow the list.
    Filter(FilterBy),
    /// Enter: open what is selected.
    Open,
    /// Esc: close what is on top.
    Close,
    /// q: one level back; at the top, leave.
    Back,
    /// Leave now.
    Quit,
    /// Show or hide the keys.
    Help,
    /// Run or pause.
    ToggleRun,
    /// Step.
    Step(Unit),
    /// Move the cursor over the trace.
    Scrub(Scrub),
    /// Faster.
    Faster,
    /// Slower.
    Slower,
    /// Show or hide the true region.
    ToggleTarget,
    /// Choose a theme.
    Themes,
    /// Choose from all that can be done here.
    Palette,
    /// Give the mouse to the terminal, or take it back.
    ToggleMouse,
    /// Something done with the mouse.
    Mouse(MouseAction),
    /// Look closer at the page, or elsewhere on it.
    Page(PageMove),
    /// Something of the debugger.
    Debug(DebugAction),
    /// Something of the probes.
    Probe(ProbeAction),
    /// Something of attention and layers.
    Attend(AttendAction),
    /// What came of a look at a token that no live session was asked for: records, or why not.
    Looked(Result<Vec<Body>, String>),
    /// A running probe tells something.
    Probed(Box<ProbeNews>),
    /// The fork that was asked for begins.
    Forked,
    /// A session to put beside the one on screen was read.
    Beside {
        /// Its file.
        path: PathBuf,
        /// Its records and pixels.
        records: Vec<Arrival>,
    },
    /// Dark or light.
    ToggleTheme,
    /// Type a question about the page on screen.
    AskOwn,
    /// Edit the text field.
    Edit(Edit),
    /// The terminal has this size in cells.
    Resize(u16, u16),
    /// This many seconds have passed since the program began.
    Now(f64),
    /// Records of the session on screen arrived.
    Arrived(Vec<Arrival>),
    /// The engine's state changed.
    Engine(EngineState),
    /// A recorded session was read: its records, and the pixels it has.
    Replay {
        /// The file.
        path: PathBuf,
        /// Its records and pixels.
        records: Vec<Arrival>,
        /// Bad lines, in words.
        problems: Vec<String>,
    },
    /// The benchmark is open: its name and its questions.
    Questions(String, Vec<Entry>),
    /// The run that is followed has come on.
    Followed {
        /// What stands over the list.
        title: String,
        /// Sessions finished.
        done: usize,
        /// Sessions in all.
        items: usize,
        /// Rows that changed: index among the questions, what it opens now, how it came out.
        changes: Vec<(usize, Choice, Verdict)>,
    },
    /// The recorded sessions, newest first.
    Sessions(Vec<Row>),
    /// A key of the Sessions screen.
    InSessions(Deed),
    /// A key of the Failures screen.
    OnFailures(FailuresAction),
    /// Its numbers, with the filter they were made with, or what is wrong with that.
    Board(String, Box<Result<Board, String>>),
    /// A key of the Compare screen.
    OnCompare(CompareAction),
    /// The runs there are.
    Runs(Vec<RunRow>),
    /// Two runs were compared, or why not.
    Compared(Box<Result<Versus, String>>),
    /// What was said of a session, or why that cannot be read.
    Said(About, Result<Said, String>),
    /// Something was done with a recorded session.
    SessionDone(Outcome),
    /// A preview is ready.
    Preview(Preview),
    /// Something failed; one sentence.
    Failed(String),
    /// Something a person may like to know; one sentence.
    Told(String),
}
