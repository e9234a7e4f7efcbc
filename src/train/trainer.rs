//! The loop: pages, gradients, a step, now and then a line, a checkpoint, a validation.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use candle_core::Device;

use super::checkpoint::{Checkpoints, State, Trained, load_weights, restore};
use super::config::Settings;
use super::error::{Result, TrainError, io};
use super::folder::{ModelFiles, export_model};
use super::graph::Graph;
use super::init::initialise;
use super::loss::LossSpec;
use super::metrics::{Line, MetricsFile};
use super::ops::Kernels;
use super::optim::Optimiser;
use super::pack::Packed;
use super::params::Params;
use super::schedule::{Stage, locate};
use super::shape::ModelShape;
use super::source::PageSource;
use super::step::{Division, StepLoss, divide, gradients};
use super::validate::Validator;

/// Steps whose pages are drawn ahead.
const AHEAD: usize = 2;

/// A training: settings, weights, moments and where it is.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    shape: ModelShape,
    params: Params,
    optimiser: Optimiser,
    files: ModelFiles,
    out: PathBuf,
    device: Device,
    checkpoints: Checkpoints,
    seconds: f64,
}

/// How a run of the loop ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All stages are done; the 16-bit model lies in this folder.
    Finished(PathBuf),
    /// Asked to stop; everything up to this step is in this checkpoint.
    Stopped {
        /// Steps taken.
        step: u64,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// Somebody who watches the loop.
pub trait Watch {
    /// A step was taken.
    fn step(&mut self, step: u64, of: u64, stage: &str, loss: f64);
    /// A line of metrics was written: a flat object of numbers, any of which may be missing.
    fn line(&mut self, line: &serde_json::Value);
    /// Something a person may like to know.
    fn say(&mut self, text: &str);
    /// A checkpoint was saved.
    fn saved(&mut self, checkpoint: &Path);
}

/// What the loop works with.
#[allow(missing_debug_implementations, reason = "trait objects")]
pub struct Surroundings<'a> {
    /// Draws pages.
    pub source: &'a dyn PageSource,
    /// Runs the model on held-out questions.
    pub validator: Option<&'a mut dyn Validator>,
    /// Shows progress.
    pub watch: &'a mut dyn Watch,
    /// Set to stop after the step in progress.
    pub stop: &'a AtomicBool,
}

impl Trainer {
    /// A training from the beginning.
    ///
    /// # Errors
    /// Unusable settings or files, or an `out` folder that already has checkpoints.
    pub fn start(settings: Settings, out: &Path, device: &Device) -> Result<Self> {
        let trainer = Self::open(settings, out, device)?;
        if !trainer.checkpoints.list().is_empty() {
            let message = "there are checkpoints already; add --resume to go on, or choose another --out".into();
            return Err(TrainError::Checkpoint { path: out.into(), message });
        }
        initialise(&trainer.params, trainer.settings.seed)?;
        if let Some(start) = &trainer.settings.start {
            load_weights(&start.join("model.safetensors"), &trainer.params)?;
        }
        Ok(trainer)
    }

    /// A training from its newest good checkpoint, with a sentence about each broken one.
    ///
    /// # Errors
    /// No good checkpoint, or one of other settings.
    pub fn resume(settings: Settings, out: &Path, device: &Device) -> Result<(Self, Vec<String>)> {
        let mut trainer = Self::open(settings, out, device)?;
        let (folder, state, warnings) = trainer.checkpoints.newest()?;
        let now = trainer.settings.fingerprint();
        if let Some(difference) = first_difference(&state.settings, &now) {
            let message = format!("the settings have changed since ({difference}); a resumed training needs the same");
            return Err(TrainError::Checkpoint { path: folder, message });
        }
        restore(&folder, &state, &trainer.params, &mut trainer.optimiser)?;
        trainer.seconds = state.seconds;
        Ok((trainer, warnings))
    }

