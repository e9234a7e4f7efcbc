//! `panelscope run`: every question of a benchmark, and the figures.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{CliError, CliResult, Global};
use crate::analysis::wilson;
use crate::benchmark::{Family, Selection, Task, open_with};
use crate::engine::load_model;
use crate::protocol::Profile;
use crate::run::{CropChoice, Outcome, Progress, Recording, RunSettings, report, run as run_all};
use crate::session::{SessionStore, locate_dir, new_id};

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Benchmark: demo, or synth:SEED for pages drawn on the fly
    #[arg(long, default_value = "demo")]
    bench: String,
    /// Model: demo, or a Hugging Face folder
    #[arg(long, default_value = "demo")]
    model: String,
    /// Only this task (may be repeated)
    #[arg(long = "task", value_name = "TASK")]
    tasks: Vec<Task>,
    /// Only tasks of this family: depth, tracking, reordering or recognition (may be repeated)
    #[arg(long = "family", value_name = "FAMILY")]
    families: Vec<Family>,
    /// Questions asked, spread evenly over the tasks
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Offer the zoom tool
    #[arg(long, value_enum, default_value_t = Switch::On)]
    tool: Switch,
    /// What the model sees as page
    #[arg(long, value_enum, default_value_t = PageArg::Normal)]
    page: PageArg,
    /// What the tool returns: the crop asked for, a grey one, another panel, or the true region
    #[arg(long, value_enum, default_value_t = CropArg::Normal)]
    crop: CropArg,
    /// Profile: rarl, grounding, or a TOML file
    #[arg(long, default_value = "rarl")]
    profile: String,
    /// Seed of the sampler
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Sampling temperature; 0 is greedy
    #[arg(long, default_value_t = 0.0)]
    temperature: f64,
    /// Most tokens a session may write
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Folder for the run's logs and summary.jsonl (default: one of its own in the sessions folder)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep no sessions
    #[arg(long, conflicts_with = "out")]
    no_record: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PageArg {
    Normal,
    Blank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CropArg {
    Normal,
    Greyed,
    Swapped,
    True,
}

/// Runs the command.
///
/// # Errors
/// Wrong flags, a benchmark or model that cannot be opened, a folder that cannot be written.
pub fn run(args: RunArgs, global: &Global) -> CliResult {
    let profile = Arc::new(Profile::find(&args.profile).map_err(CliError::usage)?);
    let benchmark = open_with(&args.bench, &args.selection()).map_err(CliError::usage)?;
    let source = crate::demo::model_named(Some(&args.model));
    let model = Arc::new(load_model(&source).map_err(CliError::failed)?);
    let settings = settings_of(&args, benchmark.questions().len(), &profile);
    let place = Place::find(&args, global)?;
    let recording = place.store.as_ref().map(|store| Recording { store, folder: &place.folder, name: &place.name });
    let cancel = super::interrupt_flag();
    let mut bar = Bar::new(benchmark.questions().len());
    let outcomes = run_all(&model, &benchmark, &profile, &settings, recording.as_ref(), &cancel, &mut bar)
        .map_err(CliError::failed)?;
    bar.bar.finish_and_clear();
    let figures = report(&outcomes);
    if args.json {
        let settings = serde_json::to_value(&settings).map_err(CliError::failed)?;
        let mut json = figures.to_json(&place.name, &settings);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("model".to_owned(), serde_json::to_value(model.info()).map_err(CliError::failed)?);
        }
        println!("{json}");
    } else {
        print!("{}", figures.to_table());
    }
    let kept = place.store.as_ref().map(|s| s.dir().join(&place.folder));
    finish(&outcomes, benchmark.questions().len(), &cancel, kept)
}

impl RunArgs {
    fn selection(&self) -> Selection {
        Selection { tasks: self.tasks.clone(), families: self.families.clone(), limit: self.limit }
    }
}

fn settings_of(args: &RunArgs, limit: usize, profile: &Profile) -> RunSettings {
    RunSettings {
        benchmark: args.bench.clone(),
        tasks: args.tasks.clone(),
        limit,
        tool: args.tool == Switch::On,
        blank_page: args.page == PageArg::Blank,
        crop: match args.crop {
            CropArg::Normal => CropChoice::Normal,
            CropArg::Greyed => CropChoice::Greyed,
            CropArg::Swapped => CropChoice::Swapped,
            CropArg::True => CropChoice::True,
        },
        profile: profile.name.clone(),
        seed: args.seed,
        temperature: args.temperature,
        max_tokens: args.max_tokens,
    }
}

/// Where a run is kept.
struct Place {
    /// None where nothing is recorded.
    store: Option<SessionStore>,
    folder: String,
    name: String,
}

impl Place {
    fn find(args: &RunArgs, global: &Global) -> Result<Self, CliError> {
        let name = format!("run-{}", new_id());
        if args.no_record {
            return Ok(Self { store: None, folder: String::new(), name });
        }
        let (dir, folder, name) = match &args.out {
            Some(out) => {
                let own = out.file_name().map_or(name, |n| n.to_string_lossy().into_owned());
                (out.clone(), String::new(), own)
            }
            None => (locate_dir(global.sessions.clone()).map_err(CliError::failed)?, name.clone(), name),
        };
        Ok(Self { store: Some(SessionStore::open(dir).map_err(CliError::failed)?), folder, name })
    }
}

fn finish(outcomes: &[Outcome], all: usize, cancel: &AtomicBool, kept: Option<PathBuf>) -> CliResult {
    if let Some(folder) = kept {
        eprintln!("sessions: {}", folder.display());
    }
    let failed = outcomes.iter().filter(|o| o.failed).count();
    if cancel.load(Ordering::Relaxed) {
        eprintln!("interrupted after {} of {all} questions", outcomes.len());
        return Err(CliError::Interrupted);
    }
    if failed > 0 {
        eprintln!("{failed} of {all} sessions ended in an error; `panelscope sessions list` names them");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// A progress bar with the running accuracy.
struct Bar {
    bar: ProgressBar,
    right: usize,
}

impl Bar {
    fn new(all: usize) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(all as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} · {msg} · {per_sec} · {eta} left") {
            bar.set_style(style);
        }
        Self { bar, right: 0 }
    }
}

impl Progress for Bar {
    fn finished(&mut self, outcome: &Outcome, done: usize, _all: usize) {
        self.right += usize::from(outcome.score >= 1.0);
        let [low, high] = wilson(self.right, done).map(|v| 100.0 * v);
        let accuracy = 100.0 * self.right as f64 / done.max(1) as f64;
        self.bar.set_message(format!("{accuracy:.1} % right ({low:.0}–{high:.0})"));
        self.bar.set_position(done as u64);
    }
}
