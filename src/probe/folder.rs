//! A probe's folder: its forks' logs, what it is, and what it came to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ProbeError;
use super::kind::ProbeKind;
use crate::engine::{Ask, EngineError, Measure, StepEngine, run_measured};
use crate::run::RunPlace;
use crate::session::{
    LogFile, PROBE_FOLDER, Recorder, SessionError, SessionStore, SessionSummary, Standing, SummaryFile, set_aside,
    settle, write_atomic,
};
use crate::trace::{ModelInfo, Trace};

/// The file that says what a probe's folder is.
pub const PROBE_FILE: &str = "probe.json";
/// What a sweep found in each cell, a line each.
const CELLS_FILE: &str = "cells.ndjson";
/// Most bytes that are read of either file.
const MAX_BYTES: u64 = 64 << 20;

/// What decides what a probe computes: with the same of it, the same command goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The probe.
    pub probe: ProbeKind,
    /// What is probed: `session`, `question` or `run`.
    pub of: String,
    /// Its id.
    pub subject: String,
    /// What else was asked for.
    pub settings: super::Settings,
    /// Who answers.
    pub model: ModelInfo,
    /// Hash of the profile that was named, or of the session's; empty for a run.
    pub profile: String,
    /// Program and version.
    pub program: String,
}

impl Setup {
    /// A probe of a thing by this program.
    pub fn new(probe: ProbeKind, of: &str, subject: &str, settings: &super::Settings, model: ModelInfo) -> Self {
        let program = concat!("panelscope ", env!("CARGO_PKG_VERSION")).to_owned();
        let (of, subject) = (of.to_owned(), subject.to_owned());
        Self { probe, of, subject, settings: settings.clone(), model, profile: String::new(), program }
    }

    /// Hexadecimal digits that are other ones for another setup.
    fn digest(&self) -> String {
        // A struct of strings and numbers always serialises.
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// The folder's name: the same command finds it again.
    pub fn folder_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let subject: String = self.subject.chars().map(plain).take(70).collect();
        let digest: String = self.digest().chars().take(6).collect();
        format!("{PROBE_FOLDER}{}-{subject}-{digest}", self.probe)
    }

    /// What the ids of one session's forks begin with.
    pub(super) fn tag(&self, session: &str) -> String {
        let hash = blake3::hash(format!("{}\n{session}", self.digest()).as_bytes()).to_hex();
        let short: String = hash.chars().take(10).collect();
        format!("{}-{short}", self.probe)
    }
}

/// `probe.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Stated {
    v: u32,
    setup: Setup,
    state: String,
    result: Option<Value>,
}

/// What teacher forcing found in a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// The fork.
    pub id: String,
    /// Log-probability of each candidate as a whole (the likeliest way to write it and all others together).
    pub logprobs: Vec<f64>,
}

/// What a cell's measuring comes to.
pub(super) enum Said {
    /// These tokens are to stand in the model's mouth first (at least one).
    Next(Vec<u32>),
    /// The log-probabilities of the candidates.
    Found(Vec<f64>),
}

/// A probe's folder that this program works on; nobody else does meanwhile.
#[derive(Debug)]
pub struct ProbeFolder {
    place: RunPlace,
    dir: PathBuf,
    setup: Setup,
    done: BTreeMap<String, SessionSummary>,
    measured: BTreeMap<String, Measured>,
    fresh: usize,
    _lock: File,
}

