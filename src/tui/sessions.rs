//! The Sessions screen's state: recorded sessions as a table that is sorted, narrowed and cleared up.
//!
//! What a row says is computed once, where the list is read ([`Row::of`]); the order is computed when the column or its
//! direction changes, what is shown when a filter does. Moving the selection computes nothing, and only rows that can be seen
//! are drawn, so that five thousand sessions cost no more than fifty.

mod act;
mod row;
mod work;

pub use row::{Column, Row};
pub(super) use work::work_on;

use std::collections::HashSet;

use super::app::{Entry, Verdict};
use super::debug::label::About;
use super::field::TextField;
use crate::session::{Remark, Trashed};

/// What a key does on this screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Open the screen.
    Show,
    /// Sort by the next column.
    NextColumn,
    /// Sort by the column before.
    PrevColumn,
    /// Turn the order around.
    Reverse,
    /// Type what to look for.
    Type,
    /// Move the session to the trash.
    Delete,
    /// Bring the last deleted one back.
    Undo,
    /// Pack the session into one file.
    Pack,
}

/// Work for the background thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Chore {
    /// Read the list anew.
    List,
    /// Move a session to the trash.
    Trash {
        /// The folder it lies in.
        sub: String,
        /// Its id.
        id: String,
    },
    /// Bring a session back.
    Restore(Trashed),
    /// Count what fails in which way among the sessions that fit a filter.
    Board(String),
    /// Read what was said of a session.
    ReadNotes(About),
    /// Add a remark to a session's notes, then read them.
    Remark(About, Remark),
    /// List the runs.
    Runs,
    /// Compare two runs, by name.
    Compare([String; 2]),
    /// Pack a session.
    Pack {
        /// The folder it lies in.
        sub: String,
        /// Its id.
        id: String,
    },
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A session was moved to the trash, or why not.
    Trashed {
        /// The folder it lay in.
        sub: String,
        /// Its id.
        id: String,
        /// Where it is now.
        result: Result<Trashed, String>,
    },
    /// A session is back, or why not.
    Restored(Trashed, Result<(), String>),
    /// A session was packed into this file, or why not.
    Packed(Result<std::path::PathBuf, String>),
}

/// Verdicts one can filter by.
const VERDICTS: [Verdict; 6] =
    [Verdict::Right, Verdict::Partial, Verdict::Wrong, Verdict::NoAnswer, Verdict::Answered, Verdict::None];

/// The table.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Whether the list is still being read.
    pub loading: bool,
    /// Whether keys go into the filter.
    pub typing: bool,
    /// Whether the session on screen was opened from here.
    pub opened: bool,
    /// What is looked for.
    pub filter: TextField,
    /// Newest first, as they were read.
    rows: Vec<Row>,
    sort: Column,
    reversed: bool,
    verdict: Option<Verdict>,
    /// Indices of all rows in the order of the table.
    order: Vec<u32>,
    /// Those of `order` that are shown.
    shown: Vec<u32>,
    counts: [usize; 6],
    forks: bool,
    selected: usize,
    /// Rows on their way to the trash, and those that are there, latest last.
    leaving: Vec<Row>,
    deleted: Vec<(Row, Trashed)>,
    /// Rows looked at by sorting and filtering, for a test of how much a key costs.
    looked_at: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            loading: true,
            typing: false,
            opened: false,
            filter: TextField::default(),
            rows: Vec::new(),
            sort: Column::Started,
            // Newest first.
            reversed: true,
            verdict: None,
            order: Vec::new(),
            shown: Vec::new(),
            counts: [0; 6],
            forks: false,
            selected: 0,
            leaving: Vec::new(),
            deleted: Vec::new(),
            looked_at: 0,
        }
    }
}

impl Sessions {
    /// Puts a new list in the place of the old one; rows that are being deleted stay away.
    pub fn set_rows(&mut self, rows: Vec<Row>) {
        self.keeping(|table| {
            let leaving: HashSet<_> = table.leaving.iter().map(Row::key).collect();
            table.rows = rows;
            table.rows.retain(|row| !leaving.contains(&row.key()));
            table.loading = false;
            table.arrange();
        });
    }

    /// The sessions as rows of the library, newest first, at most so many.
    pub fn entries(&self, most: usize) -> Vec<Entry> {
        self.rows.iter().take(most).map(Row::entry).collect()
    }

