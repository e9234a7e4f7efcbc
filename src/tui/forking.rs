//! What the program does for the debugger: forks, breakpoints, the clipboard.

use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::action::Action;
use super::background::Job;
use super::debug::{Order, Otherwise};
use super::program::Program;
use super::{Setup, TuiError};
use crate::engine::{Ask, Command, Debugging, Edit, Fork, OtherCrop, PageSource, Past};
use crate::page::Page;
use crate::protocol::Profile;
use crate::session;
use crate::trace::breakpoint::Breakpoint;
use crate::trace::{ImageRole, SessionStart};

impl Program {
    /// Works a fork out and begins it; what is wrong with it is said, and the screen stays as it is.
    pub(super) fn fork(&mut self, order: &Order) -> Result<(), TuiError> {
        match self.planned(order) {
            Ok(ask) => {
                self.act(Action::Forked)?;
                self.begin_fork(ask);
                Ok(())
            }
            Err(why) => self.act(Action::Failed(why)),
        }
    }

    fn planned(&self, order: &Order) -> Result<Ask, String> {
        let explorer = self.app().explorer.as_ref().ok_or("no session is open")?;
        let past = Arc::new(explorer.past());
        let start = past.trace.start.clone().ok_or("the session has not begun")?;
        let mut ask = self.asked_again(&start, &past)?;
        let edit = match &order.what {
            Otherwise::Edit(edit) => edit.clone(),
            Otherwise::CropFile(path) => {
                let page = Page::open(path).map_err(|e| e.to_string())?;
                Edit::Crop(OtherCrop::Image(page.pixels, path.display().to_string()))
            }
            Otherwise::Setting(setting) => {
                setting.apply(&mut ask).map_err(|e| e.to_string())?;
                Edit::Settings(vec![setting.name().to_owned()])
            }
        };
        let fork = Fork::plan(past, order.at, edit, &ask.profile).map_err(|e| e.to_string())?;
        let breakpoints = self.app().debug.points.on();
        ask.debug = Debugging { breakpoints, fork: Some(Arc::new(fork)), ..ask.debug };
        Ok(ask)
    }

    /// The question of a session put again: as it was put, where this program put it; else as its log has it.
    fn asked_again(&self, start: &SessionStart, past: &Past) -> Result<Ask, String> {
        let id = session::new_id();
        if let Some(asked) = self.asked().filter(|asked| asked.id == start.id) {
            let pixels = (start.max_pixels > 0).then_some((start.min_pixels, start.max_pixels));
            let debug = Debugging { pixels, ..Debugging::default() };
            return Ok(Ask { id, run: None, debug, ..asked.clone() });
        }
        let image = past.trace.images.iter().find(|image| image.event.role == ImageRole::Page);
        let pixels = image.and_then(|image| past.pixels.get(&image.event.hash));
        let pixels = pixels.ok_or("the page of this session is not kept here, so it cannot go on")?;
        let hash = image.map(|image| image.event.hash.clone()).unwrap_or_default();
        let page = PageSource::Page(Arc::new(Page { pixels: Arc::clone(pixels), hash, path: None }));
        Ok(Ask::of_log(start, id, page, profile_of(start, self.setup())))
    }

    /// Tells a running session where to pause from now on.
    pub(super) fn set_breakpoints(&self, breakpoints: Vec<Breakpoint>) {
        self.send(Command::Breakpoints(breakpoints));
    }

    /// Asks the terminal to put a text into its clipboard (OSC 52); one that cannot ignores it.
    pub(super) fn copy(&mut self, text: &str) -> Result<(), TuiError> {
        let out = self.out();
        write!(out, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        out.flush()?;
        Ok(())
    }

    /// Finds a recorded session by its id and reads it.
    pub(super) fn find_beside(&mut self, id: &str) -> Result<(), TuiError> {
        // An id comes from a log: only a name is looked for, never a path.
        let store = self.setup().store.as_ref().filter(|_| session::check_id(id).is_ok());
        match store.and_then(|store| store.resolve(id).ok()) {
            Some(path) => {
                self.open_beside(path);
                Ok(())
            }
            None => self.act(Action::Failed("that session is not in the sessions folder".to_owned())),
        }
    }

    /// Reads a recorded session to put it beside the one on screen.
    pub(super) fn open_beside(&mut self, path: std::path::PathBuf) {
        self.job(Job::Beside(path));
    }
}

/// How the session was talked to; the program's own profile where that one is not to be had.
fn profile_of(start: &SessionStart, setup: &Setup) -> Arc<Profile> {
    if setup.profile.hash() == start.profile_hash {
        return Arc::clone(&setup.profile);
    }
    // Only shipped names are looked up: a log must not make the program read files.
    let shipped = Profile::builtin(&start.profile).ok().filter(|profile| profile.hash() == start.profile_hash);
    shipped.map_or_else(|| Arc::clone(&setup.profile), Arc::new)
}
