//! The Sessions screen's state: recorded sessions as a table that is sorted, narrowed and cleared up.
//!
//! The table holds a window of rows around the selection; which sessions fit and in which order is found out by the index, on a
//! thread of its own (`finder`). So a million sessions cost the screen no more than fifty. A change of filter or order is a new
//! question with a new ticket; answers to older ones are dropped, and what was shown stays until the new answer is there.

mod act;
mod complete;
pub(in crate::tui) mod finder;
mod row;
mod work;

pub use row::{Column, Row};

use super::app::{Entry, Verdict};
use super::debug::label::About;
use super::effect::Effect;
use super::field::TextField;
use crate::session::filter::{Filter, FilterError};
use crate::session::index::{Order, Progress, Sort};
use crate::session::{Remark, Trashed};
use complete::Completing;
use finder::WINDOW;

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
    /// Finish the word that is typed, in the next possible way.
    Complete,
}

/// What names a session: folder and id.
pub type Key = (String, String);

/// Which sessions the table wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Names the question; answers to older ones are dropped.
    pub ticket: u64,
    /// Those that fit this.
    pub filter: Filter,
    /// In this order.
    pub order: Order,
    /// The session that is to stay selected, where it is still among them …
    pub keep: Option<Key>,
    /// … else the place.
    pub place: usize,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The question's.
    pub ticket: u64,
    /// How many fit.
    pub count: usize,
    /// How many came out how, by the words of the filter `verdict`.
    pub verdicts: Vec<(String, usize)>,
    /// The place to be selected.
    pub place: usize,
    /// The place of the first of the rows.
    pub first: usize,
    /// Rows around it.
    pub rows: Vec<Row>,
}

/// Work for the background thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Chore {
    /// Read the list anew.
    List,
    /// Find sessions.
    Find(Question),
    /// Read more of what was found.
    Window {
        /// Of which question.
        ticket: u64,
        /// From this place on.
        first: usize,
    },
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
    /// What was found.
    Found(Found),
    /// More of what was found.
    Window {
        /// Of which question.
        ticket: u64,
        /// The place of the first row.
        first: usize,
        /// The rows.
        rows: Vec<Row>,
    },
    /// How many sessions there are, and which values fields have here.
    Total {
        /// Sessions in all.
        total: usize,
        /// By field.
        values: Vec<(&'static str, Vec<String>)>,
    },
    /// How much of the folder is read; none: all of it.
    Reading(Option<Progress>),
    /// How much of what was written is read, for word searches; none: as much as can be.
    Words(Option<Progress>),
}

/// Verdicts one can filter by, with their words in the filter language.
const VERDICTS: [(Verdict, &str); 6] = [
    (Verdict::Right, "right"),
    (Verdict::Partial, "partly"),
    (Verdict::Wrong, "wrong"),
    (Verdict::NoAnswer, "no-answer"),
    (Verdict::Answered, "answered"),
    (Verdict::None, "unfinished"),
];

/// Rows between the selection and the end of the window at which more are read.
const MARGIN: usize = WINDOW / 4;

