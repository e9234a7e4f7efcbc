//! Opens the database, whatever lies in its place.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::INDEX_FILE;
use crate::config::Thresholds;
use crate::session::error::SessionError;
use crate::session::filter::fields;
use crate::session::store::SessionStore;

/// Says that a database is this program's.
const APPLICATION: i64 = 0x7073_6978;
/// Raised when tables change; a database of another version is made anew. What fields there are is told apart beside it.
const VERSION: i64 = 3;
/// How long one waits for another program's writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open index.
#[derive(Debug)]
pub struct Index {
    pub(super) db: Connection,
    pub(super) store: SessionStore,
    /// Where automatic labels draw their lines.
    pub(super) lines: Thresholds,
    /// None in memory.
    pub(super) path: Option<PathBuf>,
    /// Stands in for the clock in tests: files younger than this many seconds may change again unseen.
    pub(super) settled: Duration,
}

impl Index {
    /// Opens the index of a sessions folder, making one where there is none that can be used; one whose labels are by other lines
    /// is made anew. It is as old as it is: see
    /// [`Index::refresh`].
    ///
    /// # Errors
    /// [`SessionError::Outside`] where a link stands in its place; [`SessionError::Index`] where SQLite itself fails.
    pub fn open(store: &SessionStore, lines: Thresholds) -> Result<Self, SessionError> {
        let path = store.dir().join(INDEX_FILE);
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_symlink()) {
            return Err(SessionError::Outside { path });
        }
        if !store.dir().is_dir() {
            return Self::in_memory(store, lines);
        }
        match connect(&path, &lines) {
            Ok(db) => return Ok(Self::of(db, store, lines, Some(path))),
            Err(Fault::Unusable) => {}
            // A folder that cannot be written, a disk that is full.
            Err(Fault::Failed) => return Self::in_memory(store, lines),
        }
        // Someone may be making it anew at this moment.
        let _lock = lock(store, true);
        match connect(&path, &lines).or_else(|_| put_away(&path).and_then(|()| connect(&path, &lines))) {
            Ok(db) => Ok(Self::of(db, store, lines, Some(path))),
            Err(_) => Self::in_memory(store, lines),
        }
    }

    /// An index that is gone when the program ends.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn in_memory(store: &SessionStore, lines: Thresholds) -> Result<Self, SessionError> {
        let db = Connection::open_in_memory().map_err(|e| broken(&e))?;
        prepare(&db, &lines).map_err(|e| broken(&e))?;
        Ok(Self::of(db, store, lines, None))
    }

    fn of(db: Connection, store: &SessionStore, lines: Thresholds, path: Option<PathBuf>) -> Self {
        Self { db, store: store.clone(), lines, path, settled: Duration::from_secs(2) }
    }

    /// Where it lies; none where it is in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where its automatic labels draw their lines.
    pub fn lines(&self) -> Thresholds {
        self.lines
    }

    /// The sessions folder it is about.
    pub fn store(&self) -> &SessionStore {
        &self.store
    }

    /// Puts the database away and makes an empty one.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn reset(self) -> Result<Self, SessionError> {
        let (store, lines) = (self.store.clone(), self.lines);
        let path = self.path.clone();
        drop(self);
        if let Some(path) = path {
            let _lock = lock(&store, true);
            let _ = remove(&path);
        }
        Self::open(&store, lines)
    }

    /// Does something with it; where the database turns out to be broken, with a new one that was brought up to date.
    ///
    /// # Errors
    /// Of what was done.
    pub fn mending<T>(&mut self, work: impl Fn(&mut Self) -> Result<T, SessionError>) -> Result<T, SessionError> {
        match work(self) {
            Err(SessionError::Index { broken: true, .. }) => {
                let scratch = Self::in_memory(&self.store, self.lines)?;
                let old = std::mem::replace(self, scratch);
                *self = old.reset()?;
                self.refresh(&mut |_| true)?;
                work(self)
            }
            other => other,
        }
    }

    /// A handle with which another thread can break off what this one asks.
    pub fn interrupter(&self) -> rusqlite::InterruptHandle {
        self.db.get_interrupt_handle()
    }
}

enum Fault {
    /// Broken, of another version or no database at all.
    Unusable,
    Failed,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        if is_broken(&error) { Self::Unusable } else { Self::Failed }
    }
}

fn is_broken(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SchemaChanged | ErrorCode::Unknown)
    )
}

/// An error of the database as one of sessions.
pub(super) fn broken(error: &rusqlite::Error) -> SessionError {
    SessionError::Index { broken: is_broken(error), why: error.to_string() }
}

