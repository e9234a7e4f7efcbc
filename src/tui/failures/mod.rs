//! The Failures screen's state: which tasks fail in which way, and the sessions behind every number.
//!
//! The numbers come from the background as a [`Board`]; nothing here counts. A cell is left for the table of its sessions, and
//! found again as it was left.

mod act;
mod board;
pub(super) mod work;

pub use board::{Board, BoardRow, Cell, Chart, Column, Figure};

use std::sync::Arc;

use super::field::TextField;
use crate::session::filter::{Filter, complete};

/// Seconds between looks at what has changed.
const LOOK: f64 = 2.0;

/// What a key does on this screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailuresAction {
    /// Open the screen.
    Show,
    /// A column to the left.
    Left,
    /// A column to the right.
    Right,
    /// Between the table and the square of looked and answered.
    Focus,
    /// Type a filter.
    Type,
    /// The next chart.
    NextChart,
    /// Read the sessions again.
    Refresh,
}

/// What the arrows move on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// Tasks and labels.
    #[default]
    Table,
    /// Looked right or wrong, answered right or wrong.
    Square,
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    /// What is shown.
    pub board: Option<Arc<Board>>,
    /// Whether new numbers are on their way.
    pub loading: bool,
    /// Whether keys go into the filter.
    pub typing: bool,
    /// The filter as typed.
    pub filter: TextField,
    /// The filter that the board was made with.
    pub applied: String,
    /// What the word at the cursor may become, or what is wrong with the filter as far as it is typed.
    pub hint: String,
    /// What is wrong with the filter.
    pub wrong: Option<String>,
    /// Where the arrows move.
    pub focus: Focus,
    /// When the sessions were asked for, in seconds since the program began; none while nothing is on its way.
    asked: Option<f64>,
    /// When they are looked at again: a run may go on.
    pub(super) next_look: f64,
    /// Which chart is shown.
    pub chart: usize,
    row: usize,
    column: usize,
    square: (usize, usize),
}

impl Failures {
    /// The chosen row: its index and what it says.
    pub fn row(&self) -> (usize, Option<&BoardRow>) {
        let rows = self.board.as_ref().map_or(&[][..], |board| &board.rows);
        let index = self.row.min(rows.len().saturating_sub(1));
        (index, rows.get(index))
    }

    /// The chosen column.
    pub fn column(&self) -> usize {
        self.column.min(self.board.as_ref().map_or(0, |board| board.columns.len().saturating_sub(1)))
    }

    /// The chosen cell of the square: whether it looked wrong, whether it answered wrong.
    pub fn square(&self) -> (usize, usize) {
        self.square
    }

    /// The chosen cell.
    pub fn cell(&self) -> Option<&Cell> {
        let (_, row) = self.row();
        match self.focus {
            Focus::Table => row?.cells.get(self.column()),
            Focus::Square => row?.square.get(self.square.0)?.get(self.square.1),
        }
    }

    /// Takes new numbers; what was chosen stays chosen by its name.
    pub fn set(&mut self, board: Arc<Board>) {
        let name = self.row().1.map(|row| row.name.clone());
        let label = self.board.as_ref().and_then(|b| b.columns.get(self.column())).map(|c| c.name.clone());
        self.row = name.and_then(|name| board.rows.iter().position(|row| row.name == name)).unwrap_or(0);
        self.column = label
            .and_then(|label| board.columns.iter().position(|column| column.name == label))
            .unwrap_or_else(|| board.worst());
        self.board = Some(board);
        self.loading = false;
    }

    /// Says what is wrong with the filter while it is typed; a word that is not finished yet is not wrong.
    fn check_filter(&mut self) {
        self.hint = match Filter::parse(self.filter.text()) {
            Ok(_) => completions(&self.filter),
            Err(why) => {
                let names = completions(&self.filter);
                if names.is_empty() { format!("! {why}") } else { names }
            }
        };
    }

    /// Whether these numbers are others than those on screen.
    pub fn is_new(&self, filter: &str, made: &Result<Board, String>) -> bool {
        self.loading || self.applied != filter || made.as_ref().ok() != self.board.as_deref()
    }

    /// Numbers came at this time: when to look again. Looking takes at most one part in twenty of the time.
    fn answered(&mut self, now: f64) {
        let took = now - self.asked.take().unwrap_or(now);
        self.next_look = now + (20.0 * took).max(LOOK);
    }

    fn step(&mut self, rows: isize, columns: isize) {
        let moved = |at: usize, by: isize, last: usize| at.saturating_add_signed(by).min(last);
        match self.focus {
            Focus::Square => self.square = (moved(self.square.0, rows, 1), moved(self.square.1, columns, 1)),
            Focus::Table => {
                let last = |n: Option<usize>| n.unwrap_or(0).saturating_sub(1);
                self.row = moved(self.row().0, rows, last(self.board.as_ref().map(|b| b.rows.len())));
                self.column = moved(self.column(), columns, last(self.board.as_ref().map(|b| b.columns.len())));
            }
        }
    }

    /// Chooses a cell of the table.
    pub fn select(&mut self, row: usize, column: usize) {
        (self.focus, self.row, self.column) = (Focus::Table, row, column);
    }
}

/// What the word at the cursor may become, in one line.
fn completions(field: &TextField) -> String {
    let (before, _) = field.halves();
    let found = complete(before, before.len());
    let typed = found.first().and_then(|first| before.get(first.from..)).unwrap_or_default();
    let all: Vec<&str> = found.iter().take(8).map(|completion| completion.insert.as_str()).collect();
    // A finished word needs no list.
    if all.contains(&typed) { String::new() } else { all.join("  ") }
}
