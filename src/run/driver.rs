//! The loop over sessions: one thread with one session at a time, or several threads with a batch each.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::desk::{Desk, Single};
use super::error::RunError;
use super::manifest::{BatchInfo, cores};
use super::questions::{Item, Questions, plan, session_id};
use super::settings::RunSettings;
use crate::engine::{Ask, Batch, Debugging, EngineError, ImageCache, LocalEngine, PageSource, StepEngine, TurnLoop};
use crate::model::Model;
use crate::page::Page;
use crate::protocol::Profile;
use crate::session::{Recorder, SessionStore, SessionSummary, Summariser};
use crate::trace::{Body, ModelInfo, Record};

/// Bytes of image embeddings that are kept: a page is asked about several times, soon after each other.
const KEPT_IMAGES: usize = 64 << 20;

/// Told after every session.
pub trait Progress {
    /// A session ended.
    fn finished(&mut self, summary: &SessionSummary);

    /// A session failed, for this reason, which may quote files; told before it is finished.
    fn failed(&mut self, _id: &str, _why: &str) {}
}

/// Where a run's sessions go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recording<'a> {
    /// The sessions folder.
    pub store: &'a SessionStore,
    /// The run's folder in it; empty for the sessions folder itself.
    pub sub: &'a str,
}

/// What all sessions of a run have in common.
pub struct Job<'a> {
    /// Who is asked.
    pub model: &'a Arc<Model>,
    /// What is asked.
    pub questions: &'a dyn Questions,
    /// How the model is talked to.
    pub profile: &'a Arc<Profile>,
    /// What the run is made with.
    pub settings: &'a RunSettings,
    /// When set, no further session begins; those in flight go on to their end.
    pub no_more: &'a AtomicBool,
}

/// A job with its name, its place and the engines it runs on.
pub(super) struct Bench<'a> {
    pub questions: &'a dyn Questions,
    pub profile: &'a Arc<Profile>,
    pub settings: &'a RunSettings,
    pub no_more: &'a AtomicBool,
    /// When set, everything stops after the token at hand, and what has not ended counts as not asked.
    pub at_once: &'a AtomicBool,
    pub run: Option<&'a str>,
    pub recording: Option<Recording<'a>>,
    /// For sessions that fail before an engine sees them.
    pub known: (ModelInfo, (u64, u64)),
    pub batch: BatchInfo,
}

/// A session that ended.
pub(super) struct Ended {
    /// Its place in the run.
    pub index: usize,
    /// It in a few figures.
    pub summary: SessionSummary,
    /// What its log says went wrong, where it ended in an error.
    pub fault: Option<String>,
}

impl Ended {
    /// Tells a person's progress.
    pub(super) fn tell(&self, progress: &mut dyn Progress) {
        if let Some(why) = &self.fault {
            progress.failed(&self.summary.id, why);
        }
        progress.finished(&self.summary);
    }
}

/// Asks every question in memory and records nothing; [`Job::no_more`] ends it after the token at hand. Summaries come in
/// the questions' order; those of failed sessions have the reason `error`.
///
/// # Errors
/// [`RunError::Worker`] where concurrency is asked for and a thread dies.
pub fn run(job: &Job<'_>, progress: &mut dyn Progress) -> Result<Vec<SessionSummary>, RunError> {
    let settings = job.settings;
    let bench = Bench {
        questions: job.questions,
        profile: job.profile,
        settings,
        no_more: job.no_more,
        at_once: job.no_more,
        run: None,
        recording: None,
        known: known_of(job.model),
        batch: BatchInfo::of(settings.concurrency, cores()),
    };
    let items: Vec<Item> = plan(job.questions.questions().len(), settings.seed, settings.seeds).collect();
    let mut all = BTreeMap::new();
    ask_model(job.model, &bench, &items, &mut |ended| {
        ended.tell(progress);
        all.insert(ended.index, ended.summary);
    })?;
    Ok(all.into_values().collect())
}

/// Asks the items. `told` gets every session that ended, in the order of their ends.
pub(super) fn ask_model(
    model: &Arc<Model>,
    bench: &Bench<'_>,
    items: &[Item],
    told: &mut dyn FnMut(Ended),
) -> Result<(), RunError> {
    let images = Arc::new(ImageCache::new(KEPT_IMAGES));
    if bench.batch.concurrency <= 1 {
        let engine = LocalEngine::with_images(Arc::clone(model), images);
        let mut desk = Single { engine, ask: None, at_once: bench.at_once };
        let mut items = items.iter().copied();
        return work(bench, &mut desk, &AtomicBool::new(false), &mut || items.next(), told);
    }
    let size = bench.batch.size;
    side_by_side(bench, items, &|| Batch::new(Arc::clone(model), size, Arc::clone(&images)), told)
}

/// Spreads the items over threads, each with a desk of its own. The first error ends all of them at their next token.
pub(super) fn side_by_side<D: Desk>(
    bench: &Bench<'_>,
    items: &[Item],
    desk: &(dyn Fn() -> D + Sync),
    told: &mut dyn FnMut(Ended),
) -> Result<(), RunError> {
    let queue = Mutex::new(items.iter().copied());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let broken = AtomicBool::new(false);
    let worker = |sender: mpsc::Sender<Ended>| {
        let done = work(bench, &mut desk(), &broken, &mut || next(), &mut |one| drop(sender.send(one)));
        if done.is_err() {
            broken.store(true, Ordering::Relaxed);
        }
        done
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel::<Ended>();
        let threads: Vec<_> = (0..bench.batch.threads)
            .map(|_| {
                let sender = sender.clone();
                scope.spawn(move || worker(sender))
            })
            .collect();
        drop(sender);
        receiver.into_iter().for_each(told);
        let ends: Vec<_> = threads.into_iter().map(|t| t.join().unwrap_or(Err(RunError::Worker))).collect();
        ends.into_iter().collect()
    })
}

