//! Pictures from block characters: every cell is two colours in one of eight patterns of its four quarters.
//!
//! Line art lives on thin dark lines; quarters show twice as many of them across as half blocks do.

use image::RgbImage;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::ColorDepth;

/// One cell: a character with the colour of its ink and of its ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub glyph: char,
    /// Colour of the filled quarters.
    pub ink: [u8; 3],
    /// Colour of the others.
    pub ground: [u8; 3],
}

/// A picture in cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Cells across.
    pub width: u16,
    /// Cells down.
    pub height: u16,
    cells: Vec<Cell>,
}

/// Patterns as bits (1 top left, 2 top right, 4 bottom left, 8 bottom right); halves first, they win ties.
const PATTERNS: [(u8, char); 8] = [(0, ' '), (3, '▀'), (5, '▌'), (1, '▘'), (2, '▝'), (4, '▖'), (8, '▗'), (9, '▚')];

impl Blocks {
    /// Turns a picture of `2·width × 2·height` pixels into cells; other sizes are read as far as they go.
    pub fn encode(picture: &RgbImage, width: u16, height: u16) -> Self {
        let pixel = |x: u32, y: u32| picture.get_pixel_checked(x, y).map_or([0; 3], |p| p.0);
        let mut cells = Vec::with_capacity(usize::from(width) * usize::from(height));
        for y in 0..u32::from(height) {
            for x in 0..u32::from(width) {
                let (left, top) = (2 * x, 2 * y);
                let quarters = [pixel(left, top), pixel(left + 1, top), pixel(left, top + 1), pixel(left + 1, top + 1)];
                cells.push(best(quarters));
            }
        }
        Self { width, height, cells }
    }

    /// Draws into the top left of an area, cut at its ends.
    pub fn draw(&self, area: Rect, depth: ColorDepth, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        for (row, y) in self.cells.chunks(usize::from(self.width).max(1)).zip(area.y..area.bottom()) {
            for (cell, x) in row.iter().zip(area.x..area.right()) {
                if let Some(target) = buf.cell_mut((x, y)) {
                    target.reset();
                    target.set_char(cell.glyph).set_fg(depth.pixel(cell.ink)).set_bg(depth.pixel(cell.ground));
                }
            }
        }
    }
}

/// The pattern whose two mean colours lose least.
fn best(quarters: [[u8; 3]; 4]) -> Cell {
    let mut best = (u32::MAX, Cell { glyph: ' ', ink: quarters[0], ground: quarters[0] });
    for (bits, glyph) in PATTERNS {
        let ink = mean(quarters, |i| bits >> i & 1 == 1);
        let ground = mean(quarters, |i| bits >> i & 1 == 0);
        let loss: u32 =
            quarters.iter().enumerate().map(|(i, q)| distance(*q, if bits >> i & 1 == 1 { ink } else { ground })).sum();
        if loss < best.0 {
            best = (loss, Cell { glyph, ink: if bits == 0 { ground } else { ink }, ground });
        }
    }
    best.1
}

fn mean(quarters: [[u8; 3]; 4], take: impl Fn(usize) -> bool) -> [u8; 3] {
    let mut sum = [0u32; 3];
    let mut n = 0u32;
    for (_, quarter) in quarters.iter().enumerate().filter(|(i, _)| take(*i)) {
        sum.iter_mut().zip(quarter).for_each(|(s, v)| *s += u32::from(*v));
        n += 1;
    }
    sum.map(|s| ((s + n / 2) / n.max(1)) as u8)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn flat_cells_are_blanks_and_patterns_are_exact() {
        let white = [255; 3];
        let black = [0; 3];
        assert_eq!(best([white; 4]), Cell { glyph: ' ', ink: white, ground: white });
        assert_eq!(best([black, black, white, white]), Cell { glyph: '▀', ink: black, ground: white });
        assert_eq!(best([black, white, black, white]), Cell { glyph: '▌', ink: black, ground: white });
        assert_eq!(best([white, white, white, black]), Cell { glyph: '▗', ink: black, ground: white });
        assert_eq!(best([black, white, white, black]).glyph, '▚');
        let three = best([black, black, black, white]);
        assert_eq!((three.glyph, three.ink, three.ground), ('▗', white, black));
    }

    #[test]
    fn drawing_stays_in_its_area() {
        let picture = RgbImage::from_pixel(8, 8, Rgb([9, 9, 9]));
        let blocks = Blocks::encode(&picture, 4, 4);
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 3));
        blocks.draw(Rect::new(4, 1, 10, 10), ColorDepth::True, &mut buf);
        let drawn = buf.content().iter().filter(|c| c.bg == ratatui::style::Color::Rgb(9, 9, 9)).count();
        assert_eq!(drawn, 4);
    }
}