impl ProbeFolder {
    /// Begins a probe in a folder, or goes on with the one that is there: forks that ended are kept, what a killed program
    /// left half done is set aside.
    ///
    /// # Errors
    /// [`ProbeError::Busy`], [`ProbeError::Taken`] where something else lies there, [`ProbeError::Session`] where it cannot
    /// be read or written.
    pub fn open(place: RunPlace, setup: Setup) -> Result<Self, ProbeError> {
        let dir = place.store.make_sub(&place.sub)?;
        let lock = lock(&dir)?;
        match stated(&dir)? {
            Some(stated) if stated.setup == setup => {}
            Some(stated) => {
                let what = format!("the probe {} of {}, made otherwise", stated.setup.probe, stated.setup.subject);
                return Err(ProbeError::Taken { dir, what });
            }
            None if !ids(&dir)?.is_empty() => {
                return Err(ProbeError::Taken { dir, what: "sessions that are no probe's".to_owned() });
            }
            None => {}
        }
        let done = settled(&dir)?;
        let measured = read_cells(&dir)?;
        let folder = Self { place, dir, setup, done, measured, fresh: 0, _lock: lock };
        folder.state("running", None)?;
        Ok(folder)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is probed, how.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Forks that this program has run; the others were there.
    pub fn fresh(&self) -> usize {
        self.fresh
    }

    /// The run its sessions belong to.
    pub fn run_name(&self) -> String {
        if self.place.sub.is_empty() { self.setup.folder_name() } else { self.place.sub.clone() }
    }

    /// The log of a fork.
    pub fn log(&self, id: &str) -> Option<PathBuf> {
        let packed = self.dir.join(format!("{id}.jsonl.zst"));
        self.done.contains_key(id).then_some(packed)
    }

    /// Its sessions as the sessions folder lists them.
    pub fn logs(&self) -> Vec<LogFile> {
        let sub = &self.place.sub;
        self.place.store.logs().into_iter().filter(|log| log.sub == *sub).collect()
    }

    /// What a fork came to, where it is recorded.
    pub fn get(&self, id: &str) -> Option<&SessionSummary> {
        self.done.get(id)
    }

    /// What was measured in a cell, where its fork is recorded, too.
    pub(super) fn cell(&self, id: &str) -> Option<(&SessionSummary, &Measured)> {
        self.done.get(id).zip(self.measured.get(id))
    }

    /// Runs and records a fork, unless that was done already.
    ///
    /// # Errors
    /// [`ProbeError::Stopped`], [`ProbeError::Session`] where it cannot be recorded.
    pub(super) fn run(
        &mut self,
        engine: &mut dyn StepEngine,
        ask: Ask,
        cancel: &AtomicBool,
    ) -> Result<SessionSummary, ProbeError> {
        if let Some(done) = self.done.get(&ask.id) {
            return Ok(done.clone());
        }
        self.record(engine, ask, cancel, &mut |_| Ok(Vec::new()))
    }

    /// Runs and records a cell; `measure` brings the model to the place where the answer is to be, and gives the log-probabilities there.
    ///
    /// # Errors
    /// As [`ProbeFolder::run`]; [`ProbeError::Failed`] where nothing could be measured.
    pub(super) fn run_cell(
        &mut self,
        engine: &mut dyn StepEngine,
        ask: Ask,
        cancel: &AtomicBool,
        measure: &mut dyn FnMut(&mut dyn StepEngine) -> Result<Said, EngineError>,
    ) -> Result<(), ProbeError> {
        let id = ask.id.clone();
        if self.cell(&id).is_some() {
            return Ok(());
        }
        if self.done.remove(&id).is_some() {
            set_aside(&self.dir, &id, "torn")?;
        }
        let (mut found, mut why) = (None, None);
        let summary = self.record(engine, ask, cancel, &mut |engine| match measure(engine) {
            Ok(Said::Next(ids)) => Ok(ids),
            Ok(Said::Found(logprobs)) => {
                found = Some(logprobs);
                Ok(Vec::new())
            }
            Err(error) => {
                why = Some(error.to_string());
                Err(error)
            }
        })?;
        let Some(logprobs) = found else {
            let why = why.or(summary.reason).unwrap_or_else(|| "it ended before an answer could be written".to_owned());
            return Err(ProbeError::Failed { session: id, why });
        };
        let measured = Measured { id: id.clone(), logprobs };
        self.append_cell(&measured)?;
        self.measured.insert(id, measured);
        Ok(())
    }

    fn record(
        &mut self,
        engine: &mut dyn StepEngine,
        mut ask: Ask,
        cancel: &AtomicBool,
        measure: &mut Measure<'_>,
    ) -> Result<SessionSummary, ProbeError> {
        ask.run = Some(self.run_name());
        let mut recorder = Recorder::create(&self.place.store, &self.place.sub, &ask.id)?;
        let (mut trace, mut broken) = (Trace::new(), None);
        let outcome = run_measured(
            engine,
            &ask,
            &mut |emission| {
                trace.apply(&emission.record);
                if broken.is_none() {
                    broken = recorder.write(&emission.record, emission.pixels.as_ref()).err();
                }
            },
            cancel,
            measure,
        );
        if let Some(error) = broken {
            return Err(error.into());
        }
        if outcome.end.reason == "stopped" {
            return Err(ProbeError::Stopped);
        }
        recorder.finish()?;
        self.fresh += 1;
        let summary = SessionSummary::of(&trace);
        self.done.insert(ask.id, summary.clone());
        Ok(summary)
    }

    /// States what the probe came to.
    ///
    /// # Errors
    /// [`ProbeError::Session`].
    pub fn finish(&self, result: &impl Serialize) -> Result<(), ProbeError> {
        self.state("done", serde_json::to_value(result).ok())
    }

    fn state(&self, state: &str, result: Option<Value>) -> Result<(), ProbeError> {
        let stated = Stated { v: 1, setup: self.setup.clone(), state: state.to_owned(), result };
        let text = serde_json::to_string_pretty(&stated).unwrap_or_default() + "\n";
        Ok(write_atomic(&self.dir.join(PROBE_FILE), text.as_bytes())?)
    }

    fn append_cell(&self, measured: &Measured) -> Result<(), ProbeError> {
        let path = self.dir.join(CELLS_FILE);
        let mut line = serde_json::to_string(measured).unwrap_or_default() + "\n";
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let written = file.and_then(|mut file| {
            // A line torn by a killed program must not swallow this one.
            if torn(&mut file)? {
                line.insert(0, '\n');
            }
            std::io::Write::write_all(&mut file, line.as_bytes())
        });
        written.map_err(|source| SessionError::Io { doing: "write", path, source }.into())
    }
}

fn torn(file: &mut File) -> std::io::Result<bool> {
    use std::io::{Seek, SeekFrom};
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != [b'\n'])
}

