//! A reliability diagram: how often answers of a certain confidence are right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{EIGHTHS, cell, share};
use crate::tui::theme::{Role, Theme};
use crate::tui::view::{line, put};

/// One bin of confidences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Mean confidence, 0 to 1.
    pub confidence: f64,
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Answers in it.
    pub n: usize,
}

/// Draws a bar as high as the accuracy for every bin that has answers; `╌` stands where its confidence says it should end.
pub fn reliability(bins: &[Point], area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let n = u16::try_from(bins.len()).unwrap_or(u16::MAX);
    if n == 0 || area.width < n || area.height < 3 {
        return;
    }
    let rows = area.height - 1;
    let width = area.width / n;
    for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
        let x = u16::try_from(i).unwrap_or(0) * width;
        let cells = usize::from(width - u16::from(width > 1));
        let eighths = (share(bin.accuracy) * f64::from(rows) * 8.0).round() as u32;
        let due = rows - 1 - cell(bin.confidence, rows);
        for row in 0..rows {
            let full = eighths.saturating_sub(u32::from(rows - 1 - row) * 8).min(8);
            let glyph = EIGHTHS.get(full as usize).copied().unwrap_or("█");
            let (glyph, role) = if row == due && full == 0 { ("╌", Role::Accent) } else { (glyph, Role::Spark) };
            let (glyph, role) = if row == due && full > 0 { ("▒", Role::Accent) } else { (glyph, role) };
            put(buf, line(area, usize::from(row)), x, &glyph.repeat(cells), theme.style(role));
        }
    }
    let below = line(area, usize::from(rows));
    put(buf, below, 0, "0", theme.style(Role::Faint));
    let middle = "confidence";
    if width * n > 16 {
        put(buf, below, (width * n - 10) / 2, middle, theme.style(Role::Faint));
    }
    put(buf, below, (width * n).saturating_sub(1), "1", theme.style(Role::Faint));
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn, theme};
    use super::*;

    #[test]
    fn bars_are_held_against_what_they_should_be() {
        let bins = [
            Point::default(),
            Point { confidence: 0.3, accuracy: 0.0, n: 2 },
            Point { confidence: 0.6, accuracy: 1.0, n: 4 },
        ];
        let lines = drawn(9, 5, |area, buf| reliability(&bins, area, &theme(), buf));
        assert_eq!(lines, ["      ██ ", "      ▒▒ ", "   ╌╌ ██ ", "      ██ ", "0       1"]);
        for (w, h) in [(0, 0), (2, 9), (3, 3), (90, 30)] {
            drawn(w, h, |area, buf| reliability(&bins, area, &theme(), buf));
        }
    }
}
