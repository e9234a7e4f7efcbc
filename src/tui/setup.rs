//! What the explorer is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ImageMode;
use super::desk::Desk;
use super::frames::{LOCAL_INTERVAL, REMOTE_INTERVAL};
use super::playhead::Pace;
use super::theme::Wish;
use crate::config::{KeyTable, Thresholds};
use crate::engine::{Looking, ModelSource, ScriptedEngine, StepEngine};
use crate::model::ModelChoice;
use crate::model::sampler::Sampling;
use crate::protocol::Profile;
use crate::run::Manifest;
use crate::session::SessionStore;
use crate::trace::breakpoint::Breakpoint;

/// Whether the terminal's background is dark: by what it answered, else by `COLORFGBG`, which ends with the background's
/// colour, of which 7 and 9 to 15 are light; else it is taken to be.
pub fn dark_ground(answer: Option<[u8; 3]>, var: impl Fn(&str) -> Option<String>) -> bool {
    if let Some([r, g, b]) = answer {
        // Brightness as eyes have it, in thousandths.
        return 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) < 128_000;
    }
    let ground = var("COLORFGBG").and_then(|v| v.rsplit(';').next().and_then(|n| n.parse::<u8>().ok()));
    !matches!(ground, Some(7 | 9..=15))
}

/// What a person may choose.
pub struct Options {
    /// How pictures are drawn.
    pub images: ImageMode,
    /// Which theme.
    pub theme: Wish,
    /// The folder of a person's own themes.
    pub themes: Option<PathBuf>,
    /// A person's keys.
    pub keys: KeyTable,
    /// Whether the mouse is taken from the terminal.
    pub mouse: bool,
    /// How fast a live session is shown at first.
    pub pace: Option<Pace>,
    /// Breakpoints of every live session, as written.
    pub breakpoints: Vec<Breakpoint>,
    /// The benchmark the library lists.
    pub bench: String,
    /// The model to ask.
    pub model: ModelChoice,
    /// How it is talked to.
    pub profile: Arc<Profile>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Seed of the sampler.
    pub seed: u64,
    /// Where sessions are; none keeps no list and records nothing.
    pub store: Option<SessionStore>,
    /// Where automatic labels draw their lines.
    pub lines: Thresholds,
    /// Whose name stands beside remarks.
    pub person: String,
    /// Whether live sessions are recorded.
    pub record: bool,
    /// What their logs say of every token besides the token.
    pub looking: Looking,
    /// Speed of a replay; 1 is recorded time.
    pub speed: f64,
    /// An engine without a model, for tests of the screen.
    pub scripted: Option<Scripted>,
    /// The run that is followed: its folder and what it is.
    pub run: Option<(PathBuf, Manifest)>,
}

impl Options {
    /// Why no session can be probed, where that is known from the start.
    pub fn why_no_probe(&self) -> Option<String> {
        if self.scripted.is_some() {
            return Some("there is no model: the engine is scripted".to_owned());
        }
        let kept = self.record && self.store.is_some();
        (!kept).then(|| "forks are not recorded here".to_owned())
    }
}

/// An engine that says what it is told to, so that the screen can be tested without a model.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// What it says, a text a turn.
    pub turns: Vec<String>,
    /// How long it takes for a token.
    pub delay: Duration,
}

impl Scripted {
    /// The engine.
    pub fn engine(&self) -> Box<dyn StepEngine + Send> {
        let turns: Vec<&str> = self.turns.iter().map(String::as_str).collect();
        Box::new(ScriptedEngine::from_texts(&turns).with_delay(self.delay))
    }

    /// The same, to be made elsewhere.
    pub fn source(&self) -> ModelSource {
        let script = self.clone();
        ModelSource::Made("scripted".to_owned(), Box::new(move || Ok(script.engine())))
    }
}

/// The options as the program keeps them.
pub(super) struct Setup {
    pub bench: String,
    pub model: ModelChoice,
    pub profile: Arc<Profile>,
    pub sampling: Sampling,
    pub seed: u64,
    pub store: Option<SessionStore>,
    /// What work on recorded sessions needs.
    pub desk: Desk,
    pub record: bool,
    pub looking: Looking,
    pub scripted: Option<Scripted>,
    pub run: Option<(PathBuf, Manifest)>,
    /// Seconds between frames.
    pub frame_interval: f64,
    #[cfg(debug_assertions)]
    panic_key: Option<char>,
}

impl Setup {
    pub fn new(options: Options, var: impl Fn(&str) -> Option<String>) -> Self {
        // The sessions of a run that is followed are those of its folder, wherever that lies.
        let followed = options.run.as_ref().and_then(|(dir, _)| SessionStore::open(dir).ok());
        let store = followed.or_else(|| options.store.clone());
        Self {
            desk: Desk { store, lines: options.lines, person: options.person },
            bench: options.bench,
            model: options.model,
            profile: options.profile,
            sampling: options.sampling,
            seed: options.seed,
            store: options.store,
            record: options.record,
            looking: options.looking,
            scripted: options.scripted,
            run: options.run,
            frame_interval: if var("SSH_CONNECTION").is_some() { REMOTE_INTERVAL } else { LOCAL_INTERVAL },
            #[cfg(debug_assertions)]
            panic_key: var("PANELSCOPE_PANIC_KEY").and_then(|v| v.chars().next()),
        }
    }

    /// Panics on a chosen key in debug builds, so that a test can see what a panic does to the terminal.
    #[cfg(debug_assertions)]
    #[allow(clippy::panic, reason = "its only purpose is to panic, in debug builds, when a test asks for it")]
    pub fn panic_on(&self, key: &crossterm::event::KeyEvent) {
        if self.panic_key.is_some_and(|c| key.code == crossterm::event::KeyCode::Char(c)) {
            panic!("a panic that a test asked for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_decides_then_the_environment_then_it_is_dark() {
        let with = |value: &'static str| move |name: &str| (name == "COLORFGBG").then(|| value.to_owned());
        assert!(dark_ground(None, with("15;0")));
        assert!(!dark_ground(None, with("0;15")));
        assert!(!dark_ground(None, with("0;default;7")));
        assert!(dark_ground(None, with("nonsense")));
        assert!(dark_ground(Some([30, 30, 46]), with("0;15")));
        assert!(!dark_ground(Some([253, 246, 227]), with("15;0")));
    }
}