fn connect(path: &Path, lines: &Thresholds) -> Result<Connection, Fault> {
    let there = fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
    // Without READ_WRITE on a URI, and without following a link that came between.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // The folder's own path may hold links; only the last part may not be one.
    let path =
        path.parent().and_then(|dir| dir.canonicalize().ok()).map_or(path.to_owned(), |dir| dir.join(INDEX_FILE));
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    if there {
        let ours = pragma(&db, "application_id")? == APPLICATION && pragma(&db, "user_version")? == VERSION;
        if !ours || !has_fields(&db, lines) {
            return Err(Fault::Unusable);
        }
    }
    prepare(&db, lines)?;
    Ok(db)
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// Whether the database was made for just the fields there are, and labels by the same lines.
fn has_fields(db: &Connection, lines: &Thresholds) -> bool {
    let said: rusqlite::Result<String> =
        db.query_row("SELECT value FROM meta WHERE name = 'fields'", [], |row| row.get(0));
    said.is_ok_and(|said| said == said_fields(lines))
}

fn said_fields(lines: &Thresholds) -> String {
    let all: Vec<String> = fields().iter().map(|f| format!("{}:{}", f.name, f.kind.name())).collect();
    format!("{} {} {lines:?}", env!("CARGO_PKG_VERSION"), all.join(" "))
}

fn prepare(db: &Connection, lines: &Thresholds) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(64);
    // A column's chunk is 16 or 32 KiB: a read or two from a disk that has not been read yet, not eight. Only a new database
    // takes the size on.
    db.execute_batch(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;
         PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864;",
    )?;
    if pragma(db, "user_version")? == VERSION {
        return Ok(());
    }
    db.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION};
         CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS folders(id INTEGER PRIMARY KEY, name TEXT UNIQUE, stamp INTEGER, summary_size INTEGER,
             summary_time INTEGER, summary_read INTEGER);
         CREATE TABLE IF NOT EXISTS sessions(rowid INTEGER PRIMARY KEY AUTOINCREMENT, folder INTEGER, id TEXT, live INTEGER,
             size INTEGER, time INTEGER, notes_size INTEGER, notes_time INTEGER, read INTEGER, UNIQUE(folder, id));
         CREATE INDEX IF NOT EXISTS unread ON sessions(rowid) WHERE read = 0;
         CREATE INDEX IF NOT EXISTS restless ON sessions(folder) WHERE live = 1 OR notes_size IS NOT NULL;
         CREATE TABLE IF NOT EXISTS bodies(rowid INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE IF NOT EXISTS words(id INTEGER PRIMARY KEY, field INTEGER, word TEXT, UNIQUE(field, word));
         CREATE TABLE IF NOT EXISTS many(field INTEGER, word INTEGER, session INTEGER, PRIMARY KEY(field, word, session)) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS many_of ON many(session);
         CREATE TABLE IF NOT EXISTS cells(key INTEGER PRIMARY KEY, data BLOB);
         CREATE VIRTUAL TABLE IF NOT EXISTS seek USING fts5(words, content='', contentless_delete=1, tokenize='ascii');
         CREATE VIRTUAL TABLE IF NOT EXISTS wrote USING fts5(words, content='', contentless_delete=1, tokenize='ascii');
         INSERT OR REPLACE INTO meta VALUES('fields', '{}');
         PRAGMA user_version = {VERSION};
         COMMIT;",
        said_fields(lines).replace('\'', "''"),
    ))
}

/// Puts a database away that cannot be used: what this program made is deleted, anything else gets another name.
fn put_away(path: &Path) -> Result<(), Fault> {
    let failed = |_| Fault::Unusable;
    if is_ours(path) {
        return remove(path).map_err(failed);
    }
    for n in 1..1000 {
        let aside = path.with_file_name(format!("{INDEX_FILE}.aside-{n}"));
        if fs::symlink_metadata(&aside).is_err() {
            fs::rename(path, &aside).map_err(failed)?;
            return remove(path).map_err(failed);
        }
    }
    Err(Fault::Unusable)
}

/// Whether the file's head says that this program made it.
fn is_ours(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0u8; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let id = head.get(68..72).and_then(|id| id.try_into().ok()).map(i32::from_be_bytes);
    read.is_ok() && head.starts_with(b"SQLite format 3\0") && id.map(i64::from) == Some(APPLICATION)
}

fn remove(path: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let file = path.with_file_name(format!("{INDEX_FILE}{end}"));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Takes the lock of those who change the index, waiting for it or not; none where another program has it. Where the file system
/// has no locks, SQLite's own are enough.
pub(super) fn lock(store: &SessionStore, wait: bool) -> Option<File> {
    let path = store.dir().join(".index.lock");
    if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
        return None;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).ok()?;
    let locked = if wait { file.lock().is_ok() } else { !matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) };
    locked.then_some(file)
}
