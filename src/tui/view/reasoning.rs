//! What the model wrote, in segments, every token shaded by how sure the model was of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{layout, line, pane, put};
use crate::trace::Token;
use crate::tui::app::App;
use crate::tui::explorer::Explorer;
use crate::tui::reasoning::{Content, Glyph, Line, gutter};
use crate::tui::theme::{Role, Theme};

/// A screen too small for a frame still shows the text.
const fn framed(area: Rect) -> bool {
    area.height >= 6 && area.width >= 24
}

/// Draws the reasoning's pane.
pub fn draw(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    let inside = if framed(area) { pane(title(explorer), area, &app.theme, buf) } else { area.intersection(buf.area) };
    for (i, row) in rows(explorer, usize::from(inside.height)).enumerate() {
        draw_line(app, explorer, row, line(inside, i), buf);
    }
}

const fn title(explorer: &Explorer) -> &'static str {
    if explorer.scroll.is_some() { "Reasoning · scrolled, End follows" } else { "Reasoning" }
}

/// The first line in sight below the question, for a pane with this area; and the last it could be.
pub fn first_in_sight(explorer: &Explorer, area: Rect) -> (usize, usize) {
    let inside = if framed(area) { layout::inside(area) } else { area };
    let lines = explorer.reasoning.lines();
    let (height, scrubbed) = (usize::from(inside.height), explorer.head.scrubbed);
    let seen = lines.partition_point(|l| l.after <= explorer.head.shown());
    let drawn = if scrubbed { lines.len() } else { seen };
    let pinned = pinned(lines, height);
    let room = height - pinned;
    let last = drawn.saturating_sub(room).max(pinned);
    (explorer.scroll.unwrap_or_else(|| first_line(drawn, seen, room, pinned, scrubbed)).min(last), last)
}

/// The lines in sight of a pane that is so many lines high.
fn rows(explorer: &Explorer, height: usize) -> impl Iterator<Item = &Line> {
    let lines = explorer.reasoning.lines();
    let shown = explorer.head.shown();
    let seen = lines.partition_point(|l| l.after <= shown);
    let drawn = if explorer.head.scrubbed { lines.len() } else { seen };
    let pinned = pinned(lines, height);
    let room = height - pinned;
    let first = first_line(drawn, seen, room, pinned, explorer.head.scrubbed);
    let first =
        explorer.scroll.map_or(first, |scroll| scroll.clamp(pinned.min(first), first.max(drawn.saturating_sub(room))));
    lines.iter().take(pinned).chain(lines.iter().take(drawn).skip(first).take(room))
}

/// The model token at a place of the screen, counted from 0.
pub fn token_at(explorer: &Explorer, area: Rect, column: u16, row: u16) -> Option<usize> {
    let inside = if framed(area) { layout::inside(area) } else { area };
    let line = rows(explorer, usize::from(inside.height)).nth(usize::from(row.checked_sub(inside.y)?))?;
    let Content::Flow(glyphs) = &line.content else { return None };
    let at = column.checked_sub(inside.x)?.checked_sub(gutter(explorer.reasoning.width()))?;
    let mut end = 0;
    let glyph = glyphs.iter().find(|glyph| {
        end += u16::from(glyph.width);
        at < end
    });
    let known = if explorer.head.scrubbed { explorer.written() } else { explorer.head.shown() };
    glyph.map(|g| g.token).filter(|token| *token < known)
}

/// How many lines of the question stay on top.
fn pinned(lines: &[Line], height: usize) -> usize {
    let question =
        lines.iter().position(|l| l.gutter.is_none() && matches!(&l.content, Content::Words(w) if w.is_empty()));
    let question = question.map_or(0, |i| i + 1);
    // Where the choices have no room, the question's first line still has.
    if question <= height / 2 { question } else { usize::from(height >= 8) }
}

/// The first line below the pinned ones.
fn first_line(drawn: usize, seen: usize, room: usize, pinned: usize, scrubbed: bool) -> usize {
    let last = drawn.saturating_sub(room).max(pinned);
    if scrubbed {
        // Some lines of what came after stay in sight.
        return seen.saturating_sub(room * 2 / 3).clamp(pinned.min(last), last);
    }
    last
}

pub(super) fn draw_line(app: &App, explorer: &Explorer, row: &Line, area: Rect, buf: &mut Buffer) {
    let shown = explorer.head.shown();
    let ghost = row.after > shown;
    let start = gutter(explorer.reasoning.width());
    let theme = &app.theme;
    if let Some((label, role)) = &row.gutter {
        let role = if ghost { Role::Ghost } else { *role };
        put(buf, Rect { width: area.width.min(start.saturating_sub(1)), ..area }, 0, label, theme.style(role));
    }
    match &row.content {
        Content::Words(words) => {
            let mut x = start;
            for (text, role) in words {
                x = put(buf, area, x, text, theme.style(if ghost { Role::Ghost } else { *role }));
            }
        }
        Content::Flow(glyphs) => flow(explorer, glyphs, theme, area, buf),
    }
}

fn flow(explorer: &Explorer, glyphs: &[Glyph], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (shown, scrubbed) = (explorer.head.shown(), explorer.head.scrubbed);
    let mut x = gutter(explorer.reasoning.width());
    let mut styled: Option<(usize, Style)> = None;
    for glyph in glyphs {
        if glyph.token >= shown && !scrubbed {
            break;
        }
        if x.saturating_add(u16::from(glyph.width)) > area.width {
            break;
        }
        if glyph.width == 0 {
            mark_last(buf, area, x, glyph.ch);
            continue;
        }
        let style = match styled {
            Some((token, style)) if token == glyph.token && !glyph.tag => style,
            _ => token_style(explorer, glyph, theme),
        };
        if !glyph.tag {
            styled = Some((glyph.token, style));
        }
        let mut bytes = [0; 4];
        put(buf, area, x, glyph.ch.encode_utf8(&mut bytes), style);
        x += u16::from(glyph.width);
    }
}

/// Adds a combining mark to the character before column `x`.
fn mark_last(buf: &mut Buffer, area: Rect, x: u16, mark: char) {
    let Some(cell) = x.checked_sub(1).and_then(|x| buf.cell_mut((area.x.saturating_add(x), area.y))) else { return };
    let symbol = format!("{}{mark}", cell.symbol());
    cell.set_symbol(&symbol);
}

fn token_style(explorer: &Explorer, glyph: &Glyph, theme: &Theme) -> Style {
    let shown = explorer.head.shown();
    let found = explorer.search.as_ref().is_some_and(|search| search.has(glyph.token));
    let role = if glyph.token + 1 == shown {
        Role::Cursor
    } else if glyph.token >= shown {
        Role::Ghost
    } else if glyph.tag {
        Role::Tag
    } else {
        explorer.token(glyph.token).map_or(Role::Text, shade)
    };
    // What was looked for stands out without a colour too.
    if found { theme.style(role).add_modifier(Modifier::REVERSED) } else { theme.style(role) }
}

/// How sure the model was of a token: plain from .8 on, underlined from .4 on, underlined and bold below.
pub fn shade(token: &Token) -> Role {
    match token.logprob.map(f32::exp) {
        None => Role::Text,
        Some(p) if p >= 0.8 => Role::Sure,
        Some(p) if p >= 0.4 => Role::Unsure,
        Some(_) => Role::Doubtful,
    }
}
