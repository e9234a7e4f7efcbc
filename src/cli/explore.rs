//! `panelscope [PAGE…]`: the explorer.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::images_flag::ImagesFlag;
use super::sessions::{printed, store};
use super::{CliError, CliResult, Global};
use crate::benchmark;
use crate::demo;
use crate::model::sampler::Sampling;
use crate::protocol::Profile;
use crate::run::Manifest;
use crate::text::one_line;
use crate::tui::{self, Options, Outcome, Scripted, Start, ThemeChoice};

/// Arguments of the explorer.
#[derive(Args, Debug)]
pub struct ExploreArgs {
    /// Comic pages to ask about (default: the demo)
    #[arg(value_name = "PAGE")]
    pages: Vec<PathBuf>,
    /// Model folder, or `demo`
    #[arg(long, value_name = "DIR")]
    model: Option<String>,
    /// Profile by name or file: how the model is talked to
    #[arg(long, value_name = "P", default_value = "rarl")]
    profile: String,
    /// Benchmark to list: demo, synth:SEED, a benchmark's folder, a folder of images, or a .cbz
    #[arg(long, value_name = "B", default_value = "demo")]
    bench: String,
    /// Follow a run: its folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["pages", "bench", "model", "profile"])]
    run: Option<PathBuf>,
    /// Do not record sessions
    #[arg(long)]
    no_record: bool,
    #[command(flatten)]
    look: Look,
    /// Ask an engine that says what this file says, a turn a line, instead of a model
    #[arg(long, value_name = "FILE", hide = true)]
    scripted: Option<PathBuf>,
    /// Milliseconds the scripted engine takes for a token
    #[arg(long, value_name = "MS", default_value_t = 0, hide = true)]
    scripted_delay: u64,
}

/// How the explorer looks.
#[derive(Args, Debug, Clone)]
pub(super) struct Look {
    /// How pixels reach the terminal
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    images: ImagesFlag,
    /// Colours
    #[arg(long, value_enum, default_value_t, value_name = "THEME")]
    theme: ThemeFlag,
}

/// Which theme.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeFlag {
    /// As the terminal's background is known to be, else dark
    #[default]
    Auto,
    /// Dark
    Dark,
    /// Light
    Light,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: ExploreArgs, global: &Global) -> CliResult {
    if !io::stdout().is_terminal() {
        return plain(&args);
    }
    let mut options = args.look.options(global)?;
    if let Some(dir) = args.run {
        let manifest = Manifest::read(&dir).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        return open(Start::Run(dir, Box::new(manifest)), options);
    }
    options.bench.clone_from(&args.bench);
    options.model = demo::model_named(args.model.as_deref());
    options.profile = Arc::new(Profile::find(&args.profile).map_err(CliError::usage)?);
    options.record = !args.no_record;
    options.scripted = args.script()?;
    if let Some(missing) = args.pages.iter().find(|p| !p.is_file()) {
        return Err(CliError::usage(one_line(&format!("{} is not a file", missing.display()))));
    }
    let start = if args.pages.is_empty() { Start::Demo } else { Start::Pages(args.pages) };
    open(start, options)
}

/// Opens the explorer.
pub(super) fn open(start: Start, options: Options) -> CliResult {
    match tui::run(start, options) {
        Ok(Outcome::Quit) => Ok(ExitCode::SUCCESS),
        Ok(Outcome::Interrupted) => Err(CliError::Interrupted),
        Err(why) => Err(CliError::failed(one_line(&why.to_string()))),
    }
}

/// Where stdout is no terminal: the questions, a line each.
fn plain(args: &ExploreArgs) -> CliResult {
    if let Some(dir) = &args.run {
        Manifest::read(dir).map_err(|why| CliError::usage(one_line(&why.to_string())))?;
        return Err(CliError::usage(format!(
            "following a run needs a terminal; {} holds a line for every finished session",
            one_line(&dir.join("summary.jsonl").display().to_string())
        )));
    }
    if !args.pages.is_empty() {
        return Err(CliError::usage(
            "the explorer needs a terminal; `panelscope ask --page FILE --question TEXT` does not",
        ));
    }
    let bench = benchmark::open(&args.bench).map_err(CliError::usage)?;
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
    fn script(&self) -> Result<Option<Scripted>, CliError> {
        let Some(path) = &self.scripted else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))?;
        let turns = text.lines().map(str::to_owned).collect();
        Ok(Some(Scripted { turns, delay: Duration::from_millis(self.scripted_delay) }))
    }
}

impl Look {
    /// Options for the demo with this look.
    ///
    /// # Errors
    /// The sessions folder or the built-in profile cannot be used.
    pub(super) fn options(&self, global: &Global) -> Result<Options, CliError> {
        Ok(Options {
            images: self.images.mode(),
            theme: match self.theme {
                ThemeFlag::Auto => ThemeChoice::Auto,
                ThemeFlag::Dark => ThemeChoice::Dark,
                ThemeFlag::Light => ThemeChoice::Light,
            },
            bench: "demo".to_owned(),
            model: demo::model_source(),
            profile: Arc::new(Profile::builtin("rarl").map_err(CliError::failed)?),
            sampling: Sampling::default(),
            seed: 0,
            store: Some(store(global)?),
            record: true,
            speed: 1.0,
            scripted: None,
            run: None,
        })
    }

    /// Whether a light theme was not asked for.
    pub(super) fn is_dark(&self) -> bool {
        self.theme != ThemeFlag::Light
    }

    /// How pixels reach the terminal.
    pub(super) const fn images(&self) -> ImagesFlag {
        self.images
    }
}
