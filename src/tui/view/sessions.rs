//! The table of recorded sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

use super::{covered, ellipsis, layout, line, pane, put, status};
use crate::session::filter::Completion;
use crate::tui::app::{App, Verdict};
use crate::tui::clean;
use crate::tui::images::{Gallery, Slot};
use crate::tui::keys::Keymap;
use crate::tui::sessions::{Column, Row, Sessions};
use crate::tui::theme::Role;

/// Cells before the first column: the mark of the selected row.
const GUTTER: u16 = 2;
/// Below this width the verdict is its glyph alone.
const NARROW: u16 = 70;

/// Where everything goes.
pub fn panes(area: Rect) -> layout::Library {
    let mut out = layout::library(area);
    let body = Rect { width: area.width, ..out.list };
    // The table is what needs the room; a page is seen well on a third of a wide screen.
    let preview = if body.width >= 110 && body.height >= 10 { (body.width * 3 / 10).min(60) } else { 0 };
    out.list = Rect { width: body.width - preview, ..body };
    out.preview = match preview {
        0 => Rect { width: 0, height: 0, ..body },
        width => Rect { x: body.x + (body.width - width), width, ..body },
    };
    out
}

/// Draws the screen.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let panes = panes(area);
    title(app, panes.title, buf);
    table(app, panes.list, buf);
    preview(app, gallery, panes.preview, buf);
    detail(app, panes.detail, buf);
    status::hints(app, keymap, panes.hints, buf);
}

fn title(app: &App, area: Rect, buf: &mut Buffer) {
    let sessions = &app.sessions;
    let mut x = put(buf, area, 1, "panelscope", app.theme.style(Role::Accent));
    if sessions.typing {
        let room = usize::from(area.width.saturating_sub(x + 6));
        let (before, after) = sessions.filter.halves();
        x = put(buf, area, x, "  / ", app.theme.style(Role::Key));
        x = put(buf, area, x, &tail(before, room), app.theme.style(Role::Field));
        let mut rest = after.chars();
        let under = rest.next().map_or_else(|| " ".to_owned(), |c| c.to_string());
        x = put(buf, area, x, &under, app.theme.style(Role::Cursor));
        x = put(buf, area, x, rest.as_str(), app.theme.style(Role::Field));
    }
    let counts: Vec<String> =
        [Verdict::Right, Verdict::Partial, Verdict::Wrong, Verdict::NoAnswer, Verdict::Answered, Verdict::None]
            .into_iter()
            .map(|verdict| (verdict, sessions.count(verdict)))
            .filter(|(_, n)| *n > 0)
            .map(|(verdict, n)| match verdict {
                Verdict::None => format!("{n} unfinished"),
                _ => format!("{n} {}", verdict.marks().1),
            })
            .collect();
    let of = if sessions.len() == sessions.total() {
        format!("  {} sessions", sessions.total())
    } else {
        format!("  {} of {} sessions", sessions.len(), sessions.total())
    };
    let progress = [(sessions.reading, "read"), (sessions.words, "read for their words")];
    let progress = progress
        .into_iter()
        .filter_map(|(progress, what)| progress.map(|progress| format!("{} of {} {what}", progress.done, progress.of)));
    let text = [vec![of], counts, progress.collect()].concat().join(" · ");
    let x = put(buf, area, x, &text, app.theme.style(Role::Soft));
    let only = sessions.narrowed();
    if !only.is_empty() && !sessions.typing {
        put(buf, area, x, &format!("  only {only} · Esc shows all"), app.theme.style(Role::Accent));
    }
}

/// The end of a text, as much of it as fits.
fn tail(text: &str, width: usize) -> String {
    let mut start = text;
    while start.width() > width {
        let mut chars = start.chars();
        chars.next();
        start = chars.as_str();
    }
    start.to_owned()
}

