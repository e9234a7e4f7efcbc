//! Entropy over the session, with the zooms and the cursor marked below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{line, put};
use crate::tui::app::App;
use crate::tui::explorer::Explorer;
use crate::tui::theme::Role;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws the line; with two rows, marks stand on the second.
pub fn draw(app: &App, explorer: &Explorer, area: Rect, buf: &mut Buffer) {
    if area.width < 4 || area.height == 0 {
        return;
    }
    let label_width = label_width(area);
    let plot = plot(area);
    if label_width > 1 {
        put(buf, line(area, 0), 1, "entropy", app.theme.style(Role::Soft));
        put(buf, line(area, 1), 1, "▲zoom ●", app.theme.style(Role::Faint));
    }
    let total = total(explorer);
    let bins = Bins::new(total, usize::from(plot.width).max(1));
    for (column, level) in bins.levels(explorer, total).into_iter().enumerate() {
        let first = bins.first_token(column);
        let role = if first >= explorer.head.shown() { Role::Ghost } else { Role::Spark };
        let glyph = LEVELS.get(level).copied().unwrap_or("▁");
        put(buf, line(plot, 0), column as u16, glyph, app.theme.style(role));
    }
    marks(app, explorer, &bins, plot, buf);
}

const fn label_width(area: Rect) -> u16 {
    if area.width >= 60 { 9 } else { 1 }
}

/// Where the line itself stands.
fn plot(area: Rect) -> Rect {
    let label = label_width(area);
    Rect { x: area.x.saturating_add(label), width: area.width.saturating_sub(label + 1), ..area }
}

/// How many tokens the line is about.
fn total(explorer: &Explorer) -> usize {
    // Before a live session has ended its length is unknown; what may not be seen yet is not drawn.
    if explorer.head.scrubbed || explorer.head.at_edge() || explorer.kind == crate::tui::explorer::Kind::Replay {
        explorer.written()
    } else {
        explorer.head.shown()
    }
}

/// The model token at a column of the screen, counted from 0; left and right of the line the first and the last.
pub fn token_at(explorer: &Explorer, area: Rect, column: u16) -> Option<usize> {
    let (plot, total) = (plot(area), total(explorer));
    let bins = Bins::new(total, usize::from(plot.width).max(1));
    let column = usize::from(column.saturating_sub(plot.x)).min(bins.columns.saturating_sub(1));
    // The last token of the column: what the line shows there has then been seen.
    let next = if column + 1 < bins.columns { bins.first_token(column + 1) } else { total };
    next.checked_sub(1)
}

fn marks(app: &App, explorer: &Explorer, bins: &Bins, plot: Rect, buf: &mut Buffer) {
    let row = line(plot, 1);
    let view = explorer.trace().at(explorer.cursor());
    for zoom in view.zooms() {
        if let Some(token) = explorer.count_until(zoom.position).checked_sub(1) {
            put(buf, row, bins.column(token), "▲", app.theme.style(Role::MarkZoom));
        }
    }
    if let Some(token) = explorer.head.shown().checked_sub(1) {
        put(buf, row, bins.column(token), "●", app.theme.style(Role::MarkCursor));
    }
}

/// Tokens put into columns: one each while they fit, then evenly many a column.
struct Bins {
    tokens: usize,
    columns: usize,
}

impl Bins {
    fn new(tokens: usize, columns: usize) -> Self {
        Self { tokens, columns: columns.min(tokens) }
    }

    fn column(&self, token: usize) -> u16 {
        let column = (token.min(self.tokens.saturating_sub(1)) * self.columns).checked_div(self.tokens).unwrap_or(0);
        u16::try_from(column).unwrap_or(u16::MAX)
    }

    fn first_token(&self, column: usize) -> usize {
        if self.columns == 0 { 0 } else { (column * self.tokens).div_ceil(self.columns) }
    }

    /// Highest entropy of each column as a level from 0 to 7; the full height is the session's highest, at least 1 nat.
    fn levels(&self, explorer: &Explorer, total: usize) -> Vec<usize> {
        let mut highest = vec![0.0f32; self.columns];
        for (i, token) in explorer.model_tokens().take(total).enumerate() {
            let entropy = token.entropy.filter(|e| e.is_finite()).unwrap_or(0.0);
            if let Some(cell) = highest.get_mut(usize::from(self.column(i))) {
                *cell = cell.max(entropy);
            }
        }
        let full = highest.iter().copied().fold(1.0f32, f32::max);
        highest.into_iter().map(|e| ((e / full * 7.0).round() as usize).min(7)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_has_a_column_and_columns_begin_where_they_say() {
        for (tokens, columns) in [(1, 10), (10, 10), (11, 10), (97, 10), (1000, 7)] {
            let bins = Bins::new(tokens, columns);
            for token in 0..tokens {
                assert!(usize::from(bins.column(token)) < bins.columns);
            }
            for column in 0..bins.columns {
                let first = bins.first_token(column);
                assert_eq!(usize::from(bins.column(first)), column);
                assert!(first == 0 || usize::from(bins.column(first - 1)) < column);
            }
        }
    }
}
