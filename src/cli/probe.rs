//! `panelscope probe`.

mod show;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;
use image::RgbImage;

use self::show::Watching;
use self::target::{Target, find};
use super::interrupt_flag;
use super::model_flags::LoadFlags;
use super::model_load::loaded;
use super::sessions::store;
use super::{CliError, CliResult, Global};
use crate::benchmark::Benchmark;
use crate::engine::{Ask, ImageCache, LocalEngine, PageSource, StepEngine};
use crate::probe::{
    Lab, ProbeError, ProbeFolder, ProbeKind, Report, RunReport, Settings, Setup, Sources, Step, Subject, chosen, probe,
    probe_run, usual_place,
};
use crate::protocol::Profile;
use crate::run::RunPlace;
use crate::session::filter::Filter;
use crate::text::one_line;
use crate::tui::sweep_png;

/// Bytes of image embeddings that are kept.
const KEPT_IMAGES: usize = 64 << 20;

/// Arguments of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArgs {
    /// find (can't find or can't see), crop (does the crop matter), tool (does the tool), guess (is it guessing), sweep (where on
    /// the page does it matter)
    #[arg(value_name = "NAME")]
    name: ProbeKind,
    /// A session's id or log, a question's id (with --bench), or a run's name or folder
    #[arg(value_name = "SESSION|QUESTION|RUN")]
    what: String,
    /// Benchmark of the question, or of a session's page where that is not kept: demo (the default), synth:SEED, a folder
    #[arg(long, value_name = "B")]
    bench: Option<String>,
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    model: String,
    #[command(flatten)]
    load: LoadFlags,
    /// Profile (default: the session's; rarl for a question)
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Number of the tool call that is changed [default: the first; for sweep the last]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    zoom: Option<u32>,
    /// sweep: columns of the grid's blocks; regions are two and three blocks wide [default: two blocks are as wide as the target]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    columns: Option<u32>,
    /// guess: most orders of the choices
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=50))]
    orders: u16,
    /// sweep: what stands between crop and answer: think (the model thinks until it would answer or call), nothing, own (what
    /// it said there in the session), or any other text
    #[arg(long, value_name = "WORDS", default_value = "think")]
    before: String,
    /// Ask the question anew, greedily and with the tool, where the session is another model's or another profile's
    #[arg(long)]
    rerun: bool,
    /// Of a run: only sessions that fit, such as 'label:looked-wrong family:depth' (docs/FILTERS.md), right ones too
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<Filter>,
    /// Of a run: also sessions that are right
    #[arg(long)]
    all: bool,
    /// Of a run: most sessions, spread over the tasks
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Folder for the forks and probe.json (default: one in the sessions folder that the same command finds again)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// sweep: write the page with the heat map to this file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ProbeArgs, global: &Global) -> CliResult {
    let store = store(global)?;
    if args.png.is_some() && args.name != ProbeKind::Sweep {
        return Err(CliError::usage("--png is the picture of a sweep"));
    }
    let target = find(&args, &store, &global.settings.analysis)?;
    if args.png.is_some() && matches!(target, Target::Run(_)) {
        return Err(CliError::usage("--png is the picture of one session; name one of the run"));
    }
    let named = args.profile.as_deref().map(Profile::find).transpose().map_err(CliError::usage)?.map(Arc::new);
    let bench = match (&target, &args.bench) {
        (Target::Question(bench, _), _) => Some(bench),
        _ => None,
    };
    let opened = bench.is_none().then(|| args.opened_bench()).transpose()?.flatten();
    let sources = Sources { bench: bench.map(|b| &**b).or(opened.as_ref()), profile: named.as_ref() };
    let cancel = interrupt_flag();
    let model = loaded(&args.load.choice(Some(&args.model), global)?, &cancel)?;
    let images = Arc::new(ImageCache::new(KEPT_IMAGES));
    let mut engine = LocalEngine::with_images(Arc::new(model), images);
    let setup = Setup {
        profile: named.as_ref().map(|profile| profile.hash()).unwrap_or_default(),
        ..Setup::new(args.name, target.of(), &target.subject(), &args.settings(), engine.info())
    };
    let place = match &args.out {
        Some(dir) => RunPlace::own(dir.clone()).map_err(CliError::usage)?,
        None => usual_place(&store, &setup),
    };
    let mut folder = ProbeFolder::open(place, setup).map_err(failure)?;
    eprintln!("probe {} in {}", args.name, folder.dir().display());
    let profile = named.clone().map_or_else(|| Profile::builtin("rarl").map(Arc::new), Ok).map_err(CliError::usage)?;
    let mut watching = Watching::new();
    let (clock, before) = (Instant::now(), folder.logs().len());
    let found =
        watching.watch(|told| work(&args, &target, (&mut engine, &mut folder), &cancel, (sources, &profile), told));
    let found = found.map_err(failure)?;
    eprintln!("{} forks run, {before} were there, {:.1} s", folder.fresh(), clock.elapsed().as_secs_f64());
    match found {
        Found::One(report, page) => {
            folder.finish(&*report).map_err(failure)?;
            if let Some(file) = &args.png {
                picture(file, &page, &report)?;
            }
            show::one(&report, args.json)?;
        }
        Found::Many(report) => {
            folder.finish(&*report).map_err(failure)?;
            show::many(&report, args.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

enum Found {
    One(Box<Report>, Arc<RgbImage>),
    Many(Box<RunReport>),
}

fn work(
    args: &ProbeArgs,
    target: &Target,
    (engine, folder): (&mut LocalEngine, &mut ProbeFolder),
    cancel: &AtomicBool,
    (sources, profile): (Sources<'_>, &Arc<Profile>),
    told: &mut dyn FnMut(&Step),
) -> Result<Found, ProbeError> {
    let step = Step { sessions: (0, 1), ..Step::default() };
    let mut lab = Lab { engine, folder, cancel, told, step };
    let kind = args.name;
    let (subject, report);
    match target {
        Target::Session(path) => {
            let recorded = Subject::open(path, sources).or_else(|error| match error {
                ProbeError::OtherProfile { .. } if args.rerun => Subject::in_any_way(path, sources, profile),
                other => Err(other),
            })?;
            let other_way = recorded.start.profile_hash != recorded.profile.hash();
            let stranger = recorded.same_model(&lab.engine.info()).is_err() || other_way;
            subject = if args.rerun && (stranger || !recorded.start.tool) {
                eprintln!("asking the question of {} anew: it was recorded otherwise", recorded.id());
                lab.anew(&recorded, if stranger { profile } else { &recorded.profile })?
            } else {
                recorded
            };
            report = probe(kind, &subject, &mut lab)?;
        }
        Target::Question(bench, question) => {
            let page = PageSource::Page(bench.page(question).map_err(|e| ProbeError::Unfit(e.to_string()))?);
            let ask = Ask {
                benchmark: Some(bench.name().to_owned()),
                ..Ask::new(String::new(), page, (**question).clone(), Arc::clone(profile))
            };
            subject = lab.asked(&question.id, ask, Sources { profile: Some(profile), ..sources })?;
            report = probe(kind, &subject, &mut lab)?;
        }
        Target::Run(run) => {
            let wanted = chosen(run.sessions(args.filter.as_ref()), &lab.settings());
            let logs = wanted.into_iter().filter_map(|summary| run.log(&summary.id).map(|path| (summary, path)));
            let logs: Vec<_> = logs.collect();
            return Ok(Found::Many(Box::new(probe_run(kind, &run.name, &logs, &mut lab, sources, profile)?)));
        }
    }
    Ok(Found::One(Box::new(report), Arc::clone(&subject.page.pixels)))
}

/// Writes a sweep's picture.
fn picture(file: &Path, page: &RgbImage, report: &Report) -> Result<(), CliError> {
    let png = sweep_png(page, report).ok_or_else(|| CliError::failed("there is no memory for the picture"))?;
    let told = |why| CliError::failed(format!("{}: {why}", one_line(&file.display().to_string())));
    std::fs::write(file, png).map_err(told)
}

fn failure(error: ProbeError) -> CliError {
    match error {
        ProbeError::Stopped => {
            eprintln!("{error}");
            CliError::Interrupted
        }
        ProbeError::Taken { .. } => CliError::usage(error),
        other => CliError::failed(other),
    }
}

impl ProbeArgs {
    fn settings(&self) -> Settings {
        Settings {
            zoom: self.zoom,
            columns: self.columns,
            orders: usize::from(self.orders),
            before: self.before.clone(),
            rerun: self.rerun,
            all: self.all,
            limit: self.limit,
            filter: self.filter.as_ref().map(|filter| filter.text().to_owned()),
        }
    }

    fn opened_bench(&self) -> Result<Option<Benchmark>, CliError> {
        self.bench.as_deref().map(crate::benchmark::open).transpose().map_err(CliError::usage)
    }
}
