//! The loop: questions, rollouts, rewards, advantages, a move of the policy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::{DType, Device};

use super::group::gains;
use super::health::Health;
use super::journal::{Keep, RolloutFile, open_store};
use super::learn::{Eyes, PolicyPart, parts};
use super::metrics::RlLine;
use super::policy::{PolicySums, Update, part_gradients};
use super::questions::{Asked, questions};
use super::rollout::{Rolling, Rollout, roll_out};
use super::settings::{QuestionPlan, RlSettings};
use crate::engine::ImageCache;
use crate::model::{FileSource, Model};
use crate::protocol::Profile;
use crate::session::SessionStore;
use crate::train::checkpoint::{Checkpoints, State, Trained, load_weights, restore};
use crate::train::error::{Result, TrainError};
use crate::train::folder::{ModelFiles, export_model, model_files};
use crate::train::graph::Graph;
use crate::train::metrics::MetricsFile;
use crate::train::ops::Kernels;
use crate::train::optim::{Gradients, Optimiser};
use crate::train::params::Params;
use crate::train::schedule::{Stage, locate};
use crate::train::shape::ModelShape;
use crate::train::step::{add_gradients, side_by_side};
use crate::train::trainer::{Outcome, Watch, first_difference};
use crate::train::validate::{Validation, Validator};

/// Bytes of image embeddings kept for the learner: a step's pages and crops.
const KEPT_IMAGES: usize = 256 << 20;

/// A reinforcement training: settings, weights, moments and where it is.
#[derive(Debug)]
pub struct RlTrainer {
    settings: RlSettings,
    tool: bool,
    shape: ModelShape,
    params: Params,
    reference: Option<Params>,
    optimiser: Optimiser,
    files: ModelFiles,
    profile: Arc<Profile>,
    out: PathBuf,
    device: Device,
    checkpoints: Checkpoints,
    step: u64,
    seconds: f64,
    health: Health,
}

/// What the loop works with.
#[allow(missing_debug_implementations, reason = "trait objects")]
pub struct RlSurroundings<'a> {
    /// Runs the model on held-out questions.
    pub validator: Option<&'a mut dyn Validator>,
    /// Shows progress.
    pub watch: &'a mut dyn Watch,
    /// Set to stop; the step in progress is given up.
    pub stop: &'a AtomicBool,
}

/// Where a loop writes.
struct Desk {
    metrics: MetricsFile,
    rollouts: RolloutFile,
    sessions: SessionStore,
    began: Instant,
    before: f64,
}

impl Desk {
    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }
}

impl RlTrainer {
    /// A training from its start checkpoint; with `tool` it is RARL, without RL.
    ///
    /// # Errors
    /// Unusable settings or files, or an `out` folder that already has checkpoints.
    pub fn start(settings: RlSettings, tool: bool, profile: Arc<Profile>, out: &Path, device: &Device) -> Result<Self> {
        let trainer = Self::open(settings, tool, profile, out, device)?;
        if !trainer.checkpoints.list().is_empty() {
            let message = "there are checkpoints already; add --resume to go on, or choose another --out".into();
            return Err(TrainError::Checkpoint { path: out.into(), message });
        }
        Ok(trainer)
    }

    /// A training from its newest good checkpoint, with a sentence about each broken one.
    ///
    /// # Errors
    /// No good checkpoint, or one of other settings.
    pub fn resume(
        settings: RlSettings,
        tool: bool,
        profile: Arc<Profile>,
        out: &Path,
        device: &Device,
    ) -> Result<(Self, Vec<String>)> {
        let mut trainer = Self::open(settings, tool, profile, out, device)?;
        let (folder, state, warnings) = trainer.checkpoints.newest()?;
        if let Some(difference) = first_difference(&state.settings, &trainer.settings.fingerprint(tool)) {
            let message = format!("the settings have changed since ({difference}); a resumed training needs the same");
            return Err(TrainError::Checkpoint { path: folder, message });
        }
        restore(&folder, &state, &trainer.params, &mut trainer.optimiser)?;
        (trainer.step, trainer.seconds) = (state.step, state.seconds);
        trainer.health = Health { recent: state.rewards.clone().into(), best: state.best_reward };
        Ok((trainer, warnings))
    }

    fn open(settings: RlSettings, tool: bool, profile: Arc<Profile>, out: &Path, device: &Device) -> Result<Self> {
        if !settings.start.join("model.safetensors").is_file() {
            let message =
                "no checkpoint to start from; name one with --start, or make it as the recipe's first lines say".into();
            return Err(TrainError::Settings { path: settings.start, message });
        }
        let files = ModelFiles::open(&settings.start)?;
        let shape = ModelShape::open(&settings.start, files.tokens)?;
        let load = || -> Result<Params> {
            let params = Params::zeros(&shape, &[], device)?;
            load_weights(&settings.start.join("model.safetensors"), &params)?;
            Ok(params)
        };
        let params = load()?;
        let reference = if settings.policy.kl > 0.0 || settings.policy.watch_kl { Some(load()?) } else { None };
        let optimiser = Optimiser::new(settings.optimizer, &params)?;
        fs::create_dir_all(out).map_err(crate::train::error::io(out))?;
        let checkpoints = Checkpoints::new(out, settings.run.keep);
        let (out, device, step, seconds) = (out.into(), device.clone(), 0, 0.0);
        let health = Health::default();
        Ok(Self {
            settings,
            tool,
            shape,
            params,
            reference,
            optimiser,
            files,
            profile,
            out,
            device,
            checkpoints,
            step,
            seconds,
            health,
        })
    }

