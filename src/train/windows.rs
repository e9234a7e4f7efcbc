//! Order of patches in the vision tower: windows first, 2×2 groups inside, as the model room and transformers have it.
#![allow(clippy::indexing_slicing, reason = "indices are computed from the grid they index")]

use super::shape::WINDOW_CELLS;

/// Where everything of an image of one grid goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowOrder {
    /// Merged cell (raster index) at each place of the window order.
    pub cells: Vec<usize>,
    /// The inverse: place in window order of each raster cell.
    pub place: Vec<usize>,
    /// Number of merged cells of each window, in order.
    pub windows: Vec<usize>,
    /// Row and column of each patch, in window order (four a cell).
    pub patches: Vec<[u32; 2]>,
}

impl WindowOrder {
    /// The order for `rows × cols` merged cells.
    pub fn new(rows: usize, cols: usize) -> Self {
        let mut cells = Vec::with_capacity(rows * cols);
        let mut windows = Vec::new();
        for top in (0..rows).step_by(WINDOW_CELLS) {
            for left in (0..cols).step_by(WINDOW_CELLS) {
                let before = cells.len();
                for row in top..(top + WINDOW_CELLS).min(rows) {
                    cells.extend((left..(left + WINDOW_CELLS).min(cols)).map(|col| row * cols + col));
                }
                windows.push(cells.len() - before);
            }
        }
        let mut place = vec![0; cells.len()];
        for (index, &cell) in cells.iter().enumerate() {
            place[cell] = index;
        }
        let corner = |cell: usize| [(2 * (cell / cols)) as u32, (2 * (cell % cols)) as u32];
        let four = |[row, col]: [u32; 2]| [[row, col], [row, col + 1], [row + 1, col], [row + 1, col + 1]];
        let patches = cells.iter().flat_map(|&cell| four(corner(cell))).collect();
        Self { cells, place, windows, patches }
    }

    /// Copies patch rows (`width` values each) from merge order to window order.
    pub fn gather(&self, data: &[f32], width: usize, out: &mut Vec<f32>) {
        let group = 4 * width;
        for &cell in &self.cells {
            out.extend_from_slice(&data[cell * group..(cell + 1) * group]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_one_place_in_ragged_grids() {
        for (rows, cols) in [(8, 12), (1, 1), (5, 7), (4, 9), (12, 8)] {
            let order = WindowOrder::new(rows, cols);
            assert_eq!(order.windows.iter().sum::<usize>(), rows * cols);
            assert_eq!(order.windows.len(), rows.div_ceil(4) * cols.div_ceil(4));
            let mut seen = order.cells.clone();
            seen.sort_unstable();
            assert!(seen.iter().enumerate().all(|(i, &cell)| i == cell));
            assert!(order.place.iter().enumerate().all(|(cell, &at)| order.cells[at] == cell));
        }
        assert_eq!(WindowOrder::new(5, 5).windows, [16, 4, 4, 1]);
        assert_eq!(WindowOrder::new(5, 5).patches[0..4], [[0, 0], [0, 1], [1, 0], [1, 1]]);
    }
}
