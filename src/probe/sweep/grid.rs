//! Regions that a sweep looks at: windows of two or three sizes over one grid of blocks.

use crate::geometry::{PageBox, Size, coverage, intersection};

/// Most columns and rows of blocks.
pub(super) const MOST: u32 = 16;
/// Most of them where they are fitted to a target.
const FITTED: u32 = 8;
/// Columns where there is no target to fit them to.
const USUAL: u32 = 6;
/// A cell shows a target when at least this share of it lies inside.
pub(crate) const ON_TARGET: f64 = 0.5;

/// One region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Where, in page pixels.
    pub page_box: PageBox,
    /// Columns and rows of blocks it spans.
    pub span: (u32, u32),
}

/// The blocks and the regions made of them. Every region is a rectangle of whole blocks, so that a block has a plain mean over
/// the regions that show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Edges between the blocks' columns, in page pixels, from 0 to the page's width.
    pub xs: Vec<f64>,
    /// Edges between their rows.
    pub ys: Vec<f64>,
    /// The regions, smallest first, each size from left to right and top to bottom.
    pub cells: Vec<Cell>,
}

impl Grid {
    /// Windows of two and of three blocks a side, moved by one block. The first target is two blocks wide and high, so that one
    /// window is the target and others are beside it; where no window holds half of a target, there are windows of that
    /// target's size, too. Where `columns` are given, or no target, all blocks are alike.
    pub fn new(page: Size, columns: Option<u32>, targets: &[PageBox]) -> Self {
        let (w, h) = (f64::from(page.w.max(1)), f64::from(page.h.max(1)));
        let (xs, ys) = match (columns, targets.first()) {
            (None, Some(target)) => (fitted(w, target.x1, target.x2), fitted(h, target.y1, target.y2)),
            (columns, _) => {
                let columns = columns.unwrap_or(USUAL).clamp(1, MOST);
                let rows = (h / (w / f64::from(columns))).round().clamp(1.0, f64::from(MOST)) as u32;
                (alike(0.0, w, columns), alike(0.0, h, rows))
            }
        };
        let mut grid = Self { xs: whole(xs), ys: whole(ys), cells: Vec::new() };
        grid.windows((2, 2));
        grid.windows((3, 3));
        for target in targets {
            if !grid.cells.iter().any(|cell| coverage(target, &cell.page_box) >= ON_TARGET) {
                let span = (span_of(&grid.xs, target.x1, target.x2), span_of(&grid.ys, target.y1, target.y2));
                grid.windows(span);
            }
        }
        grid
    }

    /// Columns and rows of blocks.
    pub fn blocks(&self) -> (u32, u32) {
        let count = |edges: &[f64]| u32::try_from(edges.len().saturating_sub(1)).unwrap_or(0);
        (count(&self.xs), count(&self.ys))
    }

    /// Sizes that occur, in blocks, as the cells have them.
    pub fn sizes(&self) -> Vec<(u32, u32)> {
        let mut sizes: Vec<(u32, u32)> = Vec::new();
        for cell in &self.cells {
            if !sizes.contains(&cell.span) {
                sizes.push(cell.span);
            }
        }
        sizes
    }

    fn windows(&mut self, span: (u32, u32)) {
        let (columns, rows) = self.blocks();
        let span = (span.0.min(columns), span.1.min(rows));
        if self.cells.iter().any(|cell| cell.span == span) {
            return;
        }
        let steps = |edges: &[f64], by: u32| -> Vec<(f64, f64)> {
            edges.iter().copied().zip(edges.iter().copied().skip(by as usize)).collect()
        };
        for (y1, y2) in steps(&self.ys, span.1) {
            for (x1, x2) in steps(&self.xs, span.0) {
                self.cells.push(Cell { page_box: PageBox::new(x1, y1, x2, y2), span });
            }
        }
    }
}

/// Edges of a page's side such that the target is two blocks; a target that is too small for that gets blocks that are alike.
fn fitted(side: f64, from: f64, to: f64) -> Vec<f64> {
    let block = (to - from) / 2.0;
    if block < side / f64::from(FITTED) {
        return alike(0.0, side, FITTED);
    }
    let blocks = |room: f64| (room / block).round() as u32;
    let (before, after) = (blocks(from), blocks(side - to));
    // What is too narrow for a block of its own goes with the target's.
    let (from, to) = (if before == 0 { 0.0 } else { from }, if after == 0 { side } else { to });
    let parts = [alike(0.0, from, before), alike(from, to, 2), alike(to, side, after)];
    let mut edges: Vec<f64> = parts.concat();
    edges.dedup();
    edges
}

/// Edges of `n` blocks that are alike; none for no blocks.
fn alike(from: f64, to: f64, n: u32) -> Vec<f64> {
    if n == 0 {
        return Vec::new();
    }
    (0..=n).map(|i| from + (to - from) * f64::from(i) / f64::from(n)).collect()
}

