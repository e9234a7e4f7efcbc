//! What is probed: a session, a question or a run, by what was typed.

use std::path::{Path, PathBuf};

use super::ProbeArgs;
use crate::analysis::Thresholds;
use crate::benchmark::{self, Benchmark, Question};
use crate::cli::CliError;
use crate::session::filter::Filter;
use crate::session::{SessionStore, SessionSummary, full_text};
use crate::study::{StudyRun, open_run};
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
    run: StudyRun,
}

impl RunTarget {
    /// Its sessions that fit a filter.
    pub(super) fn sessions(&self, filter: Option<&Filter>) -> Vec<SessionSummary> {
        let text = |session: &SessionSummary| self.log(&session.id).and_then(|log| full_text(&log, &session.id));
        let fits = |s: &&SessionSummary| filter.is_none_or(|filter| filter.matches_with(s, &|| text(s)));
        self.run.sessions.iter().filter(fits).cloned().collect()
    }

    /// The log of a session.
    pub(super) fn log(&self, id: &str) -> Option<PathBuf> {
        [".jsonl.zst", ".jsonl"]
            .map(|end| self.run.dir.join(format!("{id}{end}")))
            .into_iter()
            .find(|path| path.is_file())
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
pub(super) fn find(args: &ProbeArgs, store: &SessionStore, lines: &Thresholds) -> Result<Target, CliError> {
    let typed = Path::new(&args.what);
    let beside = store.dir().join(typed);
    let plain = typed.components().count() == 1;
    for dir in [Some(typed.to_owned()), plain.then_some(beside)].into_iter().flatten() {
        if dir.is_dir() {
            let dir = dir.display().to_string();
            let run = open_run(&dir, store.dir(), lines).map_err(CliError::usage)?;
            return Ok(Target::Run(Box::new(RunTarget { name: run.manifest.run.clone(), run })));
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
