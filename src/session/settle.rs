//! What is on disk of a session, after whatever happened to the program that wrote it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::blobs::write_atomic;
use super::error::{Doing, SessionError};
use super::reader::{LogReader, read_log};
use super::recorder::{pack, packed_path};
use super::store::check_id;
use super::summariser::Summariser;
use super::summary::{SUMMARY_VERSION, SessionSummary, each_summary};
use super::verify::{State, verify};

/// What there is of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// A log that has ended, compressed now, and what it says.
    Ended(Box<SessionSummary>),
    /// A log that has not ended, or a damaged one.
    Unfinished,
}

/// Looks what there is of a session in a folder, and ends what a killed program left half done: a log that has ended is
/// compressed, a live one beside its compressed form removed. Nobody may be writing the session.
///
/// # Errors
/// [`SessionError::BadName`], or [`SessionError::Io`] where the folder cannot be read or written.
pub fn settle(dir: &Path, id: &str) -> Result<Standing, SessionError> {
    check_id(id)?;
    let (live, packed) = (live_path(dir, id), packed_path(dir, id));
    let standing = match (there(&packed)?, there(&live)?) {
        (false, false) => return Ok(Standing::Absent),
        (true, _) => standing_of(&packed, id)?,
        (false, true) => Standing::Unfinished,
    };
    match standing {
        // The live log is worth more than a damaged copy of it.
        Standing::Ended(_) => {
            remove(&live)?;
            Ok(standing)
        }
        _ if there(&live)? => {
            let standing = standing_of(&live, id)?;
            if matches!(standing, Standing::Ended(_)) {
                pack(dir, id, &live)?;
            }
            Ok(standing)
        }
        _ => Ok(standing),
    }
}

/// Renames what there is of a session to `<name>.<word>` (`.<word>-2` and so on where that is taken), so that nothing is
/// lost and nothing of it is listed any more.
///
/// # Errors
/// [`SessionError::BadName`], [`SessionError::Io`].
pub fn set_aside(dir: &Path, id: &str, word: &str) -> Result<(), SessionError> {
    check_id(id)?;
    for path in [live_path(dir, id), packed_path(dir, id)] {
        if there(&path)? {
            fs::rename(&path, free_name(&path, word)?).doing("rename", &path)?;
        }
    }
    Ok(())
}

fn free_name(path: &Path, word: &str) -> Result<PathBuf, SessionError> {
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if n == 1 { format!(".{word}") } else { format!(".{word}-{n}") });
        PathBuf::from(name)
    };
    for n in 1..u32::MAX {
        if !there(&name(n))? {
            return Ok(name(n));
        }
    }
    Err(io::Error::other("no free name is left")).doing("rename", path)
}

fn live_path(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.jsonl"))
}

/// A link counts as something that is there, and is never followed.
fn there(path: &Path) -> Result<bool, SessionError> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => Ok(true),
        Ok(_) => Err(SessionError::Outside { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).doing("read", path),
    }
}

fn remove(path: &Path) -> Result<(), SessionError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).doing("remove", path),
        _ => Ok(()),
    }
}

fn standing_of(path: &Path, id: &str) -> Result<Standing, SessionError> {
    let log = read_log(path)?;
    Ok(ended(&log, id).map_or(Standing::Unfinished, |summary| Standing::Ended(Box::new(summary))))
}

/// The summary of a log that is whole, ended and this session's.
fn ended(log: &LogReader, id: &str) -> Option<SessionSummary> {
    let report = verify(log);
    let whole = report.state == State::Whole && report.id.as_deref() == Some(id);
    whole.then(|| Summariser::of(&log.records).summary())
}

/// A folder's `summary.jsonl`, to be put in order.
#[derive(Debug, Default)]
pub struct SummaryFile {
    /// What the lines say, by id: the last line, and how many there are.
    lines: HashMap<String, (SessionSummary, usize)>,
    /// Lines that cannot be read.
    broken: usize,
}

impl SummaryFile {
    /// Reads a folder's file; one that is not there is empty.
    pub fn read(dir: &Path) -> Self {
        let mut file = Self::default();
        each_summary(dir, &mut |line| match line {
            None => file.broken += 1,
            Some(summary) => {
                let entry = file.lines.entry(summary.id.clone()).or_insert_with(|| (SessionSummary::default(), 0));
                *entry = (summary, entry.1 + 1);
            }
        });
        file
    }

    /// What the file says of a session, where it says so in exactly one line, and one of the present version.
    pub fn get(&self, id: &str) -> Option<&SessionSummary> {
        let good = |(summary, n): &&(SessionSummary, usize)| *n == 1 && summary.v >= SUMMARY_VERSION;
        self.lines.get(id).filter(good).map(|(summary, _)| summary)
    }

    /// Makes the file hold one line for each of these sessions, in this order, and none for others; touches nothing where
    /// that is so already but for the order.
    ///
    /// # Errors
    /// [`SessionError::Io`]; the file is then as it was.
    pub fn rewrite(&self, dir: &Path, wanted: &[&SessionSummary]) -> Result<(), SessionError> {
        let known = |s: &&&SessionSummary| self.get(&s.id).is_some();
        if self.broken == 0 && self.lines.len() == wanted.len() && wanted.iter().filter(known).count() == wanted.len() {
            return Ok(());
        }
        let text: String = wanted.iter().map(|summary| summary.line() + "\n").collect();
        write_atomic(&dir.join("summary.jsonl"), text.as_bytes())
    }
}
