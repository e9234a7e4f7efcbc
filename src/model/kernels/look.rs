//! The weights of one row of attention, for whoever wants to see them.

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use super::rows::weigh;
use super::tile::{interleave, tile};
use super::{LANES, Panels, Wide};

/// Heads computed together.
const ROWS: usize = 4;

/// Weights of last rows, added up over heads while attention computes them.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Only this head's; `None` is the mean over all.
    head: Option<usize>,
    /// Heads there are.
    heads: usize,
    /// One entry a sequence, in the order they were computed.
    rows: Vec<Vec<f32>>,
}

impl Shown {
    /// Of one head or the mean of all `heads`.
    pub(crate) fn new(head: Option<usize>, heads: usize) -> Self {
        Self { head, heads: heads.max(1), rows: Vec::new() }
    }

    /// What was seen, one row a sequence.
    pub(crate) fn into_rows(self) -> Vec<Vec<f32>> {
        self.rows
    }

    /// The next sequence, whose last row sees so many keys.
    pub(super) fn begin(&mut self, seen: usize) {
        self.rows.push(vec![0.0; seen]);
    }

    /// A head's weights of one row, still to be divided by their sum; rows before the last are passed over.
    #[inline]
    pub(super) fn see(&mut self, head: usize, weights: &[f32], total: f32) {
        let share = match self.head {
            None => 1.0 / (self.heads as f32 * total),
            Some(one) if one == head => 1.0 / total,
            Some(_) => return,
        };
        if let Some(row) = self.rows.last_mut().filter(|row| row.len() == weights.len()) {
            row.iter_mut().zip(weights).for_each(|(row, weight)| *row += weight * share);
        }
    }
}

impl Wide {
    /// What the row with queries `q` (heads, width), turned and scaled, makes of the first `seen` keys: `visit` gets every
    /// head's number and its weights (`seen` numbers that are still to be divided by the sum that comes with them), heads
    /// in rising order. Nothing is visited where the lengths do not fit each other.
    ///
    /// The same sums in the same order as [`Wide::attend`] adds them.
    pub(crate) fn look(
        self,
        q: &[f32],
        panels: &Panels,
        seen: usize,
        scratch: &mut Vec<f32>,
        visit: &mut dyn FnMut(usize, &[f32], f32),
    ) {
        let width = panels.width();
        let heads = q.len().checked_div(width).unwrap_or(0);
        let group = heads / panels.heads().max(1);
        if group == 0 || group * panels.heads() * width != q.len() || seen == 0 || seen > panels.capacity() {
            return;
        }
        for head in 0..panels.heads() {
            let mut first = 0;
            while first < group {
                let number = head * group + first;
                let q = &q[number * width..][..width * (group - first)];
                // SAFETY: `self` proves that the processor has AVX2 and FMA.
                #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
                unsafe {
                    match group - first {
                        1 => run::<1>(q, panels, head, seen, scratch),
                        2 | 3 => run::<2>(q, panels, head, seen, scratch),
                        _ => run::<ROWS>(q, panels, head, seen, scratch),
                    }
                }
                let done = match group - first {
                    1 => 1,
                    2 | 3 => 2,
                    _ => ROWS,
                };
                let padded = seen.next_multiple_of(LANES);
                for (r, row) in scratch.chunks_exact(padded + 1).take(done).enumerate() {
                    visit(number + r, &row[..seen], row[padded]);
                }
                first += done;
            }
        }
    }
}

/// Weights of `R` queries of one head of keys, rows of the padded length and the sum behind it.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
fn run<const R: usize>(q: &[f32], panels: &Panels, head: usize, seen: usize, scratch: &mut Vec<f32>) {
    let (width, padded) = (panels.width(), seen.next_multiple_of(LANES));
    let row = padded + 1;
    // The queries lie behind the rows.
    scratch.resize(R * row + R * width, 0.0);
    let (rows, queries) = scratch.split_at_mut(R * row);
    let queries = queries[..R * width].as_chunks_mut::<R>().0;
    interleave::<R>(q.chunks_exact(width).take(R), queries);
    for (index, panel) in panels.keys_of(head).take(padded / LANES).enumerate() {
        let mut sums = [[0.0; LANES]; R];
        tile::<R>(queries, panel, &mut sums);
        for (rows, sums) in rows.chunks_exact_mut(row).zip(&sums) {
            rows[index * LANES..][..LANES].copy_from_slice(sums);
        }
    }
    for rows in rows.chunks_exact_mut(row) {
        rows[padded] = weigh(&mut rows[..seen]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Workspace;
    use super::*;

    /// Mixing the values by the weights that are shown gives what attention gave.
    #[test]
    fn the_weights_are_those_that_attention_mixes_by() {
        let Some(wide) = Wide::detect() else { return };
        for (heads, kv_heads, width, seen) in
            [(1, 1, 2, 1), (4, 2, 32, 41), (7, 1, 6, 32), (6, 2, 40, 5), (12, 2, 8, 99)]
        {
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let vector = |seed: usize, n: usize| (0..n).map(|i| number(i + 31 * seed)).collect::<Vec<f32>>();
            let mut panels = Panels::new(kv_heads, width, 128);
            let values: Vec<Vec<f32>> = (0..seen).map(|t| vector(t + 999, kv_heads * width)).collect();
            for (t, value) in values.iter().enumerate() {
                panels.write(t, &vector(t, kv_heads * width), value);
                assert_eq!(panels.read(t), (vector(t, kv_heads * width), value.clone()));
            }
            let q = vector(5, heads * width);
            let (mut y, mut workspace) = (vec![0.0; q.len()], Workspace::default());
            wide.attend(&q, &panels, seen - 1, heads, &mut y, &mut workspace);
            let mut visited = Vec::new();
            wide.look(&q, &panels, seen, &mut Vec::new(), &mut |head, weights, total| {
                visited.push(head);
                assert_eq!(weights.len(), seen);
                assert!((weights.iter().sum::<f32>() / total - 1.0).abs() < 1e-5);
                let own = head / (heads / kv_heads) * width;
                for d in 0..width {
                    let mixed: f32 = weights.iter().zip(&values).map(|(w, v)| w * v[own + d]).sum();
                    assert!((mixed / total - y[head * width + d]).abs() < 1e-5);
                }
            });
            assert_eq!(visited, (0..heads).collect::<Vec<_>>());
            wide.look(&q, &panels, 129, &mut Vec::new(), &mut |_, _, _| panic!("more than there is"));
            wide.look(&q[1..], &panels, seen, &mut Vec::new(), &mut |_, _, _| panic!("torn queries"));
        }
    }
}
