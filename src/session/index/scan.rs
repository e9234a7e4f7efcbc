//! What lies in the sessions folder, by size and time.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::session::store::check_id;

/// Size and time of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub size: i64,
    /// Nanoseconds since 1970.
    pub time: i64,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Self {
        Self { size: i64::try_from(meta.len()).unwrap_or(i64::MAX), time: time_of(meta) }
    }

    pub fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().filter(Metadata::is_file).map(|meta| Self::of(&meta))
    }
}

fn time_of(meta: &Metadata) -> i64 {
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// When a folder's entries last changed; 0 where that was so lately that they may change again within the same tick of its clock.
pub(super) fn folder_stamp(dir: &Path, settled: Duration) -> i64 {
    let Ok(meta) = fs::metadata(dir) else { return 0 };
    let lately =
        SystemTime::now().checked_sub(settled).is_none_or(|then| meta.modified().is_ok_and(|time| time > then));
    if lately { 0 } else { time_of(&meta) }
}

/// A log of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub live: bool,
    pub stamp: Stamp,
    pub notes: Option<Stamp>,
}

/// The folders that may hold logs, by name; the sessions folder itself has none.
pub(super) fn folders(root: &Path) -> Vec<String> {
    let mut names = vec![String::new()];
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // As the store lists them: names that begin with a dot are no run's.
        if name != "blobs" && !name.starts_with('.') && entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

/// The logs of a folder by id. Of a live and a compressed one the compressed counts.
pub(super) fn logs(dir: &Path) -> HashMap<String, Found> {
    let mut found: HashMap<String, Found> = HashMap::new();
    let mut notes = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some(id) = name.strip_suffix(".notes.jsonl") {
            notes.push(id.to_owned());
            continue;
        }
        let live = name.strip_suffix(".jsonl");
        let Some(id) = live.or_else(|| name.strip_suffix(".jsonl.zst")).filter(|id| check_id(id).is_ok()) else {
            continue;
        };
        // A link to a log is a log, as in every list.
        let Some(meta) = fs::metadata(entry.path()).ok().filter(Metadata::is_file) else { continue };
        if live.is_some() && found.contains_key(id) {
            continue;
        }
        found.insert(id.to_owned(), Found { live: live.is_some(), stamp: Stamp::of(&meta), notes: None });
    }
    for id in notes {
        if let Some(log) = found.get_mut(&id) {
            log.notes = Stamp::at(&dir.join(format!("{id}.notes.jsonl")));
        }
    }
    found
}
