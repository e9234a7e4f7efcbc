//! Brings the index up to date with the folder, looking only at what has changed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::answer::size;
use super::open::{Index, broken, lock};
use super::put::{Prepared, Writer};
use super::scan::{self, Found, Stamp};
use crate::config::Thresholds;
use crate::session::error::SessionError;
use crate::session::fulltext::{full_text, text_of};
use crate::session::notes::notes_of;
use crate::session::reader::read_log;
use crate::session::summariser::Summariser;
use crate::session::summary::{SUMMARY_VERSION, SessionSummary, each_summary_from};

/// Sessions that are written in one go.
const CHUNK: usize = 8192;
/// Logs that are read in one go.
const LOGS: usize = 200;

/// How far one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sessions done.
    pub done: usize,
    /// Sessions to do, as far as is known.
    pub of: usize,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Refreshed {
    /// New sessions.
    pub added: usize,
    /// Sessions that were known and had changed.
    pub changed: usize,
    /// Sessions that are gone.
    pub removed: usize,
    /// Sessions whose log was read, for want of a summary.
    pub read: usize,
    /// Another program is at it; nothing was done here.
    pub elsewhere: bool,
    /// It was stopped before its end.
    pub stopped: bool,
}

impl Refreshed {
    /// Whether anything is otherwise than before.
    pub fn any(&self) -> bool {
        self.added + self.changed + self.removed > 0
    }
}

/// A session as the index has it.
struct Known {
    row: i64,
    found: Found,
}

/// What there is to do in a folder.
struct Task {
    dir: PathBuf,
    name: String,
    folder: i64,
    changed: Vec<(String, Found, Option<i64>)>,
    gone: Vec<i64>,
    /// What is remembered of the folder when all is done; none where it was not looked into.
    stamp: Option<i64>,
    summary: Option<Stamp>,
    summary_read: i64,
}

