//! Failures: families and tasks × labels.

use serde::Serialize;

use super::group::{Cell, Group, Quadrant, shown_label};
use crate::analysis::{Label, wilson};
use crate::session::SessionSummary;

/// A count with its share of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Share of the row's sessions; 0 of none.
    pub share: f64,
    /// 95 % Wilson interval of the share.
    pub ci95: [f64; 2],
}

impl Share {
    /// So many of so many.
    pub fn of(count: usize, n: usize) -> Self {
        Self { count, share: count as f64 / n.max(1) as f64, ci95: wilson(count, n) }
    }
}

/// Looked right or wrong × answered right or wrong, over scored sessions whose target is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Looked {
    /// Sessions in the four cells.
    pub n: usize,
    /// A zoom shows the target, and the answer is right.
    pub right_right: Share,
    /// A zoom shows the target, and the answer is wrong.
    pub right_wrong: Share,
    /// No zoom shows it, and the answer is right.
    pub wrong_right: Share,
    /// No zoom shows it, and the answer is wrong.
    pub wrong_wrong: Share,
    /// Sessions in none of them: no target known, not scored, or failed.
    pub unknown: usize,
}

impl Looked {
    /// Of these sessions.
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a SessionSummary>) -> Self {
        let (mut counts, mut all) = ([0usize; 4], 0);
        for session in sessions {
            all += 1;
            let found = Quadrant::ALL.iter().position(|cell| Cell::Looked(Group::All, *cell).holds(session));
            if let Some(n) = found.and_then(|i| counts.get_mut(i)) {
                *n += 1;
            }
        }
        let n = counts.iter().sum();
        let [right_right, right_wrong, wrong_right, wrong_wrong] = counts.map(|count| Share::of(count, n));
        Self { n, right_right, right_wrong, wrong_right, wrong_wrong, unknown: all - n }
    }

    /// One of the four.
    pub const fn get(&self, cell: Quadrant) -> Share {
        match cell {
            Quadrant { looked: true, right: true } => self.right_right,
            Quadrant { looked: true, right: false } => self.right_wrong,
            Quadrant { looked: false, right: true } => self.wrong_right,
            Quadrant { looked: false, right: false } => self.wrong_wrong,
        }
    }
}

/// One row: a group of tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which sessions.
    pub group: Group,
    /// How many.
    pub n: usize,
    /// For each of the table's labels how many have it, as shares of `n`.
    pub cells: Vec<Share>,
    /// Sessions in which the model failed ([`Label::is_failure`]).
    pub failures: Share,
    /// Sessions whose label is none that this program knows.
    pub other: usize,
    /// Looked × answered.
    pub looked: Looked,
}

/// Failures of some sessions: one row a group, one column a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The columns: labels that occur, in the order of [`Label::ALL`].
    pub labels: Vec<Label>,
    /// The rows, in the order of [`Group::present`].
    pub rows: Vec<Row>,
}

impl Table {
    /// The table of these sessions, by the labels that their summaries show.
    pub fn of(sessions: &[SessionSummary]) -> Self {
        let shown: Vec<Option<Label>> = sessions.iter().map(shown_label).collect();
        let labels: Vec<Label> = Label::ALL.into_iter().filter(|label| shown.contains(&Some(*label))).collect();
        let rows = Group::present(sessions).into_iter().map(|group| row(group, sessions, &shown, &labels));
        let rows = rows.collect();
        Self { labels, rows }
    }

    /// The row of a group.
    pub fn row(&self, group: Group) -> Option<&Row> {
        self.rows.iter().find(|row| row.group == group)
    }

    /// How many sessions of a group have a label; none where the group has no row, 0 where the label does not occur.
    pub fn get(&self, group: Group, label: Label) -> Option<Share> {
        let row = self.row(group)?;
        let column = self.labels.iter().position(|other| *other == label);
        Some(column.and_then(|i| row.cells.get(i)).copied().unwrap_or_else(|| Share::of(0, row.n)))
    }
}

fn row(group: Group, sessions: &[SessionSummary], shown: &[Option<Label>], labels: &[Label]) -> Row {
    let own = || sessions.iter().zip(shown).filter(|(session, _)| group.holds(session));
    let (mut n, mut other, mut failures) = (0, 0, 0);
    let mut counts = vec![0usize; labels.len()];
    for (_, label) in own() {
        n += 1;
        failures += usize::from(label.is_some_and(Label::is_failure));
        match label.and_then(|label| labels.iter().position(|l| *l == label)).and_then(|i| counts.get_mut(i)) {
            Some(count) => *count += 1,
            None => other += 1,
        }
    }
    Row {
        group,
        n,
        cells: counts.into_iter().map(|count| Share::of(count, n)).collect(),
        failures: Share::of(failures, n),
        other,
        looked: Looked::of(own().map(|(session, _)| session)),
    }
}