    /// Steps taken so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The weights.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Trains until all stages are done or `stop` is set.
    ///
    /// # Errors
    /// A number that is none, a collapsed reward, a file that cannot be written.
    pub fn run(&mut self, around: &mut RlSurroundings<'_>) -> Result<Outcome> {
        let mut desk = Desk {
            metrics: MetricsFile::open(&self.out, self.step)?,
            rollouts: RolloutFile::open(&self.out, self.step)?,
            sessions: open_store(&self.out, self.step)?,
            began: Instant::now(),
            before: self.seconds,
        };
        let (stages, of) = (self.settings.stages.clone(), self.settings.steps());
        if self.step == 0 && around.validator.is_some() && self.settings.run.validate_every > 0 {
            self.first_line(&mut desk, around)?;
        }
        while let Some((stage, inside)) = locate(&stages, self.step) {
            if inside == 0 {
                // Another stage may weigh rewards differently: what was good before says nothing now.
                self.health = Health::default();
            }
            let Some(mut line) = self.one(stage, stage.factor(inside), &mut desk, around.stop)? else {
                open_store(&self.out, self.step)?;
                let checkpoint = self.save(desk.seconds())?;
                return Ok(Outcome::Stopped { step: self.step, checkpoint });
            };
            self.step += 1;
            around.watch.step(self.step, of, &stage.name, line.loss);
            let reward = line.rewards.get("reward").copied().unwrap_or_default();
            self.health.check(reward, self.step, &self.settings.policy)?;
            line.held_out = self.rest(of, &desk, around)?;
            line.seconds = desk.seconds();
            if self.step.is_multiple_of(self.settings.run.log_every) || self.step == of || line.held_out.is_some() {
                around.watch.line(&desk.metrics.write(&line)?);
            }
        }
        Ok(Outcome::Finished(self.export()?))
    }

    /// The start itself, measured on held-out questions: step 0.
    fn first_line(&self, desk: &mut Desk, around: &mut RlSurroundings<'_>) -> Result<()> {
        let folder = self.save(desk.seconds())?;
        let Some(validator) = around.validator.as_deref_mut() else { return Ok(()) };
        let held_out = validator.validate(&folder, self.settings.run.validate_questions)?;
        let line = serde_json::json!({"step": 0, "stage": "start", "seconds": desk.seconds(), "held_out": held_out});
        around.watch.line(&desk.metrics.write(&line)?);
        Ok(())
    }

    /// Saves and validates where it is time.
    fn rest(&self, of: u64, desk: &Desk, around: &mut RlSurroundings<'_>) -> Result<Option<Validation>> {
        let (run, step) = (&self.settings.run, self.step);
        let validate = run.validate_every > 0 && (step.is_multiple_of(run.validate_every) || step == of);
        let validate = validate && around.validator.is_some();
        if !validate && !step.is_multiple_of(run.save_every) && step != of {
            return Ok(None);
        }
        if self.health.declining(&self.settings.policy) {
            around.watch.say("no checkpoint: the reward has fallen; the last good one is kept");
            return Ok(None);
        }
        let folder = self.save(desk.seconds())?;
        around.watch.saved(&folder);
        match around.validator.as_deref_mut() {
            Some(validator) if validate => Ok(Some(validator.validate(&folder, run.validate_questions)?)),
            _ => Ok(None),
        }
    }

    /// One step; none where it was stopped, and then nothing has changed.
    fn one(&mut self, stage: &Stage, factor: f64, desk: &mut Desk, stop: &AtomicBool) -> Result<Option<RlLine>> {
        let clock = Instant::now();
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let plan = QuestionPlan::of(stage)?;
        let asked = questions(stage, &plan, self.step);
        if asked.is_empty() {
            return Err(TrainError::Data(format!("stage {:?}: its pages have no question of its tasks", stage.name)));
        }
        let model = Arc::new(self.policy()?);
        let images = Arc::new(ImageCache::new(KEPT_IMAGES));
        let prepared = clock.elapsed().as_secs_f64();
        let keep = Keep::new(&desk.sessions, self.step as usize % asked.len(), self.settings.rollout.keep);
        let rolling = Rolling {
            model: &model,
            images: &images,
            profile: &self.profile,
            settings: &self.settings.rollout,
            weights: &plan.weights(&self.settings.reward)?,
            tool: self.tool,
            seed: self.settings.seed,
            step: self.step + 1,
            name: &self.settings.name,
            workers: self.settings.run.workers(),
            keep: Some(&keep),
            stop,
        };
        let Some(rollouts) = roll_out(&rolling, &asked)? else { return Ok(None) };
        let rolled = clock.elapsed().as_secs_f64();
        let mut line = RlLine::of(&rollouts);
        let gains = gains(&rollouts, self.settings.policy.normalise);
        line.signal(asked.len(), &rollouts, &gains);
        let eyes = Eyes { model: &model, images: &images, frozen: self.settings.policy.freeze_vision };
        let (sums, norms) = self.learn(&asked, &rollouts, &gains, eyes, factor)?;
        line.learnt(&sums, &norms, self.reference.is_some());
        desk.rollouts.write(self.step + 1, &rollouts, &gains)?;
        (line.step, line.stage) = (self.step + 1, stage.name.clone());
        line.learning_rate = self.settings.optimizer.learning_rate * factor;
        let all = clock.elapsed().as_secs_f64();
        (line.seconds_prepare, line.seconds_rollout, line.seconds_learn) = (prepared, rolled - prepared, all - rolled);
        line.rollouts_per_second = rollouts.len() as f64 / (rolled - prepared).max(1e-9);
        line.samples_per_second = rollouts.len() as f64 / all.max(1e-9);
        Ok(Some(line))
    }

