//! Two sessions beside each other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};

use super::{ellipsis, line, put, reasoning, status};
use crate::tui::app::App;
use crate::tui::clean;
use crate::tui::debug::sides::Sides;
use crate::tui::explorer::Explorer;
use crate::tui::reasoning::{Content, Line, gutter};
use crate::tui::theme::Role;

/// Columns of one side.
pub fn side_width(area: Rect) -> u16 {
    (area.width.saturating_sub(3) / 2).max(1)
}

/// Draws both.
pub fn draw(app: &App, sides: &Sides, area: Rect, buf: &mut Buffer) {
    Clear.render(area.intersection(buf.area), buf);
    let width = side_width(area);
    let head = u16::from(area.height >= 3) + u16::from(area.height >= 6);
    let foot = u16::from(area.height >= 4);
    let body = Rect { y: area.y + head, height: area.height - head - foot, ..area };
    for (i, (side, differing)) in sides.sessions.iter().zip(&sides.differing).enumerate() {
        let x = area.x + u16::try_from(i).unwrap_or(0) * (width + 3);
        let column = Rect { x, width: width.min(area.right().saturating_sub(x)), ..body };
        let title = Rect { y: area.y, height: head, ..column };
        titles(app, side, i, title, buf);
        for (row, pair) in sides.rows.iter().skip(sides.scroll).take(usize::from(body.height)).enumerate() {
            let Some(found) = pair.get(i).copied().flatten() else { continue };
            let Some(text) = side.reasoning.lines().get(found) else { continue };
            reasoning::draw_line(app, side, text, line(column, row), buf);
            mark(text, differing, side, line(column, row), buf);
        }
    }
    for row in 0..body.height {
        put(
            buf,
            Rect { x: body.x + width.min(body.width), ..line(body, usize::from(row)) },
            1,
            "│",
            app.theme.style(Role::Border),
        );
    }
    if foot > 0 {
        status::hints(app, &app.keymap, Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
    }
}

fn titles(app: &App, side: &Explorer, place: usize, area: Rect, buf: &mut Buffer) {
    let start = side.trace().start.as_ref();
    let id = start.map_or_else(String::new, |start| clean(&start.id));
    let (mark, word) = side.verdict().marks();
    let name = if place == 0 { "other" } else { "on screen" };
    let text = format!("{name} · {mark} {word} · {id}");
    put(buf, line(area, 0), 0, &ellipsis(&text, usize::from(area.width)), app.theme.style(Role::Accent));
    let parent = start.and_then(|start| start.parent.as_ref());
    let edit = parent.map_or_else(|| "no fork".to_owned(), |parent| format!("⑂ {}", clean(&parent.edit)));
    let how = side.trace().fork.as_ref().map(|fork| {
        let moved = fork.moved.map(|moved| format!(", logits moved {moved:.1e}")).unwrap_or_default();
        format!(" · {}{moved}", if fork.exact { "exact" } else { "recomputed" })
    });
    let text = format!("{edit}{}", how.unwrap_or_default()).replace('\n', " ");
    put(buf, line(area, 1), 0, &ellipsis(&text, usize::from(area.width)), app.theme.style(Role::Soft));
}

/// Marks the tokens that the other side has not: reversed, and `≠` before the line.
fn mark(text: &Line, differing: &std::collections::HashSet<usize>, side: &Explorer, area: Rect, buf: &mut Buffer) {
    let Content::Flow(glyphs) = &text.content else { return };
    let start = gutter(side.reasoning.width());
    let (mut x, mut any) = (start, false);
    for glyph in glyphs {
        if differing.contains(&glyph.token) && glyph.width > 0 && x < area.width {
            any = true;
            if let Some(cell) = buf.cell_mut((area.x + x, area.y)) {
                cell.modifier.insert(Modifier::REVERSED);
            }
        }
        x = x.saturating_add(u16::from(glyph.width));
    }
    if any && let Some(cell) = buf.cell_mut((area.x + start.saturating_sub(1), area.y)) {
        cell.set_symbol("≠");
    }
}
