//! Asking every question of a step several times, through the engine, on several threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;

use super::journal::Keep;
use super::questions::Asked;
use super::reward::{Reward, RewardWeights, reward};
use super::settings::RolloutSettings;
use crate::engine::{Ask, Batch, Emission, ImageCache, PageSource};
use crate::model::Model;
use crate::model::sampler::Sampling;
use crate::protocol::Profile;
use crate::session::{Recorder, SessionSummary};
use crate::trace::{Body, TokenSource, Trace};
use crate::train::error::{Result, TrainError};

/// What all rollouts of a step have in common.
#[derive(Debug)]
pub struct Rolling<'a> {
    /// The policy.
    pub model: &'a Arc<Model>,
    /// Its images, so that the learner finds what the engine has encoded.
    pub images: &'a Arc<ImageCache>,
    /// How it is talked to.
    pub profile: &'a Arc<Profile>,
    /// How questions are asked.
    pub settings: &'a RolloutSettings,
    /// What rollouts are worth.
    pub weights: &'a RewardWeights,
    /// Whether the tool is offered.
    pub tool: bool,
    /// Seed of the training.
    pub seed: u64,
    /// Step, counted from 1.
    pub step: u64,
    /// Name of the training.
    pub name: &'a str,
    /// Threads.
    pub workers: usize,
    /// Which rollouts are kept as sessions, and where.
    pub keep: Option<&'a Keep>,
    /// Set to stop after the token at hand.
    pub stop: &'a AtomicBool,
}

/// One rollout that ended.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// Which question of the step.
    pub group: usize,
    /// Which rollout of it.
    pub sample: usize,
    /// What came of it.
    pub summary: SessionSummary,
    /// What it is worth.
    pub reward: Reward,
    /// The whole context, image pads included.
    pub ids: Vec<u32>,
    /// Tokens the model wrote, by place in `ids`.
    pub written: Vec<Written>,
    /// Images of the context in order: the page, then crops.
    pub images: Vec<Arc<RgbImage>>,
    /// Session it is kept as.
    pub kept: Option<String>,
}

/// A token the model wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    /// Place in the context.
    pub at: usize,
    /// Log-probability it was drawn with.
    pub logprob: f32,
    /// Entropy of the distribution, in nats.
    pub entropy: f32,
}

/// Rollout `sample` of question `group`.
#[derive(Clone, Copy, Debug)]
struct Item {
    group: usize,
    sample: usize,
}

/// Runs all rollouts of a step; they come ordered by question and sample. None where it was stopped.
///
/// # Errors
/// A session that cannot be written, or a thread that died.
pub fn roll_out(rolling: &Rolling<'_>, asked: &[Asked]) -> Result<Option<Vec<Rollout>>> {
    let workers = rolling.workers.clamp(1, asked.len().max(1));
    // Whole groups go to fixed threads, so that nothing depends on which thread is faster.
    let share = |worker: usize| {
        let groups = (0..asked.len()).filter(move |group| group % workers == worker);
        groups
            .flat_map(|group| (0..rolling.settings.group).map(move |sample| Item { group, sample }))
            .collect::<Vec<_>>()
    };
    let shares: Vec<Vec<Item>> = (0..workers).map(share).collect();
    let done: Vec<Result<Vec<Rollout>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = shares.iter().map(|items| scope.spawn(|| work(rolling, asked, items))).collect();
        let lost = || Err(TrainError::Data("a rollout thread died".into()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
    });
    let mut all = Vec::with_capacity(asked.len() * rolling.settings.group);
    for part in done {
        all.extend(part?);
    }
    if rolling.stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    all.sort_by_key(|rollout| (rollout.group, rollout.sample));
    Ok(Some(all))
}

