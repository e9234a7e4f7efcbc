//! `panelscope ask`.

mod human;
mod sink;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgGroup, Args, ValueEnum};

pub(super) use self::sink::{Told, ask_one, tell_one};
use super::interrupt_flag;
use super::model_flags::LoadFlags;
use super::model_load::loaded;
use super::pixel_flags::PixelFlags;
use super::record_flags::RecordFlags;
use super::{CliError, CliResult, Global};
use crate::benchmark::{self, BenchmarkError, Question};
use crate::engine::{Ask, Debugging, LocalEngine, PageSource};
use crate::geometry::PageBox;
use crate::model::sampler::Sampling;
use crate::page::Page;
use crate::protocol::Profile;
use crate::session;
use crate::text::one_line;
use crate::trace::breakpoint::Breakpoint;

/// Arguments of `ask`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["page", "id", "page_name"])))]
pub struct AskArgs {
    /// Page to ask about; several are asked about one after another
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "question", conflicts_with_all = ["bench", "id"])]
    page: Vec<PathBuf>,
    /// The question
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    question: Option<String>,
    /// Benchmark the question or page is from: demo, synth:SEED, a folder, or a .cbz
    #[arg(long, value_name = "NAME", default_value = "demo")]
    bench: String,
    /// Id of the benchmark's question
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Name of a page of the benchmark to ask --question about
    #[arg(long, value_name = "NAME", requires = "question", conflicts_with_all = ["page", "id"])]
    page_name: Option<String>,
    /// A choice; repeat it for each (with --id: instead of the benchmark's, for another order)
    #[arg(long, value_name = "TEXT")]
    choice: Vec<String>,
    /// The right answer, to score against
    #[arg(long, value_name = "TEXT")]
    truth: Option<String>,
    /// True region in page pixels; repeat it for several
    #[arg(long, value_name = "X1,Y1,X2,Y2", value_parser = parse_box, allow_hyphen_values = true)]
    target: Vec<PageBox>,
    /// Model: demo, a folder, or owner/name[@revision] on a hub
    #[arg(long, value_name = "MODEL", default_value = "demo")]
    model: String,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    pixels: PixelFlags,
    /// Profile: rarl, grounding, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "rarl")]
    profile: String,
    /// Seed of the sampler
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Always take the likeliest token, without penalty
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "repetition_penalty"])]
    greedy: bool,
    /// Divide logits by this; 0 is greedy (default: the model's own settings, here and below)
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f64>,
    /// Keep the K likeliest tokens; 0 keeps all
    #[arg(long, value_name = "K")]
    top_k: Option<u32>,
    /// Keep the likeliest tokens that have this mass
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// Penalty on tokens of the context; 1 is none
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    repetition_penalty: Option<f64>,
    /// Most tokens to write (the profile's limit also holds)
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Whether the zoom tool is offered
    #[arg(long, value_enum, default_value_t = Switch::On)]
    tool: Switch,
    /// End the session where this fires, such as 'zoom and iou<.3'; repeat it for several
    #[arg(long = "break", value_name = "CONDITION")]
    breakpoint: Vec<Breakpoint>,
    #[command(flatten)]
    looks: RecordFlags,
    /// Do not record the session
    #[arg(long)]
    no_record: bool,
    /// Print the log's own lines
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: AskArgs, global: &Global) -> CliResult {
    if args.json && args.page.len() > 1 {
        return Err(CliError::usage("--json prints one log: give one --page"));
    }
    let profile = Arc::new(Profile::find(&args.profile).map_err(CliError::usage)?);
    // What is wrong with flags and pages is said before a model is fetched and loaded, which may take minutes.
    sampling(&args, Sampling::default())?;
    let choice = args.pixels.on(args.load.choice(Some(&args.model), global)?, global)?;
    let questions = questions(&args)?;
    let cancel = interrupt_flag();
    let model = loaded(&choice, &cancel)?;
    let sampling = sampling(&args, model.generation().sampling)?;
    let mut engine = LocalEngine::new(Arc::new(model));
    let mut worst = ExitCode::SUCCESS;
    for (page, question) in questions {
        let ask = Ask {
            benchmark: args.id.as_ref().or(args.page_name.as_ref()).map(|_| args.bench.clone()),
            sampling,
            seed: args.seed,
            max_tokens: args.max_tokens,
            tool: args.tool == Switch::On,
            debug: Debugging {
                breakpoints: args.breakpoint.clone(),
                looking: args.looks.over(global.settings.record).into(),
                ..Debugging::default()
            },
            ..Ask::new(session::new_id(), page, question, Arc::clone(&profile))
        };
        let told = Told { record: !args.no_record, json: args.json };
        let code = ask_one(&mut engine, &ask, told, global, &cancel)?;
        if code != ExitCode::SUCCESS {
            worst = code;
        }
    }
    Ok(worst)
}

fn questions(args: &AskArgs) -> Result<Vec<(PageSource, Question)>, CliError> {
    let typed =
        || Question { id: "typed".into(), text: args.question.clone().unwrap_or_default(), ..Question::default() };
    let open = || benchmark::open(&args.bench).map_err(CliError::usage);
    let (pages, mut question) = match (&args.id, &args.page_name) {
        (Some(id), _) => {
            let bench = open()?;
            let question = bench.find(id).map_err(CliError::usage)?.clone();
            let page = bench.page(&question).map_err(CliError::failed)?;
            (vec![PageSource::Page(page)], question)
        }
        (None, Some(name)) => {
            let page = open()?.page_named(name).map_err(|e| match e {
                BenchmarkError::NoSuchPage { .. } => CliError::usage(e),
                e => CliError::failed(e),
            })?;
            (vec![PageSource::Page(page)], Question { page: Some(name.clone()), ..typed() })
        }
        (None, None) => {
            for path in &args.page {
                Page::measure(path).map_err(|error| CliError::failed(one_line(&error.to_string())))?;
            }
            (args.page.iter().cloned().map(PageSource::File).collect(), typed())
        }
    };
    if !args.choice.is_empty() {
        question.choices.clone_from(&args.choice);
    }
    if args.truth.is_some() {
        question.truth.clone_from(&args.truth);
    }
    if !args.target.is_empty() {
        question.targets.clone_from(&args.target);
    }
    Ok(pages.into_iter().map(|page: PageSource| (page, question.clone())).collect())
}

/// The model's own settings, with what the flags say.
fn sampling(args: &AskArgs, own: Sampling) -> Result<Sampling, CliError> {
    if args.greedy {
        return Ok(Sampling::default());
    }
    let asked = Sampling {
        temperature: args.temperature.unwrap_or(own.temperature),
        top_k: args.top_k.unwrap_or(own.top_k),
        top_p: args.top_p.unwrap_or(own.top_p),
        repetition_penalty: args.repetition_penalty.unwrap_or(own.repetition_penalty),
    };
    asked.checked().map_err(CliError::usage)
}

/// `x1,y1,x2,y2` in page pixels.
pub(super) fn parse_box(text: &str) -> Result<PageBox, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse::<f64>()).collect();
    let numbers = numbers.ok().and_then(|n| <[f64; 4]>::try_from(n).ok()).filter(|n| n.iter().all(|v| v.is_finite()));
    match numbers {
        Some([x1, y1, x2, y2]) if x1 < x2 && y1 < y2 => Ok(PageBox::new(x1, y1, x2, y2)),
        Some(_) => Err("needs x1 < x2 and y1 < y2".into()),
        None => Err("needs four numbers: x1,y1,x2,y2".into()),
    }
}
