//! `panelscope [PAGE…]`: the explorer.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::interrupt_flag;
use super::look::Look;
use super::model_flags::LoadFlags;
use super::model_load::loaded;
use super::pixel_flags::PixelFlags;
use super::plain::{self, Stock};
use super::sessions::printed;
use super::{CliError, CliResult, Global};
use crate::benchmark;
use crate::config::Config;
use crate::engine::{LocalEngine, StepEngine};
use crate::model::ModelChoice;
use crate::page::Page;
use crate::protocol::Profile;
use crate::run::Manifest;
use crate::text::one_line;
use crate::trace::breakpoint::Breakpoint;
use crate::tui::{self, Options, Outcome, Scripted, Start};

/// Arguments of the explorer.
#[derive(Args, Debug)]
pub struct ExploreArgs {
    /// Comic pages to ask about, or a folder or .cbz of them (default: the demo)
    #[arg(value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    pixels: PixelFlags,
    /// Profile by name or file: how the model is talked to
    #[arg(long, value_name = "P")]
    profile: Option<String>,
    /// Benchmark to list: demo, synth:SEED, a benchmark's folder, a folder of images, or a .cbz
    #[arg(long, value_name = "B")]
    bench: Option<String>,
    /// Follow a run: its folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["pages", "bench", "model", "profile", "dtype", "quant", "resampler", "device", "min_pixels", "max_pixels"])]
    run: Option<PathBuf>,
    /// Do not record sessions
    #[arg(long)]
    no_record: bool,
    /// Lines instead of a screen, for screen readers and pipes: questions are asked by typing their numbers
    #[arg(long, conflicts_with = "run")]
    plain: bool,
    #[command(flatten)]
    look: Look,
    /// Pause where this fires, such as 'zoom and iou<.3'; repeat it for several
    #[arg(long = "break", value_name = "CONDITION")]
    breakpoint: Vec<Breakpoint>,
    /// Ask an engine that says what this file says, a turn a line, instead of a model
    #[arg(long, value_name = "FILE", hide = true)]
    scripted: Option<PathBuf>,
    /// Milliseconds the scripted engine takes for a token
    #[arg(long, value_name = "MS", default_value_t = 0, hide = true)]
    scripted_delay: u64,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ExploreArgs, global: &Global) -> CliResult {
    let mut args = args;
    args.pages_as_bench()?;
    if args.plain {
        return in_lines(&args, global);
    }
    if !io::stdout().is_terminal() {
        return listed(&args, &global.settings);
    }
    let mut options = args.look.options(global)?;
    let settings = &global.settings;
    if let Some(dir) = args.run {
        let manifest = Manifest::read(&dir).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        return open(Start::Run(dir, Box::new(manifest)), options);
    }
    if let Some(bench) = args.bench.as_ref().or(settings.bench.as_ref()) {
        options.bench.clone_from(bench);
    }
    options.model = args.choice(global)?;
    if let Some(profile) = args.profile.as_ref().or(settings.profile.as_ref()) {
        options.profile = Arc::new(Profile::find(profile).map_err(CliError::usage)?);
    }
    options.record = !args.no_record;
    options.breakpoints.extend(args.breakpoint.iter().cloned());
    options.scripted = args.script()?;
    if options.scripted.is_none() {
        // Said plainly, and not on a screen that opens in vain.
        let failed = |error| CliError::failed(one_line(&format!("cannot load the model: {error}")));
        options.model.check().map_err(failed)?;
    }
    args.check_pages()?;
    let start = if args.pages.is_empty() { Start::Demo } else { Start::Pages(args.pages) };
    open(start, options)
}

/// The explorer in lines.
fn in_lines(args: &ExploreArgs, global: &Global) -> CliResult {
    let settings = &global.settings;
    args.check_pages()?;
    let stock = if args.pages.is_empty() {
        let bench = args.bench.as_deref().or(settings.bench.as_deref()).unwrap_or("demo");
        Stock::Bench(Box::new(benchmark::open(bench).map_err(CliError::usage)?))
    } else {
        Stock::Pages(args.pages.clone())
    };
    let profile = args.profile.as_deref().or(settings.profile.as_deref()).unwrap_or("rarl");
    let profile = Arc::new(Profile::find(profile).map_err(CliError::usage)?);
    let mut breakpoints = args.look.options(global)?.breakpoints;
    breakpoints.extend(args.breakpoint.iter().cloned());
    let cancel = interrupt_flag();
    let engine: Box<dyn StepEngine + Send> = match args.script()? {
        Some(script) => script.engine(),
        None => {
            let model = loaded(&args.choice(global)?, &cancel)?;
            Box::new(LocalEngine::new(Arc::new(model)))
        }
    };
    let setting = plain::Setting { stock, engine, profile, breakpoints, record: !args.no_record, global };
    plain::run(setting, cancel)
}

