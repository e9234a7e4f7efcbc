//! `panelscope run`: every question of a benchmark, and the figures.

mod place;
mod progress;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};

use self::place::{Target, locate, resume_command};
use self::progress::Bars;
use super::model_flags::{LoadFlags, Loading};
use super::model_load::loaded;
use super::pixel_flags::PixelFlags;
use super::record_flags::RecordFlags;
use super::selection::SelectionArgs;
use super::sessions::printed;
use super::{CliError, CliResult, Global};
use crate::benchmark::open_with;
use crate::model::ModelChoice;
use crate::protocol::Profile;
use crate::run::{
    CropChoice, Job, Manifest, ManifestError, PageChoice, RunError, RunFolder, RunPlace, RunReport, RunSettings,
    run as run_in_memory, table,
};
use crate::session::{SessionSummary, new_id};
use crate::text::one_line;

/// Most seeds a question is asked with.
const MOST_SEEDS: u32 = 10_000;
/// Most sessions that are stepped together.
const MOST_SESSIONS: u16 = 1024;

/// Arguments of `run`. What is not given is as in the run that is resumed, else as usual.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Benchmark: demo (the default), synth:SEED for pages drawn on the fly, or a benchmark's folder
    #[arg(long)]
    bench: Option<String>,
    /// Model: demo (the default), a Hugging Face folder, or owner/name[@revision] on a hub
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    pixels: PixelFlags,
    #[command(flatten)]
    which: SelectionArgs,
    /// Ask each question so many times, with the sampler's seeds from --seed on
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SEEDS)))]
    seeds: Option<u32>,
    /// Offer the zoom tool [default: on]
    #[arg(long, value_enum)]
    tool: Option<Switch>,
    /// What the model sees as page [default: normal]
    #[arg(long, value_enum)]
    page: Option<PageArg>,
    /// What the tool returns: the crop asked for (the default), a grey one, another panel, or the true region
    #[arg(long, value_enum)]
    crop: Option<CropArg>,
    /// Profile: rarl (the default), grounding, or a TOML file
    #[arg(long)]
    profile: Option<String>,
    /// Seed of the sampler [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Sampling temperature; 0, the default, is greedy
    #[arg(long, allow_negative_numbers = true)]
    temperature: Option<f64>,
    /// Most tokens a session may write
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Sessions stepped together; 1, the default, is the reproducible case
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_SESSIONS)))]
    concurrency: Option<u16>,
    /// Folder for the run's manifest, logs and summary.jsonl (default: one of its own in the sessions folder); a run that
    /// is there already is gone on with
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder (or of this name in the sessions folder)
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Ask the sessions that ended in an error again
    #[arg(long)]
    retry_failed: bool,
    #[command(flatten)]
    looks: RecordFlags,
    /// Keep no sessions
    #[arg(long, conflicts_with_all = ["out", "resume", "retry_failed"])]
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
/// Wrong flags, a benchmark or model that cannot be opened, a folder that cannot be written or holds another run.
pub fn run(args: RunArgs, global: &Global) -> CliResult {
    let target = locate(args.out.as_deref(), args.resume.as_deref(), args.no_record, global)?;
    let known = match &target {
        Target::Resume(_, manifest) => Some(manifest.settings.clone()),
        _ => None,
    };
    let settings = args.settings(known, global)?;
    if settings.seeds > 1 && settings.temperature == 0.0 {
        eprintln!("with --temperature 0 every seed gives the same answer");
    }
    let profile = Arc::new(Profile::find(&settings.profile).map_err(CliError::usage)?);
    let benchmark = open_with(&settings.benchmark, &settings.selection()).map_err(CliError::usage)?;
    if benchmark.questions().is_empty() && settings.selection().limit != Some(0) {
        let what = "has pages and no questions; `panelscope ask --bench B --page-name NAME --question TEXT` asks one";
        return Err(CliError::usage(format!("{} {what}", settings.benchmark)));
    }
    let loading = Loading { device: args.load.device(global)?, ..args.loading(&settings) };
    let choice = ModelChoice { pixels: settings.pixels, ..loading.of(Some(&settings.model))? };
    let no_more = super::interrupt_flag();
    let model = Arc::new(loaded(&choice, &no_more)?);
    let job = Job { model: &model, questions: &benchmark, profile: &profile, settings: &settings, no_more: &no_more };
    let done = match target {
        Target::Nowhere => unrecorded(&job)?,
        Target::Place(place) | Target::Resume(place, _) => recorded(&job, place, args.retry_failed)?,
    };
    show(&done, &settings, &job, args.json)?;
    finish(&done, &no_more)
}

