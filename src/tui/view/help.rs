//! The keys, made from the keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::{line, pane, put, screen_context};
use crate::tui::app::App;
use crate::tui::keys::{Context, Keymap};
use crate::tui::theme::Role;

/// What help says beside the keys: how to read the screen.
const LEGEND: [(&str, &str, Role); 7] = [
    ("word", "the model was sure of it (probability from .80 on)", Role::Sure),
    ("word", "less sure (.40 to .80): underlined", Role::Unsure),
    ("word", "doubtful (below .40): underlined and bold", Role::Doubtful),
    ("⟨ ⟩", "a tag the model wrote, such as <think>", Role::Tag),
    ("▲", "a zoom on the entropy line; its box on the page has its number", Role::MarkZoom),
    ("●", "the cursor: the last token shown", Role::MarkCursor),
    ("T", "the true region (dashed box)", Role::Right),
];

struct Row(String, String, Role);

/// How many rows help has.
pub fn rows(app: &App, keymap: &Keymap) -> usize {
    content(app, keymap).len()
}

/// Draws the keys over the screen.
pub fn draw(app: &App, keymap: &Keymap, scroll: usize, area: Rect, buf: &mut Buffer) {
    let content = content(app, keymap);
    let width = area.width.saturating_sub(4).min(78);
    let height = area.height.saturating_sub(2).min(content.len() as u16 + 2);
    let over = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(over.intersection(buf.area), buf);
    let inside = pane("Keys · Esc closes", over, &app.theme, buf);
    let most = content.len().saturating_sub(usize::from(inside.height));
    for (i, Row(keys, words, role)) in content.iter().skip(scroll.min(most)).enumerate() {
        let row = line(inside, i);
        if words.is_empty() {
            put(buf, row, 1, keys, app.theme.style(*role));
        } else {
            put(buf, Rect { width: row.width.min(18), ..row }, 2, keys, app.theme.style(*role));
            put(buf, row, 19, words, app.theme.style(Role::Text));
        }
    }
}

fn content(app: &App, keymap: &Keymap) -> Vec<Row> {
    let here = screen_context(app);
    let mut rows = Vec::new();
    let others = Context::ALL.into_iter().filter(|c| c.is_screen() && *c != here);
    for (i, context) in std::iter::once(here).chain(others).enumerate() {
        rows.push(Row(context.title().to_owned(), String::new(), Role::Title));
        for binding in keymap.bindings().iter().filter(|b| b.context == context && !b.words.is_empty()) {
            let keys: Vec<String> = binding.chords.iter().map(|c| c.name()).collect();
            rows.push(Row(keys.join(" "), binding.words.to_owned(), Role::Key));
        }
        if i == 0 {
            rows.push(Row("Reading the screen".to_owned(), String::new(), Role::Title));
            rows.extend(LEGEND.iter().map(|(mark, words, role)| Row((*mark).to_owned(), (*words).to_owned(), *role)));
        }
    }
    rows
}
