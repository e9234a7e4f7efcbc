//! Runs by name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::analysis::Thresholds;
use crate::run::{MANIFEST, Manifest, ManifestError, RunError, RunPlace, summaries};
use crate::session::{SessionSummary, noted_in};
use crate::text::nearest;

/// A run as it is studied: its settings and the summaries of its sessions.
#[derive(Clone, Debug)]
pub struct StudyRun {
    /// What it is called: its folder's name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// What was asked of whom.
    pub manifest: Manifest,
    /// Its sessions that ended, in its own order, labelled by the thresholds it was opened with.
    pub sessions: Vec<SessionSummary>,
}

/// Why a run cannot be studied.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is called so.
    #[error("there is no run \"{wanted}\": neither a folder of this name with a {MANIFEST}, nor a run in {}{}", sessions.display(), hint(near.as_deref()))]
    Missing {
        /// What was asked for.
        wanted: String,
        /// The sessions folder that was looked in.
        sessions: PathBuf,
        /// A run there that may be meant, or the newest.
        near: Option<String>,
    },
    /// It is there and cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(|| "; it holds no run".to_owned(), |near| format!("; did you mean {near}?"))
}

/// Opens a run: the folder itself, or one of this name in the sessions folder.
///
/// # Errors
/// [`OpenError`].
pub fn open_run(wanted: &str, sessions: &Path, lines: &Thresholds) -> Result<StudyRun, OpenError> {
    let here = PathBuf::from(wanted);
    let dir = if here.join(MANIFEST).is_file() { here } else { sessions.join(wanted) };
    let (place, manifest) = match RunPlace::existing(&dir) {
        Ok(found) => found,
        Err(RunError::Manifest(ManifestError::Missing { .. })) => return Err(missing(wanted, sessions)),
        Err(other) => return Err(other.into()),
    };
    let mut own = summaries(&place.dir(), &manifest);
    let mut noted = noted_in(&place.dir());
    for session in &mut own {
        session.relabel(lines);
        session.noted = noted.remove(&session.id);
    }
    let name = dir.canonicalize().ok().and_then(|real| Some(real.file_name()?.to_string_lossy().into_owned()));
    Ok(StudyRun { name: name.unwrap_or_else(|| manifest.run.clone()), dir: place.dir(), manifest, sessions: own })
}

fn missing(wanted: &str, sessions: &Path) -> OpenError {
    let entries = fs::read_dir(sessions).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.path().join(MANIFEST).is_file());
    let mut names: Vec<String> = runs.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let near = nearest(wanted, &known).or(known.last().copied()).map(str::to_owned);
    OpenError::Missing { wanted: wanted.chars().take(200).collect(), sessions: sessions.to_owned(), near }
}
