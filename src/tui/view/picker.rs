//! The list of themes, at the side, so that the screen behind it shows what is chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::{ellipsis, layout, line, pane, put};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::theme::Role;

/// Columns of the list.
const WIDTH: u16 = 30;

/// Where the list stands: top right.
pub fn place(app: &App, area: Rect) -> Rect {
    let width = WIDTH.min(area.width);
    let rows = u16::try_from(app.themes.len()).unwrap_or(u16::MAX).saturating_add(2);
    let top = u16::from(area.height > 4);
    let height = rows.min(area.height - top);
    Rect { x: area.x + area.width - width, y: area.y + top, width, height }
}

fn inside(over: Rect) -> Rect {
    if over.height >= 3 && over.width >= 8 { layout::inside(over) } else { over }
}

fn first(app: &App, inside: Rect) -> usize {
    let selected = app.picker.as_ref().map_or(0, |p| p.selected);
    (selected + 1).saturating_sub(usize::from(inside.height).max(1))
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(picker) = &app.picker else { return };
    let over = place(app, area);
    Clear.render(over.intersection(buf.area), buf);
    let inside = inside(over);
    if inside != over {
        pane("Themes · Enter keeps", over, &app.theme, buf);
    }
    let first = first(app, inside);
    for (i, theme) in app.themes.iter().enumerate().skip(first).take(usize::from(inside.height)) {
        let row = line(inside, i - first);
        let selected = i == picker.selected;
        let style = |role: Role| app.theme.style(if selected { Role::Selection } else { role });
        buf.set_style(row.intersection(buf.area), style(Role::Text));
        let x = put(buf, row, 0, if selected { "▸ " } else { "  " }, style(Role::Accent));
        let kind = if theme.dark { "dark" } else { "light" };
        let room = usize::from(row.width.saturating_sub(x + 7));
        put(buf, row, x, &ellipsis(&clean(&theme.name).replace('\n', " "), room), style(Role::Text));
        let start = row.width.saturating_sub(kind.len() as u16 + 1);
        if start > x + 4 && !theme.name.ends_with(kind) {
            put(buf, row, start, kind, style(Role::Soft));
        }
    }
}

/// The theme at a place of the screen.
pub fn row_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let inside = inside(place(app, area));
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let index = first(app, inside) + usize::from(row - inside.y);
    (index < app.themes.len()).then_some(index)
}