/// The table.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Whether nothing was found yet.
    pub loading: bool,
    /// Whether keys go into the filter.
    pub typing: bool,
    /// Whether the session on screen was opened from here.
    pub opened: bool,
    /// What is looked for.
    pub filter: TextField,
    /// How much of the folder is read, while it is.
    pub reading: Option<Progress>,
    /// How much of what was written is read, while it is.
    pub words: Option<Progress>,
    /// The newest sessions and all forks, newest first: what the library and families are made of.
    recent: Vec<Row>,
    total: usize,
    sort: Column,
    reversed: bool,
    verdict: Option<Verdict>,
    fault: Option<FilterError>,
    completing: Completing,
    ticket: u64,
    /// How many fit.
    count: usize,
    counts: [usize; 6],
    /// The place of the first row of the window, and the window.
    first: usize,
    window: Vec<Row>,
    /// The window that is on its way.
    coming: Option<usize>,
    selected: usize,
    /// Rows on their way to the trash, and those that are there, latest last.
    leaving: Vec<Row>,
    deleted: Vec<(Row, Trashed)>,
    /// Undos asked for while something was still on its way to the trash or back.
    undos: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            loading: true,
            typing: false,
            opened: false,
            filter: TextField::default(),
            reading: None,
            words: None,
            recent: Vec::new(),
            total: 0,
            sort: Column::Started,
            // Newest first.
            reversed: true,
            verdict: None,
            fault: None,
            completing: Completing::default(),
            ticket: 0,
            count: 0,
            counts: [0; 6],
            first: 0,
            window: Vec::new(),
            coming: None,
            selected: 0,
            leaving: Vec::new(),
            deleted: Vec::new(),
            undos: 0,
        }
    }
}

impl Sessions {
    /// Takes the newest sessions in; rows that are being deleted stay away.
    pub fn set_recent(&mut self, rows: Vec<Row>) {
        self.recent = rows;
        let leaving = &self.leaving;
        self.recent.retain(|row| !leaving.iter().any(|gone| gone.key() == row.key()));
        self.total = self.total.max(self.recent.len());
    }

    /// The sessions as rows of the library, newest first, at most so many.
    pub fn entries(&self, most: usize) -> Vec<Entry> {
        self.recent.iter().take(most).map(Row::entry).collect()
    }

    /// The newest sessions and all forks, newest first.
    pub fn rows(&self) -> &[Row] {
        &self.recent
    }

    /// The question that is answered last.
    pub fn ticket(&self) -> u64 {
        self.ticket
    }

    /// How many sessions there are.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether any session is a fork.
    pub fn has_forks(&self) -> bool {
        self.recent.iter().any(|row| row.parent.is_some())
    }

    /// The row at a place of the table, where it has been read.
    pub fn row(&self, place: usize) -> Option<&Row> {
        self.window.get(place.checked_sub(self.first)?)
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
        VERDICTS.iter().zip(self.counts).find(|((v, _), _)| *v == verdict).map_or(0, |(_, n)| n)
    }

    /// What is wrong with the filter as it is written.
    pub fn fault(&self) -> Option<&FilterError> {
        self.fault.as_ref()
    }

    /// How the word at the cursor could be finished, and which way was taken.
    pub fn completing(&self) -> &Completing {
        &self.completing
    }

