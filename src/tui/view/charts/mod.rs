//! Charts made of cells: a share with its interval, bars, a reliability diagram, shades of a heat table.
//!
//! Each takes any area and plain numbers; what is not a number counts as 0. What colour says, a glyph says too.

mod heat;
mod histogram;
mod interval;
mod reliability;

pub use heat::{glyph, shade};
pub use histogram::{Bars, histogram};
pub use interval::{Share, interval};
pub use reliability::{Point, reliability};

/// Eighths of a cell, filled from below.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A number of files and models as a share.
fn share(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}

/// The cell of so many in which a share lies.
fn cell(x: f64, cells: u16) -> u16 {
    ((share(x) * f64::from(cells)) as u16).min(cells.saturating_sub(1))
}

#[cfg(test)]
pub(super) mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use crate::tui::theme::{ColorDepth, Theme};

    /// A dark theme.
    pub fn theme() -> Theme {
        Theme::builtin(true, ColorDepth::True).unwrap_or_else(|_| unreachable!())
    }

    /// What is drawn, as lines.
    pub fn drawn(w: u16, h: u16, draw: impl FnOnce(Rect, &mut Buffer)) -> Vec<String> {
        let area = Rect::new(0, 0, w, h);
        let mut buf = Buffer::empty(area);
        draw(area, &mut buf);
        let row = |y| (0..w).filter_map(|x| buf.cell((x, y)).map(|c| c.symbol().to_owned())).collect::<String>();
        (0..h).map(row).collect()
    }
}
