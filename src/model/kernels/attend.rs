//! Causal grouped-query attention over [`Panels`].

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use super::rows::weigh;
use super::tile::{interleave, tile};
use super::{LANES, Panels, Wide};

/// Queries computed together.
const ROWS: usize = 4;

/// What one attention needs besides its result; kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    queries: Vec<f32>,
    scores: Vec<f32>,
    weights: Vec<f32>,
}

/// Queries of one sequence and where they stand.
#[derive(Clone, Copy, Debug)]
struct Job<'a> {
    /// (rows, heads, width), turned and scaled.
    q: &'a [f32],
    panels: &'a Panels,
    /// Tokens before the first row.
    past: usize,
    /// Heads of queries for one of keys.
    group: usize,
}

impl Wide {
    /// Queries `q` (rows, heads, width), already turned and scaled, of tokens that follow `past` others; their own keys
    /// are in `panels` already. Row `i` sees the first `past + i + 1` keys. Writes `y` (rows, heads * width).
    ///
    /// Does nothing where the lengths do not fit each other.
    pub(crate) fn attend(
        self,
        q: &[f32],
        panels: &Panels,
        past: usize,
        heads: usize,
        y: &mut [f32],
        workspace: &mut Workspace,
    ) {
        let row = heads * panels.width();
        let group = heads / panels.heads().max(1);
        let rows = q.len().checked_div(row).unwrap_or(0);
        if group == 0 || q.len() != y.len() || rows * row != q.len() || past + rows > panels.capacity() {
            return;
        }
        let job = Job { q, panels, past, group };
        // SAFETY: `self` proves that the processor has AVX2 and FMA.
        #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
        unsafe {
            job.run(rows, y, workspace);
        }
    }
}

impl Job<'_> {
    /// The queries of a head of keys are numbered row by row, the heads of its group side by side.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    fn run(self, rows: usize, y: &mut [f32], workspace: &mut Workspace) {
        for head in 0..self.panels.heads() {
            let count = rows * self.group;
            let mut first = 0;
            while first < count {
                match count - first {
                    1 => self.tile::<1>(head, first, y, workspace),
                    2 | 3 => self.tile::<2>(head, first, y, workspace),
                    _ => self.tile::<ROWS>(head, first, y, workspace),
                }
                first += match count - first {
                    1 => 1,
                    2 | 3 => 2,
                    _ => ROWS,
                };
            }
        }
    }

    /// Where query `number` of a head of keys begins among all numbers.
    #[inline(always)]
    fn place(self, head: usize, number: usize) -> usize {
        let heads = self.group * self.panels.heads();
        (number / self.group * heads + head * self.group + number % self.group) * self.panels.width()
    }

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    fn tile<const R: usize>(self, head: usize, first: usize, y: &mut [f32], workspace: &mut Workspace) {
        let width = self.panels.width();
        let sees = |r: usize| self.past + (first + r) / self.group + 1;
        let seen = sees(R - 1);
        let padded = seen.next_multiple_of(LANES);
        let Workspace { queries, scores, weights } = workspace;
        queries.resize(width * R, 0.0);
        let queries = queries.as_chunks_mut::<R>().0;
        interleave::<R>((0..R).map(|r| &self.q[self.place(head, first + r)..][..width]), queries);
        scores.resize(padded * R, 0.0);
        for (index, panel) in self.panels.keys_of(head).take(padded / LANES).enumerate() {
            let mut sums = [[0.0; LANES]; R];
            tile::<R>(queries, panel, &mut sums);
            for (scores, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
                scores[index * LANES..][..LANES].copy_from_slice(sums);
            }
        }
        weights.resize(seen * R, 0.0);
        let weights = weights.as_chunks_mut::<R>().0;
        let mut totals = [0.0; R];
        for (r, scores) in scores.chunks_exact_mut(padded).take(R).enumerate() {
            totals[r] = weigh(&mut scores[..sees(r)]);
            scores[sees(r)..].fill(0.0);
        }
        interleave::<R>(scores.chunks_exact(padded), weights);
        for block in 0..width.div_ceil(LANES) {
            let mut sums = [[0.0; LANES]; R];
            tile::<R>(weights, self.panels.values_of(head, block), &mut sums);
            let count = LANES.min(width - block * LANES);
            for (r, sums) in sums.iter().enumerate() {
                let y = &mut y[self.place(head, first + r) + block * LANES..][..count];
                for (y, sum) in y.iter_mut().zip(sums) {
                    *y = sum / totals[r];
                }
            }
        }
    }
}