    /// The present weights as the engine's model.
    fn policy(&self) -> Result<Model> {
        let files = model_files(&self.out, &self.shape, &self.params, &self.files, DType::F32)?;
        let failed = |error: crate::model::ModelError| TrainError::Validation(error.to_string());
        let model = Model::load(&FileSource::Memory(Arc::new(files)), &self.device).map_err(failed)?;
        Ok(model.named(format!("{} step {}", self.settings.name, self.step)))
    }

    /// Moves the policy: the groups with signal are shared out among the updates.
    fn learn(
        &mut self,
        asked: &[Asked],
        rollouts: &[Rollout],
        gains: &[Option<f64>],
        eyes: Eyes<'_>,
        factor: f64,
    ) -> Result<(PolicySums, Vec<f64>)> {
        let usable = |r: &Rollout| !r.written.is_empty() && r.written.iter().all(|token| token.logprob.is_finite());
        let chosen: Vec<(&Rollout, f64)> = rollouts
            .iter()
            .zip(gains)
            .filter_map(|(rollout, gain)| gain.filter(|_| usable(rollout)).map(|gain| (rollout, gain)))
            .collect();
        let (mut all, mut norms) = (PolicySums::default(), Vec::new());
        for update in shares(&chosen, self.settings.policy.updates) {
            let parts = parts(asked, &update, eyes, &self.shape, self.settings.policy.segments_per_part)?;
            let (sums, gradients) = self.gradients(&parts)?;
            all.add(&sums);
            norms.push(self.optimiser.step(&self.params, &gradients, factor)?);
        }
        Ok((all, norms))
    }

    fn gradients(&self, parts: &[PolicyPart]) -> Result<(PolicySums, Gradients)> {
        let kernels = Kernels::for_device(&self.device);
        let frozen_vision = self.settings.policy.freeze_vision;
        let graph = |params| Graph { shape: &self.shape, params, kernels, frozen_vision };
        let update = Update {
            graph: graph(&self.params),
            reference: self.reference.as_ref().map(graph),
            settings: &self.settings.policy,
            temperature: self.settings.rollout.temperature,
            tokens: parts.iter().map(|part| part.drawn.len() as f64).sum(),
        };
        let workers = if self.device.is_cpu() { self.settings.run.workers() } else { 1 };
        let done = side_by_side(parts, workers, &|part| part_gradients(&update, part, &self.device))?;
        let (mut sums, mut gradients) = (PolicySums::default(), vec![None; self.params.list().len()]);
        for (part, more) in done {
            sums.add(&part);
            add_gradients(&mut gradients, more)?;
        }
        if !sums.objective.is_finite() {
            return Err(TrainError::NotFinite { step: self.step + 1, what: "objective" });
        }
        Ok((sums, gradients))
    }

    /// Saves a checkpoint.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, seconds: f64) -> Result<PathBuf> {
        let stage = locate(&self.settings.stages, self.step).map_or("finished", |(stage, _)| stage.name.as_str());
        let state = State {
            v: 1,
            step: self.step,
            updates: Some(self.optimiser.step_count()),
            stage: stage.into(),
            seed: self.settings.seed,
            seconds,
            rewards: self.health.recent.iter().copied().collect(),
            best_reward: self.health.best,
            settings: self.settings.fingerprint(self.tool),
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

/// Whole groups, shared out among so many updates as evenly as they go.
fn shares<'a>(chosen: &[(&'a Rollout, f64)], updates: usize) -> Vec<Vec<(&'a Rollout, f64)>> {
    let mut groups: Vec<usize> = chosen.iter().map(|(rollout, _)| rollout.group).collect();
    groups.dedup();
    let updates = updates.min(groups.len()).max(1);
    let mut all = vec![Vec::new(); updates];
    for &(rollout, gain) in chosen {
        let place = groups.iter().position(|&group| group == rollout.group).unwrap_or(0);
        if let Some(share) = all.get_mut(place % updates) {
            share.push((rollout, gain));
        }
    }
    all.retain(|share| !share.is_empty());
    all
}
