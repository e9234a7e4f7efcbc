//! Views: pure functions from the state to a frame.
//!
//! Every view takes any area, empty ones included, and draws inside it. Text that a model or a file wrote comes here already
//! made harmless or is made so before it is drawn.

pub mod ask;
pub mod attend;
pub mod charts;
pub mod compare;
pub mod crop_pane;
pub mod debug;
pub mod entropy;
pub mod explorer;
pub mod failures;
pub mod field;
pub mod help;
pub mod layout;
pub mod library;
pub mod page_pane;
pub mod palette;
pub mod picker;
pub mod probe;
pub mod reasoning;
pub mod sessions;
pub mod sides;
pub mod status;
pub mod token;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType, Widget};
use unicode_width::UnicodeWidthStr;

use super::app::{App, Screen};
use super::images::Gallery;
use super::keys::{Context, Keymap};
use super::theme::{Role, Theme};

/// Draws the whole screen.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    match app.screen {
        Screen::Library => library::draw(app, gallery, keymap, area, buf),
        Screen::Explorer => explorer::draw(app, gallery, keymap, area, buf),
        Screen::Ask => ask::draw(app, gallery, keymap, area, buf),
        Screen::Sessions => sessions::draw(app, gallery, keymap, area, buf),
        Screen::Failures => failures::draw(app, keymap, area, buf),
        Screen::Compare => compare::draw(app, keymap, area, buf),
    }
    if let Some(scroll) = app.help {
        help::draw(app, keymap, scroll, area, buf);
    }
    if app.screen == Screen::Explorer {
        over_explorer(app, area, buf);
    }
    picker::draw(app, area, buf);
    if let Some(palette) = &app.palette {
        palette::draw(app, palette, keymap, area, buf);
    }
    app.theme.paint(buf);
}

/// What the debugger shows over the explorer.
fn over_explorer(app: &App, area: Rect, buf: &mut Buffer) {
    let open = &app.debug;
    if let Some(pane) = app.probe.pane_of(app.explorer.as_ref()) {
        probe::draw(app, pane, area, buf);
    }
    if let Some(sides) = &open.sides {
        sides::draw(app, sides, area, buf);
    }
    if let Some(menu) = &open.menu {
        debug::menu(app, menu, area, buf);
    }
    if let Some(prompt) = &open.prompt {
        debug::prompt(app, prompt, area, buf);
    }
}

/// Where the keys go now.
pub fn context(app: &App) -> Context {
    if app.palette.is_some() {
        return Context::Palette;
    }
    if app.picker.is_some() {
        return Context::Themes;
    }
    if app.help.is_some() {
        return Context::Help;
    }
    screen_context(app)
}

/// The context of the screen, whatever stands over it.
pub fn screen_context(app: &App) -> Context {
    match app.screen {
        Screen::Library => Context::Library,
        Screen::Explorer if app.debug.prompt.is_some() => Context::Prompt,
        Screen::Explorer if app.debug.menu.is_some() => Context::Menu,
        Screen::Explorer if app.debug.boxing.is_some() => Context::Box,
        Screen::Explorer if app.debug.sides.is_some() => Context::Sides,
        Screen::Explorer if app.probe.pane_of(app.explorer.as_ref()).is_some() => Context::Probe,
        Screen::Explorer => Context::Explorer,
        Screen::Ask => Context::Ask,
        Screen::Sessions if app.sessions.typing => Context::Filter,
        Screen::Sessions => Context::Sessions,
        Screen::Failures if app.failures.typing => Context::Filter,
        Screen::Failures => Context::Failures,
        Screen::Compare => Context::Compare,
    }
}

/// Whether something stands over a part of the screen, so that pictures outside the cells must stay away from it.
pub(super) fn covered(app: &App, part: Rect, screen: Rect) -> bool {
    let palette = app.palette.as_ref().map(|p| palette::place(p, &app.keymap, screen));
    let picker = app.picker.as_ref().map(|_| picker::place(app, screen));
    let explorer = app.screen == Screen::Explorer;
    let menu = app.debug.menu.as_ref().filter(|_| explorer).map(|menu| debug::menu_place(menu, screen));
    let prompt = app.debug.prompt.as_ref().filter(|_| explorer).map(|_| debug::prompt_place(screen));
    let result = app.probe.pane_of(app.explorer.as_ref()).filter(|_| explorer).map(|_| probe::place(app, screen));
    let whole = app.help.is_some() || (explorer && app.debug.sides.is_some());
    whole || [palette, picker, menu, prompt, result].into_iter().flatten().any(|over| over.intersects(part))
}

/// Draws a pane's frame and title and gives its inside.
pub(super) fn pane(title: &str, area: Rect, theme: &Theme, buf: &mut Buffer) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 3 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    Block::bordered().border_type(BorderType::Rounded).border_style(theme.style(Role::Border)).render(area, buf);
    let room = area.width.saturating_sub(4);
    if room >= 3 && !title.is_empty() {
        let title = format!(" {title} ");
        put(buf, Rect { x: area.x + 1, width: room + 2, height: 1, ..area }, 0, &title, theme.style(Role::Title));
    }
    layout::inside(area)
}

/// Writes `text` on the first line of `area` from column `x` on, cut at the area's end; gives the column after it.
pub(super) fn put(buf: &mut Buffer, area: Rect, x: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() || x >= area.width {
        return x;
    }
    let (end, _) = buf.set_stringn(area.x + x, area.y, text, usize::from(area.width - x), style);
    end - area.x
}

/// Line `index` of an area; empty where the area ends before it.
pub(super) fn line(area: Rect, index: usize) -> Rect {
    match u16::try_from(index).ok().filter(|i| *i < area.height) {
        Some(i) => Rect { y: area.y + i, height: 1, ..area },
        None => Rect { height: 0, width: 0, ..area },
    }
}

/// Text cut to so many cells, with `…` where something is missing.
pub(super) fn ellipsis(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        used += w;
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Text wrapped at words into at most `rows` lines of `width` cells.
pub(super) fn wrapped(text: &str, width: usize, rows: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let room = current.width() + 1 + word.width() <= width;
        if current.is_empty() || room {
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        } else {
            lines.push(std::mem::replace(&mut current, word.to_owned()));
        }
    }
    if !current.is_empty() {
        lines.push(current);
    }
    let cut = lines.len() > rows;
    lines.truncate(rows);
    if let (true, Some(last)) = (cut, lines.last_mut()) {
        last.push_str(" …");
    }
    lines.into_iter().map(|l| ellipsis(&l, width)).collect()
}
