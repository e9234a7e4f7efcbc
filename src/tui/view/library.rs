//! The list of questions and recorded sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{covered, ellipsis, layout, line, pane, put, status, wrapped};
use crate::benchmark::Task;
use crate::tui::app::{App, Entry, Library, Verdict};
use crate::tui::clean;
use crate::tui::images::{Gallery, Slot};
use crate::tui::keys::Keymap;
use crate::tui::library::{Group, GroupKind, Line};
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
    let sum = |value: fn(&Group) -> usize| -> usize {
        library.groups().iter().filter(|g| g.kind != GroupKind::Sessions).map(value).sum()
    };
    let x = put(buf, area, 1, "panelscope", app.theme.style(Role::Accent));
    let text = match (library.run, sum(|g| g.asked)) {
        (Some((done, items)), _) => format!("  {}: {done} of {items} sessions", line_of(&library.title)),
        (None, 0) => "  watch a model read a comic page".to_owned(),
        (None, asked) => format!("  {} right of {asked} asked", sum(|g| g.right)),
    };
    let recorded = match library.sessions().len() {
        0 => String::new(),
        n => format!(" · {n} recorded"),
    };
    let x = put(buf, area, x, &format!("{text}{recorded}"), app.theme.style(Role::Soft));
    let only = library.filter().words();
    if !only.is_empty() {
        let shown = library.len();
        put(buf, area, x, &format!("  only {only} ({shown}) · Esc shows all"), app.theme.style(Role::Accent));
    }
}

/// "depth-comparison · depth · 24 questions · 20 of 22 right".
fn heading(library: &Library, group: &Group) -> String {
    let asked = match group.asked {
        0 => String::new(),
        asked => format!(" · {} of {asked} right", group.right),
    };
    match group.kind {
        GroupKind::Sessions => format!("recorded sessions · {}", group.len),
        GroupKind::Questions(Some(task)) => {
            format!("{task} · {} · {} questions{asked}", task.family(), group.len)
        }
        GroupKind::Questions(None) => format!("{} · {} questions{asked}", line_of(&library.title), group.len),
    }
}

fn list(app: &App, area: Rect, buf: &mut Buffer) {
    let library = &app.library;
    let title =
        if library.title.is_empty() { "Library".to_owned() } else { format!("Library · {}", line_of(&library.title)) };
    let inside = pane(&title, area, &app.theme, buf);
    let inside = if inside.is_empty() { area.intersection(buf.area) } else { inside };
    if library.is_empty() {
        let text = match (library.loading, library.filter().words().is_empty()) {
            (true, _) => "opening the benchmark …",
            (false, true) => "nothing here yet",
            (false, false) => "nothing of this kind; Esc shows all",
        };
        put(buf, line(inside, 0), 1, text, app.theme.style(Role::Faint));
        return;
    }
    let height = usize::from(inside.height);
    let first = first_line(library, height);
    for i in 0..height {
        match library.line(first + i) {
            Some(Line::Heading(group)) => {
                if let Some(group) = library.groups().get(group) {
                    let text = ellipsis(&heading(library, group), usize::from(inside.width));
                    put(buf, line(inside, i), 0, &text, app.theme.style(Role::Title));
                }
            }
            Some(Line::Entry(place)) => {
                if let Some(entry) = library.row(place) {
                    draw_entry(app, entry, place == library.selected(), line(inside, i), buf);
                }
            }
            None => break,
        }
    }
}

/// The first line shown of a list that is so many lines high.
fn first_line(library: &Library, height: usize) -> usize {
    let at = library.line_of(library.selected());
    at.saturating_sub(height / 2).min(library.lines().saturating_sub(height))
}

/// The entry at a place of the screen, by its place among those shown.
pub fn row_at(app: &App, area: Rect, column: u16, row: u16) -> Option<usize> {
    let list = layout::library(area).list;
    let inside = layout::inside(list);
    let inside = if inside.is_empty() { list } else { inside };
    if !inside.contains(Position::new(column, row)) {
        return None;
    }
    let first = first_line(&app.library, usize::from(inside.height));
    match app.library.line(first + usize::from(row - inside.y)) {
        Some(Line::Entry(place)) if place < app.library.len() => Some(place),
        _ => None,
    }
}

fn draw_entry(app: &App, entry: &Entry, selected: bool, row: Rect, buf: &mut Buffer) {
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
    let room = usize::from(row.width.saturating_sub(x));
    put(buf, row, x, &ellipsis(&line_of(&entry.text), room), style(Role::Text));
}

/// The id without the task's name, which has a column of its own.
fn short_id(entry: &Entry) -> String {
    let id = line_of(&entry.id);
    let task = entry.task.map_or("", Task::name);
    id.strip_suffix(task).map_or_else(|| id.clone(), |short| short.trim_end_matches('-').to_owned())
}

fn preview(app: &App, gallery: &Gallery, area: Rect, buf: &mut Buffer) {
    let inside = pane("Page", area, &app.theme, buf);
    if inside.is_empty() || gallery.draw(Slot::Page, inside, covered(app, inside, buf.area), buf) {
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