fn work(rolling: &Rolling<'_>, asked: &[Asked], items: &[Item]) -> Result<Vec<Rollout>> {
    let mut batch = Batch::new(Arc::clone(rolling.model), rolling.settings.batch, Arc::clone(rolling.images));
    let (mut waiting, mut open, mut done) = (items.iter(), HashMap::new(), Vec::with_capacity(items.len()));
    loop {
        while batch.has_room() {
            let Some((item, question)) = waiting.next().and_then(|item| Some((*item, asked.get(item.group)?))) else {
                break;
            };
            let running = Running::begin(rolling, item)?;
            if let Some(slot) = batch.add(ask(rolling, question, item, &running.id)) {
                open.insert(slot, running);
            }
        }
        if open.is_empty() || rolling.stop.load(Ordering::Relaxed) {
            return Ok(done);
        }
        let ended = batch.step(&mut |slot, emission| {
            if let Some(running) = open.get_mut(&slot) {
                running.take(&emission);
            }
        });
        for (slot, _) in ended {
            if let Some(running) = open.remove(&slot) {
                done.push(running.finish(rolling)?);
            }
        }
    }
}

fn ask(rolling: &Rolling<'_>, asked: &Asked, item: Item, id: &str) -> Ask {
    Ask {
        run: Some(rolling.name.to_owned()),
        sampling: Sampling { temperature: rolling.settings.temperature, ..Sampling::default() },
        seed: seed(rolling, item),
        max_tokens: Some(rolling.settings.max_tokens),
        tool: rolling.tool,
        ..Ask::new(
            id.to_owned(),
            PageSource::Page(Arc::clone(&asked.page)),
            asked.question.clone(),
            Arc::clone(rolling.profile),
        )
    }
}

/// Every rollout of a training has a seed of its own that follows from its place alone.
fn seed(rolling: &Rolling<'_>, item: Item) -> u64 {
    let place = [rolling.seed, rolling.step, item.group as u64, item.sample as u64].map(u64::to_le_bytes).concat();
    let hash = blake3::hash(&place);
    // Below 2^53, so that readers of the log that know only doubles keep it.
    hash.as_bytes().iter().take(6).fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
}

struct Running {
    item: Item,
    id: String,
    recorder: Option<Recorder>,
    failed: Option<TrainError>,
    trace: Trace,
    images: Vec<Arc<RgbImage>>,
}

impl Running {
    fn begin(rolling: &Rolling<'_>, item: Item) -> Result<Self> {
        let id = format!("step-{:06}-q{:02}-s{:02}", rolling.step, item.group, item.sample);
        let keep = rolling.keep.filter(|keep| keep.wants(item.group, item.sample));
        let recorder = keep.map(|keep| keep.create(rolling.step, &id)).transpose()?;
        Ok(Self { item, id, recorder, failed: None, trace: Trace::new(), images: Vec::new() })
    }

    fn take(&mut self, emission: &Emission) {
        self.trace.apply(&emission.record);
        if let (Body::Image(_), Some(pixels)) = (&emission.record.body, &emission.pixels) {
            self.images.push(Arc::clone(pixels));
        }
        if let Some(recorder) = self.recorder.as_mut().filter(|_| self.failed.is_none()) {
            let written = recorder.write(&emission.record, emission.pixels.as_ref());
            self.failed = written.err().map(|error| TrainError::Data(error.to_string()));
        }
    }

    fn finish(self, rolling: &Rolling<'_>) -> Result<Rollout> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let kept = match self.recorder {
            Some(recorder) => {
                recorder.finish().map_err(|error| TrainError::Data(error.to_string()))?;
                Some(self.id)
            }
            None => None,
        };
        let tokens = self.trace.tokens.iter().enumerate();
        let written = tokens.filter(|(_, token)| token.by == TokenSource::Sampled).map(|(at, token)| Written {
            at,
            logprob: token.sampled_logprob.or(token.logprob).unwrap_or(f32::NAN),
            entropy: token.entropy.unwrap_or(0.0),
        });
        Ok(Rollout {
            group: self.item.group,
            sample: self.item.sample,
            reward: reward(&self.trace, rolling.weights),
            ids: self.trace.tokens.iter().map(|token| token.id).collect(),
            written: written.collect(),
            summary: SessionSummary::of(&self.trace),
            images: self.images,
            kept,
        })
    }
}