/// Opens the explorer.
pub(super) fn open(start: Start, options: Options) -> CliResult {
    match tui::run(start, options) {
        Ok(Outcome::Quit) => Ok(ExitCode::SUCCESS),
        Ok(Outcome::Interrupted) => Err(CliError::Interrupted),
        Err(why) => Err(CliError::failed(one_line(&why.to_string()))),
    }
}

/// Whether a file's name is that of an archive of pages; of what is not read, the benchmark room says so.
fn is_archive(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    path.is_file() && ["cbz", "zip", "cbr", "rar", "cb7", "7z", "cbt", "pdf", "epub"].contains(&ending.as_str())
}

/// Where stdout is no terminal: the questions, a line each.
fn listed(args: &ExploreArgs, settings: &Config) -> CliResult {
    if let Some(dir) = &args.run {
        Manifest::read(dir).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        return Err(CliError::usage(format!(
            "following a run needs a terminal; {} holds a line for every finished session",
            one_line(&dir.join("summary.jsonl").display().to_string())
        )));
    }
    if !args.pages.is_empty() {
        return Err(CliError::usage(
            "the explorer needs a terminal; `panelscope --plain PAGE` and `panelscope ask --page FILE --question TEXT` do not",
        ));
    }
    let bench = args.bench.as_deref().or(settings.bench.as_deref()).unwrap_or("demo");
    let bench = benchmark::open(bench).map_err(CliError::usage)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut rows = bench.questions().iter();
    let mut written = rows.try_for_each(|q| {
        let task = q.task.map(|t| t.name()).unwrap_or_default();
        writeln!(out, "{}  {task:<20}  {}", one_line(&q.id), one_line(&q.text))
    });
    if bench.questions().is_empty() {
        let pages = bench.pages().map_err(CliError::failed)?;
        written = pages.iter().try_for_each(|name| writeln!(out, "{}", one_line(name)));
    }
    printed(written.and_then(|()| out.flush()), ExitCode::SUCCESS)
}

impl ExploreArgs {
    /// The model to ask: by flag, else by configuration, else the shipped one.
    fn choice(&self, global: &Global) -> Result<ModelChoice, CliError> {
        let choice = self.load.choice(self.model.as_deref().or(global.settings.model.as_deref()), global)?;
        self.pixels.on(choice, global)
    }

    /// A folder or an archive in the place of the page is opened as `--bench` opens it.
    fn pages_as_bench(&mut self) -> Result<(), CliError> {
        let Some(many) = self.pages.iter().find(|page| page.is_dir() || is_archive(page)) else { return Ok(()) };
        let name = one_line(&many.display().to_string()).into_owned();
        if self.pages.len() > 1 || self.bench.is_some() {
            return Err(CliError::usage(format!("{name} holds pages of its own; give it alone, as --bench {name}")));
        }
        let Some(path) = many.to_str() else {
            return Err(CliError::usage(format!("the name of {name} is not Unicode")));
        };
        // A benchmark's name would mean one that the program ships.
        let path = if path == "demo" || path.starts_with("synth:") { format!("./{path}") } else { path.to_owned() };
        benchmark::open(&path).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        self.bench = Some(path);
        self.pages.clear();
        Ok(())
    }

    /// What is no page is said before the screen is taken; damage deeper in a file is seen where it is shown.
    fn check_pages(&self) -> Result<(), CliError> {
        for page in &self.pages {
            if !page.is_file() {
                return Err(CliError::usage(one_line(&format!("{} is not a file", page.display()))));
            }
            Page::measure(page).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        }
        Ok(())
    }

    fn script(&self) -> Result<Option<Scripted>, CliError> {
        let Some(path) = &self.scripted else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))?;
        let turns = text.lines().map(str::to_owned).collect();
        Ok(Some(Scripted { turns, delay: Duration::from_millis(self.scripted_delay) }))
    }
}
