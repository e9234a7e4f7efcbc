//! Questions to the index: which sessions, in which order, and what they are.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params_from_iter};

use super::open::{Index, broken};
use super::refresh::log_path;
use super::sql::Maker;
use super::{column, is_worded, number_of};
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
    /// The first sessions that fit, in order, without counting the rest.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn first(&self, filter: &Filter, order: Order, most: usize) -> Result<Vec<i64>, SessionError> {
        self.first_of(filter, order, most).map_err(|e| broken(&e))
    }

    fn first_of(&self, filter: &Filter, order: Order, most: usize) -> rusqlite::Result<Vec<i64>> {
        if order.sort != Sort::Started {
            let mut rows = self.sorted(filter, order)?.0;
            rows.truncate(most);
            return Ok(rows);
        }
        let condition = Maker::condition(&self.db, filter.node())?;
        let way = if order.falling { "DESC" } else { "ASC" };
        let sql = format!("SELECT rowid FROM facts WHERE {} ORDER BY at {way}, rowid DESC LIMIT {most}", condition.sql);
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(condition.values), |row| row.get(0))?;
        rows.collect()
    }

    /// All sessions that fit, in order, and how they came out.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn find(&self, filter: &Filter, order: Order) -> Result<Hits, SessionError> {
        let (rows, verdicts) = self.sorted(filter, order).map_err(|e| broken(&e))?;
        Ok(Hits { count: rows.len(), rows, verdicts })
    }

    /// How many sessions fit, and how they came out.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn count_of(&self, filter: &Filter) -> Result<Hits, SessionError> {
        let counted = || -> rusqlite::Result<Hits> {
            let condition = Maker::condition(&self.db, filter.node())?;
            let sql = format!("SELECT f_verdict, count(*) FROM facts WHERE {} GROUP BY f_verdict", condition.sql);
            let mut statement = self.db.prepare(&sql)?;
            let counts =
                statement.query_map(params_from_iter(condition.values), |row| Ok((row.get(0)?, size(row.get(1)?))))?;
            let counts: HashMap<i64, usize> = counts.collect::<rusqlite::Result<_>>()?;
            Ok(Hits { rows: Vec::new(), count: counts.values().sum(), verdicts: self.verdicts(&counts)? })
        };
        counted().map_err(|e| broken(&e))
    }

    fn verdicts(&self, counts: &HashMap<i64, usize>) -> rusqlite::Result<Vec<(String, usize)>> {
        let mut named = Vec::new();
        for (id, n) in counts {
            let word: Option<String> = self
                .db
                .prepare_cached("SELECT word FROM words WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            named.extend(word.map(|word| (word, *n)));
        }
        named.sort_unstable();
        Ok(named)
    }

    fn sorted(&self, filter: &Filter, order: Order) -> rusqlite::Result<(Vec<i64>, Vec<(String, usize)>)> {
        let condition = Maker::condition(&self.db, filter.node())?;
        let (key, ranks) = match order.sort {
            Sort::Started => ("NULL".to_owned(), None),
            Sort::By(field) if is_worded(field.kind) => (column(field), Some(self.ranks(field)?)),
            Sort::By(field) => (column(field), None),
        };
        let sql = format!("SELECT rowid, at, f_verdict, {key} FROM facts WHERE {}", condition.sql);
        let mut statement = self.db.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(condition.values))?;
        let (mut all, mut counts) = (Vec::new(), HashMap::<i64, usize>::new());
        while let Some(row) = found.next()? {
            let key = match (row.get_ref(3)?, &ranks) {
                (rusqlite::types::ValueRef::Integer(word), Some(ranks)) => ranks.get(&word).copied(),
                (rusqlite::types::ValueRef::Integer(n), None) => Some(n),
                (rusqlite::types::ValueRef::Real(x), _) => Some(ordered(x)),
                _ => None,
            };
            all.push(Keyed { key, at: row.get(1)?, row: row.get(0)? });
            *counts.entry(row.get(2)?).or_default() += 1;
        }
        let newest = |a: &Keyed, b: &Keyed| b.at.cmp(&a.at).then(b.row.cmp(&a.row));
        match (order.sort, order.falling) {
            (Sort::Started, true) => all.sort_unstable_by(newest),
            (Sort::Started, false) => all.sort_unstable_by(|a, b| a.at.cmp(&b.at).then(b.row.cmp(&a.row))),
            (Sort::By(_), falling) => all.sort_unstable_by(|a, b| {
                let keys = if falling { b.key.cmp(&a.key) } else { a.key.cmp(&b.key) };
                b.key.is_some().cmp(&a.key.is_some()).then(keys).then_with(|| newest(a, b))
            }),
        }
        Ok((all.into_iter().map(|keyed| keyed.row).collect(), self.verdicts(&counts)?))
    }

    /// The rank of each of a field's words: where its values have an order of their own, that.
    fn ranks(&self, field: &Field) -> rusqlite::Result<HashMap<i64, i64>> {
        let mut statement = self.db.prepare_cached("SELECT id, word FROM words WHERE field = ?1 ORDER BY word")?;
        let words =
            statement.query_map([number_of(field)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
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
        self.count().map_err(|e| broken(&e))
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
