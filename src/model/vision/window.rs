//! Which merged cells attend to each other in window blocks, and the order that makes them neighbours.

/// The window order of one image's merged cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowPlan {
    index: Vec<u32>,
    cells: Vec<usize>,
}

impl WindowPlan {
    /// Plans windows of `side` merged cells over a grid of patches `[frames, height, width]`; windows at the right and
    /// lower edge hold what is left. Windows come row by row, cells row by row within one.
    pub fn new(grid: [usize; 3], merge: usize, side: usize) -> Self {
        let (merge, side) = (merge.max(1), side.max(1));
        let [frames, rows, columns] = [grid[0], grid[1] / merge, grid[2] / merge];
        let mut plan = Self { index: Vec::with_capacity(frames * rows * columns), cells: Vec::new() };
        for frame in 0..frames {
            for top in (0..rows).step_by(side) {
                for left in (0..columns).step_by(side) {
                    let (bottom, right) = ((top + side).min(rows), (left + side).min(columns));
                    plan.cells.push((bottom - top) * (right - left));
                    for row in top..bottom {
                        plan.index.extend((left..right).map(|column| ((frame * rows + row) * columns + column) as u32));
                    }
                }
            }
        }
        plan
    }

    /// The merged cell at each place of the window order.
    pub fn index(&self) -> &[u32] {
        &self.index
    }

    /// The place in window order of each merged cell: the inverse permutation.
    pub fn inverse(&self) -> Vec<u32> {
        let mut inverse = vec![0; self.index.len()];
        for (place, cell) in self.index.iter().enumerate() {
            if let Some(slot) = inverse.get_mut(*cell as usize) {
                *slot = place as u32;
            }
        }
        inverse
    }

    /// Rows of patches in window order; `unit` patches belong to a cell.
    pub fn rows(&self, unit: usize) -> Vec<u32> {
        self.index.iter().flat_map(|cell| (0..unit as u32).map(move |inner| cell * unit as u32 + inner)).collect()
    }

    /// Patches of each window, in order.
    pub fn lengths(&self, unit: usize) -> Vec<usize> {
        self.cells.iter().map(|cells| cells * unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::WindowPlan;

    #[test]
    fn a_grid_that_divides_has_no_empty_windows() {
        let plan = WindowPlan::new([1, 16, 8], 2, 4);
        assert_eq!(plan.lengths(4), [64, 64]);
        assert_eq!(plan.index(), (0..32).collect::<Vec<_>>());
    }

    #[test]
    fn edges_hold_what_is_left() {
        // 3 × 5 merged cells in windows of 4.
        let plan = WindowPlan::new([1, 6, 10], 2, 4);
        assert_eq!(plan.lengths(1), [12, 3]);
        assert_eq!(plan.index(), [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 4, 9, 14]);
        let inverse = plan.inverse();
        assert!(plan.index().iter().enumerate().all(|(place, cell)| inverse[*cell as usize] == place as u32));
    }

    #[test]
    fn frames_follow_each_other() {
        let plan = WindowPlan::new([2, 2, 4], 2, 4);
        assert_eq!(plan.index(), [0, 1, 2, 3]);
        assert_eq!(plan.lengths(4), [8, 8]);
        assert_eq!(plan.rows(2), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