/// What a run came to.
struct Done {
    run: String,
    sessions: Vec<SessionSummary>,
    planned: usize,
    folder: Option<PathBuf>,
    /// The first session that failed in this program, and why.
    fault: Option<(String, String)>,
}

fn unrecorded(job: &Job<'_>) -> Result<Done, CliError> {
    let planned = job.questions.questions().len().saturating_mul(job.settings.seeds as usize);
    let mut bars = Bars::new(job, &[], planned);
    let sessions = bars.watch(job.no_more, |bars| run_in_memory(job, bars)).map_err(failure)?;
    Ok(Done { run: format!("run-{}", new_id()), sessions, planned, folder: None, fault: bars.first_fault() })
}

fn recorded(job: &Job<'_>, place: RunPlace, retry_failed: bool) -> Result<Done, CliError> {
    let (blobs, name) = (place.blobs(), place.sub.clone());
    // A run in the sessions folder is called as its folder; one of its own may be called anything.
    let id = if name.is_empty() { format!("run-{}", new_id()) } else { name };
    let asked = Manifest::new(id, job.settings, job.questions, job.model.info(), job.profile, blobs);
    let mut folder = RunFolder::open(place, asked, retry_failed).map_err(failure)?;
    let (before, planned) = (folder.summaries(), folder.manifest().items);
    eprintln!("run {} in {}", folder.manifest().run, folder.dir().display());
    if !before.is_empty() {
        eprintln!("{} of {planned} sessions are done already", before.len());
    }
    if let Some(line) = broken_line(folder.broken()) {
        eprintln!("{line}");
    }
    let mut bars = Bars::new(job, &before, planned);
    let ran = bars.watch(job.no_more, |bars| folder.run(job, bars));
    if let Err(error) = ran {
        eprintln!("go on with: {}", resume_command(&folder.dir()));
        return Err(failure(error));
    }
    let fault = bars.first_fault();
    let run = folder.manifest().run.clone();
    Ok(Done { run, sessions: folder.summaries(), planned, folder: Some(folder.dir()), fault })
}

/// What is said of sessions that only their summary knows.
fn broken_line(ids: &[String]) -> Option<String> {
    let first = ids.first()?;
    let (whose, them) = match ids.len() {
        1 => (format!("the log of {first}"), "it is"),
        n => (format!("the logs of {n} finished sessions, such as {first},"), "they are"),
    };
    Some(format!("warning: {whose} cannot be read to the end or cannot be found; {them} asked again"))
}

fn failure(error: RunError) -> CliError {
    match error {
        RunError::NotARun { .. }
        | RunError::Manifest(ManifestError::Differs { .. } | ManifestError::Missing { .. }) => CliError::usage(error),
        other => CliError::failed(other),
    }
}

fn show(done: &Done, settings: &RunSettings, job: &Job<'_>, json: bool) -> Result<(), CliError> {
    let figures = RunReport::of(&done.sessions, done.planned);
    if !json {
        return printed(write!(std::io::stdout(), "{}", table(&figures)), ExitCode::SUCCESS).map(drop);
    }
    let settings = serde_json::to_value(settings).map_err(CliError::failed)?;
    let mut json = figures.to_json(&done.run, &settings);
    if let Some(fields) = json.as_object_mut() {
        fields.insert("model".to_owned(), serde_json::to_value(job.model.info()).map_err(CliError::failed)?);
    }
    printed(writeln!(std::io::stdout(), "{json}"), ExitCode::SUCCESS).map(drop)
}

