//! The debugger's list, line and words over the explorer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, field, line, pane, put};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::debug::{Menu, Prompt};
use crate::tui::theme::Role;

/// Where a list stands: the lower right, so that the page stays in sight.
pub fn menu_place(menu: &Menu, area: Rect) -> Rect {
    let rows = u16::try_from(menu.rows.len() + 2 + usize::from(!menu.hint.is_empty())).unwrap_or(u16::MAX);
    let widest = menu.rows.iter().map(|row| row.text.width() + row.note.width() + 8).max().unwrap_or(0);
    let wanted = widest.max(menu.title.width() + 6).max(menu.hint.width() + 4).max(30);
    let width = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.width.saturating_sub(2)).max(area.width.min(1));
    let height = rows.min(area.height.saturating_sub(2)).max(area.height.min(1));
    let x = area.x + area.width.saturating_sub(width + 1);
    Rect { x, y: area.y + (area.height - height) / 2, width, height }
}

/// Where a line stands.
pub fn prompt_place(area: Rect) -> Rect {
    let width = area.width.saturating_sub(4).clamp(area.width.min(1), 84);
    let height = area.height.min(4);
    let y = area.y + (area.height - height) / 2;
    Rect { x: area.x + (area.width - width) / 2, y, width, height }
}

/// The inside, without a frame where there is no room for one.
fn framed(over: Rect, title: &str, app: &App, buf: &mut Buffer) -> Rect {
    Clear.render(over.intersection(buf.area), buf);
    if over.height < 3 || over.width < 8 {
        return over.intersection(buf.area);
    }
    pane(title, over, &app.theme, buf)
}

/// Draws the list.
pub fn menu(app: &App, menu: &Menu, area: Rect, buf: &mut Buffer) {
    let title = ellipsis(&clean(&menu.title).replace('\n', " "), usize::from(area.width.saturating_sub(8)));
    let inside = framed(menu_place(menu, area), &title, app, buf);
    let hint = usize::from(!menu.hint.is_empty() && inside.height > 2);
    let height = usize::from(inside.height) - hint.min(usize::from(inside.height));
    let first = (menu.selected + 1).saturating_sub(height.max(1));
    for (i, row) in menu.rows.iter().enumerate().skip(first).take(height) {
        let place = line(inside, i - first);
        let chosen = i == menu.selected;
        let style = |role: Role| app.theme.style(if chosen { Role::Selection } else { role });
        buf.set_style(place.intersection(buf.area), style(Role::Text));
        let usable = row.why_not.is_none();
        let x = put(buf, place, 0, if chosen { "▸ " } else { "  " }, style(Role::Accent));
        let text = clean(&row.text).replace('\n', " ");
        let x = put(buf, place, x, &text, style(if usable { Role::Text } else { Role::Faint }));
        // The reason stands where the note would: grey alone says nothing.
        let note = row.why_not.as_deref().map_or_else(|| row.note.clone(), |why| format!("({why})"));
        let room = usize::from(place.width.saturating_sub(x + 2));
        let note = ellipsis(&clean(&note).replace('\n', " "), room);
        let start = place.width.saturating_sub(note.width() as u16 + 1).max(x + 1);
        put(buf, place, start, &note, style(if usable { Role::Soft } else { Role::Faint }));
    }
    if hint > 0 {
        put(buf, line(inside, height), 0, menu.hint, app.theme.style(Role::Faint));
    }
}

/// Draws the line.
pub fn prompt(app: &App, prompt: &Prompt, area: Rect, buf: &mut Buffer) {
    let (title, example) = prompt.question.words();
    let inside = framed(prompt_place(area), title, app, buf);
    field::draw(&prompt.field, example, line(inside, 0), &app.theme, buf);
    let (words, role) = match &prompt.wrong {
        Some(wrong) => (format!("! {}", clean(wrong).replace('\n', " ")), Role::Error),
        None => ("Enter takes it · Esc leaves it".to_owned(), Role::Faint),
    };
    put(buf, line(inside, 1), 0, &ellipsis(&words, usize::from(inside.width)), app.theme.style(role));
}
