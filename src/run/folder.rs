//! A run's folder: made once, locked while someone works on it, put in order before it is gone on with.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::driver::{Bench, Job, Progress, Recording, ask_model, known_of};
use super::error::RunError;
use super::manifest::{BlobsPlace, Manifest, ManifestError};
use super::questions::{Item, plan, session_id};
use crate::session::{
    SessionError, SessionStore, SessionSummary, Standing, SummaryFile, ends_well, read_summaries, set_aside, settle,
};

/// Where a run is, or is going to be.
#[derive(Clone, Debug)]
pub struct RunPlace {
    /// The sessions folder.
    pub store: SessionStore,
    /// The run's folder in it; empty for the sessions folder itself.
    pub sub: String,
}

impl RunPlace {
    /// A folder that is a sessions folder of its own.
    ///
    /// # Errors
    /// As [`SessionStore::open`].
    pub fn own(dir: PathBuf) -> Result<Self, SessionError> {
        Ok(Self { store: SessionStore::open(dir)?, sub: String::new() })
    }

    /// The place of a run that is there already, by what its manifest says.
    ///
    /// # Errors
    /// [`RunError::Manifest`], [`RunError::Session`].
    pub fn existing(dir: &Path) -> Result<(Self, Manifest), RunError> {
        let manifest = Manifest::read(dir)?;
        let place = match manifest.blobs {
            BlobsPlace::Own => Self::own(dir.to_owned())?,
            BlobsPlace::Shared => {
                // `.` and `..` have no name of their own.
                let real = dir.canonicalize().map_err(|source| ManifestError::Read { path: dir.to_owned(), source })?;
                let (Some(parent), Some(name)) = (real.parent(), real.file_name().and_then(|n| n.to_str())) else {
                    return Err(ManifestError::Missing { dir: dir.to_owned() }.into());
                };
                Self { store: SessionStore::open(parent)?, sub: name.to_owned() }
            }
        };
        Ok((place, manifest))
    }

    /// The run's folder.
    pub fn dir(&self) -> PathBuf {
        if self.sub.is_empty() { self.store.dir().to_owned() } else { self.store.dir().join(&self.sub) }
    }

    /// Whose blobs its pages go to.
    pub fn blobs(&self) -> BlobsPlace {
        if self.sub.is_empty() { BlobsPlace::Own } else { BlobsPlace::Shared }
    }
}

/// A run's folder that this program works on; nobody else does meanwhile.
#[derive(Debug)]
pub struct RunFolder {
    place: RunPlace,
    manifest: Manifest,
    todo: Vec<Item>,
    broken: Vec<String>,
    /// Gives the lock back when the folder is dropped.
    _lock: File,
}

impl RunFolder {
    /// Begins a run in a folder, or goes on with the one that is there: sessions a killed program left half done are ended,
    /// set aside or asked again, and the summaries put in order. `retry_failed` asks failed sessions again.
    ///
    /// # Errors
    /// [`RunError::Busy`], [`RunError::NotARun`], [`RunError::Manifest`] where another run is there, [`RunError::Session`]
    /// where the folder cannot be written.
    pub fn open(place: RunPlace, asked: Manifest, retry_failed: bool) -> Result<Self, RunError> {
        let dir = place.store.make_sub(&place.sub)?;
        let lock = lock(&dir)?;
        let manifest = match Manifest::read(&dir) {
            Ok(manifest) => {
                manifest.check(&dir, &asked)?;
                manifest
            }
            Err(ManifestError::Missing { .. }) => {
                if holds_sessions(&dir) {
                    return Err(RunError::NotARun { dir });
                }
                asked.write(&dir)?;
                asked
            }
            Err(other) => return Err(other.into()),
        };
        let Reconciled { todo, broken } = reconcile(&dir, &manifest, retry_failed)?;
        Ok(Self { place, manifest, todo, broken, _lock: lock })
    }

    /// What the run is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder.
    pub fn dir(&self) -> PathBuf {
        self.place.dir()
    }

    /// Sessions still to be asked.
    pub fn todo(&self) -> &[Item] {
        &self.todo
    }

    /// Ids of sessions that were done by their line in `summary.jsonl` but whose log was missing or broken when the folder
    /// was opened: they are among [`RunFolder::todo`].
    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// As [`summaries`] of this run.
    pub fn summaries(&self) -> Vec<SessionSummary> {
        summaries(&self.dir(), &self.manifest)
    }