    /// Every session, newest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many sessions there are.
    pub fn total(&self) -> usize {
        self.rows.len()
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Whether any session is a fork.
    pub fn has_forks(&self) -> bool {
        self.forks
    }

    /// The row at a place of the table.
    pub fn row(&self, place: usize) -> Option<&Row> {
        self.rows.get(usize::try_from(*self.shown.get(place)?).ok()?)
    }

    /// The selected place.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The selected row.
    pub fn current(&self) -> Option<&Row> {
        self.row(self.selected)
    }

    /// Moves the selection, staying within the rows.
    pub fn select(&mut self, place: usize) {
        self.selected = place.min(self.len().saturating_sub(1));
    }

    /// The column it is sorted by, and whether from the greatest down.
    pub fn sorting(&self) -> (Column, bool) {
        (self.sort, self.reversed)
    }

    /// How many of the rows shown came out like this.
    pub fn count(&self, verdict: Verdict) -> usize {
        VERDICTS.iter().zip(self.counts).find(|(v, _)| **v == verdict).map_or(0, |(_, n)| n)
    }

    /// What is shown, in words; empty where that is everything.
    pub fn narrowed(&self) -> String {
        let verdict = self.verdict.map(|v| if v == Verdict::None { "unfinished" } else { v.marks().1 });
        let text = Some(self.filter.text().trim()).filter(|t| !t.is_empty()).map(|t| format!("\"{t}\""));
        [verdict.map(str::to_owned), text].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    fn turn_column(&mut self, forward: bool) {
        let all = Column::ALL;
        let at = all.iter().position(|c| *c == self.sort).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        self.sort_by(all.get((at + step) % all.len()).copied().unwrap_or_default());
    }

    fn sort_by(&mut self, column: Column) {
        self.keeping(|table| {
            table.sort = column;
            table.reversed = column.falls_first();
            table.arrange();
        });
    }

    fn reverse(&mut self) {
        self.keeping(|table| {
            table.reversed = !table.reversed;
            table.arrange();
        });
    }

    fn turn_verdict(&mut self) {
        self.keeping(|table| {
            let at = table.verdict.and_then(|now| VERDICTS.iter().position(|v| *v == now)).map_or(0, |at| at + 1);
            table.verdict = VERDICTS.get(at).copied();
            table.narrow();
        });
    }

    fn edit_filter(&mut self, edit: &super::action::Edit) {
        self.keeping(|table| {
            table.filter.apply(edit);
            table.narrow();
        });
    }

    fn show_all(&mut self) {
        self.keeping(|table| {
            table.filter.clear();
            table.verdict = None;
            table.narrow();
        });
    }

    /// Takes the selected row out of the table while it is on its way to the trash; gives its folder and id.
    fn take_current(&mut self) -> Option<(String, String)> {
        let key = self.current()?.key();
        let row = self.remove(&key);
        self.leaving.extend(row);
        Some(key)
    }

    fn remove(&mut self, key: &(String, String)) -> Option<Row> {
        let at = self.rows.iter().position(|row| row.key() == *key)?;
        let row = self.rows.remove(at);
        self.arrange();
        self.select(self.selected);
        Some(row)
    }

    /// Puts a row where it belongs by time, and selects it.
    fn put_back(&mut self, row: Row) {
        let key = row.key();
        if !self.rows.iter().any(|r| r.key() == key) {
            let at = self.rows.partition_point(|r| r.started > row.started);
            self.rows.insert(at, row);
            self.arrange();
        }
        if let Some(place) = (0..self.len()).find(|place| self.row(*place).is_some_and(|r| r.key() == key)) {
            self.select(place);
        }
    }

    /// A row has reached the trash, or has not.
    fn trashed(&mut self, key: &(String, String), result: Result<Trashed, String>) -> Result<(), String> {
        let at = self.leaving.iter().position(|row| row.key() == *key);
        let row = at.map(|at| self.leaving.remove(at));
        match (row, result) {
            (Some(row), Ok(trashed)) => {
                self.deleted.push((row, trashed));
                Ok(())
            }
            (Some(row), Err(why)) => {
                self.put_back(row);
                Err(why)
            }
            (None, result) => result.map(|_| ()),
        }
    }

    /// Changes something; what was selected stays selected where it is still shown.
    fn keeping(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.current().map(Row::key);
        change(self);
        let same = before.and_then(|key| (0..self.len()).find(|i| self.row(*i).is_some_and(|row| row.key() == key)));
        self.select(same.unwrap_or(self.selected));
    }

    /// Sorts all rows. Rows that are equal stay newest first.
    fn arrange(&mut self) {
        let (rows, sort, reversed) = (&self.rows, self.sort, self.reversed);
        self.order = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).collect();
        let row = |i: &u32| usize::try_from(*i).ok().and_then(|i| rows.get(i));
        self.order.sort_by(|a, b| {
            let (Some(a), Some(b)) = (row(a), row(b)) else { return std::cmp::Ordering::Equal };
            sort.compare(a, b, reversed)
        });
        self.forks = rows.iter().any(|row| row.parent.is_some());
        self.looked_at += rows.len();
        self.narrow();
    }

    /// Keeps the rows that the filters let through.
    fn narrow(&mut self) {
        let wanted = self.filter.text().to_lowercase();
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let rows = &self.rows;
        let fits = |i: &u32| {
            usize::try_from(*i).ok().and_then(|i| rows.get(i)).is_some_and(|row| {
                self.verdict.is_none_or(|v| row.verdict == v) && words.iter().all(|word| row.contains(word))
            })
        };
        self.shown = self.order.iter().copied().filter(fits).collect();
        self.looked_at += self.order.len();
        self.counts = VERDICTS.map(|verdict| {
            let rows = self.shown.iter().filter_map(|i| rows.get(usize::try_from(*i).ok()?));
            rows.filter(|row| row.verdict == verdict).count()
        });
    }
}

#[cfg(test)]
#[path = "sessions/tests.rs"]
pub(super) mod tests;
