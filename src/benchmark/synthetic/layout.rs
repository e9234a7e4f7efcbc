//! Panel grids.

use super::rng::Dice;
use super::world::PAGE_SIZE;
use crate::geometry::PageBox;

/// A grid: the panels in reading order, and the title strip where there is one.
pub struct Layout {
    /// Panel frames, row by row, left to right.
    pub panels: Vec<PageBox>,
    /// The title strip.
    pub title: Option<PageBox>,
}

/// Columns of every grid.
const COLUMNS: usize = 3;

/// Draws a grid of three columns: four rows, or three rows with or without a title.
pub fn draw_layout(dice: &mut Dice) -> Layout {
    let (w, h) = (PAGE_SIZE.w as f32, PAGE_SIZE.h as f32);
    let margin = dice.between(18.0, 28.0);
    let gutter = dice.between(12.0, 18.0);
    let (rows, titled) = dice.pick([(3, true), (3, false), (4, false)]);
    let title_height = if titled { dice.between(110.0, 150.0) } else { 0.0 };
    let mut top = margin + if titled { title_height + gutter } else { 0.0 };
    let free = h - margin - top - gutter * (rows - 1) as f32;
    let shares: Vec<f32> = (0..rows).map(|_| 1.0 + dice.between(-0.06, 0.06)).collect();
    let total: f32 = shares.iter().sum();
    let mut panels = Vec::with_capacity(rows * COLUMNS);
    for share in shares {
        let bottom = top + free * share / total;
        let mut left = margin;
        let free_width = w - 2.0 * margin - gutter * (COLUMNS - 1) as f32;
        let widths: Vec<f32> = (0..COLUMNS).map(|_| 1.0 + dice.between(-0.06, 0.06)).collect();
        let width_total: f32 = widths.iter().sum();
        for width in widths {
            let right = left + free_width * width / width_total;
            panels.push(page_box(left, top, right, bottom));
            left = right + gutter;
        }
        top = bottom + gutter;
    }
    let title = titled.then(|| page_box(margin, margin, w - margin, margin + title_height));
    Layout { panels, title }
}

fn page_box(x1: f32, y1: f32, x2: f32, y2: f32) -> PageBox {
    PageBox::new(x1.round().into(), y1.round().into(), x2.round().into(), y2.round().into())
}
