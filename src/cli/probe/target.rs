//! What is probed: a session, a question or a run, by what was typed.

use std::path::{Path, PathBuf};

use super::ProbeArgs;
use crate::benchmark::{self, Benchmark, Question};
use crate::cli::CliError;
use crate::run::{Manifest, RunPlace, summaries};
use crate::session::{SessionStore, SessionSummary};
use crate::text::one_line;

/// What is probed.
pub(super) enum Target {
    /// A recorded session: its log.
    Session(PathBuf),
    /// A benchmark's question, to be asked first.
    Question(Box<Benchmark>, Box<Question>),
    /// The sessions of a run.
    Run(Box<RunTarget>),
}

/// A run on disk.
pub(super) struct RunTarget {
    pub(super) name: String,
    dir: PathBuf,
    manifest: Manifest,
}

impl RunTarget {
    /// What is known of its sessions.
    pub(super) fn sessions(&self) -> Vec<SessionSummary> {
        summaries(&self.dir, &self.manifest)
    }

    /// The log of a session.
    pub(super) fn log(&self, id: &str) -> Option<PathBuf> {
        [".jsonl.zst", ".jsonl"].map(|end| self.dir.join(format!("{id}{end}"))).into_iter().find(|path| path.is_file())
    }
}

impl Target {
    /// The kind of thing, in a word.
    pub(super) fn of(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Question(..) => "question",
            Self::Run(_) => "run",
        }
    }

    /// Its id.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Session(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                name.trim_end_matches(".zst").trim_end_matches(".jsonl").to_owned()
            }
            Self::Question(bench, question) => format!("{}-{}", bench.name(), question.id),
            Self::Run(run) => run.name.clone(),
        }
    }
}

/// Finds what was typed: a run's folder or name, a session's log or id, a question of the benchmark.
pub(super) fn find(args: &ProbeArgs, store: &SessionStore) -> Result<Target, CliError> {
    let typed = Path::new(&args.what);
    let beside = store.dir().join(typed);
    let plain = typed.components().count() == 1;
    for dir in [Some(typed.to_owned()), plain.then_some(beside)].into_iter().flatten() {
        if dir.is_dir() {
            let (place, manifest) = RunPlace::existing(&dir).map_err(CliError::usage)?;
            return Ok(Target::Run(Box::new(RunTarget { name: manifest.run.clone(), dir: place.dir(), manifest })));
        }
    }
    if let Ok(path) = store.resolve(&args.what) {
        return Ok(Target::Session(path));
    }
    let name = args.bench.as_deref().unwrap_or("demo");
    let bench = benchmark::open(name).map_err(CliError::usage)?;
    match bench.find(&args.what).cloned() {
        Ok(question) => Ok(Target::Question(Box::new(bench), Box::new(question))),
        Err(_) => Err(CliError::usage(format!(
            "\"{}\" is no session or run in {}, and no question of {}; give an id, a log, a run's folder, or --bench",
            one_line(&args.what),
            store.dir().display(),
            one_line(name)
        ))),
    }
}