/// Fills the desk with items and steps it until both are empty. A page is loaded when its session has a place.
fn work(
    bench: &Bench<'_>,
    desk: &mut dyn Desk,
    broken: &AtomicBool,
    next: &mut dyn FnMut() -> Option<Item>,
    told: &mut dyn FnMut(Ended),
) -> Result<(), RunError> {
    let mut open: HashMap<usize, Writing> = HashMap::new();
    loop {
        while desk.has_room() && !set(bench.no_more) && !set(bench.at_once) && !set(broken) {
            let Some(item) = next() else { break };
            let writing = Writing::begin(bench, item)?;
            match bench.ask(item) {
                Err((ask, error)) => told(writing.fail(bench, ask, &error)?),
                Ok(ask) => {
                    if let Some(slot) = desk.add(ask) {
                        open.insert(slot, writing);
                    }
                }
            }
        }
        if open.is_empty() || set(bench.at_once) || set(broken) {
            return Ok(());
        }
        let ended = desk.step(&mut |slot, emission| {
            if let Some(writing) = open.get_mut(&slot) {
                writing.take(&emission.record, emission.pixels.as_ref());
            }
        });
        open.values_mut().try_for_each(Writing::sound)?;
        for (slot, outcome) in ended {
            if let Some(writing) = open.remove(&slot).filter(|_| outcome.end.reason != "stopped") {
                told(writing.finish()?);
            }
        }
    }
}

fn set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

impl Bench<'_> {
    /// What to ask; where the page cannot be had, what would have been asked and why it cannot.
    fn ask(&self, item: Item) -> Result<Ask, (Box<Ask>, EngineError)> {
        let question = self.questions.questions().get(item.question).cloned().unwrap_or_default();
        let page = self.questions.page(&question);
        let (page, fault) = match page {
            Ok(page) => (page, None),
            Err(error) => (Arc::new(Page::from_pixels(image::RgbImage::new(1, 1))), Some(error)),
        };
        let ask = Ask {
            crop_mode: self.settings.crop_mode(self.questions, &question),
            benchmark: Some(self.questions.name().to_owned()),
            run: self.run.map(str::to_owned),
            sampling: self.settings.sampling(),
            seed: item.seed,
            max_tokens: self.settings.max_tokens,
            tool: self.settings.tool,
            page_mode: self.settings.page_mode(),
            debug: Debugging { looking: self.settings.record.into(), ..Debugging::default() },
            ..Ask::new(
                session_id(self.run.unwrap_or("run"), item.index),
                PageSource::Page(page),
                question,
                Arc::clone(self.profile),
            )
        };
        match fault {
            None => Ok(ask),
            Some(error) => Err((Box::new(ask), EngineError::NoPage(error.to_string()))),
        }
    }
}

/// A session being written and summed up.
struct Writing {
    index: usize,
    recorder: Option<Recorder>,
    known: Summariser,
    fault: Option<String>,
    broken: Option<RunError>,
}

impl Writing {
    fn begin(bench: &Bench<'_>, item: Item) -> Result<Self, RunError> {
        let id = session_id(bench.run.unwrap_or("run"), item.index);
        let recorder = bench.recording.map(|r| Recorder::create(r.store, r.sub, &id)).transpose()?;
        Ok(Self { index: item.index, recorder, known: Summariser::default(), fault: None, broken: None })
    }

    fn take(&mut self, record: &Record, pixels: Option<&Arc<image::RgbImage>>) {
        self.known.apply(record);
        if let Body::Error(error) = &record.body {
            self.fault = Some(error.message.clone());
        }
        let Some(recorder) = self.recorder.as_mut().filter(|_| self.broken.is_none()) else { return };
        self.broken = recorder.write(record, pixels).err().map(RunError::from);
        if let Some(warning) = recorder.warnings().first().filter(|_| self.broken.is_none()) {
            self.broken = Some(RunError::Pixels(warning.clone()));
        }
    }

    fn sound(&mut self) -> Result<(), RunError> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// A whole session that consists of its failure.
    fn fail(mut self, bench: &Bench<'_>, ask: Box<Ask>, error: &EngineError) -> Result<Ended, RunError> {
        let mut session = TurnLoop::new(*ask).in_batch(u32::try_from(bench.batch.size).unwrap_or(u32::MAX));
        session.start(bench.known.0.clone(), bench.known.1);
        session.fail(error, 0);
        session.drain().iter().for_each(|emission| self.take(&emission.record, None));
        self.finish()
    }

    fn finish(mut self) -> Result<Ended, RunError> {
        self.sound()?;
        if let Some(recorder) = self.recorder {
            recorder.finish()?;
        }
        let summary = self.known.summary();
        let fault = self.fault.filter(|_| summary.reason.as_deref() == Some("error"));
        Ok(Ended { index: self.index, summary, fault })
    }
}

/// What a session's start says where no engine speaks: as one of the model would.
pub(super) fn known_of(model: &Arc<Model>) -> (ModelInfo, (u64, u64)) {
    let engine = LocalEngine::new(Arc::clone(model));
    (engine.info(), engine.pixel_limits())
}
