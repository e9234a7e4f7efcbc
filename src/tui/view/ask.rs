//! The form in which a question about a page is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, layout, line, pane, put, status};
use crate::tui::app::{App, Choice};
use crate::tui::clean;
use crate::tui::images::{Gallery, Slot};
use crate::tui::keys::Keymap;
use crate::tui::theme::Role;

/// Draws the form.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let panes = layout::library(area);
    let x = put(buf, panes.title, 1, "panelscope", app.theme.style(Role::Accent));
    put(buf, panes.title, x, "  ask about a page", app.theme.style(Role::Soft));
    field(app, if panes.detail.is_empty() { line(panes.list, 0) } else { panes.detail }, buf);
    let list = if panes.detail.is_empty() { below(panes.list, 1) } else { panes.list };
    pages(app, list, buf);
    let inside = pane("Page", panes.preview, &app.theme, buf);
    if !inside.is_empty() {
        gallery.draw(Slot::Page, inside, app.is_covered(), buf);
    }
    status::hints(app, keymap, panes.hints, buf);
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn field(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Question · choices after |", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    let row = line(inside, 0);
    if row.is_empty() {
        return;
    }
    buf.set_style(row, app.theme.style(Role::Field));
    let (before, after) = app.ask.field.halves();
    let room = usize::from(row.width.saturating_sub(1));
    let x = put(buf, row, 0, &tail(before, room), app.theme.style(Role::Field));
    let under = after.chars().next().map_or(" ".to_owned(), |c| c.to_string());
    let x = put(buf, row, x, &under, app.theme.style(Role::Cursor));
    let rest: String = after.chars().skip(1).collect();
    put(buf, row, x, &rest, app.theme.style(Role::Field));
    if app.ask.field.text().is_empty() {
        put(buf, row, 2, "What is happening in panel 2? | running | sleeping", app.theme.style(Role::Faint));
    }
    put(
        buf,
        line(inside, 1),
        0,
        "Enter asks. The answer is not scored: nobody said what is true.",
        app.theme.style(Role::Faint),
    );
}

/// The end of a text, as much of it as fits.
fn tail(text: &str, width: usize) -> String {
    let mut start = 0;
    while text.get(start..).is_some_and(|t| t.width() > width) {
        start += text.get(start..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
    }
    text.get(start..).unwrap_or_default().to_owned()
}

fn pages(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Pages", area, &app.theme, buf);
    let height = usize::from(inside.height);
    let first = app.ask.selected.saturating_sub(height / 2).min(app.ask.pages.len().saturating_sub(height));
    for (i, page) in app.ask.pages.iter().enumerate().skip(first).take(height) {
        let selected = i == app.ask.selected;
        let role = if selected { Role::Selection } else { Role::Text };
        let name = match page {
            Choice::Page(path) | Choice::Session(path) => clean(&path.to_string_lossy()).replace('\n', " "),
            Choice::Named(name) => clean(name).replace('\n', " "),
            Choice::Question(index) => {
                app.library.questions().get(*index).map_or(String::new(), |q| format!("page of {}", q.id))
            }
        };
        let text = format!("{} {}", if selected { "▸" } else { " " }, name);
        put(buf, line(inside, i - first), 0, &ellipsis(&text, usize::from(inside.width)), app.theme.style(role));
    }
}
