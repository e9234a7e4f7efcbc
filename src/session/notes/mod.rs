//! What a person says about a session: a label in place of the automatic one, tags, notes.
//!
//! ```text
//! sessions/<run or day>/<id>.notes.jsonl    one line a remark: {"v":1,"at","by","kind",…,"crc"}
//! ```
//!
//! The file is append-only: nothing is overwritten, the last word on each thing counts. Every line is one write and ends in a
//! checksum as the lines of a log do; a broken line is skipped and reported, so that a killed program costs one remark at most.
//! Files come from others too (packs): sizes, names and counts are bounded before anything is believed.

mod read;
#[cfg(test)]
mod tests;

pub(super) use read::notes_of;
pub use read::{NoteProblem, Notes, noted_in, notes_from, read_notes};

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Doing, SessionError};
use super::store::{SessionStore, check_id};
use super::summary::torn;
use crate::text::nearest;

/// Longest line that is written or read, in bytes.
pub const MAX_NOTE: usize = 16 << 10;
/// Longest reason or note, in characters.
pub const MAX_REMARK: usize = 2000;
/// Longest name of a label, a tag or a person, in characters.
const MAX_WORD: usize = 60;

/// Labels a person may give: the automatic ones, and doubt about the question's truth.
pub const NOTED_LABELS: [&str; 16] = [
    "infrastructure",
    "bad-format",
    "invalid-box",
    "frame-error",
    "loop",
    "out-of-budget",
    "premature",
    "repeated-zoom",
    "looked-wrong",
    "partial-look",
    "looked-right-answered-wrong",
    "wrong",
    "right",
    "right-ungrounded",
    "unscored",
    "truth-doubtful",
];

/// One remark, when it was made and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// RFC 3339 time in UTC.
    pub at: String,
    /// The person's name.
    pub by: String,
    /// What was said.
    #[serde(flatten)]
    pub remark: Remark,
}

/// What a person can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Remark {
    /// Another label than the automatic one, or with null the automatic one again.
    Label {
        /// One of [`NOTED_LABELS`].
        label: Option<String>,
        /// Why; may be empty.
        #[serde(default)]
        reason: String,
    },
    /// Puts a tag on.
    Tag {
        /// Letters, digits, `-`, `_` and `.`.
        tag: String,
    },
    /// Takes a tag off.
    Untag {
        /// The tag.
        tag: String,
    },
    /// A note.
    Note {
        /// Its text; may have several lines.
        text: String,
    },
}

/// What counts of a person's remarks on a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noted {
    /// The person's label, where there is one.
    pub label: Option<NotedLabel>,
    /// Tags in the order of their names.
    pub tags: Vec<String>,
    /// How many notes there are.
    pub notes: u32,
}

/// A person's label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotedLabel {
    /// Its name.
    pub label: String,
    /// Why; may be empty.
    pub reason: String,
    /// The person's name.
    pub by: String,
    /// RFC 3339 time in UTC.
    pub at: String,
}

impl Note {
    /// A remark made now. The name is put in order: one line, not too long.
    pub fn now(by: &str, remark: Remark) -> Self {
        let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self { at, by: one_name(by), remark }
    }

    /// The line, without its line feed.
    pub fn line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            v: u32,
            #[serde(flatten)]
            note: &'a Note,
        }
        let mut line = serde_json::to_string(&Line { v: 1, note: self }).unwrap_or_default();
        line.pop();
        let crc = crc32c::crc32c(line.as_bytes());
        line.push_str(&format!(",\"crc\":\"{crc:08x}\"}}"));
        line
    }

    /// Whether it may be written, and believed where it was read.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.by.chars().count() > MAX_WORD || self.at.len() > MAX_WORD {
            return Err(format!("a name has at most {MAX_WORD} characters"));
        }
        match &self.remark {
            Remark::Label { label, reason } => {
                if let Some(label) = label.as_deref().filter(|label| !is_word(label)) {
                    return Err(format!("\"{}\" is no label", label.escape_debug()));
                }
                not_too_long("a reason", reason)
            }
            Remark::Tag { tag } | Remark::Untag { tag } if !is_word(tag) => Err(format!(
                "\"{}\" cannot be a tag: up to {MAX_WORD} letters, digits, -, _ and .",
                tag.escape_debug().to_string().chars().take(MAX_WORD).collect::<String>()
            )),
            Remark::Tag { .. } | Remark::Untag { .. } => Ok(()),
            Remark::Note { text } if text.trim().is_empty() => Err("the note is empty".to_owned()),
            Remark::Note { text } => not_too_long("a note", text),
        }
    }
}

