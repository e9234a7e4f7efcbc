//! Causal grouped-query attention over [`Panels`].

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use super::rows::weigh;
use super::team::{Shared, Team};
use super::tile::{interleave, tile};
use super::{LANES, Panels, Wide};

/// Queries computed together.
const ROWS: usize = 4;
/// Most queries of a task.
const PIECE: usize = 64;

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
        let Some((job, rows)) = Job::new(q, panels, past, heads, y.len()) else { return };
        let y = Shared::new(y);
        for head in 0..panels.heads() {
            // SAFETY: `self` proves that the processor has AVX2 and FMA; nobody else writes `y`.
            #[allow(unsafe_code, reason = "see there")]
            unsafe {
                job.run(head, 0..rows * job.group, &y, workspace);
            }
        }
    }

    /// The same by a team, heads of keys and some queries each.
    pub(crate) fn attend_shared(
        self,
        team: &Team,
        q: &[f32],
        panels: &Panels,
        past: usize,
        heads: usize,
        y: &mut [f32],
    ) {
        let Some((job, rows)) = Job::new(q, panels, past, heads, y.len()) else { return };
        let y = Shared::new(y);
        let count = rows * job.group;
        let piece = count.div_ceil(2 * team.threads()).next_multiple_of(ROWS).min(PIECE);
        let pieces = count.div_ceil(piece);
        team.run_staged(panels.heads() * pieces, |stage, task| {
            // Later queries see more keys: they come first, so that the last tasks are short.
            let (head, first) = (task % panels.heads(), (pieces - 1 - task / panels.heads()) * piece);
            // SAFETY: as above; tasks are disjoint queries.
            #[allow(unsafe_code, reason = "see there")]
            unsafe {
                job.run(head, first..(first + piece).min(count), &y, &mut stage.workspace);
            }
        });
    }
}

impl<'a> Job<'a> {
    /// The job and its rows; `None` where lengths do not fit each other.
    fn new(q: &'a [f32], panels: &'a Panels, past: usize, heads: usize, results: usize) -> Option<(Self, usize)> {
        let row = heads * panels.width();
        let group = heads / panels.heads().max(1);
        let rows = q.len().checked_div(row).unwrap_or(0);
        let fits = group > 0 && q.len() == results && rows * row == q.len() && past + rows <= panels.capacity();
        fits.then_some((Self { q, panels, past, group }, rows))
    }

    /// The queries of a head of keys are numbered row by row, the heads of its group side by side.
    ///
    /// # Safety
    /// Nobody else writes or reads the results of these queries.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    #[allow(unsafe_code, reason = "see there")]
    unsafe fn run(self, head: usize, queries: std::ops::Range<usize>, y: &Shared<'_, f32>, workspace: &mut Workspace) {
        let (mut first, count) = (queries.start, queries.end);
        while first < count {
            // SAFETY: the caller's.
            unsafe {
                match count - first {
                    1 => self.tile::<1>(head, first, y, workspace),
                    2 | 3 => self.tile::<2>(head, first, y, workspace),
                    _ => self.tile::<ROWS>(head, first, y, workspace),
                }
            }
            first += match count - first {
                1 => 1,
                2 | 3 => 2,
                _ => ROWS,
            };
        }
    }

    /// Where query `number` of a head of keys begins among all numbers.
    #[inline(always)]
    fn place(self, head: usize, number: usize) -> usize {
        let heads = self.group * self.panels.heads();
        (number / self.group * heads + head * self.group + number % self.group) * self.panels.width()
    }

    /// # Safety
    /// As [`Job::run`].
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    #[allow(unsafe_code, reason = "see there")]
    unsafe fn tile<const R: usize>(self, head: usize, first: usize, y: &Shared<'_, f32>, workspace: &mut Workspace) {
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
                // SAFETY: the results of one query, which the caller has alone.
                let y = unsafe { y.part(self.place(head, first + r) + block * LANES, count) };
                for (y, sum) in y.iter_mut().zip(sums) {
                    *y = sum / totals[r];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One query over the first `seen` keys of a head, in f64.
    fn naive(q: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>], head: usize, seen: usize) -> Vec<f64> {
        let width = q.len();
        let dot = |key: &Vec<f32>| -> f64 {
            q.iter().zip(&key[head * width..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let weights: Vec<f64> = keys[..seen].iter().map(|key| dot(key).exp()).collect();
        let total: f64 = weights.iter().sum();
        let at = |d: usize| weights.iter().zip(values).map(move |(w, v)| w * f64::from(v[head * width + d]) / total);
        (0..width).map(|d| at(d).sum()).collect()
    }

    #[test]
    fn rows_see_what_stands_before_them() {
        let Some(wide) = Wide::detect() else { return };
        for (heads, kv_heads, width, past, rows) in
            [(1, 1, 2, 0, 1), (4, 2, 32, 40, 1), (4, 2, 32, 0, 70), (7, 1, 6, 31, 3), (6, 3, 40, 5, 9)]
        {
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let vector = |seed: usize, n: usize| (0..n).map(|i| number(i + 31 * seed)).collect::<Vec<f32>>();
            let total = past + rows;
            let keys: Vec<Vec<f32>> = (0..total).map(|t| vector(t, kv_heads * width)).collect();
            let values: Vec<Vec<f32>> = (0..total).map(|t| vector(t + 999, kv_heads * width)).collect();
            let mut panels = Panels::new(kv_heads, width, 32);
            for t in 0..total {
                if t >= panels.capacity() {
                    panels = panels.resized(panels.capacity() + 32);
                }
                panels.write(t, &keys[t], &values[t]);
            }
            let panels = panels.resized(total);
            let q = vector(5, rows * heads * width);
            let (mut y, mut workspace) = (vec![0.0; q.len()], Workspace::default());
            wide.attend(&q, &panels, past, heads, &mut y, &mut workspace);
            for row in 0..rows {
                for head in 0..heads {
                    let place = (row * heads + head) * width;
                    let (q, y) = (&q[place..][..width], &y[place..][..width]);
                    let right = naive(q, &keys, &values, head / (heads / kv_heads), past + row + 1);
                    let wrong = y.iter().zip(&right).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                    assert!(wrong < 1e-5, "{heads} {kv_heads} {width} {past} {rows}: {wrong}");
                }
            }
            // A row alone gets the bits it gets among others.
            let last = (rows - 1) * heads * width;
            let mut alone = vec![0.0; heads * width];
            wide.attend(&q[last..], &panels, total - 1, heads, &mut alone, &mut workspace);
            assert_eq!(alone, y[last..]);
        }
    }
}
