//! The explorer's whole state. Views read it, [`super::update`] changes it, nothing else does.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;

use super::attend::Attending;
use super::compare::Compare;
use super::debug::Debugger;
use super::explorer::Explorer;
use super::failures::Failures;
use super::field::TextField;
use super::keys::Keymap;
pub use super::library::{Entry, Library};
use super::palette::Palette;
use super::picker::Picker;
use super::playhead::Pace;
use super::probe::Probing;
use super::sessions::Sessions;
use super::theme::Theme;
use crate::config::Thresholds;

/// What a screen is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// A question of the benchmark, by index.
    Question(usize),
    /// A recorded session's file.
    Session(PathBuf),
    /// A page of the user's own.
    Page(PathBuf),
    /// A page of the benchmark, by name.
    Named(String),
}

/// What the engine behind the session on screen is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// The model is being loaded or the page read.
    Loading,
    /// Waiting for a command.
    Paused,
    /// Computing.
    Running,
    /// Nothing more will come.
    Ended,
}

/// The screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The list of questions and sessions.
    Library,
    /// One session.
    Explorer,
    /// Typing a question about a page.
    Ask,
    /// The table of recorded sessions.
    Sessions,
    /// Which tasks fail in which way.
    Failures,
    /// Two runs.
    Compare,
}

/// How a question or session came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Not asked yet.
    #[default]
    None,
    /// Answered rightly.
    Right,
    /// Answered wrongly.
    Wrong,
    /// Partly right.
    Partial,
    /// Answered, and the truth is unknown.
    Answered,
    /// Ended without an answer.
    NoAnswer,
}

impl Verdict {
    /// A glyph and a word.
    pub const fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("·", ""),
            Self::Right => ("✓", "right"),
            Self::Wrong => ("✗", "wrong"),
            Self::Partial => ("~", "partly"),
            Self::Answered => ("•", "answered"),
            Self::NoAnswer => ("–", "no answer"),
        }
    }
}

/// The form in which a question is typed.
#[derive(Clone, Debug, Default)]
pub struct AskForm {
    /// Pages to choose from.
    pub pages: Vec<Choice>,
    /// The page asked about.
    pub selected: usize,
    /// The question; choices may follow after `|`.
    pub field: TextField,
}

impl AskForm {
    /// The page asked about.
    pub fn page(&self) -> Option<&Choice> {
        self.pages.get(self.selected)
    }

    /// Question and choices as typed: `Who is nearer? | Pip | Bo`.
    pub fn question(&self) -> (String, Vec<String>) {
        let mut parts = self.field.text().split('|').map(|p| p.trim().to_owned());
        let text = parts.next().unwrap_or_default();
        (text, parts.filter(|p| !p.is_empty()).collect())
    }
}

/// A picture shown beside a list.
#[derive(Clone, Debug, Default)]
pub struct PreviewPane {
    /// What was asked for last.
    pub wanted: Option<Choice>,
    /// What is here.
    pub shown: Option<(Choice, Result<Arc<RgbImage>, String>)>,
}

/// Everything the explorer knows.
pub struct App {
    /// The screen on top.
    pub screen: Screen,
    /// Whether the keys are shown over it, and how far they are scrolled.
    pub help: Option<usize>,
    /// One sentence that goes away with the next key.
    pub toast: Option<String>,
    /// What the model waits for, for as long as it does: its files come from a hub.
    pub fetching: Option<String>,
    /// The library.
    pub library: Library,
    /// The table of recorded sessions.
    pub sessions: Sessions,
    /// Which tasks fail in which way.
    pub failures: Failures,
    /// Two runs.
    pub compare: Compare,
    /// The session on screen.
    pub explorer: Option<Explorer>,
    /// Breakpoints, lists, lines and boxes of the debugger.
    pub debug: Debugger,
    /// Probes of sessions.
    pub probe: Probing,
    /// Attention and layers.
    pub attend: Attending,
    /// The form.
    pub ask: AskForm,
    /// The picture beside a list.
    pub preview: PreviewPane,
    /// Colours.
    pub theme: Theme,
    /// All themes there are.
    pub themes: Arc<Vec<Theme>>,
    /// The list of themes, while it is open.
    pub picker: Option<Picker>,
    /// The command palette, while it is open.
    pub palette: Option<Palette>,
    /// Whether the mouse is taken from the terminal.
    pub mouse: bool,
    /// How fast a live session is shown at first.
    pub first_pace: Pace,
    /// Where automatic labels draw their lines.
    pub lines: Thresholds,
    /// What the keys do.
    pub keymap: Arc<Keymap>,
    /// Terminal size in cells.
    pub size: (u16, u16),
    /// Height divided by width of a terminal cell.
    pub cell_aspect: f64,
    /// Seconds since the program began.
    pub now: f64,
    /// The screen a closed session returns to; `None` leaves the program.
    pub home: Option<Screen>,
    /// The screens that the table of sessions, the comparison and the next session return to.
    pub way: Way,
}

/// Where screens that are reached from several others return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The table of sessions.
    pub sessions: Screen,
    /// The comparison.
    pub compare: Screen,
    /// The session on screen, where it is not what it usually is.
    pub session: Option<Screen>,
}

impl Default for Way {
    fn default() -> Self {
        Self { sessions: Screen::Library, compare: Screen::Library, session: None }
    }
}

impl App {
    /// A state that shows nothing yet.
    pub fn new(theme: Theme) -> Self {
        Self {
            screen: Screen::Library,
            help: None,
            toast: None,
            fetching: None,
            library: Library::default(),
            sessions: Sessions::default(),
            failures: Failures::default(),
            compare: Compare::default(),
            explorer: None,
            debug: Debugger::default(),
            probe: Probing::default(),
            attend: Attending::default(),
            ask: AskForm::default(),
            preview: PreviewPane::default(),
            themes: Arc::new(vec![theme.clone()]),
            picker: None,
            palette: None,
            mouse: true,
            first_pace: super::update::FIRST_PACE,
            theme,
            lines: Thresholds::default(),
            keymap: Arc::new(Keymap::default()),
            size: (80, 24),
            cell_aspect: 2.0,
            now: 0.0,
            home: Some(Screen::Library),
            way: Way::default(),
        }
    }

    /// Brings what depends on the size and the cursor up to date: the wrapped reasoning.
    pub fn relayout(&mut self) {
        let (w, h) = self.size;
        let area = ratatui::layout::Rect::new(0, 0, w, h);
        let cell_aspect = self.cell_aspect;
        if let Some(explorer) = &mut self.explorer {
            let layout = super::view::layout::explorer(area, explorer.page_aspect(), cell_aspect);
            explorer.wrap(layout.reasoning.width.saturating_sub(2));
        }
        if let Some(sides) = &mut self.debug.sides {
            sides.wrap(super::view::sides::side_width(area));
        }
    }
}
