//! A probe's result beside the page, and how far a running one is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, layout, line, pane, put, wrapped};
use crate::probe::{SweepFigures, heat_colour};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::probe::{Pane, Row};
use crate::tui::theme::Role;

/// Most lines of the sentence.
const SENTENCE: usize = 7;
/// Steps of the legend.
const STEPS: usize = 20;

/// Where a result stands: beside the page, which stays in sight; over all else where there is no room for both.
pub fn place(app: &App, area: Rect) -> Rect {
    let Some(explorer) = &app.explorer else { return Rect { width: 0, height: 0, ..area } };
    let panes = layout::explorer(area, explorer.page_aspect(), app.cell_aspect);
    let body = [panes.page, panes.crop, panes.reasoning, panes.token].into_iter().filter(|pane| !pane.is_empty());
    let body = body.reduce(Rect::union).unwrap_or(area);
    let left = if panes.page.is_empty() { body.x } else { panes.page.right() };
    Rect { x: left, width: body.right().saturating_sub(left), ..body }
}

/// Draws the result.
pub fn draw(app: &App, shown: &Pane, area: Rect, buf: &mut Buffer) {
    let over = place(app, area);
    Clear.render(over.intersection(buf.area), buf);
    let report = &shown.found.report;
    let inside = pane(&format!("Probe {}: {}", report.probe, report.verdict.name()), over, &app.theme, buf);
    let mut y = 0;
    for text in sentence(shown, inside) {
        put(buf, line(inside, y), 0, &text, app.theme.style(Role::Text));
        y += 1;
    }
    if let Some(sweep) = &report.sweep {
        legend(app, sweep, inside, y, buf);
    }
    table(app, shown, inside, buf);
}

fn sentence(shown: &Pane, inside: Rect) -> Vec<String> {
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    wrapped(&clean(&shown.found.report.sentence), width.saturating_sub(1), SENTENCE.min(height / 2))
}

/// The line the table begins on, and the row it begins with.
fn table_start(shown: &Pane, inside: Rect) -> (usize, usize) {
    let height = usize::from(inside.height);
    let above = sentence(shown, inside).len() + usize::from(shown.found.report.sweep.is_some());
    let from = above + usize::from(height > above + 4);
    (from, (shown.selected + 1).saturating_sub(height.saturating_sub(from).max(1)))
}

/// The row of the table in that cell of the screen.
pub fn row_at(app: &App, shown: &Pane, area: Rect, column: u16, row: u16) -> Option<usize> {
    let inside = layout::inside(place(app, area));
    let (from, first) = table_start(shown, inside);
    let inside_it = (inside.x..inside.right()).contains(&column) && (inside.y..inside.bottom()).contains(&row);
    let at = usize::from(row.checked_sub(inside.y)?).checked_sub(from)? + first;
    (inside_it && at < shown.rows.len()).then_some(at)
}

/// Which colour stands for which probability, and whether the page shows them: a line.
fn legend(app: &App, sweep: &SweepFigures, inside: Rect, y: usize, buf: &mut Buffer) {
    let place = line(inside, y);
    let soft = app.theme.style(Role::Soft);
    let mut x = put(buf, place, 0, "P(right): 0 ", soft);
    for step in 0..STEPS {
        let colour = app.theme.depth.color(heat_colour(step as f64 / (STEPS - 1) as f64));
        x = put(buf, place, x, "█", Style::new().fg(colour));
    }
    x = put(buf, place, x, " 1", soft);
    let how = if app.probe.heat { "w hides the map" } else { "w shows the map" };
    put(buf, place, x + 2, &format!("{} regions · {how}", sweep.cells.len()), app.theme.style(Role::Faint));
}

fn table(app: &App, shown: &Pane, inside: Rect, buf: &mut Buffer) {
    let (from, first) = table_start(shown, inside);
    let height = usize::from(inside.height).saturating_sub(from);
    for (i, row) in shown.rows.iter().enumerate().skip(first).take(height) {
        draw_row(app, row, i == shown.selected, line(inside, from + i - first), buf);
    }
}

fn draw_row(app: &App, row: &Row, chosen: bool, place: Rect, buf: &mut Buffer) {
    let style = |role: Role| app.theme.style(if chosen { Role::Selection } else { role });
    buf.set_style(place.intersection(buf.area), style(Role::Text));
    let mut x = put(buf, place, 0, if chosen { "▸ " } else { "  " }, style(Role::Accent));
    if let Some(p) = row.p {
        // The same colour as on the page; the number beside it says it without.
        let colour = app.theme.depth.color(heat_colour(p));
        x = put(buf, place, x, "█ ", style(Role::Text).fg(colour).remove_modifier(Modifier::REVERSED));
    }
    let note = clean(&row.note).replace('\n', " ");
    let room = usize::from(place.width.saturating_sub(x + 1));
    let note = ellipsis(&note, room / 2);
    let text = ellipsis(&clean(&row.text).replace('\n', " "), room.saturating_sub(note.width() + 2));
    put(buf, place, x, &text, style(Role::Text));
    let start = place.width.saturating_sub(note.width() as u16 + 1);
    put(buf, place, start, &note, style(Role::Soft));
}

/// How far a running probe is, at the right end of the hints line.
pub fn progress(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(running) = &app.probe.running else { return };
    let (done, of) = running.step.forks;
    let far = if of == 0 { "begins".to_owned() } else { format!("{done}/{of}") };
    let words = format!(" ◌ probe {} {far} · P stops ", running.kind);
    let wide = words.width() as u16;
    if area.height == 0 || wide + 2 > area.width {
        return;
    }
    put(buf, area, area.width - wide, &words, app.theme.style(Role::Accent));
}