    fn open(mut settings: Settings, out: &Path, device: &Device) -> Result<Self> {
        let files = ModelFiles::open(&settings.files)?;
        for head in &mut settings.loss.heads {
            head.tokens =
                head.words.iter().map(|word| files.first_token(&format!(" {word}"))).collect::<Result<_>>()?;
        }
        let given = match (&settings.model, &settings.start) {
            (Some(model), _) => (model.text.clone(), model.vision.clone()),
            (None, Some(start)) => {
                let shape = ModelShape::open(start, files.tokens)?;
                (shape.text, shape.vision)
            }
            (None, None) => return Err(TrainError::Shape("neither [model] nor start is given".into())),
        };
        let (mut text, vision) = given;
        if text.vocab == 0 {
            text.vocab = files.vocab;
        }
        if text.vocab < files.vocab {
            let message = format!("vocab is {}, but the tokenizer has {} tokens", text.vocab, files.vocab);
            return Err(TrainError::Shape(message));
        }
        let shape = ModelShape { text, vision, tokens: files.tokens };
        let params = Params::zeros(&shape, &settings.loss.heads, device)?;
        let optimiser = Optimiser::new(settings.optimizer, &params)?;
        fs::create_dir_all(out).map_err(io(out))?;
        let checkpoints = Checkpoints::new(out, settings.run.keep);
        let device = device.clone();
        Ok(Self { settings, shape, params, optimiser, files, out: out.into(), device, checkpoints, seconds: 0.0 })
    }

    /// Steps taken so far.
    pub fn step(&self) -> u64 {
        self.optimiser.step_count()
    }

    /// The weights.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The architecture.
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    fn graph(&self) -> Graph<'_> {
        let frozen_vision = self.settings.freeze_vision;
        Graph { shape: &self.shape, params: &self.params, kernels: Kernels::for_device(&self.device), frozen_vision }
    }

    fn loss_spec(&self) -> LossSpec {
        LossSpec { heads: self.settings.loss.heads.clone(), aux_weight: self.settings.loss.aux_weight }
    }

    fn division(&self) -> Division {
        let run = &self.settings.run;
        Division { pages: run.pages_per_part, workers: if self.device.is_cpu() { run.workers() } else { 1 } }
    }

    /// Trains until all stages are done or `stop` is set.
    ///
    /// # Errors
    /// Data that contradicts itself, a loss that is not a number, a file that cannot be written.
    pub fn run(&mut self, around: &mut Surroundings<'_>) -> Result<Outcome> {
        let mut metrics = MetricsFile::open(&self.out, self.step())?;
        let stages = self.settings.stages.clone();
        let (source, first, of) = (around.source, self.step(), self.settings.steps());
        let (shape, spec, division) = (self.shape.clone(), self.loss_spec(), self.division());
        std::thread::scope(|scope| {
            let (stages, shape, spec) = (&stages, &shape, &spec);
            // Step s comes from drawer s mod n, so that pages arrive in order however many draw.
            let drawers = self.drawers();
            let draw = |drawer: u64| {
                let (send, receive) = sync_channel(AHEAD);
                scope.spawn(move || {
                    for step in (first..of).skip(drawer as usize).step_by(drawers as usize) {
                        let Some((stage, _)) = locate(stages, step) else { return };
                        let batch = source.pages(stage, step).and_then(|pages| divide(&pages, shape, spec, division));
                        if send.send(batch).is_err() {
                            return;
                        }
                    }
                });
                receive
            };
            let batches: Vec<Receiver<_>> = (0..drawers).map(draw).collect();
            // Owning the receivers here ends the drawers when the loop leaves, however it does.
            self.steps(&batches, stages, around, &mut metrics)
        })
    }

    /// Threads that draw pages: on the CPU the others are busy with them.
    fn drawers(&self) -> u64 {
        if self.device.is_cpu() { 1 } else { self.settings.run.workers().clamp(1, 12) as u64 }
    }

    fn steps(
        &mut self,
        batches: &[Receiver<Result<Vec<Packed>>>],
        stages: &[Stage],
        around: &mut Surroundings<'_>,
        metrics: &mut MetricsFile,
    ) -> Result<Outcome> {
        let (of, first) = (self.settings.steps(), self.step());
        let ended = || TrainError::Data("the data source ended early".into());
        let mut sums = Sums::new(self.seconds);
        while let Some((stage, inside)) = locate(stages, self.step()) {
            if around.stop.load(Ordering::Relaxed) {
                let checkpoint = self.save(sums.seconds())?;
                return Ok(Outcome::Stopped { step: self.step(), checkpoint });
            }
            let drawer = (self.step() - first) as usize % batches.len().max(1);
            let batch = batches.get(drawer).and_then(|batches| batches.recv().ok()).ok_or_else(ended)??;
            let factor = stage.factor(inside);
            let (loss, norm) = self.one(&batch, factor)?;
            let step = self.step();
            around.watch.step(step, of, &stage.name, loss.total);
            sums.add(&loss, norm);
            let run = self.settings.run.clone();
            let save = step.is_multiple_of(run.save_every) || step == of;
            let validate = run.validate_every > 0 && (step.is_multiple_of(run.validate_every) || step == of);
            if save || (validate && around.validator.is_some()) {
                around.watch.saved(&self.save(sums.seconds())?);
            }
            let validation = match &mut around.validator {
                Some(validator) if validate => {
                    let folder = self.checkpoints.list().into_iter().next().unwrap_or_default();
                    Some(validator.validate(&folder, run.validate_questions)?)
                }
                _ => None,
            };
            if step.is_multiple_of(run.log_every) || step == of || validation.is_some() {
                let rate = self.settings.optimizer.learning_rate * factor;
                let line = metrics.write(&sums.line(step, &stage.name, rate, &self.settings, validation))?;
                around.watch.line(&line);
            }
        }
        Ok(Outcome::Finished(self.export()?))
    }

    /// One step: gradients, then the optimiser. Gives the loss and the gradient norm.
    fn one(&mut self, batch: &[Packed], factor: f64) -> Result<(StepLoss, f64)> {
        let (loss, gradients) =
            gradients(&self.graph(), batch, &self.loss_spec(), self.division().workers, &self.device)?;
        if !loss.total.is_finite() {
            return Err(TrainError::NotFinite { step: self.step() + 1, what: "loss" });
        }
        let norm = self.optimiser.step(&self.params, &gradients, factor)?;
        Ok((loss, norm))
    }

    /// Saves a checkpoint.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, seconds: f64) -> Result<PathBuf> {
        let step = self.step();
        let stage = locate(&self.settings.stages, step).map_or("finished", |(stage, _)| stage.name.as_str());
        let state = State {
            v: 1,
            step,
            stage: stage.into(),
            seed: self.settings.seed,
            seconds,
            updates: None,
            rewards: Vec::new(),
            best_reward: 0.0,
            settings: self.settings.fingerprint(),
            files: serde_json::Value::Null,
        };
        let (shape, params, optimiser, files) = (&self.shape, &self.params, &self.optimiser, &self.files);
        self.checkpoints.save(&Trained { shape, params, optimiser, files }, state)
    }

    /// Writes the model in 16 bits to `out/model`.
    ///
    /// # Errors
    /// A weight that does not fit, or a file that cannot be written.
    pub fn export(&self) -> Result<PathBuf> {
        export_model(&self.out, &self.shape, &self.params, &self.files)
    }
}

