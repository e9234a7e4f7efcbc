//! A probe on a thread and an engine of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Found, ProbeNews, sweep_page};
use crate::benchmark::Benchmark;
use crate::engine::{ImageCache, LocalEngine, Past, StepEngine, load_model};
use crate::model::{Model, ModelChoice};
use crate::probe::{
    Lab, ProbeError, ProbeFolder, ProbeKind, Settings, Setup, Sources, Step, Subject, probe, usual_place,
};
use crate::protocol::Profile;
use crate::session::SessionStore;

/// Bytes of image embeddings that are kept.
const KEPT_IMAGES: usize = 64 << 20;

/// Who answers.
pub(in crate::tui) enum Who {
    /// A model that is loaded.
    Loaded(Arc<Model>),
    /// One that is to be.
    Load(Box<ModelChoice>),
}

/// What the thread needs.
pub(in crate::tui) struct Work {
    pub kind: ProbeKind,
    pub past: Past,
    pub source: Option<PathBuf>,
    pub who: Who,
    pub profile: Arc<Profile>,
    pub bench: Option<Arc<Benchmark>>,
    pub store: SessionStore,
}

/// A running probe; dropping it stops it after the token at hand.
pub(in crate::tui) struct Running {
    cancel: Arc<AtomicBool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

/// Starts a probe.
///
/// # Errors
/// The system refuses a thread.
pub(in crate::tui) fn start(work: Work, tell: impl Fn(ProbeNews) + Send + 'static) -> std::io::Result<Running> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    // A panic hook that owns a terminal knows threads of this name: their panics are caught.
    std::thread::Builder::new().name("panelscope-engine".to_owned()).spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(|| run(work, &flag, &tell)));
        tell(match done {
            Ok(Ok(found)) => ProbeNews::Done(Arc::new(found)),
            Ok(Err(ProbeError::Stopped)) => ProbeNews::Stopped,
            Ok(Err(why)) => ProbeNews::Failed(why.to_string()),
            Err(_) => ProbeNews::Failed("the probe failed with an internal error".to_owned()),
        });
    })?;
    Ok(Running { cancel })
}

fn run(work: Work, cancel: &AtomicBool, tell: &impl Fn(ProbeNews)) -> Result<Found, ProbeError> {
    let sources = Sources { bench: work.bench.as_deref(), profile: Some(&work.profile) };
    let subject = Subject::of(work.past, sources)?;
    let model = match work.who {
        Who::Loaded(model) => model,
        Who::Load(choice) => {
            let loaded = load_model(*choice);
            Arc::new(loaded.map_err(|why| ProbeError::Unfit(format!("cannot load the model: {why}")))?)
        }
    };
    let mut engine = LocalEngine::with_images(model, Arc::new(ImageCache::new(KEPT_IMAGES)));
    // Before a folder is made.
    subject.same_model(&engine.info())?;
    let setup = Setup::new(work.kind, "session", &subject.start.id, &Settings::default(), engine.info());
    let mut folder = ProbeFolder::open(usual_place(&work.store, &setup), setup)?;
    let mut told = |step: &Step| tell(ProbeNews::Step(step.clone()));
    let step = Step { sessions: (0, 1), ..Step::default() };
    let mut lab = Lab { engine: &mut engine, folder: &mut folder, cancel, told: &mut told, step };
    let report = probe(work.kind, &subject, &mut lab)?;
    folder.finish(&report)?;
    let heat = report.sweep.as_ref().and_then(|figures| sweep_page(&subject.page.pixels, figures)).map(Arc::new);
    Ok(Found { report, heat, dir: folder.dir().to_owned(), source: work.source })
}
