//! The form in which a question about a page is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{covered, ellipsis, field, layout, line, pane, put, status, wrapped};
use crate::tui::app::{App, Choice};
use crate::tui::clean;
use crate::tui::images::{Gallery, Slot};
use crate::tui::keys::Keymap;
use crate::tui::theme::Role;

/// Draws the form.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let panes = layout::ask(area, app.ask.pages.len());
    let x = put(buf, panes.title, 1, "panelscope", app.theme.style(Role::Accent));
    put(buf, panes.title, x, "  ask about a page", app.theme.style(Role::Soft));
    question(app, if panes.detail.is_empty() { line(panes.list, 0) } else { panes.detail }, buf);
    let list = if panes.detail.is_empty() { below(panes.list, 1) } else { panes.list };
    pages(app, list, buf);
    preview(app, gallery, panes.preview, buf);
    status::hints(app, keymap, panes.hints, buf);
}

/// The page, or why it cannot be shown, which is why it cannot be asked about.
fn preview(app: &App, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let inside = pane("Page", area, &app.theme, buf);
    if inside.is_empty() {
        return;
    }
    let Some(why) = app.page_fault() else {
        gallery.draw(Slot::Page, inside, covered(app, inside, buf.area), buf);
        return;
    };
    let text = clean(why).replace('\n', " ");
    for (i, row) in wrapped(&text, usize::from(inside.width), usize::from(inside.height)).iter().enumerate() {
        put(buf, line(inside, i), 0, row, app.theme.style(Role::Error));
    }
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn question(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Question · choices after |", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    let row = line(inside, 0);
    if row.is_empty() {
        return;
    }
    field::draw(&app.ask.field, "What is happening in panel 2? | running | sleeping", row, &app.theme, buf);
    put(
        buf,
        line(inside, 1),
        0,
        "Enter asks. The answer is not scored: nobody said what is true.",
        app.theme.style(Role::Faint),
    );
}

/// The page at a place of the screen, by its index.
pub fn page_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let panes = layout::ask(area, app.ask.pages.len());
    let inside = layout::inside(if panes.detail.is_empty() { below(panes.list, 1) } else { panes.list });
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let index = first_page(app, usize::from(inside.height)) + usize::from(row - inside.y);
    (index < app.ask.pages.len()).then_some(index)
}

/// The first page shown of a list that is so many lines high.
fn first_page(app: &App, height: usize) -> usize {
    app.ask.selected.saturating_sub(height / 2).min(app.ask.pages.len().saturating_sub(height))
}

fn pages(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Pages", area, &app.theme, buf);
    let height = usize::from(inside.height);
    let first = first_page(app, height);
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