/// The first place where two settings differ, as `path: before → now`.
pub(crate) fn first_difference(before: &serde_json::Value, now: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                let inner = first_difference(a, b)?;
                Some(if inner.starts_with(": ") { format!("{key}{inner}") } else { format!("{key}.{inner}") })
            })
        }
        _ if before == now => None,
        _ => Some(format!(": {before} → {now}")),
    }
}

/// What a metrics line averages.
struct Sums {
    began: Instant,
    before: f64,
    since: Instant,
    steps: f64,
    segments: usize,
    total: f64,
    tokens: f64,
    aux: Vec<f64>,
    norm: f64,
}

impl Sums {
    fn new(before: f64) -> Self {
        let now = Instant::now();
        let (steps, segments, total, tokens, norm) = (0.0, 0, 0.0, 0.0, 0.0);
        Self { began: now, before, since: now, steps, segments, total, tokens, aux: Vec::new(), norm }
    }

    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    fn add(&mut self, loss: &StepLoss, norm: f64) {
        self.steps += 1.0;
        self.segments += loss.segments;
        self.total += loss.total;
        self.tokens += loss.tokens;
        self.norm += norm;
        self.aux.resize(loss.aux.len(), 0.0);
        self.aux.iter_mut().zip(&loss.aux).for_each(|(sum, value)| *sum += value);
    }

    /// The line, and sums from zero again.
    fn line(
        &mut self,
        step: u64,
        stage: &str,
        rate: f64,
        settings: &Settings,
        validation: Option<super::validate::Validation>,
    ) -> Line {
        let named = self.aux.iter().zip(&settings.loss.heads);
        let line = Line {
            step,
            stage: stage.into(),
            loss: self.total / self.steps,
            token_loss: self.tokens / self.steps,
            aux: named.map(|(sum, head)| (head.name.clone(), (sum / self.steps).into())).collect(),
            learning_rate: rate,
            gradient_norm: self.norm / self.steps,
            samples_per_second: self.segments as f64 / self.since.elapsed().as_secs_f64().max(1e-9),
            seconds: self.seconds(),
            validation,
        };
        *self = Self { began: self.began, before: self.before, ..Self::new(0.0) };
        line
    }
}
