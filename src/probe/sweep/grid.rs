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
    /// Column and row of its first block.
    pub at: (u32, u32),
}

/// The blocks and the regions made of them. Every region is a rectangle of whole blocks, so that a block has a plain mean over
/// the regions that show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Columns and rows of blocks.
    pub blocks: (u32, u32),
    /// The regions, smallest first, each size from left to right and top to bottom.
    pub cells: Vec<Cell>,
    page: Size,
}

impl Grid {
    /// Windows of two and of three blocks a side, moved by one block. Two blocks are about as large as the first target, so that
    /// some window holds most of it; where none holds half of a target, there are windows of that target's size, too. Where
    /// `columns` are given, or no target, blocks are square.
    pub fn new(page: Size, columns: Option<u32>, targets: &[PageBox]) -> Self {
        let (w, h) = (f64::from(page.w.max(1)), f64::from(page.h.max(1)));
        let fitting =
            |whole: f64, part: f64| (2.0 * whole / part.max(1e-9)).round().clamp(3.0, f64::from(FITTED)) as u32;
        let (columns, rows) = match (columns, targets.first()) {
            (None, Some(target)) => (fitting(w, target.width()), fitting(h, target.height())),
            (columns, _) => {
                let columns = columns.unwrap_or(USUAL).clamp(1, MOST);
                let rows = (h / (w / f64::from(columns))).round().clamp(1.0, f64::from(MOST)) as u32;
                (columns, rows)
            }
        };
        let blocks = (columns.min(page.w.max(1)), rows.min(page.h.max(1)));
        let mut grid = Self { blocks, cells: Vec::new(), page };
        grid.windows((2, 2));
        grid.windows((3, 3));
        for target in targets {
            if !grid.cells.iter().any(|cell| coverage(target, &cell.page_box) >= ON_TARGET) {
                let span = grid.span_of(target);
                grid.windows(span);
            }
        }
        grid
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

    /// The place of a block.
    pub fn block(&self, column: u32, row: u32) -> PageBox {
        self.region((column, row), (1, 1))
    }

    fn windows(&mut self, span: (u32, u32)) {
        let span = (span.0.clamp(1, self.blocks.0), span.1.clamp(1, self.blocks.1));
        if self.cells.iter().any(|cell| cell.span == span) {
            return;
        }
        for row in 0..=self.blocks.1 - span.1 {
            for column in 0..=self.blocks.0 - span.0 {
                let at = (column, row);
                self.cells.push(Cell { page_box: self.region(at, span), span, at });
            }
        }
    }

    /// Blocks are whole pixels: their edges are rounded once, so that neighbours meet.
    fn region(&self, at: (u32, u32), span: (u32, u32)) -> PageBox {
        let edge = |n: u32, of: u32, whole: u32| (f64::from(whole) * f64::from(n) / f64::from(of)).round();
        let x = |n| edge(n, self.blocks.0, self.page.w.max(1));
        let y = |n| edge(n, self.blocks.1, self.page.h.max(1));
        PageBox::new(x(at.0), y(at.1), x(at.0 + span.0), y(at.1 + span.1))
    }

    /// Blocks that hold a target, one more than it has where it could lie across their edges.
    fn span_of(&self, target: &PageBox) -> (u32, u32) {
        let blocks = |part: f64, whole: u32, of: u32| {
            let block = f64::from(whole.max(1)) / f64::from(of);
            ((part / block).ceil() as u32).saturating_add(1).min(of)
        };
        (blocks(target.width(), self.page.w, self.blocks.0), blocks(target.height(), self.page.h, self.blocks.1))
    }
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
#[allow(clippy::unwrap_used, reason = "tests")]
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
            prop_assert!(best >= ON_TARGET, "{best} {:?}", grid.blocks);
        }

        #[test]
        fn cells_lie_on_the_page_and_cover_it(w in 1u32..4000, h in 1u32..4000, columns in 1u32..20) {
            let page = Size::new(w, h);
            let grid = Grid::new(page, Some(columns), &[]);
            prop_assert!(grid.cells.len() <= 3 * (MOST * MOST) as usize);
            let whole = f64::from(w) * f64::from(h);
            for cell in &grid.cells {
                let b = cell.page_box;
                prop_assert!(b.area() > 0.0 && b.clamped(page) == b, "{b:?}");
                prop_assert!(b.corners().iter().all(|v| v.fract() == 0.0));
            }
            let tiled: f64 = (0..grid.blocks.0).flat_map(|x| (0..grid.blocks.1).map(move |y| (x, y)))
                .map(|(x, y)| grid.block(x, y).area()).sum();
            prop_assert!((tiled - whole).abs() < 1e-6);
            for (x, y) in (0..grid.blocks.0).flat_map(|x| (0..grid.blocks.1).map(move |y| (x, y))) {
                let block = grid.block(x, y);
                prop_assert!(grid.cells.iter().any(|c| intersection(&c.page_box, &block) > 0.0));
            }
        }
    }

    #[test]
    fn blocks_are_fitted_to_the_target() {
        let (page, panel) = (Size::new(840, 1176), PageBox::new(20.0, 822.0, 266.0, 1156.0));
        let grid = Grid::new(page, None, &[panel]);
        assert_eq!((grid.blocks, grid.sizes()), ((7, 7), vec![(2, 2), (3, 3)]));
        assert_eq!(grid.cells.len(), 36 + 25);
        assert!(grid.cells.iter().filter(|c| coverage(&panel, &c.page_box) >= ON_TARGET).count() >= 4);
        let all = PageBox::new(0.0, 0.0, 840.0, 1176.0);
        assert_eq!(Grid::new(page, Some(4), &[all]).sizes().last(), Some(&(4, 6)));
        assert_eq!(Grid::new(page, None, &[]).blocks, (6, 8));
    }
}