/// Whole pixels, each once.
fn whole(edges: Vec<f64>) -> Vec<f64> {
    let mut edges: Vec<f64> = edges.into_iter().map(f64::round).collect();
    edges.dedup();
    edges
}

/// Blocks that hold a target, and one more, for it may lie across their edges.
fn span_of(edges: &[f64], from: f64, to: f64) -> u32 {
    let touched = edges.iter().zip(edges.iter().skip(1)).filter(|(a, b)| **a < to && **b > from).count();
    u32::try_from(touched).unwrap_or(u32::MAX).max(1)
}

/// The best coverage of a target by a region; none where no target is known.
pub(crate) fn best_coverage(targets: &[PageBox], region: &PageBox) -> Option<f64> {
    targets.iter().map(|target| coverage(target, region)).reduce(f64::max)
}

/// Whether a region shows nothing of the targets.
pub(crate) fn is_off(targets: &[PageBox], region: &PageBox) -> bool {
    targets.iter().all(|target| intersection(target, region) <= 0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_target_is_half_covered_by_some_cell(
            w in 1u32..4000, h in 1u32..4000, columns in prop::option::of(1u32..9),
            x in 0.0f64..1.0, y in 0.0f64..1.0, tw in 0.01f64..1.0, th in 0.01f64..1.0,
        ) {
            let page = Size::new(w, h);
            let (fw, fh) = (f64::from(w), f64::from(h));
            let target = PageBox::new(x * fw, y * fh, (x + tw) * fw, (y + th) * fh).clamped(page);
            prop_assume!(target.area() > 1e-6);
            let grid = Grid::new(page, columns, &[target]);
            let best = grid.cells.iter().map(|c| coverage(&target, &c.page_box)).fold(0.0, f64::max);
            prop_assert!(best >= ON_TARGET, "{best} {:?}", grid.blocks());
        }

        #[test]
        fn cells_lie_on_the_page_and_cover_it(w in 1u32..4000, h in 1u32..4000, columns in prop::option::of(1u32..20), x in 0.0f64..0.9, tw in 0.01f64..1.0) {
            let page = Size::new(w, h);
            let target = PageBox::new(x * f64::from(w), 0.0, (x + tw) * f64::from(w), f64::from(h)).clamped(page);
            let grid = Grid::new(page, columns, &[target]);
            prop_assert!(grid.cells.len() <= 4 * (MOST * MOST) as usize, "{}", grid.cells.len());
            prop_assert_eq!((grid.xs.first(), grid.xs.last()), (Some(&0.0), Some(&f64::from(w))));
            prop_assert_eq!((grid.ys.first(), grid.ys.last()), (Some(&0.0), Some(&f64::from(h))));
            prop_assert!(grid.xs.windows(2).chain(grid.ys.windows(2)).all(|e| e[0] < e[1]));
            for cell in &grid.cells {
                let b = cell.page_box;
                prop_assert!(b.area() > 0.0 && b.clamped(page) == b, "{b:?}");
                prop_assert!(b.corners().iter().all(|v| v.fract() == 0.0));
            }
            for (x, y) in grid.xs.windows(2).flat_map(|x| grid.ys.windows(2).map(move |y| (x, y))) {
                let block = PageBox::new(x[0], y[0], x[1], y[1]);
                prop_assert!(grid.cells.iter().any(|c| coverage(&block, &c.page_box) >= 1.0));
            }
        }
    }

    #[test]
    fn blocks_are_fitted_to_the_target() {
        let (page, panel) = (Size::new(840, 1176), PageBox::new(295.0, 420.0, 548.0, 750.0));
        let grid = Grid::new(page, None, &[panel]);
        assert_eq!((grid.blocks(), grid.sizes()), ((6, 8), vec![(2, 2), (3, 3)]));
        assert_eq!(grid.cells.len(), 5 * 7 + 4 * 6);
        let own = grid.cells.iter().find(|c| c.page_box.corners() == panel.corners());
        assert!(own.is_some(), "one window is the target");
        assert!(grid.cells.iter().filter(|c| coverage(&panel, &c.page_box) >= ON_TARGET).count() >= 8);
        let corner = Grid::new(page, None, &[PageBox::new(20.0, 822.0, 266.0, 1156.0)]);
        assert_eq!((corner.xs[0], corner.xs[2]), (0.0, 266.0), "a narrow margin goes with the target");
        let all = PageBox::new(0.0, 0.0, 840.0, 1176.0);
        assert_eq!(Grid::new(page, Some(4), &[all]).sizes().last(), Some(&(4, 6)));
        assert_eq!(Grid::new(page, None, &[]).blocks(), (6, 8));
        assert_eq!(Grid::new(page, None, &[PageBox::new(5.0, 5.0, 25.0, 25.0)]).blocks(), (8, 8));
    }
}
