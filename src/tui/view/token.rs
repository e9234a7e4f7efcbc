//! The token under the cursor and what else the model could have said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{ellipsis, line, pane, put};
use crate::trace::{Piece, Token, TokenSource, TopEntry};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::explorer::Explorer;
use crate::tui::reasoning::share;
use crate::tui::theme::Role;

/// Draws the token's pane.
pub fn draw(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    let Some(token) = explorer.current() else {
        let inside = pane("Token", area, &app.theme, buf);
        put(buf, line(inside, 0), 0, "nothing written yet", app.theme.style(Role::Faint));
        return;
    };
    let inside = pane(&title(app, token, area.width), area, &app.theme, buf);
    if inside.is_empty() {
        return;
    }
    if app.attend.lens {
        return super::attend::lens(app, explorer, token, inside, buf);
    }
    // Beside the bars where there is room, else below them.
    let beside = inside.width >= 38;
    let facts = facts(token);
    let bars = if beside {
        Rect { width: inside.width - 16, ..inside }
    } else {
        Rect { height: inside.height.saturating_sub(1), ..inside }
    };
    draw_bars(app, token, bars, buf);
    if beside {
        let side = Rect { x: inside.x + inside.width - 15, width: 15, ..inside };
        for (i, (name, value)) in facts.iter().enumerate() {
            let x = put(buf, line(side, i), 0, &format!("{name:<9}"), app.theme.style(Role::Soft));
            put(buf, line(side, i), x, value, app.theme.style(Role::Text));
        }
    } else {
        let words: Vec<String> = facts.iter().take(2).map(|(n, v)| format!("{n} {v}")).collect();
        let last = usize::from(inside.height.saturating_sub(1));
        put(buf, line(inside, last), 0, &words.join(" · "), app.theme.style(Role::Soft));
    }
}

fn title(app: &App, token: &Token, width: u16) -> String {
    let layers = if app.attend.lens { " · layers" } else { "" };
    let forced = if token.by == TokenSource::Forced { " · forced" } else { "" };
    ellipsis(
        &format!("Token {} {}{forced}{layers}", token.position, label(&token.piece)),
        usize::from(width.saturating_sub(4)),
    )
}

/// A piece in quotes, its blanks visible.
pub fn label(piece: &Piece) -> String {
    let text = match piece {
        Piece::Text(text) => clean(text).replace('\n', "⏎").replace(' ', "␣"),
        Piece::Hex { hex } => format!("‹{}›", clean(&hex.chars().take(12).collect::<String>())),
    };
    format!("\"{text}\"")
}

fn facts(token: &Token) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(entropy) = token.entropy {
        facts.push(("entropy", format!("{entropy:.2}")));
    }
    if let Some(margin) = margin(&token.top) {
        facts.push(("margin", share(margin)));
    }
    if let Some(logprob) = token.logprob {
        facts.push(("prob", share(f64::from(logprob.exp()))));
    }
    if let Some(sampled) = token.sampled_logprob {
        facts.push(("drawn at", share(f64::from(sampled.exp()))));
    }
    facts.push(("id", token.id.to_string()));
    facts.push(("at", format!("{:.2} s", token.at)));
    facts
}

/// Probability of the likeliest token less that of the second.
pub fn margin(top: &[TopEntry]) -> Option<f64> {
    let mut probabilities = top.iter().map(|TopEntry(_, _, logprob)| f64::from(logprob.exp()));
    Some(probabilities.next()? - probabilities.next()?)
}

fn draw_bars(app: &App, token: &Token, area: Rect, buf: &mut Buffer) {
    let mut rows: Vec<(u32, &Piece, f32)> = token.top.iter().map(|TopEntry(id, piece, lp)| (*id, piece, *lp)).collect();
    if let (Some(lp), false) = (token.logprob, rows.iter().any(|r| r.0 == token.id)) {
        let place = usize::from(area.height.saturating_sub(1)).min(rows.len());
        rows.insert(place, (token.id, &token.piece, lp));
    }
    if rows.is_empty() {
        put(buf, line(area, 0), 0, "no probabilities", app.theme.style(Role::Faint));
    }
    let bar_room = (area.width / 3).clamp(3, 24);
    for (i, (id, piece, logprob)) in rows.into_iter().enumerate() {
        let drawn = id == token.id;
        let row = line(area, i);
        let p = f64::from(logprob.exp()).clamp(0.0, 1.0);
        let x = put(buf, row, 0, if drawn { "▸" } else { " " }, app.theme.style(Role::Accent));
        let role = if drawn { Role::Bar } else { Role::BarOther };
        put(buf, row, x, &bar(p, usize::from(bar_room)), app.theme.style(role));
        let text_x = x.max(1) + bar_room + 1;
        let room = area.width.saturating_sub(text_x + 5);
        let text = ellipsis(&label(piece), usize::from(room));
        let style = app.theme.style(if drawn { Role::Text } else { Role::Soft });
        put(buf, row, text_x, &text, style);
        let value = share(p);
        put(buf, row, area.width.saturating_sub(value.width() as u16), &value, style);
    }
}

/// A bar of at most `cells` cells for a probability, an eighth of a cell fine.
fn bar(p: f64, cells: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (p * cells as f64 * 8.0).round() as usize;
    let part = PARTS.get(eighths % 8).copied().unwrap_or_default();
    let mut text = "█".repeat((eighths / 8).min(cells));
    text.push_str(part);
    if text.is_empty() { "▏".to_owned() } else { text }
}