/// Where probes of the sessions folder lie.
pub fn usual_place(store: &SessionStore, setup: &Setup) -> RunPlace {
    RunPlace { store: store.clone(), sub: setup.folder_name() }
}

fn lock(dir: &Path) -> Result<File, ProbeError> {
    let path = dir.join("probe.lock");
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = opened.map_err(|source| SessionError::Io { doing: "write", path, source })?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(ProbeError::Busy { dir: dir.to_owned() }),
        // Where the file system has no locks nobody is kept out.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn stated(dir: &Path) -> Result<Option<Stated>, ProbeError> {
    let path = dir.join(PROBE_FILE);
    let mut text = String::new();
    match File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SessionError::Io { doing: "read", path, source }.into()),
        Ok(_) => match serde_json::from_str(&text) {
            Ok(stated) => Ok(Some(stated)),
            Err(why) => {
                let what = format!("a {PROBE_FILE} that cannot be read ({why})");
                Err(ProbeError::Taken { dir: dir.to_owned(), what })
            }
        },
    }
}

/// Ids of the logs in a folder.
fn ids(dir: &Path) -> Result<Vec<String>, ProbeError> {
    let failed = |source| SessionError::Io { doing: "read", path: dir.to_owned(), source };
    let mut ids = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let Ok(name) = entry.map_err(failed)?.file_name().into_string() else { continue };
        let id = name.strip_suffix(".jsonl.zst").or_else(|| name.strip_suffix(".jsonl"));
        let id = id.filter(|id| *id != "summary" && !id.contains('.'));
        ids.extend(id.map(str::to_owned));
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// The forks that ended, with one line each in the summaries; all others are set aside.
fn settled(dir: &Path) -> Result<BTreeMap<String, SessionSummary>, ProbeError> {
    let summaries = SummaryFile::read(dir);
    let mut done = BTreeMap::new();
    for id in ids(dir)? {
        match settle(dir, &id)? {
            Standing::Ended(summary) if summary.reason.as_deref() != Some("stopped") => {
                done.insert(id, *summary);
            }
            Standing::Ended(_) => set_aside(dir, &id, "stopped")?,
            Standing::Unfinished => set_aside(dir, &id, "torn")?,
            Standing::Absent => {}
        }
    }
    summaries.rewrite(dir, &done.values().collect::<Vec<_>>())?;
    Ok(done)
}

fn read_cells(dir: &Path) -> Result<BTreeMap<String, Measured>, ProbeError> {
    let path = dir.join(CELLS_FILE);
    let file = match File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        other => other.map_err(|source| SessionError::Io { doing: "read", path, source })?,
    };
    let lines = BufReader::new(file.take(MAX_BYTES)).lines().map_while(Result::ok);
    // A torn line is a cell that is measured again.
    let cells = lines.filter_map(|line| serde_json::from_str::<Measured>(&line).ok());
    Ok(cells.map(|cell| (cell.id.clone(), cell)).collect())
}
