//! A recorded session's screen as a picture, for documentation: drawn by the explorer's own views.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::action::{Action, Edit, Preview, Scrub, Unit};
use super::app::{App, Choice, Screen};
use super::desk::Desk;
use super::effect::Effect;
use super::export_svg::{Ground, Picture, buffer_to_svg};
use super::images::{Caps, Gallery, Way, layers_of, paint};
use super::keys::Keymap;
use super::sessions::Chore;
use super::sessions::finder::Finder;
use super::theme::{ColorDepth, Theme};
use super::{TuiError, source, view};
use crate::session::SessionStore;

/// Pixels of a cell in a picture with pictures in it: twice what the picture's own cells have, for dense screens.
const CELL: (u16, u16) = (16, 34);
/// Reading one log may want the next; no list of actions leads further.
const MOST_EFFECTS: usize = 1000;

/// What the picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Shot {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// How many of the model's tokens are shown; `None` is the end.
    pub token: Option<usize>,
    /// Block characters instead of embedded pictures.
    pub blocks: bool,
}

/// The explorer's screen of a recorded session as SVG, in a theme made for all colours, after `presses`: names of actions
/// as `keys.toml` has them, or `=text` to type it.
///
/// # Errors
/// [`TuiError::Recording`] when the session cannot be read; [`TuiError::NoSuchPress`].
pub fn screenshot(
    path: &Path,
    shot: Shot,
    theme: Theme,
    presses: &[String],
    store: Option<&SessionStore>,
) -> Result<String, TuiError> {
    let mut studio = Studio::open(path, shot, theme, store)?;
    if let Some(token) = shot.token {
        studio.act(Action::Scrub(Scrub::Start));
        for _ in 0..token {
            studio.act(Action::Step(Unit::Token));
        }
    }
    for press in presses {
        studio.press(press)?;
    }
    let (buffer, pictures) = studio.draw();
    Ok(buffer_to_svg(&buffer, studio.ground(), &pictures))
}

/// A screen without a terminal: the state, and what draws it. Nothing but files is waited for.
pub(super) struct Studio {
    pub(super) app: App,
    caps: Caps,
    gallery: Gallery,
    finder: Finder,
}

impl Studio {
    /// A recorded session at its end.
    ///
    /// # Errors
    /// [`TuiError::Recording`].
    pub(super) fn open(path: &Path, shot: Shot, theme: Theme, store: Option<&SessionStore>) -> Result<Self, TuiError> {
        let (records, problems) = source::read_recording(path).map_err(TuiError::Recording)?;
        let blocks = Caps::blocks(ColorDepth::True);
        let caps = if shot.blocks { blocks } else { Caps { way: Way::Kitty, cell: CELL, ..blocks } };
        let mut app = App::new(theme);
        app.home = Some(Screen::Library);
        app.cell_aspect = caps.cell_aspect();
        let finder = Finder::unwritten(Desk { store: store.cloned(), ..Desk::default() });
        let mut studio = Self { app, gallery: Gallery::new(caps.clone()), caps, finder };
        studio.act(Action::Resize(shot.width, shot.height));
        let mut listed = Vec::new();
        studio.carry_out(Effect::OnSessions(Chore::List), &mut |action| listed.push(action));
        listed.into_iter().for_each(|action| studio.act(action));
        studio.act(Action::Replay { path: path.to_owned(), records, problems });
        studio.act(Action::Scrub(Scrub::End));
        Ok(studio)
    }

    /// Applies an action and, at once, what it wants from the disk.
    pub(super) fn act(&mut self, action: Action) {
        let mut waiting = std::collections::VecDeque::from([action]);
        for _ in 0..MOST_EFFECTS {
            let Some(action) = waiting.pop_front() else { return };
            for effect in self.app.update(action) {
                self.carry_out(effect, &mut |action| waiting.push_back(action));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect, tell: &mut dyn FnMut(Action)) {
        if let Effect::OnSessions(chore) = effect {
            // Pictures change nothing on the disk.
            if !matches!(chore, Chore::Trash { .. } | Chore::Restore(_) | Chore::Pack { .. } | Chore::Remark(..)) {
                self.finder.work(chore, tell);
            }
        } else {
            Self::read(effect).into_iter().for_each(tell);
        }
    }

    /// What is read for an effect.
    fn read(effect: Effect) -> Option<Action> {
        let read = |path: &Path| source::read_recording(path);
        match effect {
            Effect::OpenLog(path) => Some(match read(&path) {
                Ok((records, problems)) => Action::Replay { path, records, problems },
                Err(why) => Action::Failed(why),
            }),
            Effect::OpenBeside(path) => Some(match read(&path) {
                Ok((records, _)) => Action::Beside { path, records },
                Err(why) => Action::Failed(why),
            }),
            Effect::LoadPreview(Choice::Session(path)) => {
                let pages = read(&path).map(|(arrivals, _)| arrivals.into_iter().find_map(|arrival| arrival.pixels));
                let pixels = pages.and_then(|page| page.ok_or_else(|| "the session has no page".to_owned()));
                Some(Action::Preview(Preview { of: Choice::Session(path), pixels }))
            }
            _ => None,
        }
    }

    /// Does what a key of this name would do here.
    ///
    /// # Errors
    /// [`TuiError::NoSuchPress`].
    pub(super) fn press(&mut self, name: &str) -> Result<(), TuiError> {
        if let Some(text) = name.strip_prefix('=') {
            self.act(Action::Edit(Edit::Insert(text.to_owned())));
            return Ok(());
        }
        let context = view::context(&self.app);
        let keymap = Keymap::default();
        let found = keymap.bindings().iter().find(|binding| binding.context == context && binding.name == name);
        let missing = || TuiError::NoSuchPress { name: super::clean(name), context: context.name() };
        let action = found.ok_or_else(missing)?.action.clone();
        self.act(action);
        Ok(())
    }

    /// The screen now, and the pictures on it.
    pub(super) fn draw(&mut self) -> (Buffer, Vec<Picture>) {
        for request in self.gallery.want(self.app.wants()) {
            self.gallery.ready(paint(&request, &self.caps, 1));
        }
        let (width, height) = self.app.size;
        let mut terminal = match Terminal::new(TestBackend::new(width, height)) {
            Ok(terminal) => terminal,
            Err(never) => match never {},
        };
        let drawn = terminal.draw(|frame| view::draw(&self.app, &self.gallery, &self.app.keymap, frame));
        if let Err(never) = drawn {
            match never {}
        }
        let placed = self.gallery.placed();
        self.gallery.discard();
        let pictures = placed.into_iter().map(|(area, request)| {
            let (pixels, overlay) = layers_of(&request, &self.caps);
            Picture { area, pixels, overlay }
        });
        (terminal.backend().buffer().clone(), pictures.collect())
    }

    /// Colours the terminal would choose.
    pub(super) fn ground(&self) -> Ground {
        Ground { ink: self.app.theme.ink, paper: self.app.theme.paper }
    }
}
