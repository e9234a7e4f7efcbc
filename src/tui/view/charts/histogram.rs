//! Upright bars.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::EIGHTHS;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::{line, put};

/// Bars and what stands below their first and last one.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// Heights, in any unit.
    pub heights: &'a [f64],
    /// What the first bar is about.
    pub first: &'a str,
    /// What the last bar is about.
    pub last: &'a str,
}

/// Draws the bars, the highest as high as there is room, and below them what the ends are about.
pub fn histogram(bars: &Bars<'_>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let n = u16::try_from(bars.heights.len()).unwrap_or(u16::MAX);
    if n == 0 || area.width == 0 || area.height < 2 {
        return;
    }
    let rows = area.height - 1;
    let width = (area.width / n).max(1);
    let known = |x: &f64| if x.is_finite() { x.max(0.0) } else { 0.0 };
    let most = bars.heights.iter().map(known).fold(0.0, f64::max);
    for (bar, height) in bars.heights.iter().map(known).enumerate().take(usize::from(area.width / width)) {
        let eighths = if most > 0.0 { (height / most * f64::from(rows) * 8.0).round() as u32 } else { 0 };
        // What is there at all is seen.
        let eighths = if height > 0.0 { eighths.max(1) } else { 0 };
        let x = u16::try_from(bar).unwrap_or(u16::MAX).saturating_mul(width);
        for row in 0..rows {
            let full = eighths.saturating_sub(u32::from(rows - 1 - row) * 8).min(8);
            let glyph = EIGHTHS.get(full as usize).copied().unwrap_or("█");
            // A gap between bars where there is room for one.
            let cells = usize::from(width - u16::from(width > 2));
            put(buf, line(area, usize::from(row)), x, &glyph.repeat(cells), theme.style(Role::Spark));
        }
    }
    let below = line(area, usize::from(rows));
    let used = (width * n.min(area.width / width)).min(area.width);
    put(buf, below, 0, bars.first, theme.style(Role::Faint));
    let start = used.saturating_sub(u16::try_from(bars.last.chars().count()).unwrap_or(u16::MAX));
    if n > 1 && usize::from(start) > bars.first.chars().count() {
        put(buf, below, start, bars.last, theme.style(Role::Faint));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn, theme};
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_height_and_one_is_seen() {
        let heights = [8.0, 4.0, 0.0, 0.01, f64::NAN];
        let bars = Bars { heights: &heights, first: "0", last: "9" };
        let lines = drawn(10, 3, |area, buf| histogram(&bars, area, &theme(), buf));
        assert_eq!(lines, ["██        ", "████  ▁▁  ", "0        9"]);
        for (w, h) in [(0, 0), (1, 1), (3, 2), (200, 1)] {
            drawn(w, h, |area, buf| histogram(&bars, area, &theme(), buf));
        }
    }
}
