//! The list of questions and recorded sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, layout, line, pane, put, status, wrapped};
use crate::tui::app::{App, Entry, Library, Verdict};
use crate::tui::clean;
use crate::tui::images::{Gallery, Slot};
use crate::tui::keys::Keymap;
use crate::tui::theme::Role;

/// Draws the library.
pub fn draw(app: &App, gallery: &Gallery, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    let panes = layout::library(area);
    title(app, panes.title, buf);
    list(app, panes.list, buf);
    preview(app, gallery, panes.preview, buf);
    detail(app, panes.detail, buf);
    status::hints(app, keymap, panes.hints, buf);
}

fn title(app: &App, area: Rect, buf: &mut Buffer) {
    let library = &app.library;
    let asked = library.questions.iter().filter(|q| q.verdict != Verdict::None).count();
    let right = library.questions.iter().filter(|q| q.verdict == Verdict::Right).count();
    let x = put(buf, area, 1, "panelscope", app.theme.style(Role::Accent));
    let text = if asked > 0 {
        format!("  {right} right of {asked} asked")
    } else {
        "  watch a model read a comic page".to_owned()
    };
    let recorded = match library.sessions.len() {
        0 => String::new(),
        n => format!(" · {n} recorded"),
    };
    put(buf, area, x, &format!("{text}{recorded}"), app.theme.style(Role::Soft));
}

/// A visual row: a heading, or an entry by its index.
enum Row {
    Heading(String),
    Entry(usize),
}

fn visual_rows(library: &Library) -> Vec<Row> {
    let mut rows = Vec::new();
    let questions = library.questions.len();
    if questions > 0 {
        rows.push(Row::Heading(format!("{} · {questions} questions", library.title)));
        rows.extend((0..questions).map(Row::Entry));
    }
    if !library.sessions.is_empty() {
        rows.push(Row::Heading(format!("recorded sessions · {}", library.sessions.len())));
        rows.extend((questions..library.len()).map(Row::Entry));
    }
    rows
}

fn list(app: &App, area: Rect, buf: &mut Buffer) {
    let inside = pane("Library", area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    let rows = visual_rows(&app.library);
    if rows.is_empty() {
        let text = if app.library.loading { "drawing the pages …" } else { "nothing here yet" };
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    }
    let height = usize::from(inside.height);
    let at = rows.iter().position(|r| matches!(r, Row::Entry(i) if *i == app.library.selected)).unwrap_or(0);
    let first = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    let task_width = app.library.questions.iter().map(|q| q.task.width()).max().unwrap_or(0).min(22);
    for (i, row) in rows.iter().skip(first).take(height).enumerate() {
        match row {
            Row::Heading(text) => {
                put(buf, line(inside, i), 0, text, app.theme.style(Role::Title));
            }
            Row::Entry(index) => {
                if let Some(entry) = app.library.row(*index) {
                    draw_entry(app, entry, *index == app.library.selected, task_width, line(inside, i), buf);
                }
            }
        }
    }
}

fn draw_entry(app: &App, entry: &Entry, selected: bool, task_width: usize, row: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    if selected {
        buf.set_style(row.intersection(buf.area), theme.style(Role::Selection));
    }
    let (mark, _) = entry.verdict.marks();
    let role = match entry.verdict {
        Verdict::Right => Role::Right,
        Verdict::Wrong => Role::Wrong,
        _ => Role::Soft,
    };
    let style = |role: Role| if selected { theme.style(Role::Selection) } else { theme.style(role) };
    let mut x = put(buf, row, 0, if selected { "▸" } else { " " }, style(Role::Accent));
    x = put(buf, row, x, &format!(" {mark} "), if selected { theme.style(Role::Selection) } else { theme.style(role) });
    x = put(buf, row, x, &format!("{} ", ellipsis(&short_id(entry), 24)), style(Role::Faint));
    if row.width >= 60 {
        let task = ellipsis(&line_of(&entry.task), task_width);
        x = put(
            buf,
            row,
            x,
            &format!("{task}{} ", " ".repeat(task_width.saturating_sub(task.width()))),
            style(Role::Soft),
        );
    }
    let room = usize::from(row.width.saturating_sub(x));
    put(buf, row, x, &ellipsis(&line_of(&entry.text), room), style(Role::Text));
}

/// The id without the task's name, which has a column of its own.
fn short_id(entry: &Entry) -> String {
    let id = line_of(&entry.id);
    id.strip_suffix(entry.task.as_str()).map_or_else(|| id.clone(), |short| short.trim_end_matches('-').to_owned())
}

fn preview(app: &App, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let inside = pane("Page", area, &app.theme, buf);
    if inside.is_empty() || gallery.draw(Slot::Page, inside, app.help.is_some(), buf) {
        return;
    }
    let text = match &app.preview.shown {
        Some((of, Err(why))) if app.library.current().is_some_and(|e| e.choice == *of) => line_of(why),
        _ => String::new(),
    };
    put(buf, line(inside, 0), 0, &text, app.theme.style(Role::Faint));
}

fn detail(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(entry) = app.library.current() else { return };
    let inside = pane(&line_of(&entry.id), area, &app.theme, buf);
    let (_, word) = entry.verdict.marks();
    let rows = usize::from(inside.height);
    let choices: Vec<String> =
        entry.choices.iter().zip('A'..='Z').map(|(c, letter)| format!("{letter} {}", line_of(c))).collect();
    let question_rows = if choices.is_empty() && word.is_empty() { rows } else { rows.saturating_sub(1) };
    let lines = wrapped(&line_of(&entry.text), usize::from(inside.width), question_rows);
    for (i, text) in lines.iter().enumerate() {
        put(buf, line(inside, i), 0, text, app.theme.style(Role::Text));
    }
    let mut below = choices.join("   ");
    if !word.is_empty() {
        let (mark, word) = entry.verdict.marks();
        below = format!("{mark} {word}   {below}");
    }
    put(buf, line(inside, lines.len()), 0, &below, app.theme.style(Role::Soft));
}

fn line_of(text: &str) -> String {
    clean(text).replace('\n', " ")
}
