//! The loop over questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::settings::RunSettings;
use crate::analysis::{SessionMeasures, session_measures};
use crate::benchmark::{Benchmark, BenchmarkError, Question};
use crate::engine::{Ask, LocalEngine, PageSource, run_to_end};
use crate::model::Model;
use crate::protocol::Profile;
use crate::session::{Recorder, SessionError, SessionStore, new_id};
use crate::trace::Trace;

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The benchmark.
    #[error(transparent)]
    Benchmark(#[from] BenchmarkError),
    /// The sessions folder.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// What became of one question.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Session id.
    pub id: String,
    /// The question.
    pub question: Question,
    /// 1 fully right, 0 wrong or unanswered.
    pub score: f64,
    /// The session ended in an error.
    pub failed: bool,
    /// Its zooms against the targets.
    pub measures: SessionMeasures,
    /// Tokens the model wrote.
    pub tokens: u64,
}

/// Told after every question.
pub trait Progress {
    /// `outcome` is the newest; `done` of `all` questions are finished.
    fn finished(&mut self, outcome: &Outcome, done: usize, all: usize);
}

/// Where a run's sessions go.
pub struct Recording<'a> {
    /// The sessions folder.
    pub store: &'a SessionStore,
    /// The run's folder in it; empty for the sessions folder itself.
    pub folder: &'a str,
    /// The run's name.
    pub name: &'a str,
}

/// Asks every question, one after the other; stops early when `cancel` is set. Outcomes come in the questions' order.
///
/// # Errors
/// [`RunError`] where a page cannot be had or a log cannot be written; a session that fails is an outcome, not an error.
pub fn run(
    model: &Arc<Model>,
    benchmark: &Benchmark,
    profile: &Arc<Profile>,
    settings: &RunSettings,
    recording: Option<&Recording<'_>>,
    cancel: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<Vec<Outcome>, RunError> {
    let questions = benchmark.questions();
    let mut outcomes = Vec::with_capacity(questions.len());
    for question in questions {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        let ask = Ask {
            id: new_id(),
            page: PageSource::Page(benchmark.page(question)?),
            question: question.clone(),
            benchmark: Some(benchmark.name().to_owned()),
            run: recording.map(|r| r.name.to_owned()),
            profile: Arc::clone(profile),
            sampling: settings.sampling(),
            seed: settings.seed,
            max_tokens: settings.max_tokens,
            tool: settings.tool,
            page_mode: settings.page_mode(),
            crop_mode: settings.crop_mode(benchmark, question),
        };
        let outcome = ask_one(model, &ask, recording, cancel)?;
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        outcomes.push(outcome);
        if let Some(newest) = outcomes.last() {
            progress.finished(newest, outcomes.len(), questions.len());
        }
    }
    Ok(outcomes)
}

fn ask_one(
    model: &Arc<Model>,
    ask: &Ask,
    recording: Option<&Recording<'_>>,
    cancel: &AtomicBool,
) -> Result<Outcome, RunError> {
    let mut engine = LocalEngine::new(Arc::clone(model));
    let mut recorder = recording.map(|r| Recorder::create(r.store, r.folder, &ask.id)).transpose()?;
    let (mut trace, mut broken) = (Trace::new(), None);
    let end = run_to_end(
        &mut engine,
        ask,
        &mut |emission| {
            trace.apply(&emission.record);
            if let Some(r) = recorder.as_mut().filter(|_| broken.is_none()) {
                broken = r.write(&emission.record, emission.pixels.as_ref()).err();
            }
        },
        cancel,
    );
    if let Some(error) = broken {
        return Err(error.into());
    }
    if let Some(recorder) = recorder {
        recorder.finish()?;
    }
    Ok(Outcome {
        id: ask.id.clone(),
        question: ask.question.clone(),
        score: end.score.as_ref().map_or(0.0, |s| s.value),
        failed: end.error.is_some(),
        measures: session_measures(&trace.zooms, &ask.question.targets),
        tokens: end.end.generated,
    })
}
