//! The title line above and the hints line below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{context, ellipsis, put};
use crate::tui::app::{App, EngineState};
use crate::tui::clean;
use crate::tui::explorer::{Explorer, Kind};
use crate::tui::keys::Keymap;
use crate::tui::playhead::Pace;
use crate::tui::theme::Role;

/// Draws the title of the session on screen.
pub fn draw(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    let (glyph, words, role) = state(explorer);
    let (glyph, words, role) = broke(app, explorer).unwrap_or((glyph, words, role));
    let right = format!("{glyph} {words}");
    let width = usize::from(area.width);
    let room = width.saturating_sub(right.width() + 3);
    let left = ellipsis(&about(explorer), room);
    let mut x = put(buf, area, 1, &left, app.theme.style(Role::Accent));
    let start = area.width.saturating_sub(right.width() as u16 + 1).max(x.saturating_add(1));
    while x + 1 < start {
        x = put(buf, area, x, if left.is_empty() { " " } else { "─" }, app.theme.style(Role::Border)).max(x + 1);
        if x == left.width() as u16 + 2 {
            // A blank between the title and its rule.
            put(buf, area, x - 1, " ", app.theme.style(Role::Border));
        }
    }
    put(buf, area, start, &right, app.theme.style(role));
}

/// What is on screen, most important first.
fn about(explorer: &Explorer) -> String {
    let mut parts = Vec::new();
    if explorer.kind == Kind::Replay {
        parts.push("replay".to_owned());
    }
    if let Some((number, of)) = explorer.place {
        parts.push(format!("q {number}/{of}"));
    }
    match &explorer.trace().start {
        Some(start) => {
            parts.push(start.question.task.map_or_else(|| "own question".to_owned(), |t| t.name().to_owned()));
            parts.extend([start.model.name.clone(), start.model.device.clone(), start.question.id.clone()]);
            parts.extend(start.interventions.iter().cloned());
            if let Some(parent) = &start.parent {
                let how = explorer.trace().fork.as_ref().map(|f| if f.exact { " (exact)" } else { " (recomputed)" });
                parts.insert(0, format!("⑂ {}{}", parent.edit, how.unwrap_or_default()));
            }
        }
        None => parts.push("panelscope".to_owned()),
    }
    let parts: Vec<String> =
        parts.into_iter().filter(|p| !p.is_empty()).map(|p| clean(&p).replace('\n', " ")).collect();
    parts.join(" · ")
}

fn state(explorer: &Explorer) -> (&'static str, String, Role) {
    let head = &explorer.head;
    let place = format!("{}/{}", head.shown().min(explorer.written()), explorer.written());
    if head.scrubbed {
        return ("◀", format!("token {place}"), Role::Accent);
    }
    if head.moving && !head.at_edge() && (explorer.written() > 0) {
        return ("▶", moving(explorer), Role::Accent);
    }
    let known = !head.at_edge();
    match explorer.engine {
        EngineState::Loading => ("…", "loading the model".to_owned(), Role::Soft),
        EngineState::Running => ("▶", moving(explorer), Role::Accent),
        EngineState::Paused => ("‖", format!("paused · token {place}"), Role::Zoom),
        EngineState::Ended if known => ("‖", format!("paused · token {place}"), Role::Zoom),
        EngineState::Ended => {
            let (mark, word) = explorer.verdict().marks();
            let failed = !explorer.trace().errors.is_empty() && word.is_empty();
            (
                "■",
                if failed { "ended · error".to_owned() } else { format!("ended {mark} {word}").trim_end().to_owned() },
                Role::Soft,
            )
        }
    }
}

/// The box being changed, or the breakpoint that fired where the view stands still.
fn broke(app: &App, explorer: &Explorer) -> Option<(&'static str, String, Role)> {
    if let Some(words) = app.draft_words() {
        return Some(("▣", words, Role::Zoom));
    }
    if explorer.head.moving && (!explorer.head.at_edge() || explorer.engine == EngineState::Running) {
        return None;
    }
    let (breakpoint, on) = explorer.broke()?;
    let words = format!("break {breakpoint} · {on}");
    Some(("‖", ellipsis(&clean(&words).replace('\n', " "), 70), Role::Zoom))
}

fn moving(explorer: &Explorer) -> String {
    let rate = explorer.rate().map(|r| format!("{r:.0} tok/s"));
    match (explorer.head.pace, rate) {
        (Pace::Unlimited, Some(rate)) => rate,
        (Pace::Unlimited, None) => "running".to_owned(),
        (pace, Some(rate)) if explorer.kind == Kind::Live => format!("{} (model {rate})", pace.label()),
        (pace, _) => pace.label(),
    }
}

/// Draws the keys that matter here, as many as fit.
pub fn hints(app: &App, keymap: &Keymap, area: Rect, buf: &mut Buffer) {
    if let Some(toast) = &app.toast {
        put(buf, area, 1, &ellipsis(toast, usize::from(area.width.saturating_sub(2))), app.theme.style(Role::Error));
        return;
    }
    let area = fetching(app, area, buf);
    let context = context(app);
    let hinted = keymap
        .bindings()
        .iter()
        .filter(|b| b.context == context && !b.hint.is_empty() && !keymap.hint_keys(b).is_empty());
    let items: Vec<(String, &str)> = hinted.map(|b| (keymap.hint_keys(b), b.hint)).collect();
    // Help and the way back are never the ones left out.
    let fixed: usize = items.iter().rev().take(2).map(cells).sum();
    let (mut x, mut left) = (1, usize::from(area.width).saturating_sub(1 + fixed));
    for (i, item) in items.iter().enumerate() {
        let last = i + 2 >= items.len();
        if !last && cells(item) > left {
            continue;
        }
        if !last {
            left -= cells(item);
        }
        x = put(buf, area, x, &item.0, app.theme.style(Role::Key));
        x = put(buf, area, x, &format!(" {}  ", item.1), app.theme.style(Role::Status));
    }
}

/// Says at the right what the model waits for; what is left of the line.
fn fetching(app: &App, area: Rect, buf: &mut Buffer) -> Rect {
    let Some(words) = &app.fetching else { return area };
    let words = ellipsis(words, usize::from(area.width / 2));
    let width = (words.width() as u16).saturating_add(1).min(area.width);
    put(buf, area, area.width - width, &words, app.theme.style(Role::Accent));
    Rect { width: (area.width - width).saturating_sub(1), ..area }
}

fn cells(item: &(String, &str)) -> usize {
    item.0.width() + item.1.width() + 3
}
