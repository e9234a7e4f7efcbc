//! A text field of one line, with its cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::put;
use crate::tui::field::TextField;
use crate::tui::theme::{Role, Theme};

/// Draws a field on a row; `empty` is said while nothing is typed.
pub fn draw(field: &TextField, empty: &str, row: Rect, theme: &Theme, buf: &mut Buffer) {
    let row = row.intersection(buf.area);
    if row.is_empty() {
        return;
    }
    buf.set_style(row, theme.style(Role::Field));
    let (before, after) = field.halves();
    let room = usize::from(row.width.saturating_sub(1));
    let x = put(buf, row, 0, &tail(before, room), theme.style(Role::Field));
    let under = after.chars().next().map_or(" ".to_owned(), |c| c.to_string());
    let x = put(buf, row, x, &under, theme.style(Role::Cursor));
    let rest: String = after.chars().skip(1).collect();
    put(buf, row, x, &rest, theme.style(Role::Field));
    if field.text().is_empty() {
        put(buf, row, 2, empty, theme.style(Role::Faint));
    }
}

/// The end of a text, as much of it as fits.
fn tail(text: &str, width: usize) -> String {
    let mut start = 0;
    while text.get(start..).is_some_and(|t| t.width() > width) {
        start += text.get(start..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
    }
    text.get(start..).unwrap_or_default().to_owned()
}
