//! Deleting a session, and getting it back.
//!
//! ```text
//! sessions/.trash/<day>/<id>/<id>.jsonl.zst      the log, as it was (or the live one)
//!                            <id>.notes.jsonl    its notes
//!                            origin.json         which folder it came from
//! ```
//!
//! Files are moved inside the sessions folder and never over others; a session that is being written stays where it is. Pages
//! stay in `blobs/`: other sessions may show them. `summary.jsonl` stays append-only: a session whose log is gone is not listed
//! ([`super::list`] begins with the logs), and its line counts again once the log is back. Emptying the trash is left to a
//! person: it is a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Doing, SessionError};
use super::store::{SessionStore, check_id, today};

/// The folder's name in the sessions folder.
pub(super) const TRASH: &str = ".trash";
/// What is remembered of a deleted session.
const ORIGIN: &str = "origin.json";
/// Most bytes of it.
const MAX_ORIGIN: u64 = 4096;
/// How often a session of one id can be deleted in one day.
const MAX_SAME: u32 = 1000;

/// A session in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trashed {
    /// Session id.
    pub id: String,
    /// The run or day it came from; empty for the sessions folder itself.
    pub sub: String,
    /// When it was deleted: RFC 3339, UTC.
    pub deleted: String,
    /// The folder it lies in now.
    pub dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    v: u32,
    sub: String,
    deleted: String,
}

/// Moves a session's log and notes to the trash.
///
/// # Errors
/// [`SessionError::NotFound`], [`SessionError::Busy`] (it is being written), [`SessionError::BadName`],
/// [`SessionError::Outside`], [`SessionError::Io`]; the session is then where it was.
pub fn trash(store: &SessionStore, sub: &str, id: &str) -> Result<Trashed, SessionError> {
    check_id(id)?;
    let not_found = || SessionError::NotFound { wanted: id.to_owned(), dir: store.dir().join(sub) };
    let from = match store.sub(sub) {
        Err(SessionError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Err(not_found()),
        other => other?,
    };
    let files = files_of(&from, id)?;
    if !files.iter().any(|name| is_log(name)) {
        return Err(not_found());
    }
    // Held until the log has moved: a program that writes it, or wants to go on with it, is told so.
    let _lock = not_being_written(&from.join(format!("{id}.jsonl")))?;
    let dir = new_entry(store, id)?;
    let deleted = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let origin = Origin { v: 1, sub: sub.to_owned(), deleted: deleted.clone() };
    let moved = write_origin(&dir, &origin).and_then(|()| move_all(&files, &from, &dir));
    if let Err(error) = moved {
        let _ = fs::remove_file(dir.join(ORIGIN));
        let _ = fs::remove_dir(&dir);
        return Err(error);
    }
    Ok(Trashed { id: id.to_owned(), sub: sub.to_owned(), deleted, dir })
}

/// Moves a session back to where it was; gives its log.
///
/// # Errors
/// [`SessionError::Exists`] where a session of this id is there again, [`SessionError::NotFound`] where the trash has it no
/// more, [`SessionError::BadName`], [`SessionError::Outside`], [`SessionError::Io`]; it is then still in the trash.
pub fn restore(store: &SessionStore, trashed: &Trashed) -> Result<PathBuf, SessionError> {
    check_id(&trashed.id)?;
    let in_trash = |dir: &Path| dir.parent().and_then(Path::parent) == Some(&store.dir().join(TRASH));
    if !in_trash(&trashed.dir) {
        return Err(SessionError::Outside { path: trashed.dir.clone() });
    }
    let files = files_of(&trashed.dir, &trashed.id)?;
    let Some(log) = files.iter().find(|name| is_log(name)).cloned() else {
        return Err(SessionError::NotFound { wanted: trashed.id.clone(), dir: store.dir().join(TRASH) });
    };
    let to = store.make_sub(&trashed.sub)?;
    if let Some(name) = files_of(&to, &trashed.id)?.into_iter().find(|name| is_log(name)) {
        return Err(SessionError::Exists { path: to.join(name) });
    }
    move_all(&files, &trashed.dir, &to)?;
    // What is left is a note of where it came from; should it stay, it is no session.
    let _ = fs::remove_file(trashed.dir.join(ORIGIN));
    let _ = fs::remove_dir(&trashed.dir);
    let _ = trashed.dir.parent().map(fs::remove_dir);
    Ok(to.join(log))
}

/// What lies in the trash, latest deleted first. Unreadable folders count as empty.
pub fn trashed(store: &SessionStore) -> Vec<Trashed> {
    let folders = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let entries = folders(store.dir().join(TRASH)).filter(|day| day.is_dir()).flat_map(folders);
    let mut all: Vec<Trashed> = entries.filter_map(|dir| entry(&dir)).collect();
    all.sort_by(|a, b| b.deleted.cmp(&a.deleted).then_with(|| b.dir.cmp(&a.dir)));
    all
}

fn entry(dir: &Path) -> Option<Trashed> {
    let name = dir.file_name()?.to_str()?;
    let id = name.split_once('~').map_or(name, |(id, _)| id);
    check_id(id).ok()?;
    files_of(dir, id).ok()?.iter().find(|name| is_log(name))?;
    let mut text = String::new();
    let file = File::open(dir.join(ORIGIN)).ok()?;
    file.take(MAX_ORIGIN).read_to_string(&mut text).ok()?;
    let origin: Origin = serde_json::from_str(&text).ok()?;
    Some(Trashed { id: id.to_owned(), sub: origin.sub, deleted: origin.deleted, dir: dir.to_owned() })
}

/// Names of a session's files that are there. A link in their place is an error.
fn files_of(dir: &Path, id: &str) -> Result<Vec<String>, SessionError> {
    let mut found = Vec::new();
    for name in [format!("{id}.jsonl.zst"), format!("{id}.jsonl"), format!("{id}.notes.jsonl")] {
        let path = dir.join(&name);
        match path.symlink_metadata() {
            Ok(meta) if meta.is_file() => found.push(name),
            Ok(_) => return Err(SessionError::Outside { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).doing("read", &path),
        }
    }
    Ok(found)
}

fn is_log(name: &str) -> bool {
    !name.ends_with(".notes.jsonl")
}

/// Takes the lock that a recorder holds on a live log.
pub(super) fn not_being_written(live: &Path) -> Result<Option<File>, SessionError> {
    let file = match File::open(live) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.doing("open", live)?,
    };
    #[cfg(unix)]
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        return Err(SessionError::Busy { path: live.to_owned() });
    }
    Ok(Some(file))
}

