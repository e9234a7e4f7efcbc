//! Questions to the index: which sessions, in which order, and what they are.

use std::collections::HashMap;

use rusqlite::OptionalExtension;

use super::cells::{CHUNK, Column, cell, with_cells};
use super::mask::{Mask, Ready};
use super::open::{Index, broken};
use super::refresh::log_path;
use super::{is_worded, number_of};
use crate::session::error::SessionError;
use crate::session::filter::{Field, Filter, Kind, fields};
use crate::session::{LogFile, SessionSummary};

/// What sessions are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sort {
    /// When they began.
    #[default]
    Started,
    /// A field; sessions without it come last.
    By(&'static Field),
}

/// An order. Sessions that are equal come newest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// By what.
    pub sort: Sort,
    /// Whether the greatest comes first.
    pub falling: bool,
}

impl Default for Order {
    /// The newest first.
    fn default() -> Self {
        Self { sort: Sort::Started, falling: true }
    }
}

impl Sort {
    /// By a field's name.
    pub fn named(name: &str) -> Option<Self> {
        if name == "started" {
            return Some(Self::Started);
        }
        fields().iter().find(|field| field.name == name && field.kind != Kind::Many).map(Self::By)
    }
}

/// Sessions that were found, by their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// In order; see [`Index::rows`]. A part of them where so many were asked for.
    pub rows: Vec<i64>,
    /// How many there are in all.
    pub count: usize,
    /// How many came out how, by the words of the field `verdict`.
    pub verdicts: Vec<(String, usize)>,
}

/// A row with what it is sorted by.
struct Keyed {
    key: Option<i64>,
    at: i64,
    row: i64,
}