    /// What is shown, in words; empty where that is everything.
    pub fn narrowed(&self) -> String {
        let verdict = self.verdict.map(|v| if v == Verdict::None { "unfinished" } else { v.marks().1 });
        let text = Some(self.filter.text().trim()).filter(|t| !t.is_empty()).map(str::to_owned);
        [verdict.map(str::to_owned), text].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// Asks for what fits now; what is selected, or this session, is to stay selected. Nothing where the filter cannot be read.
    fn ask(&mut self, keep: Option<Key>) -> Vec<Effect> {
        let written = match Filter::parse(self.filter.text()) {
            Ok(filter) => filter,
            Err(fault) => {
                self.fault = Some(fault);
                return Vec::new();
            }
        };
        self.fault = None;
        let word = VERDICTS.iter().find(|(verdict, _)| Some(*verdict) == self.verdict).map(|(_, word)| *word);
        let verdict = word.and_then(|word| Filter::parse(&format!("verdict:{word}")).ok());
        let filter = verdict.map_or(written.clone(), |verdict| verdict.and(&written));
        self.ticket += 1;
        self.coming = None;
        let order = Order { sort: Sort::named(self.sort.field()).unwrap_or_default(), falling: self.reversed };
        let keep = keep.or_else(|| self.current().map(Row::key));
        vec![Effect::OnSessions(Chore::Find(Question {
            ticket: self.ticket,
            filter,
            order,
            keep,
            place: self.selected,
        }))]
    }

    /// Asks for more rows where the selection comes near the end of those that are here.
    fn more(&mut self) -> Vec<Effect> {
        let end = self.first + self.window.len();
        let near_start = self.first > 0 && self.selected < self.first + MARGIN;
        let near_end = end < self.count && self.selected + MARGIN >= end;
        let first = self.selected.saturating_sub(WINDOW / 2);
        if !(near_start || near_end) || first == self.first || self.coming == Some(first) {
            return Vec::new();
        }
        self.coming = Some(first);
        vec![Effect::OnSessions(Chore::Window { ticket: self.ticket, first })]
    }

    fn set_found(&mut self, found: Found) {
        if found.ticket != self.ticket {
            return;
        }
        self.loading = false;
        self.count = found.count;
        let counted = |word: &str| found.verdicts.iter().find(|(w, _)| w == word).map_or(0, |(_, n)| *n);
        self.counts = VERDICTS.map(|(_, word)| counted(word));
        self.set_window(found.first, found.rows);
        self.select(found.place);
    }

    fn set_window(&mut self, first: usize, rows: Vec<Row>) {
        (self.first, self.window) = (first, rows);
        for key in self.leaving.iter().map(Row::key).collect::<Vec<_>>() {
            self.take_out(&key);
        }
    }

    fn turn_column(&mut self, forward: bool) {
        let all = Column::ALL;
        let at = all.iter().position(|c| *c == self.sort).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        self.sort = all.get((at + step) % all.len()).copied().unwrap_or_default();
        self.reversed = self.sort.falls_first();
    }

    fn turn_verdict(&mut self) {
        let at = self.verdict.and_then(|now| VERDICTS.iter().position(|(v, _)| *v == now)).map_or(0, |at| at + 1);
        self.verdict = VERDICTS.get(at).map(|(verdict, _)| *verdict);
    }

    fn show_all(&mut self) {
        self.filter.clear();
        self.completing.stop();
        self.verdict = None;
    }

    /// Takes the selected row out of the table while it is on its way to the trash; gives its folder and id.
    fn take_current(&mut self) -> Option<Key> {
        let row = self.current()?.clone();
        let key = row.key();
        self.take_out(&key);
        self.recent.retain(|row| row.key() != key);
        self.total = self.total.saturating_sub(1);
        self.leaving.push(row);
        self.select(self.selected);
        Some(key)
    }

    /// What the last deletion put into the trash. Its row is kept until it is back: it is not in the table, and must not
    /// be lost where that fails.
    fn bring_back(&mut self) -> Option<Trashed> {
        let (row, trashed) = self.deleted.pop()?;
        self.leaving.push(row);
        Some(trashed)
    }

    /// The next undo that was waiting for what is on its way, once nothing is.
    fn next_undo(&mut self) -> Option<Trashed> {
        if self.undos == 0 || !self.leaving.is_empty() {
            return None;
        }
        self.undos -= 1;
        let back = self.bring_back();
        if back.is_none() {
            self.undos = 0;
        }
        back
    }

    fn take_out(&mut self, key: &Key) {
        let Some(at) = self.window.iter().position(|row| row.key() == *key) else { return };
        let row = self.window.remove(at);
        self.count = self.count.saturating_sub(1);
        for ((verdict, _), count) in VERDICTS.iter().zip(&mut self.counts) {
            *count = count.saturating_sub(usize::from(*verdict == row.verdict));
        }
    }

    /// A row that is here again.
    fn put_back(&mut self, row: Row) {
        self.total += 1;
        let at = self.recent.partition_point(|r| r.started > row.started);
        self.recent.insert(at, row);
    }

    /// A row has reached the trash, or has not.
    fn trashed(&mut self, key: &Key, result: Result<Trashed, String>) -> Result<(), String> {
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
}

#[cfg(test)]
#[path = "sessions/tests.rs"]
pub(super) mod tests;
