//! Writes a session's row.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::cells::{Cells, Column};
use super::number_of;
use super::scan::{Found as LogFound, Stamp};
use crate::session::SessionSummary;
use crate::session::filter::{Field, Found, Kind, fields, join_texts};

/// Most words whose numbers are remembered while many sessions are written.
const MOST_REMEMBERED: usize = 200_000;

/// A session, ready to be written.
pub(super) struct Prepared {
    pub id: String,
    pub log: LogFound,
    body: String,
    /// Microseconds since 1970; what is no time is the oldest.
    at: i64,
    found: Vec<Found>,
    /// What was written, where that is known already.
    pub wrote: Option<String>,
}

impl Prepared {
    pub fn of(id: String, log: LogFound, summary: &SessionSummary, wrote: Option<String>) -> Self {
        let at = summary.started.parse::<jiff::Timestamp>().map_or(0, |time| time.as_microsecond());
        Self {
            id,
            log,
            body: serde_json::to_string(summary).unwrap_or_default(),
            at,
            found: fields().iter().map(|field| field.of(summary)).collect(),
            wrote,
        }
    }
}

/// Writes rows of one transaction, and remembers the numbers of words between them.
#[derive(Default)]
pub(super) struct Writer {
    words: HashMap<(i64, String), u32>,
    cells: Cells,
}

impl Writer {
    /// Writes a session in the place of what was known of it.
    pub fn put(&mut self, db: &Connection, folder: i64, known: Option<i64>, session: Prepared) -> rusqlite::Result<()> {
        let notes = session.log.notes;
        let (notes_size, notes_time) = (notes.map(|s: Stamp| s.size), notes.map(|s| s.time));
        let read = i64::from(session.wrote.is_some());
        let stamp = session.log.stamp;
        let mut insert = db.prepare_cached(
            "INSERT INTO sessions(folder, id, live, size, time, notes_size, notes_time, read) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT(folder, id) DO UPDATE SET live = ?3, size = ?4, time = ?5, notes_size = ?6, notes_time = ?7, read = ?8
             RETURNING rowid",
        )?;
        let values =
            params![folder, session.id, session.log.live, stamp.size, stamp.time, notes_size, notes_time, read];
        let row: i64 = insert.query_row(values, |row| row.get(0))?;
        if known.is_some() {
            forget_words(db, row)?;
        }
        db.prepare_cached("INSERT OR REPLACE INTO bodies(rowid, body) VALUES(?1, ?2)")?
            .execute(params![row, session.body])?;
        self.cells.set(db, Column::There, row, Some(1u64.to_le_bytes()))?;
        self.cells.set(db, Column::At, row, Some(session.at.to_le_bytes()))?;
        for (field, found) in fields().iter().zip(session.found) {
            let value = match found {
                Found::Many(all) => {
                    for word in all {
                        let word = self.word(db, field, word)?;
                        let sql = "INSERT OR IGNORE INTO many(field, word, session) VALUES(?1, ?2, ?3)";
                        db.prepare_cached(sql)?.execute(params![number_of(field), word, row])?;
                    }
                    continue;
                }
                Found::Nothing => None,
                Found::Number(number) => Some(number.to_le_bytes()),
                Found::Flag(flag) => Some((1 + u64::from(flag)).to_le_bytes()),
                Found::Text(text) => Some(u64::from(self.word(db, field, text)?).to_le_bytes()),
            };
            if field.kind != Kind::Many {
                self.cells.set(db, Column::Of(field), row, value)?;
            }
        }
        if let Some(wrote) = session.wrote {
            db.prepare_cached("INSERT INTO wrote(rowid, words) VALUES(?1, ?2)")?.execute(params![row, wrote])?;
        }
        Ok(())
    }

    /// The number of a word of a field; a new one gets the next, and can be looked for.
    fn word(&mut self, db: &Connection, field: &'static Field, word: String) -> rusqlite::Result<u32> {
        let key = (number_of(field), word);
        if let Some(id) = self.words.get(&key) {
            return Ok(*id);
        }
        let found = db
            .prepare_cached("SELECT id FROM words WHERE field = ?1 AND word = ?2")?
            .query_row(params![key.0, key.1], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let sql = "INSERT INTO words(field, word) VALUES(?1, ?2) RETURNING id";
                let id = db.prepare_cached(sql)?.query_row(params![key.0, key.1], |row| row.get(0))?;
                if field.words {
                    let words = join_texts([key.1.as_str()]);
                    db.prepare_cached("INSERT INTO seek(rowid, words) VALUES(?1, ?2)")?.execute(params![id, words])?;
                }
                id
            }
        };
        if self.words.len() >= MOST_REMEMBERED {
            self.words.clear();
        }
        self.words.insert(key, id);
        Ok(id)
    }

    /// Removes all that is known of a session.
    pub fn remove(&mut self, db: &Connection, row: i64) -> rusqlite::Result<()> {
        forget_words(db, row)?;
        for table in ["bodies", "sessions"] {
            db.prepare_cached(&format!("DELETE FROM {table} WHERE rowid = ?1"))?.execute([row])?;
        }
        self.cells.set(db, Column::There, row, None)
    }

    /// Writes what is still held: the last of a transaction.
    pub fn flush(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.cells.flush(db)
    }
}

fn forget_words(db: &Connection, row: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM wrote WHERE rowid = ?1")?.execute([row])?;
    db.prepare_cached("DELETE FROM many WHERE session = ?1")?.execute([row])?;
    Ok(())
}
