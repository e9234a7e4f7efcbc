//! Panel grids.

use super::canvas::Area;
use super::rng::Dice;
use super::world::{Difficulty, PAGE_SIZE};

/// A grid: the panels in reading order, and the title strip where there is one.
pub struct Layout {
    /// Panel frames in reading order: rows from top to bottom, in a row from left to right, a stack of two from top to
    /// bottom before going right.
    pub panels: Vec<Area>,
    /// The title strip.
    pub title: Option<Area>,
    /// How many panels each row has.
    pub rows: Vec<usize>,
}

/// A row to be laid out.
struct Row {
    /// Share of the height.
    share: f32,
    /// Panels above each other in every column.
    stacks: Vec<usize>,
    /// Shares of the width.
    widths: Vec<f32>,
}

/// Columns of easy grids.
const COLUMNS: usize = 3;

impl Row {
    fn even(dice: &mut Dice, columns: usize, off: f32) -> Self {
        let share = 1.0 + dice.between(-off, off);
        let widths = (0..columns).map(|_| 1.0 + dice.between(-off, off)).collect();
        Self { share, stacks: vec![1; columns], widths }
    }
}

/// Draws a grid of this difficulty.
pub fn draw_layout(dice: &mut Dice, difficulty: Difficulty) -> Layout {
    let margin = dice.between(18.0, 28.0);
    let gutter = dice.between(12.0, 18.0);
    let (rows, titled) = match difficulty {
        Difficulty::Easy => easy(dice),
        Difficulty::Medium => medium(dice),
        Difficulty::Hard => hard(dice),
    };
    let title_height = match (titled, difficulty) {
        (false, _) => 0.0,
        (true, Difficulty::Easy) => dice.between(110.0, 150.0),
        (true, _) => dice.between(80.0, 112.0),
    };
    lay_out(&rows, margin, gutter, title_height)
}

/// Three columns: four rows, or three rows with or without a title.
fn easy(dice: &mut Dice) -> (Vec<Row>, bool) {
    let (rows, titled) = dice.pick([(3, true), (3, false), (4, false)]);
    ((0..rows).map(|_| Row::even(dice, COLUMNS, 0.06)).collect(), titled)
}

/// Rows of two to four columns with different splits, perhaps one that is a single wide panel.
fn medium(dice: &mut Dice) -> (Vec<Row>, bool) {
    let (count, titled) = dice.pick([(3, true), (3, false), (4, false), (4, false)]);
    let splash = dice.chance(0.4).then(|| dice.below(count));
    let rows = (0..count).map(|i| {
        if Some(i) == splash {
            return Row { share: 1.1, stacks: vec![1], widths: vec![1.0] };
        }
        let columns = dice.pick([2, 3, 3, 4]);
        match columns {
            2 => Row { widths: dice.pick([[1.0, 1.0], [1.5, 1.0], [1.0, 1.5]]).to_vec(), ..Row::even(dice, 2, 0.06) },
            3 => Row {
                widths: dice.pick([[1.0, 1.0, 1.0], [1.35, 1.0, 1.0], [1.0, 1.35, 1.0], [1.0, 1.0, 1.35]]).to_vec(),
                ..Row::even(dice, 3, 0.06)
            },
            _ => Row::even(dice, columns, 0.03),
        }
    });
    (rows.collect(), titled)
}

/// Four rows of three or four columns; in some rows of three one column holds two panels.
fn hard(dice: &mut Dice) -> (Vec<Row>, bool) {
    let rows = (0..4).map(|_| {
        let columns = dice.pick([3, 4]);
        let mut row = Row::even(dice, columns, 0.04);
        if columns == 3 && dice.chance(0.55) {
            let column = dice.below(3);
            row.share = 1.22;
            row.stacks = (0..3).map(|c| 1 + usize::from(c == column)).collect();
        }
        row
    });
    (rows.collect(), false)
}

fn lay_out(rows: &[Row], margin: f32, gutter: f32, title_height: f32) -> Layout {
    let (w, h) = (PAGE_SIZE.w as f32, PAGE_SIZE.h as f32);
    let titled = title_height > 0.0;
    let mut top = margin + if titled { title_height + gutter } else { 0.0 };
    let free = h - margin - top - gutter * (rows.len() - 1) as f32;
    let total: f32 = rows.iter().map(|r| r.share).sum();
    let mut panels = Vec::new();
    for row in rows {
        let bottom = top + free * row.share / total;
        let mut left = margin;
        let free_width = w - 2.0 * margin - gutter * (row.widths.len() - 1) as f32;
        let width_total: f32 = row.widths.iter().sum();
        for (width, stack) in row.widths.iter().zip(&row.stacks) {
            let right = left + free_width * width / width_total;
            let each = (bottom - top - gutter * (stack - 1) as f32) / *stack as f32;
            for i in 0..*stack {
                let upper = top + (each + gutter) * i as f32;
                panels.push(whole(left, upper, right, upper + each));
            }
            left = right + gutter;
        }
        top = bottom + gutter;
    }
    let title = titled.then(|| whole(margin, margin, w - margin, margin + title_height));
    Layout { panels, title, rows: rows.iter().map(|r| r.stacks.iter().sum()).collect() }
}

fn whole(x1: f32, y1: f32, x2: f32, y2: f32) -> Area {
    Area::new(x1.round(), y1.round(), x2.round(), y2.round())
}
