//! Checkpoints: a Hugging Face folder in f32, plus what a training needs to go on as if it had never stopped.
//!
//! `checkpoints/step-00000500/` holds the model, `state.safetensors` (moments, auxiliary heads) and `state.json` (step,
//! stage, settings, digests of all files). A folder appears by one rename, so a kill at any moment leaves good ones.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Result, TrainError, io};
use super::folder::{ModelFiles, TEMPORARY, atomically, digests, write, write_model, write_tensors};
use super::optim::{Moments, Optimiser};
use super::params::{Param, Params, Part};
use super::shape::ModelShape;

/// What `state.json` says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct State {
    /// Format; 1.
    pub v: u32,
    /// Steps taken.
    pub step: u64,
    /// Moves of the optimiser, where a step is not exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<u64>,
    /// Name of the stage the next step belongs to.
    pub stage: String,
    /// Seed; data and weights follow from it and the step.
    pub seed: u64,
    /// Seconds trained so far.
    pub seconds: f64,
    /// Mean rewards of the last steps of a reinforcement training, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<f64>,
    /// Best mean of as many.
    #[serde(default)]
    pub best_reward: f64,
    /// Settings that decide the result.
    pub settings: Value,
    /// Blake3 of the other files.
    pub files: Value,
}

/// The folder of checkpoints of a training.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

/// The trained things a checkpoint holds.
#[derive(Debug)]
pub struct Trained<'a> {
    /// Architecture.
    pub shape: &'a ModelShape,
    /// Weights.
    pub params: &'a Params,
    /// Moments and step.
    pub optimiser: &'a Optimiser,
    /// Files that travel along.
    pub files: &'a ModelFiles,
}

impl Checkpoints {
    /// The checkpoints of a training that writes into `out`.
    pub fn new(out: &Path, keep: usize) -> Self {
        Self { folder: out.join("checkpoints"), keep: keep.max(1) }
    }

    /// Folders that are there, newest first.
    pub fn list(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let is = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("step-"));
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is).collect();
        found.sort();
        found.reverse();
        found
    }

    /// Writes a checkpoint and drops the oldest beyond `keep`.
    ///
    /// # Errors
    /// A file that cannot be written; the earlier checkpoints are untouched then.
    pub fn save(&self, trained: &Trained<'_>, state: State) -> Result<PathBuf> {
        let folder = self.folder.join(format!("step-{:08}", state.step));
        atomically(&folder, |temporary| {
            write_model(temporary, trained.shape, trained.params, trained.files, DType::F32)?;
            write_tensors(&temporary.join("state.safetensors"), &state_tensors(trained)?)?;
            let state = State { files: digests(temporary)?, ..state };
            let mut json = serde_json::to_vec_pretty(&state).unwrap_or_default();
            json.push(b'\n');
            write(&temporary.join("state.json"), &json)
        })?;
        for old in self.list().into_iter().skip(self.keep) {
            fs::remove_dir_all(&old).map_err(io(&old))?;
        }
        self.sweep();
        Ok(folder)
    }

    /// Removes what a killed process left unfinished; failing to is harmless.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// The newest checkpoint whose files are all whole, and a sentence about each newer one that is not.
    ///
    /// # Errors
    /// No good checkpoint.
    pub fn newest(&self) -> Result<(PathBuf, State, Vec<String>)> {
        let mut warnings = Vec::new();
        for folder in self.list() {
            match open_state(&folder) {
                Ok(state) => return Ok((folder, state, warnings)),
                Err(error) => warnings.push(format!("{error}; trying the one before")),
            }
        }
        let message = match warnings.len() {
            0 => "there is no checkpoint to go on from; start without --resume".into(),
            count => format!("none of the {count} checkpoints is whole: {}", warnings.join("; ")),
        };
        Err(TrainError::Checkpoint { path: self.folder.clone(), message })
    }
}

fn broken(path: &Path, message: impl Into<String>) -> TrainError {
    TrainError::Checkpoint { path: path.into(), message: message.into() }
}

/// Reads `state.json` and compares every file with its digest.
fn open_state(folder: &Path) -> Result<State> {
    let path = folder.join("state.json");
    let text = fs::read(&path).map_err(io(&path))?;
    let state: State = serde_json::from_slice(&text).map_err(|error| broken(&path, error.to_string()))?;
    if state.v != 1 {
        return Err(broken(&path, format!("format {} is not known here", state.v)));
    }
    let expected = state.files.as_object().ok_or_else(|| broken(&path, "it names no files"))?;
    for (name, digest) in expected {
        let file = folder.join(Path::new(name).file_name().unwrap_or_default());
        let bytes = fs::read(&file).map_err(io(&file))?;
        if digest.as_str() != Some(blake3::hash(&bytes).to_hex().as_str()) {
            return Err(broken(&file, "the file is not the one that was saved"));
        }
    }
    Ok(state)
}

/// Moments of everything, and the values of what is not shipped.
fn state_tensors(trained: &Trained<'_>) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    for (param, moments) in trained.params.list().iter().zip(trained.optimiser.moments()) {
        let mut put = |kind: &str, value: &Tensor| -> Result<()> {
            for (name, part) in param.split(value)? {
                tensors.insert(format!("{kind}/{name}"), part);
            }
            Ok(())
        };
        put("mean", &moments.mean)?;
        put("square", &moments.square)?;
        if !param.shipped {
            put("value", param.var.as_tensor())?;
        }
    }
    Ok(tensors)
}

/// Puts a checkpoint's weights and moments back.
///
/// # Errors
/// A tensor that is missing or of another shape.
pub fn restore(folder: &Path, state: &State, params: &Params, optimiser: &mut Optimiser) -> Result<()> {
    let load = |name: &str| candle_core::safetensors::load(folder.join(name), &Device::Cpu);
    let (weights, extra) = (load("model.safetensors")?, load("state.safetensors")?);
    let mut moments = Vec::with_capacity(params.list().len());
    for param in params.list() {
        let value = if param.shipped { join(param, &weights, "")? } else { join(param, &extra, "value/")? };
        param.var.set(&value)?;
        moments.push(Moments { mean: join(param, &extra, "mean/")?, square: join(param, &extra, "square/")? });
    }
    optimiser.restore(state.updates.unwrap_or(state.step), moments)
}

/// Gives the parameters the weights of a Hugging Face folder with new names; moments stay.
///
/// # Errors
/// A tensor that is missing or of another shape.
pub fn load_weights(file: &Path, params: &Params) -> Result<()> {
    let weights = candle_core::safetensors::load(file, &Device::Cpu)?;
    for param in params.list().iter().filter(|param| param.shipped) {
        param.var.set(&join(param, &weights, "")?)?;
    }
    Ok(())
}

fn join(param: &Param, tensors: &HashMap<String, Tensor>, prefix: &str) -> Result<Tensor> {
    param.join(|part: &Part| {
        let name = format!("{prefix}{}", part.name);
        tensors.get(&name).cloned().ok_or_else(|| TrainError::Shape(format!("the checkpoint has no {name}")))
    })
}
