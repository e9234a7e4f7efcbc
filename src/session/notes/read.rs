//! Reads notes, whatever someone put into the file.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{MAX_NOTE, Note, Noted, NotedLabel, Remark, notes_path};
use crate::session::error::{Doing, SessionError};
use crate::session::line::check_sum;
use crate::session::store::{SessionStore, check_id};

/// Most bytes of a file that are read.
const MAX_FILE: u64 = 4 << 20;
/// Most problems that are kept in words.
const MAX_PROBLEMS: usize = 100;
/// Most tags of a session.
const MAX_TAGS: usize = 64;

/// A session's remarks, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notes {
    /// Those that can be read.
    pub notes: Vec<Note>,
    /// What cannot, at most a hundred.
    pub problems: Vec<NoteProblem>,
}

/// A line that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteProblem {
    /// From 1; 0 where it concerns the whole file.
    pub line: u64,
    /// One sentence. Not sanitised: it may quote the file.
    pub message: String,
}

impl Notes {
    /// What counts of them; none where nothing does.
    pub fn noted(&self) -> Option<Noted> {
        let (mut noted, mut tags) = (Noted::default(), BTreeSet::new());
        for note in &self.notes {
            match &note.remark {
                Remark::Label { label, reason } => {
                    noted.label = label.as_ref().map(|label| NotedLabel {
                        label: label.clone(),
                        reason: reason.clone(),
                        by: note.by.clone(),
                        at: note.at.clone(),
                    });
                }
                Remark::Tag { tag } if tags.len() < MAX_TAGS => drop(tags.insert(tag.clone())),
                Remark::Untag { tag } => drop(tags.remove(tag)),
                Remark::Tag { .. } => {}
                Remark::Note { .. } => noted.notes += 1,
            }
        }
        noted.tags = tags.into_iter().collect();
        (noted != Noted::default()).then_some(noted)
    }

    /// The texts of the notes, and the reason of the label that counts.
    pub fn texts(&self) -> Vec<&str> {
        let mut reason = None;
        let mut texts = Vec::new();
        for note in &self.notes {
            match &note.remark {
                Remark::Label { label, reason: why } => reason = label.as_ref().map(|_| why.as_str()),
                Remark::Note { text } => texts.push(text.as_str()),
                Remark::Tag { .. } | Remark::Untag { .. } => {}
            }
        }
        texts.extend(reason.filter(|reason| !reason.is_empty()));
        texts
    }
}

/// A session's remarks; none where there is no file.
///
/// # Errors
/// [`SessionError::BadName`], [`SessionError::NotFound`] without such a folder, [`SessionError::Outside`] where a link stands in
/// its place, [`SessionError::Io`].
pub fn read_notes(store: &SessionStore, sub: &str, id: &str) -> Result<Notes, SessionError> {
    let path = notes_path(store, sub, id)?;
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Notes::default()),
        other => Ok(notes_from(other.doing("read", &path)?)),
    }
}

/// What counts of the remarks on each session of a folder, by id.
pub fn noted_in(dir: &Path) -> HashMap<String, Noted> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let ids = names.filter_map(|name| name.strip_suffix(".notes.jsonl").map(str::to_owned));
    ids.filter_map(|id| noted_of(dir, &id).map(|noted| (id, noted))).collect()
}

fn noted_of(dir: &Path, id: &str) -> Option<Noted> {
    notes_of(dir, id)?.noted()
}

/// The remarks of a folder's session, where there is a regular file of them.
pub(in crate::session) fn notes_of(dir: &Path, id: &str) -> Option<Notes> {
    check_id(id).ok()?;
    let path = dir.join(format!("{id}.notes.jsonl"));
    // Asked before opening: a link or a pipe of this name is nobody's notes.
    fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
    Some(notes_from(File::open(&path).ok()?))
}

/// Reads remarks from any stream.
pub fn notes_from(source: impl Read) -> Notes {
    let mut notes = Notes::default();
    let mut source = BufReader::new(source.take(MAX_FILE + 1));
    let (mut line, mut number, mut length) = (Vec::new(), 0u64, 0u64);
    loop {
        line.clear();
        let read = source.by_ref().take(MAX_NOTE as u64 + 2).read_until(b'\n', &mut line);
        number += 1;
        match read {
            Ok(0) => return notes,
            Ok(n) => length += n as u64,
            Err(error) => {
                notes.problem(number, format!("reading failed: {error}"));
                return notes;
            }
        }
        if length > MAX_FILE {
            notes.problem(0, format!("only the first {} MiB of the notes are read", MAX_FILE >> 20));
            return notes;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match one(text) {
            // Two programs that mend a torn line at once leave an empty one.
            _ if text.is_empty() => {}
            Ok(note) => notes.notes.push(note),
            Err(why) => notes.problem(number, why),
        }
    }
}

impl Notes {
    fn problem(&mut self, line: u64, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(NoteProblem { line, message });
        }
    }
}

fn one(line: &[u8]) -> Result<Note, String> {
    #[derive(Deserialize)]
    struct Line {
        v: u64,
        #[serde(flatten)]
        note: Note,
    }
    if line.len() > MAX_NOTE {
        return Err(format!("the line has more than the {MAX_NOTE} bytes a line may have"));
    }
    check_sum(line).map_err(|problem| problem.to_string())?;
    let line: Line = serde_json::from_slice(line).map_err(|e| format!("the line is no remark: {e}"))?;
    if line.v != 1 {
        return Err(format!("the line has version {}; this program reads 1", line.v));
    }
    line.note.check()?;
    Ok(line.note)
}
