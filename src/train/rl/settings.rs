//! Settings of a reinforcement training: one TOML file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::reward::RewardWeights;
use crate::benchmark::Task;
use crate::train::config::{RunSettings, read_settings};
use crate::train::error::{Result, TrainError};
use crate::train::optim::OptimiserSpec;
use crate::train::schedule::Stage;

/// Everything a reinforcement training depends on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RlSettings {
    /// Name of the model.
    pub name: String,
    /// Seed of pages' order and of the sampler.
    pub seed: u64,
    /// Hugging Face folder to start from, relative to the settings file.
    pub start: PathBuf,
    /// How questions are asked.
    #[serde(default)]
    pub rollout: RolloutSettings,
    /// What rollouts are worth.
    #[serde(default)]
    pub reward: RewardWeights,
    /// How the policy moves.
    #[serde(default)]
    pub policy: PolicySettings,
    /// Optimiser.
    #[serde(default)]
    pub optimizer: OptimiserSpec,
    /// Saving, logging, threads. `pages_per_part` is not used here.
    #[serde(default)]
    pub run: RunSettings,
    /// What is asked, in order.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
}

/// How questions are asked.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutSettings {
    /// Rollouts of one question.
    pub group: usize,
    /// Sampling temperature; nothing is cut off the distribution.
    pub temperature: f64,
    /// Most tokens a rollout may write.
    pub max_tokens: u32,
    /// Sessions stepped together on a thread.
    pub batch: usize,
    /// Rollouts of each step that are kept as sessions.
    pub keep: usize,
}

/// How the policy moves.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// The probability ratio counts down to 1 less this …
    pub clip_low: f64,
    /// … and up to 1 plus this.
    pub clip_high: f64,
    /// Weight of the divergence from the start.
    pub kl: f64,
    /// Whether that divergence is measured although it has no weight; costs another forward pass.
    pub watch_kl: bool,
    /// Moves of the optimiser a step; the step's groups are shared out among them.
    pub updates: usize,
    /// Whether advantages are divided by their group's spread.
    pub normalise: bool,
    /// Segments computed together; gradients are added.
    pub segments_per_part: usize,
    /// Whether the vision tower stays as it is (it is not computed again then).
    pub freeze_vision: bool,
    /// Steps over which a collapse is looked for; 0 looks for none.
    pub patience: u64,
    /// A mean reward over `patience` steps below this share of the best such mean is a collapse.
    pub collapse: f64,
}

/// What a stage asks (`[stages.data]` of a reinforcement training).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionPlan {
    /// Questions about a page.
    pub segments: usize,
    /// Tasks asked, one after the other; all where none is named.
    pub tasks: Vec<Task>,
    /// Pages that are drawn over and over; 0 draws new ones at every step.
    pub pool: u64,
    /// Added to every page seed.
    pub seed_offset: u64,
    /// Weights that differ from `[reward]`.
    pub reward: toml::Table,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self { group: 8, temperature: 1.0, max_tokens: 400, batch: 16, keep: 4 }
    }
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            clip_low: 0.2,
            clip_high: 0.28,
            kl: 0.0,
            watch_kl: true,
            updates: 1,
            normalise: true,
            segments_per_part: 16,
            freeze_vision: true,
            patience: 40,
            collapse: 0.5,
        }
    }
}

impl Default for QuestionPlan {
    fn default() -> Self {
        Self { segments: 7, tasks: Vec::new(), pool: 0, seed_offset: 0, reward: toml::Table::new() }
    }
}

impl QuestionPlan {
    /// The plan of a stage.
    ///
    /// # Errors
    /// A key nobody knows.
    pub fn of(stage: &Stage) -> Result<Self> {
        let fail = |error: toml::de::Error| TrainError::Data(format!("stage {:?}: {}", stage.name, error.message()));
        stage.data.clone().try_into().map_err(fail)
    }

    /// The weights in force: `base` with what the stage changes.
    ///
    /// # Errors
    /// A key nobody knows.
    pub fn weights(&self, base: &RewardWeights) -> Result<RewardWeights> {
        let mut table = toml::Table::try_from(base).map_err(|error| TrainError::Data(error.to_string()))?;
        table.extend(self.reward.clone());
        table.try_into().map_err(|error: toml::de::Error| TrainError::Data(format!("reward: {}", error.message())))
    }
}

impl RlSettings {
    /// Reads and checks a settings file; `changes` are `key=value` pairs that go before what it says.
    ///
    /// # Errors
    /// A file that cannot be read, a key nobody knows, a number out of range: named, with its place.
    pub fn open(path: &Path, changes: &[String]) -> Result<Self> {
        let text = read_settings(path, changes)?;
        let mut parsed = Self::parse(&text).map_err(|message| TrainError::Settings { path: path.into(), message })?;
        parsed.start = path.parent().unwrap_or(Path::new("")).join(&parsed.start);
        Ok(parsed)
    }

