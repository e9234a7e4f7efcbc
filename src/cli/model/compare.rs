//! `panelscope model compare`: what quantising, or another format, costs.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use serde::Serialize;

use super::{fallen_line, print};
use crate::benchmark::open_with;
use crate::cli::model_flags::LoadFlags;
use crate::cli::model_load::{fetched, loaded};
use crate::cli::pixel_flags::PixelFlags;
use crate::cli::selection::SelectionArgs;
use crate::cli::{CliError, CliResult, Global, interrupt_flag};
use crate::engine::{Ask, Beside, Gap, PageSource, run_to_end};
use crate::model::inspect::fallen_back;
use crate::model::sampler::Sampling;
use crate::model::{DtypeChoice, LoadOptions, ModelChoice};
use crate::protocol::Profile;
use crate::session::new_id;
use crate::text::one_line;
use crate::trace::ModelInfo;

/// Questions that are asked where nobody says how many.
const USUAL: usize = 20;

/// Arguments of `model compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// The model that answers, as its files are
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// The model that is held against it [default: the same, loaded as --dtype and --quant say]
    #[arg(value_name = "OTHER")]
    other: Option<String>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    pixels: PixelFlags,
    /// Benchmark whose questions are asked
    #[arg(long, value_name = "B", default_value = "demo")]
    bench: String,
    #[command(flatten)]
    which: SelectionArgs,
    /// How the models are talked to: a profile's name or file
    #[arg(long, value_name = "NAME|FILE", default_value = "rarl")]
    profile: String,
    /// Most tokens to write in a session
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The answer. Fields may be added; these stay.
#[derive(Debug, Serialize)]
struct Report {
    v: u32,
    reference: ModelInfo,
    other: ModelInfo,
    /// Matrices of the other that could not be kept in the format asked for.
    other_fell_back: usize,
    questions: usize,
    tokens: usize,
    kl_mean: f64,
    kl_p99: f64,
    kl_max: f64,
    same_top: f64,
}

/// Runs the command.
///
/// # Errors
/// A model or a benchmark cannot be opened, or the models do not belong together.
pub fn run(args: &CompareArgs, global: &Global) -> CliResult {
    let [reference, other] = args.choices(global)?;
    let profile = Arc::new(Profile::find(&args.profile).map_err(CliError::usage)?);
    let selection = args.which.selection();
    let selection = crate::benchmark::Selection { limit: selection.limit.or(Some(USUAL)), ..selection };
    let bench = open_with(&args.bench, &selection).map_err(CliError::usage)?;
    let cancel = interrupt_flag();
    let reference = Arc::new(loaded(&reference, &cancel)?);
    let other = fetched(&other, Some(&cancel))?;
    let options = LoadOptions { dtype: other.dtype, quant: other.quant, ..LoadOptions::default() };
    let fallen = fallen_back(&other.source, &options).map_err(CliError::failed)?;
    let other = Arc::new(loaded(&other, &cancel)?);
    let infos = [reference.info(), other.info()];
    let mut engine = Beside::new(reference, other).map_err(CliError::usage)?;
    let count = bench.questions().len();
    for (number, question) in (1..).zip(bench.questions()) {
        let page = bench.page(question).map_err(CliError::failed)?;
        let ask = Ask {
            sampling: Sampling::default(),
            max_tokens: args.max_tokens,
            ..Ask::new(new_id(), PageSource::Page(page), question.clone(), Arc::clone(&profile))
        };
        let outcome = run_to_end(&mut engine, &ask, &mut |_| {}, &cancel);
        if let Some(error) = outcome.error {
            return Err(CliError::failed(one_line(&format!("{}: {}", question.id, error.message))));
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(CliError::Interrupted);
        }
        if std::io::stderr().is_terminal() {
            eprint!("\r{number} of {count} questions, {} tokens", engine.gap().divergences.len());
        }
    }
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    let report = Report { other_fell_back: fallen.instead.len(), ..report(infos, count, engine.gap()) };
    let mut lines = match args.json {
        true => vec![serde_json::to_string(&report).map_err(CliError::failed)?],
        false => report.lines(),
    };
    let line = fallen_line(&fallen.instead, fallen.matrices, options.quant);
    if let Some(line) = line.filter(|_| !args.json) {
        lines.insert(2, format!("             {line}"));
    }
    print(&lines).map(|()| ExitCode::SUCCESS)
}

impl CompareArgs {
    /// The reference as its files are, and what is held against it.
    fn choices(&self, global: &Global) -> Result<[ModelChoice; 2], CliError> {
        let reference = self.load.as_stored(Some(&self.reference), global)?;
        let other = self.load.choice(Some(self.other.as_deref().unwrap_or(&self.reference)), global)?;
        if self.other.is_none() && other.dtype == DtypeChoice::Auto && other.quant.is_none() {
            return Err(CliError::usage(
                "nothing is held against the reference: give a format, such as --quant q4_k_m or --dtype bf16, or another model",
            ));
        }
        Ok([self.pixels.on(reference, global)?, self.pixels.on(other, global)?])
    }
}

fn report([reference, other]: [ModelInfo; 2], questions: usize, gap: &Gap) -> Report {
    Report {
        v: 1,
        reference,
        other,
        other_fell_back: 0,
        questions,
        tokens: gap.divergences.len(),
        kl_mean: gap.mean(),
        kl_p99: gap.quantile(0.99),
        kl_max: gap.quantile(1.0),
        same_top: gap.agreement(),
    }
}

impl Report {
    fn lines(&self) -> Vec<String> {
        let name =
            |info: &ModelInfo| one_line(&format!("{} ({}, {})", info.name, info.dtype, info.device)).into_owned();
        vec![
            format!("reference    {}", name(&self.reference)),
            format!("other        {}", name(&self.other)),
            format!("asked        {} questions, {} tokens of the reference", self.questions, self.tokens),
            format!("KL, mean     {:.6} nats", self.kl_mean),
            format!("KL, 99 %     {:.6} nats", self.kl_p99),
            format!("KL, largest  {:.6} nats", self.kl_max),
            format!("same top     {:.2} %", 100.0 * self.same_top),
        ]
    }
}
