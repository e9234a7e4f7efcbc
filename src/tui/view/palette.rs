//! The command palette over the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, field, line, pane, put};
use crate::tui::app::App;
use crate::tui::keys::Keymap;
use crate::tui::palette::Palette;
use crate::tui::theme::Role;

/// Columns of the keys.
const KEYS: u16 = 18;

/// Where the palette stands: the middle of the screen, as high as all that can be done here needs.
pub fn place(palette: &Palette, keymap: &Keymap, area: Rect) -> Rect {
    let all = Palette::new(palette.context).rows(keymap).len();
    let width = area.width.saturating_sub(4).clamp(area.width.min(1), 72);
    let height = u16::try_from(all + 3).unwrap_or(u16::MAX).min(area.height.saturating_sub(2)).max(area.height.min(1));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The inside, without a frame where there is no room for one.
fn inside(over: Rect) -> Rect {
    if over.height >= 4 && over.width >= 12 { super::layout::inside(over) } else { over }
}

/// The first row that is shown, and how many are.
fn window(palette: &Palette, inside: Rect) -> (usize, usize) {
    let height = usize::from(inside.height.saturating_sub(1));
    ((palette.selected + 1).saturating_sub(height.max(1)), height)
}

/// Draws it.
pub fn draw(app: &App, palette: &Palette, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let over = place(palette, keymap, area);
    Clear.render(over.intersection(buf.area), buf);
    let inside = inside(over);
    if inside != over {
        pane("Commands · Enter does it · Esc closes", over, &app.theme, buf);
    }
    field::draw(&palette.field, "type some letters of what to do", line(inside, 0), &app.theme, buf);
    let rows = palette.rows(keymap);
    if rows.is_empty() {
        put(buf, line(inside, 1), 1, "nothing that can be done here is called so", app.theme.style(Role::Faint));
    }
    let (first, height) = window(palette, inside);
    for (i, binding) in rows.iter().enumerate().skip(first).take(height) {
        let row = line(inside, 1 + i - first);
        let selected = i == palette.selected;
        let style = |role: Role| app.theme.style(if selected { Role::Selection } else { role });
        buf.set_style(row.intersection(buf.area), style(Role::Text));
        let x = put(buf, row, 0, if selected { "▸ " } else { "  " }, style(Role::Accent));
        let keys: Vec<String> = binding.chords.iter().map(|c| c.name()).collect();
        // Where there is no room for both, the words matter more.
        let keys = if row.width < 40 { String::new() } else { ellipsis(&keys.join(" "), usize::from(KEYS)) };
        let words_room = row.width.saturating_sub(x + keys.width() as u16 + 2);
        put(buf, row, x, &ellipsis(binding.words, usize::from(words_room)), style(Role::Text));
        let start = row.width.saturating_sub(keys.width() as u16 + 1);
        if start > x {
            put(buf, row, start, &keys, style(Role::Key));
        }
    }
}

/// The row of the palette at a place of the screen.
pub fn row_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let palette = app.palette.as_ref()?;
    let inside = inside(place(palette, &app.keymap, area));
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let below = usize::from(row.checked_sub(inside.y + 1)?);
    let index = window(palette, inside).0 + below;
    (index < palette.rows(&app.keymap).len()).then_some(index)
}