fn not_too_long(what: &str, text: &str) -> Result<(), String> {
    let long = text.chars().count() > MAX_REMARK;
    if long { Err(format!("{what} has at most {MAX_REMARK} characters")) } else { Ok(()) }
}

/// Names of labels and tags.
fn is_word(word: &str) -> bool {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !word.is_empty() && word.chars().count() <= MAX_WORD && word.chars().all(fine)
}

/// The label a person means.
///
/// # Errors
/// [`SessionError::Note`] names the nearest one.
pub fn label_named(name: &str) -> Result<&'static str, SessionError> {
    let wanted = name.trim().to_lowercase().replace([' ', '_'], "-");
    if let Some(label) = NOTED_LABELS.into_iter().find(|label| *label == wanted) {
        return Ok(label);
    }
    let hint = nearest(&wanted, &NOTED_LABELS).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let name: String = name.escape_debug().take(MAX_WORD).collect();
    Err(SessionError::Note { why: format!("there is no label \"{name}\"{hint} There are {}", NOTED_LABELS.join(", ")) })
}

/// Whose name stands beside remarks: what the configuration says, else the system's.
pub fn person(configured: Option<&str>) -> String {
    let system = || ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = configured.map(str::to_owned).filter(|name| !name.trim().is_empty()).or_else(system);
    let name = one_name(&name.unwrap_or_default());
    if name.is_empty() { "someone".to_owned() } else { name }
}

fn one_name(name: &str) -> String {
    crate::text::one_line(name.trim()).chars().take(MAX_WORD).collect()
}

/// Appends a remark to a session's notes with one write, so that several processes may do so at once.
///
/// # Errors
/// [`SessionError::Note`] for a remark that cannot be, [`SessionError::NotFound`] without such a session,
/// [`SessionError::BadName`], [`SessionError::Outside`] where a link stands in its place, [`SessionError::Io`].
pub fn add_note(store: &SessionStore, sub: &str, id: &str, note: &Note) -> Result<(), SessionError> {
    note.check().map_err(|why| SessionError::Note { why })?;
    let path = notes_path(store, sub, id)?;
    let has_log = ["jsonl.zst", "jsonl"].iter().any(|end| path.with_file_name(format!("{id}.{end}")).is_file());
    if !has_log {
        return Err(SessionError::NotFound { wanted: id.to_owned(), dir: store.dir().join(sub) });
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).doing("write", &path)?;
    let mut line = note.line() + "\n";
    if torn(&mut file).doing("read", &path)? {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes()).doing("write", &path)
}

/// Where a session's notes lie; what stands there is a file or nothing.
fn notes_path(store: &SessionStore, sub: &str, id: &str) -> Result<PathBuf, SessionError> {
    check_id(id)?;
    let dir = store.dir().join(sub);
    if !dir.is_dir() {
        return Err(SessionError::NotFound { wanted: id.to_owned(), dir });
    }
    let path = store.sub(sub)?.join(format!("{id}.notes.jsonl"));
    no_link(&path)?;
    Ok(path)
}

fn no_link(path: &Path) -> Result<(), SessionError> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(SessionError::Outside { path: path.to_owned() });
    }
    Ok(())
}
