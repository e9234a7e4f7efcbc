//! What happens between products, by a team or by the calling thread alone. Every row is computed alone, so the bits do
//! not depend on how rows are shared out.

#![allow(unsafe_code, reason = "disjoint rows of a slice; see the proofs")]

use super::team::{Shared, Team};
use super::{Wide, Workspace};

/// Rows below which waking others costs more than it gives.
const LEAST: usize = 8;

/// Who computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew<'a> {
    pub(crate) wide: Wide,
    pub(crate) team: Option<&'a Team>,
}

impl Crew<'_> {
    /// `work(first row, rows of x, rows of y)` for pieces of rows of `x` (`from` numbers each) and `y` (`to` numbers each).
    pub(crate) fn rows(
        self,
        x: &[f32],
        from: usize,
        y: &mut [f32],
        to: usize,
        work: impl Fn(usize, &[f32], &mut [f32]) + Sync,
    ) {
        let rows = x.len().checked_div(from).unwrap_or(0).min(y.len().checked_div(to).unwrap_or(0));
        let Some(team) = self.team.filter(|_| rows > LEAST) else { return work(0, x, y) };
        let y = Shared::new(y);
        team.pieces(rows, LEAST, |range| {
            // SAFETY: pieces are disjoint.
            let part = unsafe { y.part(range.start * to, range.len() * to) };
            work(range.start, x.get(range.start * from..range.end * from).unwrap_or_default(), part);
        });
    }

    /// Adds `more` to `x`.
    pub(crate) fn add(self, x: &mut [f32], more: &[f32], width: usize) {
        self.rows(more, width, x, width, |_, more, x| x.iter_mut().zip(more).for_each(|(x, more)| *x += more));
    }

    /// As [`Wide::norm`].
    pub(crate) fn norm(self, x: &[f32], weight: &[f32], eps: f32, y: &mut Vec<f32>) {
        y.resize(x.len(), 0.0);
        self.rows(x, weight.len(), y, weight.len(), |_, x, y| self.wide.norm_into(x, weight, eps, y));
    }

    /// As [`Wide::gate`].
    pub(crate) fn gate(self, x: &[f32], width: usize, y: &mut Vec<f32>) {
        y.resize(x.len() / 2, 0.0);
        self.rows(x, 2 * width, y, width, |_, x, y| self.wide.gate_into(x, width, y));
    }

    /// As [`Wide::attend`].
    pub(crate) fn attend(
        self,
        q: &[f32],
        panels: &super::Panels,
        past: usize,
        heads: usize,
        y: &mut [f32],
        workspace: &mut Workspace,
    ) {
        match self.team {
            None => self.wide.attend(q, panels, past, heads, y, workspace),
            Some(team) => self.wide.attend_shared(team, q, panels, past, heads, y),
        }
    }
}