/// A folder of its own in today's trash.
fn new_entry(store: &SessionStore, id: &str) -> Result<PathBuf, SessionError> {
    let day = store.make_hidden(&[TRASH, &today()])?;
    for n in 1..=MAX_SAME {
        let dir = day.join(if n == 1 { id.to_owned() } else { format!("{id}~{n}") });
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).doing("create the folder", &dir),
        }
    }
    Err(SessionError::Exists { path: day.join(id) })
}

fn write_origin(dir: &Path, origin: &Origin) -> Result<(), SessionError> {
    let path = dir.join(ORIGIN);
    let text = serde_json::to_string(origin).map_err(io::Error::other).doing("write", &path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).doing("write", &path)?;
    file.write_all(text.as_bytes()).doing("write", &path)
}

/// Moves files to another folder, all or none.
fn move_all(names: &[String], from: &Path, to: &Path) -> Result<(), SessionError> {
    for (done, name) in names.iter().enumerate() {
        let Err(error) = move_new(&from.join(name), &to.join(name)) else { continue };
        for name in names.iter().take(done) {
            // It came from there a moment ago; where even that fails, the first error says more.
            let _ = move_new(&to.join(name), &from.join(name));
        }
        return Err(error);
    }
    Ok(())
}

/// Gives a file another name in the same file system; never over another file.
pub(super) fn move_new(from: &Path, to: &Path) -> Result<(), SessionError> {
    match fs::hard_link(from, to) {
        Ok(()) => {
            let removed = fs::remove_file(from);
            if removed.is_err() {
                let _ = fs::remove_file(to);
            }
            removed.doing("remove", from)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SessionError::Exists { path: to.to_owned() }),
        // A file system without hard links.
        Err(_) if to.symlink_metadata().is_err() => fs::rename(from, to).doing("move", from),
        Err(_) => Err(SessionError::Exists { path: to.to_owned() }),
    }
}

impl SessionStore {
    /// The log that a person means by an id, or by `FOLDER/ID` where several folders have it.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], [`SessionError::Ambiguous`].
    pub fn one(&self, wanted: &str) -> Result<super::LogFile, SessionError> {
        let (sub, id) = wanted.rsplit_once('/').map_or((None, wanted), |(sub, id)| (Some(sub), id));
        let here = |log: &super::LogFile| log.id == id && sub.is_none_or(|sub| log.sub == sub);
        let mut found: Vec<super::LogFile> = self.logs().into_iter().filter(here).collect();
        match (found.pop(), found.is_empty()) {
            (Some(log), true) => Ok(log),
            (Some(log), false) => {
                let subs = found.into_iter().chain([log]).map(|log| log.sub).collect();
                Err(SessionError::Ambiguous { wanted: wanted.to_owned(), subs })
            }
            (None, _) => Err(SessionError::NotFound { wanted: wanted.to_owned(), dir: self.dir().to_owned() }),
        }
    }
}
