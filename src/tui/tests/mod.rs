//! Tests of the explorer as a whole: screens, keys, frames on the wire.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod any;
mod attend;
mod debug;
mod failures;
mod look;
mod page;
mod probe;
mod reasoning;
mod screens;
mod sessions;
mod update;
mod wire;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::app::App;
use super::fixtures;
use super::images::{Caps, Gallery};
use super::theme::ColorDepth;
use super::view;

/// The screen of a state, pictures painted.
fn screen(app: &App, w: u16, h: u16) -> Buffer {
    let gallery = fixtures::gallery(app, Caps::blocks(ColorDepth::True));
    screen_with(app, &gallery, w, h)
}

fn screen_with(app: &App, gallery: &Gallery, w: u16, h: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(w, h)).unwrap();
    terminal
        .draw(|frame| {
            view::draw(app, gallery, &app.keymap, frame);
            gallery.settle(frame.buffer_mut());
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The characters of a screen, trailing blanks cut.
fn text(buffer: &Buffer) -> String {
    let rows = (0..buffer.area.height).map(|y| {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer.cell((x, y)).map_or(" ", |c| c.symbol());
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
