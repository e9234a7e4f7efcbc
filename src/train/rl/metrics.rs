//! One line of `metrics.jsonl` for a step: every term and its spread, nothing averaged away.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::policy::PolicySums;
use super::reward::Reward;
use super::rollout::Rollout;
use crate::train::validate::Validation;

/// What a step measured. Shares are 0 to 1; `…_std` is the spread over the step's rollouts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RlLine {
    /// Steps taken.
    pub step: u64,
    /// Stage of this one.
    pub stage: String,
    /// Less the mean objective.
    pub loss: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean gradient norm before clipping over the step's updates.
    pub gradient_norm: f64,
    /// Questions asked.
    pub groups: usize,
    /// Share of them whose rollouts differ in reward; the others are left out.
    pub groups_with_signal: f64,
    /// Rollouts.
    pub rollouts: usize,
    /// Reward and its terms.
    #[serde(flatten)]
    pub rewards: BTreeMap<String, f64>,
    /// What the rollouts did.
    #[serde(flatten)]
    pub did: Did,
    /// Mean entropy of the written tokens' distributions, in nats.
    pub entropy: f64,
    /// Mean k3 estimate of the divergence from the start; absent where no reference is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<f64>,
    /// Share of tokens whose ratio is clipped.
    pub clip_fraction: f64,
    /// Mean `|log-probability now − when drawn|` when the update begins.
    pub moved: f64,
    /// The same by task.
    pub tasks: BTreeMap<&'static str, TaskLine>,
    /// Rollouts a second while rolling out.
    pub rollouts_per_second: f64,
    /// Rollouts a second over the whole step.
    pub samples_per_second: f64,
    /// Seconds of drawing pages and building the policy.
    pub seconds_prepare: f64,
    /// Seconds of rolling out.
    pub seconds_rollout: f64,
    /// Seconds of learning.
    pub seconds_learn: f64,
    /// Seconds trained so far.
    pub seconds: f64,
    /// Held-out questions, answered greedily.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Validation>,
}

/// What rollouts did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Did {
    /// Share answered rightly.
    pub accuracy: f64,
    /// Share with a zoom.
    pub zoom_rate: f64,
    /// Mean number of zooms.
    pub zooms: f64,
    /// Mean coverage of targets by zooms.
    pub coverage: f64,
    /// Mean IoU of the best zoom.
    pub iou: f64,
    /// Share with a refused call.
    pub refused: f64,
    /// Mean number of tokens written.
    pub tokens: f64,
    /// Share that ended without an answer.
    pub unanswered: f64,
}

/// One task's share of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TaskLine {
    /// Rollouts.
    pub rollouts: usize,
    /// Mean reward.
    pub reward: f64,
    /// What they did.
    #[serde(flatten)]
    pub did: Did,
}

/// A term's name in the file, and its value.
type Term = (&'static str, fn(&Reward) -> f64);

const TERMS: [Term; 5] = [
    ("reward", |r| r.total),
    ("reward_answer", |r| r.answer),
    ("reward_format", |r| r.format),
    ("reward_count", |r| r.count),
    ("reward_region", |r| r.region),
];

/// Means over rollouts.
pub fn did<'a>(rollouts: impl Iterator<Item = &'a Rollout> + Clone) -> Did {
    let share = |yes: bool| if yes { 1.0 } else { 0.0 };
    let mean = |value: &dyn Fn(&Rollout) -> f64| mean(rollouts.clone().map(value));
    Did {
        accuracy: mean(&|r| share(r.summary.right == Some(true))),
        zoom_rate: mean(&|r| share(r.summary.zooms > 0)),
        zooms: mean(&|r| f64::from(r.summary.zooms)),
        coverage: mean(&|r| r.summary.coverage.unwrap_or(0.0)),
        iou: mean(&|r| r.summary.iou.unwrap_or(0.0)),
        refused: mean(&|r| share(r.summary.refused > 0)),
        tokens: mean(&|r| r.summary.generated as f64),
        unanswered: mean(&|r| share(r.summary.answer.is_none())),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

impl RlLine {
    /// Fills in what follows from the rollouts.
    pub fn of(rollouts: &[Rollout]) -> Self {
        let mut line = Self { rollouts: rollouts.len(), did: did(rollouts.iter()), ..Self::default() };
        for (name, term) in TERMS {
            let average = mean(rollouts.iter().map(|r| term(&r.reward)));
            let square = mean(rollouts.iter().map(|r| (term(&r.reward) - average).powi(2)));
            line.rewards.insert(name.to_owned(), average);
            line.rewards.insert(format!("{name}_std"), square.sqrt());
        }
        let written = rollouts.iter().flat_map(|r| &r.written);
        line.entropy = mean(written.map(|token| f64::from(token.entropy)));
        line.tasks = tasks(rollouts);
        line
    }

    /// Fills in how many of the step's `groups` have something to learn from.
    pub fn signal(&mut self, groups: usize, rollouts: &[Rollout], gains: &[Option<f64>]) {
        let heard = rollouts.iter().zip(gains).filter(|(_, gain)| gain.is_some()).map(|(rollout, _)| rollout.group);
        let heard: BTreeSet<usize> = heard.collect();
        (self.groups, self.groups_with_signal) = (groups, heard.len() as f64 / groups.max(1) as f64);
    }

    /// Fills in what the updates measured.
    pub fn learnt(&mut self, sums: &PolicySums, norms: &[f64], with_reference: bool) {
        let tokens = sums.tokens.max(1.0);
        self.loss = -sums.objective / tokens;
        self.gradient_norm = mean(norms.iter().copied());
        self.kl = with_reference.then_some(sums.kl / tokens);
        self.clip_fraction = sums.clipped / tokens;
        self.moved = sums.moved / tokens;
    }
}

fn tasks(rollouts: &[Rollout]) -> BTreeMap<&'static str, TaskLine> {
    let mut names: Vec<_> = rollouts.iter().filter_map(|r| r.summary.task).collect();
    names.sort_unstable();
    names.dedup();
    let one = |task| {
        let own = rollouts.iter().filter(move |r| r.summary.task == Some(task));
        TaskLine { rollouts: own.clone().count(), reward: mean(own.clone().map(|r| r.reward.total)), did: did(own) }
    };
    names.into_iter().map(|task| (task.name(), one(task))).collect()
}
