//! The Failures screen: tasks and labels as a heat table, looked against answered, figures and charts of the chosen row.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

use super::charts::{self, Bars};
use super::{ellipsis, field, layout, line, pane, put, status};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::failures::{Board, BoardRow, Cell, Chart, Failures, Focus};
use crate::tui::keys::Keymap;
use crate::tui::theme::Role;

/// Cells of a label's column.
const COLUMN: u16 = 11;
/// Cells of the names of tasks.
const NAMES: u16 = 26;
/// Cells of the number of sessions.
const COUNT: u16 = 6;

/// Where everything goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    /// The first line.
    pub title: Rect,
    /// Tasks and labels.
    pub table: Rect,
    /// Looked against answered.
    pub square: Rect,
    /// Figures of the row.
    pub figures: Rect,
    /// A chart of it.
    pub chart: Rect,
    /// The last line.
    pub hints: Rect,
}

/// Divides the screen.
pub fn panes(area: Rect, rows: usize) -> Panes {
    let title = line(area, 0);
    let hints = if area.height >= 4 { line(area, usize::from(area.height) - 1) } else { Rect { height: 0, ..title } };
    let body = area.height.saturating_sub(title.height + hints.height);
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(5);
    // The table first; what is below it wants nine lines to say anything.
    let table = if body < wanted.saturating_add(6) { body.min(wanted.max(body.saturating_sub(9))) } else { wanted };
    let table = if body.saturating_sub(table) < 5 { body } else { table };
    let y = area.y + title.height;
    let below = Rect { y: y + table, height: body - table, ..area };
    let square = if area.width >= 60 { 38.min(area.width) } else { 0 };
    let rest = area.width - square;
    let chart = if rest >= 70 { rest / 2 } else { 0 };
    Panes {
        title,
        table: Rect { y, height: table, ..area },
        square: Rect { width: square, ..below },
        figures: Rect { x: area.x + square, width: rest - chart, ..below },
        chart: Rect { x: area.x + square + (rest - chart), width: chart, ..below },
        hints,
    }
}

/// Draws the screen.
pub fn draw(app: &App, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let screen = &app.failures;
    let rows = screen.board.as_ref().map_or(0, |board| board.rows.len());
    let panes = panes(area, rows);
    table(app, panes.table, buf);
    title(app, panes.title, buf);
    if let (_, Some(row)) = screen.row() {
        square(app, row, panes.square, buf);
        figures(app, row, panes.figures, buf);
        chart(app, row, panes.chart, buf);
    }
    status::hints(app, keymap, panes.hints, buf);
}

fn title(app: &App, area: Rect, buf: &mut Buffer) {
    let screen = &app.failures;
    let mut x = put(buf, area, 1, "failures", app.theme.style(Role::Accent));
    if screen.typing {
        x = put(buf, area, x, "  / ", app.theme.style(Role::Key));
        let room = Rect { x: area.x + x.min(area.width), width: area.width.saturating_sub(x), ..area };
        field::draw(&screen.filter, "family:depth label:looked-wrong zooms:>=2", room, &app.theme, buf);
        // Completions stand below, where the table's frame has nothing to say.
        let below = Rect { y: area.y.saturating_add(1), x: area.x + 4, width: area.width.saturating_sub(8), ..area };
        let hint = clean(&screen.hint).replace('\n', " ");
        let role = if hint.starts_with('!') { Role::Error } else { Role::Key };
        if !hint.is_empty() {
            put(buf, below, 0, &ellipsis(&format!(" {hint} "), usize::from(below.width)), app.theme.style(role));
        }
        return;
    }
    if let Some(wrong) = &screen.wrong {
        put(buf, area, x, &format!("  ! {}", clean(wrong).replace('\n', " ")), app.theme.style(Role::Error));
        return;
    }
    let text = match &screen.board {
        Some(board) => format!("  {} sessions · {} failed · {}", board.sessions, board.failures, clean(&board.title)),
        None => String::new(),
    };
    x = put(buf, area, x, &text, app.theme.style(Role::Soft));
    if !screen.applied.is_empty() {
        let only = format!("  only {} · Esc shows all", clean(&screen.applied));
        x = put(buf, area, x, &only, app.theme.style(Role::Accent));
    }
    if screen.loading {
        put(buf, area, x, "  counting …", app.theme.style(Role::Faint));
    }
}

/// Columns that are shown: the first one's index, and how many.
fn shown(width: u16, screen: &Failures, columns: usize) -> (usize, usize) {
    let room = usize::from(width.saturating_sub(names(width) + COUNT) / COLUMN).max(1);
    let first = (screen.column() + 1).saturating_sub(room).min(columns.saturating_sub(room));
    (first, room.min(columns))
}

/// Cells of the names: on a narrow screen the numbers are worth more.
fn names(width: u16) -> u16 {
    NAMES.min(width / 3)
}

