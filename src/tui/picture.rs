//! A recorded session's screen as a picture, for documentation: drawn by the explorer's own views.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::action::{Action, Scrub, Unit};
use super::app::App;
use super::export_svg::{Ground, Picture, buffer_to_svg};
use super::images::{Caps, Gallery, Way, paint, picture_of};
use super::keys::Keymap;
use super::theme::{ColorDepth, Theme};
use super::{TuiError, source, view};

/// Pixels of a cell in a picture with pictures in it: twice what the picture's own cells have, for dense screens.
const CELL: (u16, u16) = (16, 34);

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

/// The explorer's screen of a recorded session as SVG, in a theme made for all colours.
///
/// # Errors
/// [`TuiError::Recording`] when the session cannot be read.
pub fn screenshot(path: &Path, shot: Shot, theme: Theme) -> Result<String, TuiError> {
    let (records, problems) = source::read_recording(path).map_err(TuiError::Recording)?;
    let mut app = App::new(theme);
    let blocks = Caps::blocks(ColorDepth::True);
    let caps = if shot.blocks { blocks } else { Caps { way: Way::Kitty, cell: CELL, ..blocks } };
    app.cell_aspect = caps.cell_aspect();
    app.update(Action::Resize(shot.width, shot.height));
    app.update(Action::Replay { path: path.to_owned(), records, problems });
    app.update(Action::Scrub(Scrub::End));
    if let Some(token) = shot.token {
        app.update(Action::Scrub(Scrub::Start));
        for _ in 0..token {
            app.update(Action::Step(Unit::Token));
        }
    }
    let mut gallery = Gallery::new(caps.clone());
    let mut pictures = Vec::new();
    for request in gallery.want(app.wants()) {
        gallery.ready(paint(&request, &caps, 1));
        pictures.push(picture_of(&request, &caps));
    }
    let mut terminal = match Terminal::new(TestBackend::new(shot.width, shot.height)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    let drawn = terminal.draw(|frame| view::draw(&app, &gallery, &Keymap::default(), frame));
    if let Err(never) = drawn {
        match never {}
    }
    let areas = gallery.areas();
    let placed = areas.into_iter().zip(pictures).map(|(area, pixels)| Picture { area, pixels }).collect::<Vec<_>>();
    let ground = Ground { ink: app.theme.ink, paper: app.theme.paper };
    Ok(buffer_to_svg(terminal.backend().buffer(), ground, &placed))
}