fn table(app: &App, area: Rect, buf: &mut Buffer) {
    let sessions = &app.sessions;
    let inside = pane("Sessions", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    if sessions.is_empty() {
        let text = match (sessions.loading, sessions.total()) {
            (true, _) => "looking for sessions …",
            (false, 0) => "no sessions are recorded yet",
            (false, _) => "nothing of this kind; Esc shows all",
        };
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    }
    let columns = columns(inside.width, sessions);
    let head = head_rows(inside);
    if head == 1 {
        heading(app, &columns, line(inside, 0), buf);
    }
    let height = usize::from(inside.height).saturating_sub(head);
    let (at, first) = (sessions.selected(), first_row(sessions, height));
    for i in 0..height {
        match sessions.row(first + i) {
            Some(row) => draw_row(app, row, first + i == at, &columns, line(inside, i + head), buf),
            // Still being read.
            None if first + i < sessions.len() => {
                put(buf, line(inside, i + head), GUTTER, "…", app.theme.style(Role::Faint));
            }
            None => break,
        }
    }
}

/// On a screen of three rows the sessions are worth more than their headings.
fn head_rows(inside: Rect) -> usize {
    usize::from(inside.height >= 3)
}

/// The first row shown of a table that is so many rows high.
fn first_row(sessions: &Sessions, height: usize) -> usize {
    sessions.selected().saturating_sub(height / 2).min(sessions.len().saturating_sub(height))
}

/// The session at a place of the screen, by its place in the table.
pub fn row_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let list = panes(area).list;
    let inside = layout::inside(list);
    let inside = if inside.is_empty() { list } else { inside };
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let head = head_rows(inside);
    let below = usize::from(row - inside.y).checked_sub(head)?;
    let index = first_row(&app.sessions, usize::from(inside.height).saturating_sub(head)) + below;
    (index < app.sessions.len()).then_some(index)
}

fn heading(app: &App, columns: &[(Column, u16)], row: Rect, buf: &mut Buffer) {
    let (sort, reversed) = app.sessions.sorting();
    let mut x = GUTTER;
    for (column, width) in columns {
        let chosen = *column == sort;
        let mark = if !chosen {
            ""
        } else if reversed {
            "▼"
        } else {
            "▲"
        };
        let room = usize::from(*width).saturating_sub(mark.width());
        let name = if room >= 3 { ellipsis(column.name(), room) } else { String::new() };
        let role = if chosen { Role::Accent } else { Role::Title };
        let cell = Rect { width: row.width.min(x + width), ..row };
        put(buf, cell, x, &format!("{name}{mark}"), app.theme.style(role));
        x += width + 1;
    }
}

fn draw_row(app: &App, row: &Row, selected: bool, columns: &[(Column, u16)], area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    if selected {
        buf.set_style(area.intersection(buf.area), theme.style(Role::Selection));
    }
    put(
        buf,
        area,
        0,
        if selected { "▸" } else { " " },
        theme.style(if selected { Role::Selection } else { Role::Accent }),
    );
    let mut x = GUTTER;
    for (column, width) in columns {
        let role = match column {
            Column::Verdict => match row.verdict {
                Verdict::Right => Role::Right,
                Verdict::Wrong => Role::Wrong,
                _ => Role::Soft,
            },
            Column::Fork => Role::Zoom,
            Column::Answer | Column::Question => Role::Text,
            Column::Task | Column::Zooms | Column::Coverage | Column::Model => Role::Soft,
            Column::Started | Column::Run => Role::Faint,
        };
        let style = theme.style(if selected { Role::Selection } else { role });
        let text = match column {
            Column::Verdict if *width == 1 => row.verdict.marks().0.to_owned(),
            Column::Fork if *width == 1 => if row.parent.is_some() { "⑂" } else { "" }.to_owned(),
            // The columns that are numbers stand to the right.
            Column::Zooms | Column::Coverage => format!("{:>1$}", row.cell(*column), usize::from(width - 1)),
            _ => ellipsis(row.cell(*column), usize::from(*width)),
        };
        put(buf, Rect { width: area.width.min(x + width), ..area }, x, &text, style);
        x += width + 1;
    }
}

/// Least cells that a parent's name is drawn in.
const LEAST_PARENT: u16 = 12;

/// Least and best width of a column, in cells.
const fn widths(column: Column, narrow: bool) -> (u16, u16) {
    match column {
        Column::Verdict if narrow => (1, 1),
        Column::Verdict => (11, 11),
        Column::Fork if narrow => (1, 1),
        Column::Fork => (1, 24),
        Column::Task => (10, 24),
        Column::Question => (11, 30),
        Column::Answer => (8, 16),
        Column::Zooms => (6, 6),
        Column::Coverage => (9, 9),
        Column::Model => (8, 14),
        Column::Started => (16, 16),
        Column::Run => (10, 22),
    }
}