    /// Parses and checks the text of a settings file.
    ///
    /// # Errors
    /// What is wrong, with line and column where the parser knows them.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let parsed: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        parsed.check()?;
        Ok(parsed)
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.stages.is_empty() {
            return Err("there is no [[stage]]".into());
        }
        for stage in &self.stages {
            stage.check()?;
            let plan = QuestionPlan::of(stage).map_err(|error| error.to_string())?;
            let weights = plan.weights(&self.reward).map_err(|error| format!("stage {:?}: {error}", stage.name))?;
            check_weights(&weights)?;
            if !(1..=64).contains(&plan.segments) {
                return Err(format!("stage {:?}: segments must be 1 … 64 questions a page", stage.name));
            }
        }
        self.optimizer.check()?;
        self.check_rollout()?;
        self.check_policy()?;
        self.run.check()
    }

    fn check_rollout(&self) -> std::result::Result<(), String> {
        let r = &self.rollout;
        if !(2..=1024).contains(&r.group) {
            return Err(format!("rollout.group is {}; rollouts are compared within a group, so 2 … 1024", r.group));
        }
        if !(r.temperature.is_finite() && r.temperature > 0.0) {
            return Err(
                "rollout.temperature must be above 0: without chance all rollouts of a group are the same".into()
            );
        }
        if r.max_tokens == 0 || !(1..=1024).contains(&r.batch) {
            return Err("rollout.max_tokens must be 1 or more, rollout.batch 1 … 1024".into());
        }
        Ok(())
    }

    fn check_policy(&self) -> std::result::Result<(), String> {
        let p = &self.policy;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let above = p.clip_high.is_finite() && p.clip_high >= 0.0;
        if !above || !share(p.clip_low) || !share(p.collapse) {
            return Err("policy.clip_low and collapse must lie in 0 … 1, clip_high must be 0 or more".into());
        }
        if !(p.kl.is_finite() && p.kl >= 0.0) || p.updates == 0 || p.segments_per_part == 0 {
            return Err("policy.kl must be 0 or more, updates and segments_per_part 1 or more".into());
        }
        Ok(())
    }

    /// Steps of all stages.
    pub fn steps(&self) -> u64 {
        self.stages.iter().map(|stage| stage.steps).sum()
    }

    /// The settings that decide the result, for comparing a checkpoint's with the file's.
    pub fn fingerprint(&self, tool: bool) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.remove("start");
            object.remove("run");
            object.insert("tool".into(), tool.into());
        }
        value
    }
}

fn check_weights(w: &RewardWeights) -> std::result::Result<(), String> {
    let all = [w.answer, w.format, w.count, w.region];
    match all.iter().all(|weight| weight.is_finite() && weight.abs() <= 1e6) {
        true => Ok(()),
        false => Err("the weights of [reward] must be numbers".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALL: &str =
        "name = \"a\"\nseed = 1\nstart = \"b\"\n[reward]\ncount = 0.5\n[[stage]]\nname = \"one\"\nsteps = 3\n";

    #[test]
    fn a_stage_changes_some_weights_and_leaves_the_others() {
        let text = format!("{SMALL}data = {{ reward = {{ region = 0.0 }} }}");
        let settings = RlSettings::parse(&text).unwrap();
        let plan = QuestionPlan::of(&settings.stages[0]).unwrap();
        let weights = plan.weights(&settings.reward).unwrap();
        assert_eq!((weights.count, weights.region, weights.answer, weights.gate), (0.5, 0.0, 1.0, true));
    }

    #[test]
    fn shipped_recipes_are_valid() {
        for text in [
            include_str!("../../../assets/train/rarl-quick.toml"),
            include_str!("../../../assets/train/experiment/rl.toml"),
            include_str!("../../../assets/train/experiment/rarl.toml"),
        ] {
            assert!(RlSettings::parse(text).unwrap().steps() >= 40);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fails = |more: &str| RlSettings::parse(&format!("{SMALL}{more}")).unwrap_err();
        assert!(fails("data = { reward = { regoin = 0.0 } }").contains("regoin"));
        assert!(fails("data = { sgments = 2 }").contains("sgments"));
        assert!(fails("[rollout]\ngroup = 1").contains("rollout.group"));
        assert!(fails("[rollout]\ntemperature = 0.0").contains("temperature"));
        assert!(fails("[policy]\nclip_low = 1.5").contains("clip_low"));
        assert!(RlSettings::parse(SMALL).is_ok());
    }
}