impl Index {
    /// Brings it up to date; what another program does at the same time is left to that program. `tell` is told how far it is, and
    /// stops it with false; what was done by then is kept.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn refresh(&mut self, tell: &mut dyn FnMut(Progress) -> bool) -> Result<Refreshed, SessionError> {
        let _lock = match self.take_lock(false) {
            Ok(lock) => lock,
            Err(()) => return Ok(Refreshed { elsewhere: true, ..Refreshed::default() }),
        };
        self.refresh_locked(tell)
    }

    /// Like [`Index::refresh`], but waits until another program has done its part.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn refresh_whole(&mut self, tell: &mut dyn FnMut(Progress) -> bool) -> Result<Refreshed, SessionError> {
        loop {
            let done = self.refresh(tell)?;
            if !done.elsewhere {
                return Ok(done);
            }
            if !tell(Progress::default()) {
                return Ok(Refreshed { stopped: true, ..done });
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// The lock of those who write; none is needed in memory.
    fn take_lock(&self, wait: bool) -> Result<Option<File>, ()> {
        if self.path.is_none() { Ok(None) } else { lock(&self.store, wait).map(Some).ok_or(()) }
    }

    fn refresh_locked(&mut self, tell: &mut dyn FnMut(Progress) -> bool) -> Result<Refreshed, SessionError> {
        let mut done = Refreshed::default();
        let root = self.store.dir().to_owned();
        let names = scan::folders(&root);
        self.forget_folders(&names, &mut done)?;
        let (mut writer, mut progress, mut changed) = (Writer::default(), Progress::default(), 0);
        let folders = names.len();
        // One folder after another: what is known of all files of a million sessions need not be in memory at once.
        for (seen, name) in (1..).zip(names) {
            let task = look(&self.db, root.join(&name), name, self.settled).map_err(|e| broken(&e))?;
            let Some(task) = task else { continue };
            changed += task.changed.len();
            // How much is in folders that were not looked into is a guess by those that were.
            progress.of = if seen == folders { changed } else { changed * folders / seen };
            self.carry_out(task, &mut writer, &mut progress, &mut done, tell)?;
            if done.stopped {
                break;
            }
        }
        Ok(done)
    }

    fn forget_folders(&mut self, names: &[String], done: &mut Refreshed) -> Result<(), SessionError> {
        let there: HashSet<&str> = names.iter().map(String::as_str).collect();
        let known = folders(&self.db).map_err(|e| broken(&e))?;
        for (folder, _) in known.into_iter().filter(|(_, name)| !there.contains(name.as_str())) {
            let gone = rows_of(&self.db, folder).map_err(|e| broken(&e))?;
            done.removed += gone.len();
            self.remove_all(&gone)?;
            self.db.execute("DELETE FROM folders WHERE id = ?1", [folder]).map_err(|e| broken(&e))?;
        }
        Ok(())
    }

    fn remove_all(&mut self, rows: &[i64]) -> Result<(), SessionError> {
        for rows in rows.chunks(CHUNK) {
            self.writing(|db| {
                let mut writer = Writer::default();
                rows.iter().try_for_each(|row| writer.remove(db, *row))?;
                writer.flush(db)
            })?;
        }
        Ok(())
    }

    fn writing<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, SessionError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| broken(&e))?;
        let result = work(&tx).and_then(|value| tx.commit().map(|()| value));
        result.map_err(|e| broken(&e))
    }

    fn carry_out(
        &mut self,
        task: Task,
        writer: &mut Writer,
        progress: &mut Progress,
        done: &mut Refreshed,
        tell: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), SessionError> {
        done.removed += task.gone.len();
        self.remove_all(&task.gone)?;
        let mut wanted: HashMap<String, (Found, Option<i64>)> =
            task.changed.into_iter().map(|(id, found, row)| (id, (found, row))).collect();
        let mut ready: Vec<(Option<i64>, Prepared)> = Vec::new();
        let mut summaries: Vec<SessionSummary> = Vec::new();
        let mut read_to = task.summary_read;
        // A summary is written after the end, so that it counts for a log that is still live, too.
        if !wanted.is_empty() {
            let from = u64::try_from(task.summary_read).unwrap_or(0);
            let mut latest: HashMap<String, usize> = HashMap::new();
            let to = each_summary_from(&task.dir, from, &mut |summary| {
                let Some(summary) = summary.filter(|s| s.v >= SUMMARY_VERSION && wanted.contains_key(&s.id)) else {
                    // Lines of an earlier version are made anew from their logs, below.
                    return;
                };
                match latest.get(&summary.id).and_then(|at| summaries.get_mut(*at)) {
                    // Of two with one id the later counts.
                    Some(earlier) => *earlier = summary,
                    None => {
                        latest.insert(summary.id.clone(), summaries.len());
                        summaries.push(summary);
                    }
                }
            });
            read_to = i64::try_from(to).unwrap_or(0);
        }
        for summary in summaries {
            let Some((found, row)) = wanted.remove(&summary.id) else { continue };
            ready.push((row, prepare(&task.dir, &task.name, found, summary, None, &self.lines)));
            if ready.len() >= CHUNK && !self.write(task.folder, &mut ready, writer, progress, done, tell)? {
                return Ok(());
            }
        }
        if !self.write(task.folder, &mut ready, writer, progress, done, tell)? {
            return Ok(());
        }
        let mut rest: Vec<(String, (Found, Option<i64>))> = wanted.into_iter().collect();
        rest.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let lines = self.lines;
        for logs in rest.chunks(LOGS) {
            done.read += logs.len();
            let mut ready =
                on_all_cores(logs, |(id, (found, row))| (*row, from_log(&task.dir, &task.name, id, *found, &lines)));
            if !self.write(task.folder, &mut ready, writer, progress, done, tell)? {
                return Ok(());
            }
        }
        if let Some(stamp) = task.stamp {
            let summary = task.summary;
            let values = params![task.folder, stamp, summary.map(|s| s.size), summary.map(|s| s.time), read_to];
            let sql =
                "UPDATE folders SET stamp = ?2, summary_size = ?3, summary_time = ?4, summary_read = ?5 WHERE id = ?1";
            self.db.execute(sql, values).map_err(|e| broken(&e))?;
        }
        Ok(())
    }

    /// Writes what is ready; false where that was the end of it.
    fn write(
        &mut self,
        folder: i64,
        ready: &mut Vec<(Option<i64>, Prepared)>,
        writer: &mut Writer,
        progress: &mut Progress,
        done: &mut Refreshed,
        tell: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<bool, SessionError> {
        if ready.is_empty() {
            return Ok(true);
        }
        let n = ready.len();
        let changed = ready.iter().filter(|(row, _)| row.is_some()).count();
        let written = self.writing(|db| {
            ready.drain(..).try_for_each(|(row, session)| writer.put(db, folder, row, session))?;
            writer.flush(db)
        });
        if written.is_err() {
            // Numbers of words that were not written are nobody's.
            *writer = Writer::default();
        }
        written?;
        done.changed += changed;
        done.added += n - changed;
        progress.done += n;
        done.stopped = !tell(*progress);
        Ok(!done.stopped)
    }

    /// Reads what was written in sessions whose text is not known yet, the newest first. As [`Index::refresh`], it can be stopped
    /// and gone on with, and leaves to another program what that does.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn read_texts(&mut self, tell: &mut dyn FnMut(Progress) -> bool) -> Result<Progress, SessionError> {
        self.read_texts_by(tell, full_text)
    }

    /// Like [`Index::read_texts`], with texts from elsewhere: for measures of many sessions that were never asked.
    #[doc(hidden)]
    pub fn read_texts_by(
        &mut self,
        tell: &mut dyn FnMut(Progress) -> bool,
        read: impl Fn(&Path, &str) -> Option<String> + Sync,
    ) -> Result<Progress, SessionError> {
        let of = self.unread()?;
        let mut progress = Progress { done: 0, of };
        if of == 0 {
            return Ok(progress);
        }
        loop {
            let Ok(lock) = self.take_lock(false) else { return Ok(progress) };
            let rows = self.next_unread().map_err(|e| broken(&e))?;
            if rows.is_empty() || !tell(progress) {
                return Ok(progress);
            }
            let texts = on_all_cores(&rows, |(row, log, id)| (*row, read(log, id)));
            progress.done += texts.len();
            self.writing(|db| {
                for (row, text) in texts {
                    // What cannot be read is not tried again until it changes.
                    let read = if text.is_some() { 1 } else { 2 };
                    if let Some(text) = text {
                        db.prepare_cached("INSERT INTO wrote(rowid, words) VALUES(?1, ?2)")?
                            .execute(params![row, text])?;
                    }
                    db.prepare_cached("UPDATE sessions SET read = ?2 WHERE rowid = ?1")?.execute([row, read])?;
                }
                Ok(())
            })?;
            // A program that waits for the lock gets it: what is new is worth more than what is old.
            drop(lock);
            if self.path.is_some() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// Sessions whose text is not known yet.
    ///
    /// # Errors
    /// [`SessionError::Index`].
    pub fn unread(&self) -> Result<usize, SessionError> {
        let sql = "SELECT count(*) FROM sessions WHERE read = 0";
        self.db.query_row(sql, [], |row| row.get(0).map(size)).map_err(|e| broken(&e))
    }

    fn next_unread(&self) -> rusqlite::Result<Vec<(i64, PathBuf, String)>> {
        let sql = "SELECT s.rowid, f.name, s.id, s.live FROM sessions s JOIN folders f ON f.id = s.folder
                   WHERE s.read = 0 ORDER BY s.rowid DESC LIMIT 200";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let (folder, id, live): (String, String, bool) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, log_path(self.store.dir(), &folder, &id, live), id))
        })?;
        rows.collect()
    }
}

