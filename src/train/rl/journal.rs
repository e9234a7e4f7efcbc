//! What is kept of rollouts: a sample as sessions, and a line for each of them in `rollouts.jsonl`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::reward::Reward;
use super::rollout::Rollout;
use crate::session::{Recorder, SessionStore};
use crate::train::error::{Result, TrainError, io};
use crate::train::metrics::kept_lines;

/// Which rollouts of a step become sessions, and where.
#[derive(Clone, Debug)]
pub struct Keep {
    store: SessionStore,
    group: usize,
    samples: usize,
}

impl Keep {
    /// Keeps the first `samples` rollouts of question `group`.
    pub fn new(store: &SessionStore, group: usize, samples: usize) -> Self {
        Self { store: store.clone(), group, samples }
    }

    pub(super) fn wants(&self, group: usize, sample: usize) -> bool {
        group == self.group && sample < self.samples
    }

    pub(super) fn create(&self, step: u64, id: &str) -> Result<Recorder> {
        Recorder::create(&self.store, &folder_of(step), id).map_err(|error| TrainError::Data(error.to_string()))
    }
}

fn folder_of(step: u64) -> String {
    format!("step-{step:06}")
}

/// The sessions of rollouts, in `out/rollouts`; what a killed training left of steps after `step` is removed.
///
/// # Errors
/// A folder that cannot be used.
pub fn open_store(out: &Path, step: u64) -> Result<SessionStore> {
    let folder = out.join("rollouts");
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let later = name.strip_prefix("step-").and_then(|n| n.parse::<u64>().ok()).is_some_and(|at| at > step);
        if later {
            fs::remove_dir_all(entry.path()).map_err(io(entry.path()))?;
        }
    }
    SessionStore::open(folder).map_err(|error| TrainError::Data(error.to_string()))
}

/// A line of `rollouts.jsonl`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    step: u64,
    group: usize,
    sample: usize,
    question: &'a str,
    task: Option<&'static str>,
    page: Option<&'a str>,
    #[serde(flatten)]
    reward: Reward,
    advantage: Option<f64>,
    right: bool,
    zooms: u32,
    refused: u32,
    coverage: Option<f64>,
    iou: Option<f64>,
    tokens: u64,
    session: Option<&'a str>,
}

/// `rollouts.jsonl`: every rollout of every step.
#[derive(Debug)]
pub struct RolloutFile {
    path: PathBuf,
    file: File,
}

impl RolloutFile {
    /// Opens it for appending, keeping whole lines up to `step`.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(out: &Path, step: u64) -> Result<Self> {
        let path = out.join("rollouts.jsonl");
        kept_lines(&path, step)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends a step's rollouts; `advantages` are theirs, none where their group was left out.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, step: u64, rollouts: &[Rollout], advantages: &[Option<f64>]) -> Result<()> {
        let mut text = String::new();
        for (rollout, advantage) in rollouts.iter().zip(advantages) {
            let s = &rollout.summary;
            let line = Line {
                step,
                group: rollout.group,
                sample: rollout.sample,
                question: &s.question_id,
                task: s.task.map(|task| task.name()),
                page: s.page.as_deref(),
                reward: rollout.reward,
                advantage: *advantage,
                right: s.right == Some(true),
                zooms: s.zooms,
                refused: s.refused,
                coverage: s.coverage,
                iou: s.iou,
                tokens: s.generated,
                session: rollout.kept.as_deref(),
            };
            text += &serde_json::to_string(&line).unwrap_or_default();
            text.push('\n');
        }
        self.file.write_all(text.as_bytes()).map_err(io(&self.path))
    }
}
