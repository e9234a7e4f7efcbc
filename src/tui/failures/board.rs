//! What the screen shows: numbers and words, made where the sessions are read.

use crate::tui::view::charts::{Point, Share};

/// Everything on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// Which runs or folders it is about.
    pub title: String,
    /// Sessions that fit the filter.
    pub sessions: usize,
    /// Those of them that were answered wrongly or not at all.
    pub failures: usize,
    /// The ways to fail that occur, and what is none.
    pub columns: Vec<Column>,
    /// Families with their tasks; the first row is all of them.
    pub rows: Vec<BoardRow>,
}

impl Board {
    /// The column with the most failures of the first row.
    pub(super) fn worst(&self) -> usize {
        let cells = self.rows.first().map_or(&[][..], |row| &row.cells);
        let failures = cells.iter().zip(&self.columns).enumerate().filter(|(_, (_, column))| column.failure);
        failures.max_by_key(|(_, (cell, _))| cell.n).map_or(0, |(i, _)| i)
    }
}

/// A label as a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The label's name.
    pub name: String,
    /// The same on two lines.
    pub short: [String; 2],
    /// Whether it is a way to fail.
    pub failure: bool,
}

/// A family, a task, or everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoardRow {
    /// Its name.
    pub name: String,
    /// 0 for a family and for everything, 1 for a task.
    pub depth: u16,
    /// Sessions.
    pub n: usize,
    /// Share of right answers among the scored, against chance.
    pub accuracy: Option<Share>,
    /// One cell for every column.
    pub cells: Vec<Cell>,
    /// Looked right, looked wrong; in each answered right, answered wrong.
    pub square: [[Cell; 2]; 2],
    /// Figures in words.
    pub figures: Vec<Figure>,
    /// Charts of it.
    pub charts: Vec<Chart>,
}

/// Some of a row's sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// How many.
    pub n: usize,
    /// Which share of the row's.
    pub share: f64,
    /// Its 95 % interval.
    pub ci: [f64; 2],
    /// The filter that finds them.
    pub filter: String,
}

/// A figure with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its value, with an interval where it has one.
    pub value: String,
}

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Confidence against accuracy.
    Reliability {
        /// What stands over it.
        title: String,
        /// Its bins.
        bins: Vec<Point>,
    },
    /// Bars.
    Bars {
        /// What stands over it.
        title: String,
        /// Heights.
        heights: Vec<f64>,
        /// Below the first and the last bar.
        ends: [String; 2],
    },
}

impl Chart {
    /// What stands over it.
    pub fn title(&self) -> &str {
        match self {
            Self::Reliability { title, .. } | Self::Bars { title, .. } => title,
        }
    }
}
