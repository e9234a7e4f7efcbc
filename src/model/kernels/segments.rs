//! Attention of everything over everything within segments of equal length.

#![allow(clippy::indexing_slicing, reason = "lengths are checked at the top")]
#![allow(unsafe_code, reason = "results are shared out by segments and queries; see the proofs")]

use super::team::{Shared, Team};
use super::{Panels, Wide};

/// Segments of up to so many rows are one task each; longer ones are shared out.
const SHORT: usize = 256;
/// Queries of a task of a long segment.
const PIECE: usize = 96;

impl Wide {
    /// `q` (rows, heads * width), turned and scaled; keys and values in the second and third part of the rows of `qkv`
    /// (rows, 3 * heads * width); segments of `length` rows; `(heads, width)`. Writes `y` (rows, heads * width).
    ///
    /// Does nothing where the lengths do not fit each other.
    pub(crate) fn attend_segments(
        self,
        team: &Team,
        q: &[f32],
        qkv: &[f32],
        length: usize,
        (heads, width): (usize, usize),
        y: &mut [f32],
    ) {
        let all = heads * width;
        let segment = length * all;
        let fits = segment > 0 && q.len().is_multiple_of(segment) && qkv.len() == 3 * q.len() && y.len() == q.len();
        if !fits {
            return;
        }
        let fill = |panels: &mut Panels, first: usize| {
            for (at, row) in qkv[3 * first * all..][..3 * segment].chunks_exact(3 * all).enumerate() {
                panels.write(at, &row[all..2 * all], &row[2 * all..]);
            }
        };
        if length > SHORT {
            let mut panels = Panels::new(heads, width, length);
            for (first, (q, y)) in q.chunks_exact(segment).zip(y.chunks_exact_mut(segment)).enumerate() {
                fill(&mut panels, first * length);
                let Some(job) = self.attend_all(q, &panels, length) else { return };
                let y = Shared::new(y);
                // Pieces of one head follow each other: its keys are still near.
                let pieces = length.div_ceil(PIECE);
                team.run_staged(heads * pieces, |stage, task| {
                    let (head, first) = (task / pieces, task % pieces * PIECE);
                    // SAFETY: tasks are disjoint queries of one head.
                    unsafe { job.run(head, first..(first + PIECE).min(length), &y, &mut stage.workspace) };
                });
            }
            return;
        }
        let y = Shared::new(y);
        team.run_staged(q.len() / segment, |stage, task| {
            let panels = stage.panels.get_or_insert_with(|| Panels::new(heads, width, SHORT));
            if panels.heads() != heads || panels.width() != width {
                *panels = Panels::new(heads, width, SHORT);
            }
            fill(panels, task * length);
            let Some(job) = self.attend_all(&q[task * segment..][..segment], panels, length) else { return };
            // SAFETY: tasks are disjoint segments.
            let y = Shared::new(unsafe { y.part(task * segment, segment) });
            for head in 0..heads {
                // SAFETY: this task alone has the segment.
                unsafe { job.run(head, 0..length, &y, &mut stage.workspace) };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_sees_its_segment() {
        let Some(wide) = Wide::detect() else { return };
        for (count, length, heads, width) in [(3, 7, 2, 20), (1, 64, 3, 8), (2, 300, 1, 40), (5, 1, 1, 2)] {
            let all = heads * width;
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let qkv: Vec<f32> = (0..count * length * 3 * all).map(number).collect();
            let q: Vec<f32> = qkv.chunks(3 * all).flat_map(|row| &row[..all]).map(|x| x * 0.3).collect();
            let run = |threads: usize, wide: Wide| {
                let mut y = vec![0.0; q.len()];
                wide.attend_segments(&Team::new(threads), &q, &qkv, length, (heads, width), &mut y);
                y
            };
            let y = run(2, wide);
            assert_eq!(y, run(1, wide.narrow()));
            for row in 0..count * length {
                let segment = row / length * length;
                for head in 0..heads {
                    let part = |row: usize, part: usize| &qkv[row * 3 * all + part * all + head * width..][..width];
                    let q = &q[row * all + head * width..][..width];
                    let dot = |key: &[f32]| q.iter().zip(key).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
                    let weights: Vec<f64> = (0..length).map(|t| dot(part(segment + t, 1)).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    for d in 0..width {
                        let sum: f64 = (0..length).map(|t| weights[t] * f64::from(part(segment + t, 2)[d])).sum();
                        let wrong = (f64::from(y[row * all + head * width + d]) - sum / total).abs();
                        assert!(wrong < 1e-5, "{count} {length} {heads} {width}: {wrong}");
                    }
                }
            }
        }
    }
}
