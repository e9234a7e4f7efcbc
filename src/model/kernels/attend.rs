//! Causal grouped-query attention over [`Panels`].

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use super::rows::weigh;
use super::team::{Shared, Team};
use super::tile::{interleave, tile};
#[cfg(target_arch = "x86_64")]
use super::x86::float;
use super::{LANES, Lanes, Level, Panels, Wide};

/// Queries of a tile with AVX2.
const ROWS: usize = 4;
/// Most queries of a task.
const PIECE: usize = 48;

/// What one attention needs besides its result; kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    queries: Vec<f32>,
    scores: Vec<f32>,
    weights: Vec<f32>,
    /// What is shown of the weights, where someone watches; see [`super::look`].
    pub(crate) shown: Option<super::Shown>,
}

/// Queries and where they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job<'a> {
    /// (rows, heads, width), turned and scaled.
    q: &'a [f32],
    panels: &'a Panels,
    /// Tokens before the first row.
    past: usize,
    /// Heads of queries for one of keys.
    group: usize,
    /// Every row sees so many keys, rather than those up to its own.
    all: Option<usize>,
    level: Level,
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
        // One core, and the tiles that the models it is for have always had.
        let Some((job, rows)) = Job::new(Level::Avx2, q, panels, past, heads, y.len()) else { return };
        if let Some(shown) = &mut workspace.shown {
            shown.begin(past + rows);
        }
        let y = Shared::new(y);
        for head in 0..panels.heads() {
            // SAFETY: nobody else writes `y`.
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
        let Some((job, rows)) = Job::new(self.level, q, panels, past, heads, y.len()) else { return };
        let y = Shared::new(y);
        let count = rows * job.group;
        let piece = count.div_ceil(2 * team.threads()).next_multiple_of(2 * ROWS).clamp(1, PIECE);
        let pieces = count.div_ceil(piece);
        team.run_staged(panels.heads() * pieces, |stage, task| {
            // Later queries see more keys: they come first, so that the last tasks are short.
            let (head, first) = (task % panels.heads(), (pieces - 1 - task / panels.heads()) * piece);
            // SAFETY: tasks are disjoint queries.
            #[allow(unsafe_code, reason = "see there")]
            unsafe {
                job.run(head, first..(first + piece).min(count), &y, &mut stage.workspace);
            }
        });
    }

    /// Queries `q` (rows, heads, width), all of which see the first `seen` keys of as many heads.
    pub(super) fn attend_all<'a>(self, q: &'a [f32], panels: &'a Panels, seen: usize) -> Option<Job<'a>> {
        let (job, _) = Job::new(self.level, q, panels, 0, panels.heads(), q.len())?;
        (seen <= panels.capacity()).then_some(Job { all: Some(seen), ..job })
    }
}

/// Products of one kind of processor.
trait Products {
    /// As [`tile`].
    ///
    /// # Safety
    /// The processor is of that kind.
    unsafe fn tile<const R: usize>(x: &[f32], panel: &[Lanes], out: &mut [Lanes; R]);
}

struct Avx2;

#[allow(unsafe_code, reason = "processor features are the caller's to prove")]
impl Products for Avx2 {
    #[inline(always)]
    unsafe fn tile<const R: usize>(x: &[f32], panel: &[Lanes], out: &mut [Lanes; R]) {
        // SAFETY: the caller's.
        #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
        unsafe {
            tile::<R>(x.as_chunks().0, panel, out);
        }
    }
}

#[cfg(target_arch = "x86_64")]
struct Avx512;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "processor features are the caller's to prove")]
impl Products for Avx512 {
    #[inline(always)]
    unsafe fn tile<const R: usize>(x: &[f32], panel: &[Lanes], out: &mut [Lanes; R]) {
        let panel = panel.as_flattened();
        // SAFETY: numbers are four bytes each, without padding; the features are the caller's.
        unsafe {
            let panel = std::slice::from_raw_parts(panel.as_ptr().cast(), size_of_val(panel));
            float::tile_512::<R, float::Single>(panel, x.as_chunks::<R>().0.as_flattened(), out);
        }
    }
}

#[allow(unsafe_code, reason = "results are shared out by queries, processor features are proved by `Wide`")]
impl<'a> Job<'a> {
    /// The job and its rows; `None` where lengths do not fit each other.
    fn new(
        level: Level,
        q: &'a [f32],
        panels: &'a Panels,
        past: usize,
        heads: usize,
        results: usize,
    ) -> Option<(Self, usize)> {
        let row = heads * panels.width();
        let group = heads / panels.heads().max(1);
        let rows = q.len().checked_div(row).unwrap_or(0);
        let fits = group > 0 && q.len() == results && rows * row == q.len() && past + rows <= panels.capacity();
        fits.then_some((Self { q, panels, past, group, all: None, level }, rows))
    }