impl Index {
    /// The first sessions that fit, in order, with how many there are in all and how they came out.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn find(&self, filter: &Filter, order: Order, most: usize) -> Result<Hits, SessionError> {
        self.sorted(filter, order, most).map_err(|e| broken(&e))
    }

    fn sorted(&self, filter: &Filter, order: Order, most: usize) -> rusqlite::Result<Hits> {
        let ready = Ready::of(&self.db, filter.node())?;
        let ranks = match order.sort {
            Sort::By(field) if is_worded(field.kind) => Some(self.ranks(field)?),
            _ => None,
        };
        let (mut all, mut counts) = (Vec::new(), HashMap::<u32, usize>::new());
        for chunk in 0..=self.last_chunk()? {
            let there = with_cells(&self.db, Column::There, chunk, |cells| {
                let mut mask = [0; 64];
                add_flags(cells, &mut mask);
                mask
            });
            let Some(mut mask) = there?.filter(|mask| mask.iter().any(|bits| *bits != 0)) else { continue };
            let fits = ready.mask(&self.db, chunk)?;
            mask.iter_mut().zip(fits).for_each(|(a, b)| *a &= b);
            if mask.iter().all(|bits| *bits == 0) {
                continue;
            }
            let rows: Vec<usize> = bits(&mask).collect();
            with_cells(&self.db, Column::At, chunk, |cells| {
                all.extend(rows.iter().map(|row| Keyed {
                    key: None,
                    at: eight(cell(cells, 8, *row)).map_or(0, i64::from_le_bytes),
                    row: chunk * CHUNK + i64::try_from(*row).unwrap_or(0),
                }));
            })?;
            let added = all.len() - rows.len();
            if let Some(verdict) = fields().iter().find(|field| field.name == "verdict") {
                with_cells(&self.db, Column::Of(verdict), chunk, |cells| {
                    for row in &rows {
                        *counts.entry(four(cell(cells, 4, *row))).or_default() += 1;
                    }
                })?;
            }
            if let Sort::By(field) = order.sort {
                let column = Column::Of(field);
                with_cells(&self.db, column, chunk, |cells| {
                    for (keyed, row) in all.iter_mut().skip(added).zip(&rows) {
                        let cell = cell(cells, column.width(), *row);
                        keyed.key = match (&ranks, field.kind) {
                            (Some(ranks), _) => ranks.get(&four(cell)).copied(),
                            (None, Kind::Number) => {
                                eight(cell).map(f64::from_le_bytes).filter(|x| !x.is_nan()).map(ordered)
                            }
                            (None, _) => cell.first().filter(|flag| **flag > 0).map(|flag| i64::from(*flag)),
                        };
                    }
                })?;
            }
        }
        let count = all.len();
        let newest = |a: &Keyed, b: &Keyed| b.at.cmp(&a.at).then(b.row.cmp(&a.row));
        let by = |a: &Keyed, b: &Keyed| match (order.sort, order.falling) {
            (Sort::Started, true) => newest(a, b),
            (Sort::Started, false) => a.at.cmp(&b.at).then(b.row.cmp(&a.row)),
            (Sort::By(_), falling) => {
                let keys = if falling { b.key.cmp(&a.key) } else { a.key.cmp(&b.key) };
                b.key.is_some().cmp(&a.key.is_some()).then(keys).then_with(|| newest(a, b))
            }
        };
        // A few of many need not be found by sorting all.
        if most > 0 && most < count / 4 {
            all.select_nth_unstable_by(most - 1, by);
            all.truncate(most);
        }
        all.sort_unstable_by(by);
        all.truncate(most);
        Ok(Hits { rows: all.into_iter().map(|keyed| keyed.row).collect(), count, verdicts: self.verdicts(&counts)? })
    }

    fn last_chunk(&self) -> rusqlite::Result<i64> {
        self.db
            .query_row("SELECT ifnull(max(rowid), 0) FROM sessions", [], |row| row.get(0))
            .map(|last: i64| last / CHUNK)
    }

    fn verdicts(&self, counts: &HashMap<u32, usize>) -> rusqlite::Result<Vec<(String, usize)>> {
        let mut named = Vec::new();
        for (id, n) in counts {
            let mut statement = self.db.prepare_cached("SELECT word FROM words WHERE id = ?1")?;
            let word: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
            named.extend(word.map(|word| (word, *n)));
        }
        named.sort_unstable();
        Ok(named)
    }

    /// The rank of each of a field's words: where its values have an order of their own, that.
    fn ranks(&self, field: &Field) -> rusqlite::Result<HashMap<u32, i64>> {
        let mut statement = self.db.prepare_cached("SELECT id, word FROM words WHERE field = ?1 ORDER BY word")?;
        let words =
            statement.query_map([number_of(field)], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))?;
        let own: &[&str] = match field.kind {
            Kind::Word(known) if field.name == "verdict" => known,
            _ => &[],
        };
        let ranked = words.zip(0i64..).map(|(word, rank)| {
            let (id, word) = word?;
            let own = own.iter().position(|known| *known == word).and_then(|at| i64::try_from(at).ok());
            Ok((id, own.unwrap_or(rank)))
        });
        ranked.collect()
    }

    /// Rows with their logs and summaries, in the order they are asked for; those that are gone meanwhile are left out.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn rows(&self, rows: &[i64]) -> Result<Vec<(i64, LogFile, SessionSummary)>, SessionError> {
        let read = || -> rusqlite::Result<Vec<_>> {
            let sql = "SELECT f.name, s.id, s.live, b.body FROM sessions s JOIN folders f ON f.id = s.folder
                       JOIN bodies b ON b.rowid = s.rowid WHERE s.rowid = ?1";
            let mut statement = self.db.prepare_cached(sql)?;
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                let one = |r: &rusqlite::Row<'_>| {
                    let (sub, id, live, body): (String, String, bool, String) =
                        (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
                    let path = log_path(self.store.dir(), &sub, &id, live);
                    let summary = serde_json::from_str(&body).unwrap_or_default();
                    Ok((*row, LogFile { id: id.clone(), sub, path, live }, SessionSummary { id, ..summary }))
                };
                found.extend(statement.query_row([row], one).optional()?);
            }
            Ok(found)
        };
        read().map_err(|e| broken(&e))
    }

    /// The row of a session.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn row_of(&self, sub: &str, id: &str) -> Result<Option<i64>, SessionError> {
        let sql = "SELECT s.rowid FROM sessions s JOIN folders f ON f.id = s.folder WHERE f.name = ?1 AND s.id = ?2";
        let read = || self.db.prepare_cached(sql)?.query_row([sub, id], |row| row.get(0)).optional();
        read().map_err(|e| broken(&e))
    }

    /// The rows of sessions with these ids, in whichever folder.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn with_ids(&self, ids: &[String]) -> Result<Vec<i64>, SessionError> {
        let read = || -> rusqlite::Result<Vec<i64>> {
            let sql = "SELECT s.rowid FROM folders f CROSS JOIN sessions s ON s.folder = f.id AND s.id = ?1";
            let mut statement = self.db.prepare_cached(sql)?;
            let mut rows = Vec::new();
            for id in ids {
                let found = statement.query_map([id], |row| row.get(0))?;
                rows.extend(found.collect::<rusqlite::Result<Vec<i64>>>()?);
            }
            Ok(rows)
        };
        read().map_err(|e| broken(&e))
    }

    /// How many sessions there are.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn total(&self) -> Result<usize, SessionError> {
        let count = || -> rusqlite::Result<usize> {
            let mut count = 0;
            // Counting rows of the table takes a hundred times as long.
            for chunk in 0..=self.last_chunk()? {
                let there = with_cells(&self.db, Column::There, chunk, |cells| {
                    let mut mask = [0; 64];
                    add_flags(cells, &mut mask);
                    mask.iter().map(|bits: &u64| bits.count_ones() as usize).sum::<usize>()
                });
                count += there?.unwrap_or(0);
            }
            Ok(count)
        };
        count().map_err(|e| broken(&e))
    }

    /// The values a field has here, at most so many: for completion.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn values(&self, field: &Field, most: usize) -> Result<Vec<String>, SessionError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT word FROM words WHERE field = ?1 ORDER BY word LIMIT ?2";
            let mut statement = self.db.prepare_cached(sql)?;
            let words =
                statement.query_map([number_of(field), i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?;
            words.collect()
        };
        read().map_err(|e| broken(&e))
    }
}

/// Adds the rows of flags that are set.
fn add_flags(cells: &[u8], mask: &mut Mask) {
    for (row, place) in mask.iter_mut().enumerate() {
        let flags = (0..64).map(|i| cell(cells, 1, row * 64 + i) == [1]);
        *place = flags.enumerate().fold(0, |bits, (i, set)| bits | (u64::from(set) << i));
    }
}

/// The places of the bits that are set.
fn bits(mask: &Mask) -> impl Iterator<Item = usize> + '_ {
    mask.iter().enumerate().flat_map(|(at, bits)| {
        let mut left = *bits;
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(at * 64 + next)
        })
    })
}

fn eight(cell: &[u8]) -> Option<[u8; 8]> {
    cell.try_into().ok()
}

fn four(cell: &[u8]) -> u32 {
    cell.try_into().map_or(0, u32::from_le_bytes)
}

/// A count, as SQLite gives it.
pub(super) fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// A number whose order among integers is that of the figures.
fn ordered(x: f64) -> i64 {
    // -0 and 0 are one.
    let bits = (x + 0.0).to_bits().cast_signed();
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}