/// Which columns there is room for, the most important first, with their widths, from left to right.
fn columns(width: u16, sessions: &Sessions) -> Vec<(Column, u16)> {
    let narrow = width < NARROW;
    let (sort, _) = sessions.sorting();
    let mut wanted = vec![Column::Verdict];
    wanted.extend(sessions.has_forks().then_some(Column::Fork));
    wanted.extend([sort, Column::Question, Column::Task, Column::Answer, Column::Started, Column::Zooms]);
    wanted.extend([Column::Coverage, Column::Model, Column::Run]);
    let mut left = width.saturating_sub(GUTTER);
    let mut chosen: Vec<(Column, u16)> = Vec::new();
    for column in wanted {
        let (least, _) = widths(column, narrow);
        let fits = least < left || chosen.is_empty();
        if fits && !chosen.iter().any(|(c, _)| *c == column) {
            left = left.saturating_sub(least + 1);
            chosen.push((column, least));
        }
    }
    // Whose words are cut is not told by how important it is to be there at all.
    let grows = [Column::Task, Column::Question, Column::Model, Column::Run, Column::Answer, Column::Fork];
    for grown in grows {
        if let Some((column, width)) = chosen.iter_mut().find(|(column, _)| *column == grown) {
            let more = (widths(*column, narrow).1 - *width).min(left);
            // Half of a parent's name says nothing.
            let more = if *column == Column::Fork && more < LEAST_PARENT { 0 } else { more };
            *width += more;
            left -= more;
        }
    }
    if let Some((_, width)) = chosen.iter_mut().find(|(column, _)| *column == Column::Answer) {
        *width += left.min(24);
    }
    Column::ALL.into_iter().filter_map(|c| chosen.iter().find(|(column, _)| *column == c).copied()).collect()
}

fn preview(app: &App, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let inside = pane("Page", area, &app.theme, buf);
    if inside.is_empty()
        || app.sessions.is_empty()
        || gallery.draw(Slot::Page, inside, covered(app, inside, buf.area), buf)
    {
        return;
    }
    if let (Some((of, Err(why))), Some(row)) = (&app.preview.shown, app.sessions.current())
        && *of == row.choice()
    {
        put(buf, line(inside, 0), 0, &clean(why).replace('\n', " "), app.theme.style(Role::Faint));
    }
}

/// What is wrong with the filter, and how the word at the cursor could be finished.
fn typing(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Filter", area, &app.theme, buf);
    let (ways, taken) = app.sessions.completing().ways();
    let mut rows = Vec::new();
    if let Some(fault) = app.sessions.fault() {
        rows.push((format!("column {}: {}", fault.column, clean(&fault.message)), Role::Wrong));
    }
    let words = |ways: &[Completion]| ways.iter().map(|way| clean(&way.insert)).collect::<Vec<_>>().join("  ");
    if !ways.is_empty() {
        let from = taken.unwrap_or(0).min(ways.len() - 1);
        rows.push((format!("Tab: {}", words(ways.get(from..).unwrap_or_default())), Role::Soft));
        let meaning = ways.get(from).map(|way| way.meaning.as_str()).filter(|meaning| !meaning.is_empty());
        rows.extend(meaning.map(|meaning| (meaning.to_owned(), Role::Faint)));
    }
    for (i, (text, role)) in rows.iter().enumerate() {
        put(buf, line(inside, i), 0, &ellipsis(text, usize::from(inside.width)), app.theme.style(*role));
    }
}

fn detail(app: &App, area: Rect, buf: &mut Buffer) {
    if app.sessions.typing {
        return typing(app, area, buf);
    }
    let Some(row) = app.sessions.current() else { return };
    let inside = pane(&row.id, area, &app.theme, buf);
    for (i, (text, role)) in row.detail.iter().zip([Role::Text, Role::Soft, Role::Faint]).enumerate() {
        put(buf, line(inside, i), 0, &ellipsis(text, usize::from(inside.width)), app.theme.style(role));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn panes_stay_inside_and_apart(w in 0u16..260, h in 0u16..90) {
            let area = Rect::new(0, 0, w, h);
            let panes = panes(area);
            let all = [panes.title, panes.list, panes.preview, panes.detail, panes.hints];
            for (i, a) in all.iter().enumerate() {
                prop_assert_eq!(a.intersection(area).area(), a.area());
                for b in all.iter().skip(i + 1) {
                    prop_assert!(a.is_empty() || b.is_empty() || a.intersection(*b).is_empty());
                }
            }
            prop_assert!(w == 0 || h == 0 || !panes.list.is_empty());
        }

        #[test]
        fn columns_fit_the_width(width in 0u16..300) {
            let chosen = columns(width, &Sessions::default());
            let used: u16 = chosen.iter().map(|(_, w)| w + 1).sum();
            prop_assert!(width < 20 || used <= width, "{} of {}: {:?}", used, width, chosen);
            prop_assert!(width < 40 || chosen.iter().any(|(c, _)| *c == Column::Started), "sorted by it");
        }
    }
}