    /// The queries of a head of keys are numbered row by row, the heads of its group side by side.
    ///
    /// # Safety
    /// Nobody else writes or reads the results of these queries.
    pub(super) unsafe fn run(
        self,
        head: usize,
        queries: std::ops::Range<usize>,
        y: &Shared<'_, f32>,
        workspace: &mut Workspace,
    ) {
        let (mut first, count) = (queries.start, queries.end);
        while first < count {
            // SAFETY: the caller's; a level is a proof of its features.
            unsafe {
                first += match (self.level, count - first) {
                    #[cfg(target_arch = "x86_64")]
                    (Level::Avx512, 12..) => self.wide::<12>(head, first, y, workspace),
                    #[cfg(target_arch = "x86_64")]
                    (Level::Avx512, 8..) => self.wide::<8>(head, first, y, workspace),
                    (_, 4..) => self.narrow::<ROWS>(head, first, y, workspace),
                    (_, 2..) => self.narrow::<2>(head, first, y, workspace),
                    _ => self.narrow::<1>(head, first, y, workspace),
                };
            }
        }
    }

    /// # Safety
    /// As [`Job::run`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn wide<const R: usize>(self, head: usize, first: usize, y: &Shared<'_, f32>, w: &mut Workspace) -> usize {
        // SAFETY: the caller's.
        unsafe { self.tile::<R, Avx512>(head, first, y, w) }
    }

    /// # Safety
    /// As [`Job::run`].
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    unsafe fn narrow<const R: usize>(self, head: usize, first: usize, y: &Shared<'_, f32>, w: &mut Workspace) -> usize {
        // SAFETY: the caller's.
        unsafe { self.tile::<R, Avx2>(head, first, y, w) }
    }

    /// Where query `number` of a head of keys begins among all numbers.
    #[inline(always)]
    fn place(self, head: usize, number: usize) -> usize {
        let heads = self.group * self.panels.heads();
        (number / self.group * heads + head * self.group + number % self.group) * self.panels.width()
    }

    /// `R` queries from `first` on; gives `R`.
    ///
    /// Keys that only later queries of the tile see have the weight 0 for the earlier ones. So a value that is no number
    /// reaches these as well: rows are alone as long as keys and values are finite.
    ///
    /// # Safety
    /// As [`Job::run`].
    #[inline(always)]
    unsafe fn tile<const R: usize, P: Products>(
        self,
        head: usize,
        first: usize,
        y: &Shared<'_, f32>,
        workspace: &mut Workspace,
    ) -> usize {
        let width = self.panels.width();
        let sees = |r: usize| self.all.unwrap_or(self.past + (first + r) / self.group + 1);
        let seen = sees(R - 1);
        let padded = seen.next_multiple_of(LANES);
        let Workspace { queries, scores, weights, shown } = workspace;
        queries.resize(width * R, 0.0);
        let q = (0..R).map(|r| &self.q[self.place(head, first + r)..][..width]);
        interleave::<R>(q, queries.as_chunks_mut::<R>().0);
        scores.resize(padded * R, 0.0);
        for (index, panel) in self.panels.keys_of(head).take(padded / LANES).enumerate() {
            let mut sums = [[0.0; LANES]; R];
            // SAFETY: the caller's.
            unsafe { P::tile::<R>(queries, panel, &mut sums) };
            for (scores, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
                scores[index * LANES..][..LANES].copy_from_slice(sums);
            }
        }
        weights.resize(seen * R, 0.0);
        let mut totals = [0.0; R];
        for (r, scores) in scores.chunks_exact_mut(padded).take(R).enumerate() {
            totals[r] = weigh(&mut scores[..sees(r)]);
            if let Some(shown) = shown {
                shown.see(head * self.group + (first + r) % self.group, &scores[..sees(r)], totals[r]);
            }
            scores[sees(r)..].fill(0.0);
        }
        interleave::<R>(scores.chunks_exact(padded), weights.as_chunks_mut::<R>().0);
        for block in 0..width.div_ceil(LANES) {
            let mut sums = [[0.0; LANES]; R];
            // SAFETY: the caller's.
            unsafe { P::tile::<R>(weights, self.panels.values_of(head, block), &mut sums) };
            let count = LANES.min(width - block * LANES);
            for (r, sums) in sums.iter().enumerate() {
                // SAFETY: the results of one query, which the caller has alone.
                let y = unsafe { y.part(self.place(head, first + r) + block * LANES, count) };
                for (y, sum) in y.iter_mut().zip(sums) {
                    *y = sum / totals[r];
                }
            }
        }
        R
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
    fn without_rows_there_is_nothing_to_do() {
        let Some(wide) = Wide::detect() else { return };
        let (panels, mut workspace) = (Panels::new(2, 8, 32), Workspace::default());
        for past in [0, 5] {
            wide.attend(&[], &panels, past, 4, &mut [], &mut workspace);
            for threads in [1, 3] {
                wide.attend_shared(&Team::new(threads), &[], &panels, past, 4, &mut []);
                wide.attend_segments(&Team::new(threads), &[], &[], 7, (2, 8), &mut []);
            }
        }
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
            for (threads, wide) in [(1, wide), (2, wide), (2, wide.narrow())] {
                let mut shared = vec![0.0; q.len()];
                wide.attend_shared(&Team::new(threads), &q, &panels, past, heads, &mut shared);
                assert_eq!(shared, y);
            }
            // A row alone gets the bits it gets among others.
            let last = (rows - 1) * heads * width;
            let mut alone = vec![0.0; heads * width];
            wide.attend(&q[last..], &panels, total - 1, heads, &mut alone, &mut workspace);
            assert_eq!(alone, y[last..]);
        }
    }
}