    /// Asks what is still to be asked, until all is done or [`Job::no_more`] is set.
    ///
    /// # Errors
    /// [`RunError`] where a log cannot be written; sessions in flight are then asked again when the run is gone on with.
    pub fn run(&mut self, job: &Job<'_>, progress: &mut dyn Progress) -> Result<(), RunError> {
        let bench = Bench {
            questions: job.questions,
            profile: job.profile,
            settings: job.settings,
            no_more: job.no_more,
            at_once: &AtomicBool::new(false),
            run: Some(&self.manifest.run),
            recording: Some(Recording { store: &self.place.store, sub: &self.place.sub }),
            known: known_of(job.model),
            batch: self.manifest.batch,
        };
        let mut done = HashSet::new();
        let result = ask_model(job.model, &bench, &self.todo, &mut |ended| {
            done.insert(ended.index);
            ended.tell(progress);
        });
        self.todo.retain(|item| !done.contains(&item.index));
        result
    }
}

/// What `summary.jsonl` says of a run's sessions, in their order; also while another program works on it.
pub fn summaries(dir: &Path, manifest: &Manifest) -> Vec<SessionSummary> {
    let known = read_summaries(dir).into_iter();
    let own: BTreeMap<usize, SessionSummary> =
        known.filter_map(|(id, s)| manifest.index_of(&id).map(|i| (i, s))).collect();
    own.into_values().collect()
}

fn lock(dir: &Path) -> Result<File, RunError> {
    let path = dir.join("run.lock");
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = opened.map_err(|source| SessionError::Io { doing: "write", path, source })?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(RunError::Busy { dir: dir.to_owned() }),
        // Where the file system has no locks nobody is kept out.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn holds_sessions(dir: &Path) -> bool {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|e| e.file_name().into_string().ok());
    names.into_iter().any(|name| name.ends_with(".jsonl") || name.ends_with(".jsonl.zst"))
}

/// What is found when a folder is put in order.
struct Reconciled {
    /// Still to be asked.
    todo: Vec<Item>,
    /// Those of them that have a line and no log that goes with it.
    broken: Vec<String>,
}

/// Brings logs and summaries to where every session has at most one finished log and exactly one line if it has.
fn reconcile(dir: &Path, manifest: &Manifest, retry_failed: bool) -> Result<Reconciled, RunError> {
    let summaries = SummaryFile::read(dir);
    let packed = tidy(dir, &manifest.run)?;
    let (mut done, mut todo, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    let seed = manifest.settings.seed;
    for item in plan(manifest.questions.len(), seed, manifest.settings.seeds) {
        let id = session_id(&manifest.run, item.index);
        let known = summaries.get(&id);
        let alone = packed.get(&id) == Some(&false);
        let standing = match known.filter(|_| alone && ends_well(&dir.join(format!("{id}.jsonl.zst")))) {
            // A line is written after the end, a log compressed after its line: both are there, so all is.
            Some(summary) => Standing::Ended(Box::new(summary.clone())),
            None => settle(dir, &id)?,
        };
        if known.is_some_and(|s| keeps(s, retry_failed)) && !matches!(standing, Standing::Ended(_)) {
            broken.push(id.clone());
        }
        match standing {
            Standing::Ended(s) if keeps(&s, retry_failed) => done.push(*s),
            Standing::Ended(s) => {
                set_aside(dir, &id, if s.reason.as_deref() == Some("error") { "failed" } else { "stopped" })?;
                todo.push(item);
            }
            Standing::Unfinished => {
                set_aside(dir, &id, "torn")?;
                todo.push(item);
            }
            Standing::Absent => todo.push(item),
        }
    }
    summaries.rewrite(dir, &done.iter().collect::<Vec<_>>())?;
    Ok(Reconciled { todo, broken })
}

fn keeps(summary: &SessionSummary, retry_failed: bool) -> bool {
    match summary.reason.as_deref() {
        Some("stopped") | None => false,
        Some("error") => !retry_failed,
        Some(_) => true,
    }
}

/// Removes half-compressed logs of this run; gives the ids of compressed logs, with whether a live one lies beside it.
fn tidy(dir: &Path, run: &str) -> Result<HashMap<String, bool>, RunError> {
    let doing = |source: io::Error| SessionError::Io { doing: "read", path: dir.to_owned(), source };
    let (mut packed, mut live) = (HashMap::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(doing)? {
        let entry = entry.map_err(doing)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with(&format!(".{run}-")) && name.contains(".jsonl.zst.tmp-") {
            fs::remove_file(entry.path()).map_err(doing)?;
        } else if let Some(id) = name.strip_suffix(".jsonl.zst") {
            packed.insert(id.to_owned(), false);
        } else if let Some(id) = name.strip_suffix(".jsonl") {
            live.push(id.to_owned());
        }
    }
    for id in live {
        packed.entry(id).and_modify(|both| *both = true);
    }
    Ok(packed)
}
