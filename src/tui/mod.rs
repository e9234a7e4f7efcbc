//! The explorer: state, actions, views, pictures, themes, keys.
//!
//! Elm-like: `Event → Action → update(state, action) → effects`, and views are pure functions from the state to a frame.
//! Takes: records, from a running engine or from a file; where they come from is known to `source` alone. Gives: a
//! screen. Model work, painting and file reading happen on other threads; this one never waits.

pub mod action;
pub mod app;
pub mod attend;
mod background;
pub mod compare;
pub mod debug;
pub mod desk;
pub mod effect;
pub mod explorer;
pub mod export_svg;
pub mod field;
mod fetching;
mod film;
#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing)]
mod fixtures;
pub mod frames;
pub mod guard;
pub mod images;
pub mod keys;
mod picture;
pub mod probe;
mod probing;
pub mod playhead;
mod page_moves;
mod program;
pub mod reasoning;
pub mod sessions;
mod setup;
mod signals;
mod source;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod failures;
mod follow;
mod forking;
mod late;
mod library;
mod looking;
pub mod mouse;
pub mod palette;
pub mod picker;
pub mod update;
pub mod view;
pub mod viewport;
mod wants;

use std::path::PathBuf;

pub use attend::{AttentionPicture, attention_png};
pub use film::film;
pub use picture::{Shot, screenshot};
pub use probe::sweep_png;
pub use program::Outcome;
use setup::Setup;
pub use setup::{Options, Scripted};
pub use source::read_explorer;

use action::Action;
use app::{App, Choice, Entry, Screen, Verdict};
use images::{Caps, Gallery, ImageMode, Way};
use theme::{ColorDepth, Shelf};

/// What the explorer opens with.
#[derive(Clone, Debug)]
pub enum Start {
    /// The demo's questions.
    Demo,
    /// The user's own pages.
    Pages(Vec<PathBuf>),
    /// A recorded session.
    Replay(PathBuf),
    /// A run, followed while it goes on.
    Run(PathBuf, Box<crate::run::Manifest>),
}

/// Why the explorer could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal could not be read or written, or a thread could not be started.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
    /// A theme is broken.
    #[error(transparent)]
    Theme(#[from] theme::ThemeError),
    /// The demo cannot be opened.
    #[error(transparent)]
    Benchmark(#[from] crate::benchmark::BenchmarkError),
    /// A recorded session cannot be read.
    #[error("{0}")]
    Recording(String),
    /// A picture was wanted after an action that there is not.
    #[error("nothing is called {name} in the table [{context}] of assets/keys.toml, which holds there")]
    NoSuchPress {
        /// The name.
        name: String,
        /// The table of the place where it was wanted.
        context: &'static str,
    },
}

/// Opens the explorer and gives the terminal back when it is left.
///
/// # Errors
/// [`TuiError`]; the terminal is restored first.
pub fn run(start: Start, mut options: Options) -> Result<Outcome, TuiError> {
    let var = |name: &str| std::env::var(name).ok();
    let depth = ColorDepth::detect(var);
    let speed = options.speed;
    if !matches!(start, Start::Run(..)) {
        // Nothing is kept of this: it only says whether there is such a benchmark.
        let nothing = crate::benchmark::Selection { limit: Some(0), ..Default::default() };
        crate::benchmark::open_with(&options.bench, &nothing)?;
    }
    // Read before the screen is taken, so that what is wrong is said plainly.
    let recording = match &start {
        Start::Replay(path) => Some((path.clone(), source::read_recording(path).map_err(TuiError::Recording)?)),
        Start::Demo | Start::Pages(_) | Start::Run(..) => None,
    };
    let caps = Caps::detect(options.images, depth, var);
    if depth == ColorDepth::None && caps.way != Way::None {
        // Pictures keep their colours: kitty's placeholders are named by theirs.
        crossterm::style::force_color_output(true);
    }
    let shelf = Shelf::open(options.themes.as_deref(), depth);
    let mut app = App::new(shelf.find(options.theme.name(setup::dark_ground(caps.background, var)))?);
    app.themes = shelf.themes().to_vec().into();
    app.mouse = options.mouse;
    app.lines = options.lines;
    app.debug.points = debug::Points::new(options.breakpoints.clone());
    app.probe.why_not = options.why_no_probe();
    app.first_pace = options.pace.unwrap_or(app.first_pace);
    let (keymap, troubles) = keys::Keymap::with(&options.keys);
    app.keymap = keymap.into();
    let troubles: Vec<String> = shelf.problems.into_iter().chain(troubles).collect();
    app.tell_troubles(&troubles);
    for trouble in &troubles {
        // Read when the screen is given back.
        eprintln!("warning: {}", crate::text::one_line(trouble));
    }
    app.cell_aspect = caps.cell_aspect();
    let mut effects = Vec::new();
    match start {
        Start::Demo => {
            app.library.loading = true;
            app.library.title.clone_from(&options.bench);
        }
        Start::Pages(pages) => {
            app.home = Some(Screen::Ask);
            effects.extend(app.open_form(pages.into_iter().map(Choice::Page).collect()));
        }
        Start::Replay(_) => app.home = None,
        Start::Run(dir, manifest) => {
            options.bench.clone_from(&manifest.settings.benchmark);
            app.library.set_questions(follow::entries(&manifest, None));
            app.library.title = follow::title(&manifest);
            app.library.run = Some((0, manifest.items));
            options.run = Some((dir, *manifest));
        }
    }
    if let Some((path, (records, problems))) = recording {
        effects.extend(app.update(Action::Replay { path, records, problems }));
        if let Some(explorer) = &mut app.explorer {
            explorer.head.pace = playhead::Pace::Recorded { speed };
        }
    }
    let free = images::free_sequence(&caps);
    let setup = Setup::new(options, var);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _guard = guard::Guard::enter(free, app.mouse)?;
    let program = program::Program::new(app, setup, Gallery::new(caps))?;
    runtime.block_on(program.run(effects))
}

/// What of a person's keys and own themes does not hold, in sentences.
pub fn config_troubles(keys: &crate::config::KeyTable, themes: Option<&std::path::Path>) -> Vec<String> {
    let shelf = Shelf::open(themes, ColorDepth::True);
    shelf.problems.into_iter().chain(keys::Keymap::with(keys).1).collect()
}

/// The library's rows for a benchmark's questions, or for its pages where it has no questions.
fn entries(bench: &crate::benchmark::Benchmark) -> Vec<Entry> {
    if bench.questions().is_empty() {
        return bench.pages().unwrap_or_default().iter().map(|name| page_entry(name)).collect();
    }
    let entries = bench.questions().iter().enumerate().map(|(index, question)| Entry {
        choice: Choice::Question(index),
        id: question.id.clone(),
        task: question.task,
        text: question.text.clone(),
        choices: question.choices.clone(),
        verdict: Verdict::None,
    });
    entries.collect()
}

fn page_entry(name: &str) -> Entry {
    Entry {
        choice: Choice::Named(name.to_owned()),
        id: name.to_owned(),
        task: None,
        text: "a page to ask about".to_owned(),
        choices: Vec::new(),
        verdict: Verdict::None,
    }
}

/// Text from a model, a file or a person that is safe to draw; may hold line feeds.
fn clean(text: &str) -> String {
    crate::text::sanitise(text).into_owned()
}