fn table(app: &App, area: Rect, buf: &mut Buffer) {
    let screen = &app.failures;
    let inside = pane("Where and how it fails", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    let Some(board) = screen.board.as_ref().filter(|board| !board.rows.is_empty()) else {
        let text = match (screen.loading, screen.applied.is_empty()) {
            (true, _) => "counting sessions …",
            (false, true) => "no sessions are recorded yet; panelscope run asks a benchmark's questions",
            (false, false) => "no session fits the filter; Esc shows all",
        };
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    };
    let (first, count) = shown(inside.width, screen, board.columns.len());
    let head = head_rows(inside);
    let starts = names(inside.width) + COUNT;
    let used = starts + u16::try_from(count).unwrap_or(u16::MAX) * COLUMN;
    let bar = Rect { x: inside.x + used, width: inside.width.saturating_sub(used + 1), ..inside };
    for (i, column) in board.columns.iter().enumerate().skip(first).take(count) {
        let x = starts + u16::try_from(i - first).unwrap_or(0) * COLUMN;
        let chosen = screen.focus == Focus::Table && i == screen.column();
        let role = if chosen { Role::Accent } else { Role::Title };
        for (row, word) in column.short.iter().enumerate().take(head) {
            put(
                buf,
                Rect { width: (x + COLUMN).min(inside.width), ..line(inside, row) },
                x,
                &format!("{word:>0$}", usize::from(COLUMN - 1)),
                app.theme.style(role),
            );
        }
    }
    if head > 0 {
        put(buf, line(inside, head - 1), 2, "task", app.theme.style(Role::Title));
        put(buf, line(inside, head - 1), starts - COUNT + 5, "n", app.theme.style(Role::Title));
        if bar.width >= 12 {
            let more = if board.columns.len() > count { "  (more columns: arrows)" } else { "" };
            put(buf, line(bar, head - 1), 1, &format!("right, 95 %, ┊ chance{more}"), app.theme.style(Role::Title));
        }
    }
    let height = usize::from(inside.height).saturating_sub(head);
    let (at, _) = screen.row();
    let from = first_row(at, height, board.rows.len());
    for (place, row) in board.rows.iter().enumerate().skip(from).take(height) {
        let place_line = line(inside, place - from + head);
        draw_row(app, row, place == at, (first, count), place_line, buf);
        if let Some(share) = row.accuracy.filter(|_| bar.width >= 12) {
            let text = format!(" {:>4.1} %", 100.0 * share.value);
            let track =
                Rect { width: bar.width.saturating_sub(9).min(40), x: bar.x + 1, ..line(bar, place - from + head) };
            charts::interval(&share, track, &app.theme, buf);
            put(buf, line(bar, place - from + head), track.width + 1, &text, app.theme.style(Role::Soft));
        }
    }
}

fn head_rows(inside: Rect) -> usize {
    match inside.height {
        0..3 => 0,
        3..6 => 1,
        _ => 2,
    }
}

fn first_row(at: usize, height: usize, rows: usize) -> usize {
    at.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

fn draw_row(app: &App, row: &BoardRow, selected: bool, (first, count): (usize, usize), area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let names = names(area.width);
    let role = if row.depth == 0 { Role::Text } else { Role::Soft };
    let mark = if selected { "▸" } else { " " };
    let indent = "  ".repeat(usize::from(row.depth));
    let name = ellipsis(&format!("{mark} {indent}{}", clean(&row.name)), usize::from(names.saturating_sub(1)));
    put(buf, area, 0, &name, theme.style(if selected { Role::Accent } else { role }));
    put(buf, area, names, &format!("{:>5}", row.n), theme.style(Role::Soft));
    for (i, cell) in row.cells.iter().enumerate().skip(first).take(count) {
        let x = names + COUNT + u16::try_from(i - first).unwrap_or(0) * COLUMN;
        let place = Rect { x: area.x + x.min(area.width), width: COLUMN.min(area.width.saturating_sub(x)), ..area };
        let here = selected && app.failures.focus == Focus::Table && i == app.failures.column();
        let failure = app.failures.board.as_ref().and_then(|board| board.columns.get(i)).is_some_and(|c| c.failure);
        draw_cell(app, cell, (here, failure), place, buf);
    }
}

fn draw_cell(app: &App, cell: &Cell, (here, failure): (bool, bool), place: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let text = match cell.n {
        0 => format!("{:>10}", "·"),
        n => format!("{}{:>4} {:>3.0}%", charts::glyph(cell.share), n, 100.0 * cell.share),
    };
    let style = match (here, cell.n) {
        (true, _) => theme.style(Role::Selection),
        (false, 0) => theme.style(Role::Faint),
        _ => charts::shade(cell.share, if failure { Role::Wrong } else { Role::Right }, theme),
    };
    let place = Rect { width: place.width.min(COLUMN - 1), ..place };
    buf.set_style(place.intersection(buf.area), style);
    put(buf, place, 0, &text, style);
}

fn square(app: &App, row: &BoardRow, area: Rect, buf: &mut Buffer) {
    let inside = pane("Looked × answered", area, &app.theme, buf);
    if inside.is_empty() {
        return;
    }
    let theme = &app.theme;
    put(buf, line(inside, 0), 14, &format!("{:>10} {:>10}", "right", "wrong"), theme.style(Role::Title));
    for (i, (name, cells)) in ["looked right", "looked wrong"].into_iter().zip(&row.square).enumerate() {
        let place = line(inside, i + 1);
        put(buf, place, 0, name, theme.style(Role::Soft));
        for (j, cell) in cells.iter().enumerate() {
            let x = 14 + u16::try_from(j).unwrap_or(0) * COLUMN;
            let here = app.failures.focus == Focus::Square && app.failures.square() == (i, j);
            let at = Rect { x: place.x + x.min(place.width), width: place.width.saturating_sub(x), ..place };
            draw_cell(app, cell, (here, j == 1), at, buf);
        }
    }
    let Some(cell) = app.failures.cell() else { return };
    let board = app.failures.board.as_deref();
    for (i, (text, role)) in told(app, board, row, cell).into_iter().enumerate() {
        put(buf, line(inside, 4 + i), 0, &ellipsis(&text, usize::from(inside.width)), theme.style(role));
    }
}

/// The chosen cell in words.
fn told(app: &App, board: Option<&Board>, row: &BoardRow, cell: &Cell) -> Vec<(String, Role)> {
    let screen = &app.failures;
    let what = match screen.focus {
        Focus::Table => board.and_then(|b| b.columns.get(screen.column())).map_or_else(String::new, |c| clean(&c.name)),
        Focus::Square => {
            let (looked, answered) = screen.square();
            let word = |wrong: usize| if wrong == 0 { "right" } else { "wrong" };
            format!("looked {}, answered {}", word(looked), word(answered))
        }
    };
    let [low, high] = cell.ci.map(|x| 100.0 * x);
    vec![
        (what, Role::Accent),
        (format!("{} of {} {}", cell.n, row.n, clean(&row.name)), Role::Text),
        (format!("{:.1} %  [{low:.1}, {high:.1}]", 100.0 * cell.share), Role::Soft),
    ]
}

fn figures(app: &App, row: &BoardRow, area: Rect, buf: &mut Buffer) {
    let inside = pane(&format!("Figures · {}", clean(&row.name)), area, &app.theme, buf);
    let height = usize::from(inside.height);
    if height == 0 {
        return;
    }
    let wide = row.figures.iter().map(|f| f.name.width()).max().unwrap_or(0) + 2;
    // Two columns where they are readable.
    let columns = if usize::from(inside.width) >= 2 * (wide + 18) && row.figures.len() > height { 2 } else { 1 };
    let width = inside.width / columns;
    for (i, figure) in row.figures.iter().enumerate().take(height * usize::from(columns)) {
        let column = u16::try_from(i / height).unwrap_or(0);
        let at = Rect { x: inside.x + column * width, width, ..line(inside, i % height) };
        put(buf, at, 0, &clean(&figure.name), app.theme.style(Role::Soft));
        put(buf, at, u16::try_from(wide).unwrap_or(u16::MAX), &clean(&figure.value), app.theme.style(Role::Text));
    }
}

fn chart(app: &App, row: &BoardRow, area: Rect, buf: &mut Buffer) {
    let Some(chart) = app.failures.chart.checked_rem(row.charts.len()).and_then(|i| row.charts.get(i)) else { return };
    let inside = pane(&clean(chart.title()), area, &app.theme, buf);
    match chart {
        Chart::Reliability { bins, .. } => charts::reliability(bins, inside, &app.theme, buf),
        Chart::Bars { heights, ends: [first, last], .. } => {
            let (first, last) = (clean(first), clean(last));
            charts::histogram(&Bars { heights, first: &first, last: &last }, inside, &app.theme, buf);
        }
    }
}

/// The cell of the table at a place of the screen: row and column.
pub fn cell_at(app: &App, area: Rect, column: u16, row: u16) -> Option<(usize, usize)> {
    let board = app.failures.board.as_ref()?;
    let table = panes(area, board.rows.len()).table;
    let inside = layout::inside(table);
    let inside = if inside.is_empty() { table } else { inside };
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let head = head_rows(inside);
    let below = usize::from(row - inside.y).checked_sub(head)?;
    let (at, _) = app.failures.row();
    let found = first_row(at, usize::from(inside.height).saturating_sub(head), board.rows.len()) + below;
    let (first, count) = shown(inside.width, &app.failures, board.columns.len());
    let right = (column - inside.x).checked_sub(names(inside.width) + COUNT).map(|x| usize::from(x / COLUMN));
    // A click on a name chooses the row and leaves the column.
    let chosen = right.filter(|x| *x < count).map_or_else(|| app.failures.column(), |x| first + x);
    (found < board.rows.len()).then_some((found, chosen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn panes_stay_inside_and_apart(w in 0u16..260, h in 0u16..90, rows in 0usize..30) {
            let area = Rect::new(0, 0, w, h);
            let p = panes(area, rows);
            let all = [p.title, p.table, p.square, p.figures, p.chart, p.hints];
            for (i, a) in all.iter().enumerate() {
                prop_assert_eq!(a.intersection(area).area(), a.area());
                for b in all.iter().skip(i + 1) {
                    prop_assert!(a.is_empty() || b.is_empty() || a.intersection(*b).is_empty());
                }
            }
        }
    }
}