/// Where a log lies.
pub(super) fn log_path(root: &Path, folder: &str, id: &str, live: bool) -> PathBuf {
    root.join(folder).join(format!("{id}.{}", if live { "jsonl" } else { "jsonl.zst" }))
}

fn folders(db: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = db.prepare_cached("SELECT id, name FROM folders")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn rows_of(db: &Connection, folder: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = db.prepare_cached("SELECT rowid FROM sessions WHERE folder = ?1")?;
    let rows = statement.query_map([folder], |row| row.get(0))?;
    rows.collect()
}

/// Sessions of a folder as the index has them: all, or only those that can change without their folder changing.
fn known(db: &Connection, folder: i64, all: bool) -> rusqlite::Result<HashMap<String, Known>> {
    let which = if all { "" } else { "AND (live = 1 OR notes_size IS NOT NULL)" };
    let sql =
        format!("SELECT id, rowid, live, size, time, notes_size, notes_time FROM sessions WHERE folder = ?1 {which}");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([folder], |row| {
        let notes: (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
        let notes = notes.0.zip(notes.1).map(|(size, time)| Stamp { size, time });
        let found = Found { live: row.get(2)?, stamp: Stamp { size: row.get(3)?, time: row.get(4)? }, notes };
        Ok((row.get(0)?, Known { row: row.get(1)?, found }))
    })?;
    rows.collect()
}

/// What has changed in a folder; none where nothing has.
fn look(db: &Connection, dir: PathBuf, name: String, settled: Duration) -> rusqlite::Result<Option<Task>> {
    let sql =
        "INSERT INTO folders(name, stamp, summary_read) VALUES(?1, 0, 0) ON CONFLICT(name) DO UPDATE SET name = ?1
               RETURNING id, stamp, summary_size, summary_time, summary_read";
    type Row = (i64, i64, Option<i64>, Option<i64>, i64);
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let (folder, stamp, size, time, summary_read): Row = db.prepare_cached(sql)?.query_row([&name], read)?;
    let now = scan::folder_stamp(&dir, settled);
    let summary = Stamp::at(&dir.join("summary.jsonl"));
    let before = size.zip(time).map(|(size, time)| Stamp { size, time });
    let same = now != 0 && now == stamp && summary == before;
    // A summary that was cut or written anew is read from its beginning.
    let summary_read = if summary.is_some_and(|s| s.size >= summary_read) { summary_read } else { 0 };
    let mut task =
        Task { dir, name, folder, changed: Vec::new(), gone: Vec::new(), stamp: None, summary, summary_read };
    if same {
        for (id, known) in known(db, folder, false)? {
            let path = task.dir.join(format!("{id}.{}", if known.found.live { "jsonl" } else { "jsonl.zst" }));
            let Some(stamp) = Stamp::at(&path) else { continue };
            let notes = Stamp::at(&task.dir.join(format!("{id}.notes.jsonl")));
            let found = Found { stamp, notes, ..known.found };
            if found != known.found {
                task.changed.push((id, found, Some(known.row)));
            }
        }
        return Ok((!task.changed.is_empty()).then_some(task));
    }
    task.stamp = Some(now);
    let mut known = known(db, folder, true)?;
    for (id, found) in scan::logs(&task.dir) {
        match known.remove(&id) {
            Some(before) if before.found == found => {}
            before => task.changed.push((id, found, before.map(|known| known.row))),
        }
    }
    task.gone = known.into_values().map(|known| known.row).collect();
    task.changed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(Some(task))
}

fn prepare(
    dir: &Path,
    folder: &str,
    found: Found,
    mut summary: SessionSummary,
    wrote: Option<String>,
    lines: &Thresholds,
) -> Prepared {
    let id = summary.id.clone();
    // A run that was given a folder of its own is known by that folder's name.
    summary.run = (!folder.is_empty()).then(|| folder.to_owned()).or(summary.run);
    summary.noted = found.notes.and_then(|_| notes_of(dir, &id)).and_then(|notes| notes.noted());
    summary.relabel(lines);
    Prepared::of(id, found, &summary, wrote)
}

/// A session without a summary: its log is read, and with it what was written.
fn from_log(dir: &Path, folder: &str, id: &str, found: Found, lines: &Thresholds) -> Prepared {
    let (summary, wrote) = match read_log(&log_path(dir, "", id, found.live)) {
        Ok(log) => {
            let notes = found.notes.and_then(|_| notes_of(dir, id)).unwrap_or_default();
            (Summariser::of(&log.records).summary(), Some(text_of(&log.records, &notes)))
        }
        Err(_) => (SessionSummary { label: "unreadable".to_owned(), ..SessionSummary::default() }, None),
    };
    prepare(dir, folder, found, SessionSummary { id: id.to_owned(), ..summary }, wrote, lines)
}

/// Does something with each of many, on all cores.
fn on_all_cores<T: Sync, U: Send>(all: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let each = all.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            all.chunks(each).map(|part| scope.spawn(|| part.iter().map(&work).collect::<Vec<U>>())).collect();
        // A thread that panicked has found a bug in a reader; its sessions are looked at again next time.
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}