fn finish(done: &Done, no_more: &AtomicBool) -> CliResult {
    let asked = done.sessions.len();
    if asked < done.planned && no_more.load(Ordering::Relaxed) {
        eprintln!("interrupted after {asked} of {} sessions", done.planned);
        if let Some(folder) = &done.folder {
            eprintln!("go on with: {}", resume_command(folder));
        }
        return Err(CliError::Interrupted);
    }
    let failed: Vec<_> = done.sessions.iter().filter(|s| s.reason.as_deref() == Some("error")).collect();
    if let Some(first) = failed.first() {
        let such = match &done.fault {
            Some((id, why)) => format!("{id}: {}", one_line(why)),
            None => first.id.clone(),
        };
        eprintln!("{} of {asked} sessions ended in an error, such as {such}", failed.len());
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

impl RunArgs {
    /// How the model is loaded: by flags, else as settings say.
    fn loading(&self, known: &RunSettings) -> Loading {
        let (dtype, quant, resampler) = (known.dtype, known.quant, known.resampler);
        self.load.or(Loading { dtype, quant, resampler, ..Loading::default() })
    }

    /// The settings: what is given, else what is known.
    fn settings(&self, resumed: Option<RunSettings>, global: &Global) -> Result<RunSettings, CliError> {
        let (loading, pixels) = match &resumed {
            // A run goes on as it began, whatever the configuration says by now.
            Some(known) => (self.loading(known), self.pixels.or(known.pixels)?),
            None => (self.load.loading(global)?, self.pixels.limits(global)?),
        };
        let known = resumed.unwrap_or_else(|| RunSettings { record: global.settings.record, ..RunSettings::default() });
        let which = self.which.selection();
        let temperature = self.temperature.unwrap_or(known.temperature);
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(CliError::usage("--temperature must be a number from 0 on"));
        }
        let seeds = self.seeds.unwrap_or(known.seeds);
        let concurrency = self.concurrency.map_or(known.concurrency, usize::from);
        // Flags are checked when they are parsed; a manifest may say anything.
        if !(1..=MOST_SEEDS).contains(&seeds) || !(1..=usize::from(MOST_SESSIONS)).contains(&concurrency) {
            return Err(CliError::usage("the manifest's seeds or concurrency are no numbers a run can have"));
        }
        Ok(RunSettings {
            benchmark: self.bench.clone().unwrap_or(known.benchmark),
            model: self.model.clone().unwrap_or(known.model),
            dtype: loading.dtype,
            quant: loading.quant,
            resampler: loading.resampler,
            pixels,
            profile: self.profile.clone().unwrap_or(known.profile),
            tasks: if which.tasks.is_empty() { known.tasks } else { which.tasks },
            families: if which.families.is_empty() { known.families } else { which.families },
            limit: which.limit.or(known.limit),
            seeds,
            seed: self.seed.unwrap_or(known.seed),
            temperature,
            max_tokens: self.max_tokens.or(known.max_tokens),
            tool: self.tool.map_or(known.tool, |s| s == Switch::On),
            page: self.page.map_or(known.page, |p| match p {
                PageArg::Normal => PageChoice::Normal,
                PageArg::Blank => PageChoice::Blank,
            }),
            crop: self.crop.map_or(known.crop, |c| match c {
                CropArg::Normal => CropChoice::Normal,
                CropArg::Greyed => CropChoice::Greyed,
                CropArg::Swapped => CropChoice::Swapped,
                CropArg::True => CropChoice::True,
            }),
            concurrency,
            record: self.looks.over(known.record),
        })
    }
}
