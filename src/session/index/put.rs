//! Writes a session's row.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use super::scan::{Found as LogFound, Stamp};
use super::{is_worded, number_of};
use crate::session::SessionSummary;
use crate::session::filter::{Found, Kind, fields, summary_words};

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
    seek: String,
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
            seek: summary_words(summary),
            wrote,
        }
    }
}

/// Writes rows of one transaction, and remembers the numbers of words between them.
#[derive(Default)]
pub(super) struct Writer {
    words: HashMap<(i64, String), i64>,
    facts: String,
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
        let mut values: Vec<Value> = vec![Value::Integer(row), Value::Integer(session.at)];
        for (field, found) in fields().iter().zip(session.found) {
            match found {
                Found::Many(all) => {
                    for word in all {
                        let word = self.word(db, number_of(field), word)?;
                        let sql = "INSERT OR IGNORE INTO many(field, word, session) VALUES(?1, ?2, ?3)";
                        db.prepare_cached(sql)?.execute(params![number_of(field), word, row])?;
                    }
                }
                _ if field.kind == Kind::Many => {}
                Found::Nothing => values.push(Value::Null),
                Found::Number(number) => values.push(Value::Real(number)),
                Found::Flag(flag) => values.push(Value::Integer(i64::from(flag))),
                Found::Text(text) if is_worded(field.kind) => {
                    values.push(Value::Integer(self.word(db, number_of(field), text)?));
                }
                Found::Text(_) => values.push(Value::Null),
            }
        }
        if self.facts.is_empty() {
            self.facts = format!("INSERT OR REPLACE INTO facts VALUES({})", vec!["?"; values.len()].join(","));
        }
        db.prepare_cached(&self.facts)?.execute(rusqlite::params_from_iter(values))?;
        db.prepare_cached("INSERT INTO seek(rowid, words) VALUES(?1, ?2)")?.execute(params![row, session.seek])?;
        if let Some(wrote) = session.wrote {
            db.prepare_cached("INSERT INTO wrote(rowid, words) VALUES(?1, ?2)")?.execute(params![row, wrote])?;
        }
        Ok(())
    }

    fn word(&mut self, db: &Connection, field: i64, word: String) -> rusqlite::Result<i64> {
        let key = (field, word);
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
                db.prepare_cached("INSERT INTO words(field, word) VALUES(?1, ?2)")?.execute(params![key.0, key.1])?;
                db.last_insert_rowid()
            }
        };
        if self.words.len() >= MOST_REMEMBERED {
            self.words.clear();
        }
        self.words.insert(key, id);
        Ok(id)
    }
}

fn forget_words(db: &Connection, row: i64) -> rusqlite::Result<()> {
    for table in ["seek", "wrote"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE rowid = ?1"))?.execute([row])?;
    }
    db.prepare_cached("DELETE FROM many WHERE session = ?1")?.execute([row])?;
    Ok(())
}

/// Removes all that is known of a session.
pub(super) fn remove(db: &Connection, row: i64) -> rusqlite::Result<()> {
    forget_words(db, row)?;
    for table in ["facts", "bodies", "sessions"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE rowid = ?1"))?.execute([row])?;
    }
    Ok(())
}
