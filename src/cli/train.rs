//! `panelscope train`.

mod plot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use candle_core::Device;
use clap::{Args, Subcommand};

use super::{CliError, CliResult, Global, interrupt_flag};
use crate::protocol::Profile;
use crate::train::config::Settings;
use crate::train::data::DrawnSource;
use crate::train::progress::{Opening, Progress};
use crate::train::source::PageSource;
use crate::train::trainer::{Outcome, Surroundings, Trainer, Watch};
use crate::train::validate::ToolValidator;

/// Arguments of `train`.
#[derive(Args, Debug)]
pub struct TrainArgs {
    #[command(subcommand)]
    command: TrainCommand,
}

#[derive(Subcommand, Debug)]
enum TrainCommand {
    /// Supervised training on zoom trajectories
    SftR(SftArgs),
    /// Draw what trainings measured, as SVG or PNG
    Plot(plot::PlotArgs),
}

#[derive(Args, Debug)]
struct SftArgs {
    /// Settings of the training
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Where checkpoints, metrics.jsonl and the model go (default: runs/NAME)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on from the newest checkpoint in the out folder
    #[arg(long)]
    resume: bool,
    /// Plain lines instead of live charts
    #[arg(long)]
    plain: bool,
    /// Where to compute: cpu, or cuda[:N] in a build with that feature
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: String,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: TrainArgs, _global: &Global) -> CliResult {
    match args.command {
        TrainCommand::SftR(args) => sft(&args),
        TrainCommand::Plot(args) => plot::run(&args),
    }
}

fn sft(args: &SftArgs) -> CliResult {
    let settings = Settings::open(&args.config).map_err(CliError::usage)?;
    let device = device(&args.device)?;
    if device.is_cpu() {
        // The trainer has a thread for every core; products that spread over the cores once more only get in the way.
        crate::model::settle_single_thread();
    }
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&settings.name));
    let (name, steps, bench) = (settings.name.clone(), settings.steps(), settings.run.validate_bench.clone());
    let source = source(&settings)?;
    let mut trainer = if args.resume {
        let (trainer, warnings) = Trainer::resume(settings, &out, &device).map_err(CliError::failed)?;
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        trainer
    } else {
        Trainer::start(settings, &out, &device).map_err(CliError::failed)?
    };
    let opening = Opening { name: &name, out: &out, done: trainer.step(), of: steps, plain: args.plain };
    let mut progress = Progress::new(&opening);
    progress.say(&format!("{} trained values, step {} of {steps}", trainer.params().count(), trainer.step()));
    let stop = interrupt_flag();
    let profile = Arc::new(Profile::builtin("rarl").map_err(CliError::failed)?);
    let mut validator = ToolValidator { bench, profile, stop: Arc::clone(&stop) };
    let mut around =
        Surroundings { source: source.as_ref(), validator: Some(&mut validator), watch: &mut progress, stop: &stop };
    let outcome = trainer.run(&mut around);
    progress.finish();
    match outcome.map_err(CliError::failed)? {
        Outcome::Finished(model) => {
            eprintln!("done: the model is in {}", model.display());
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped { step, checkpoint } => {
            eprintln!("stopped after step {step}; saved {}", checkpoint.display());
            let (config, out) = (args.config.display(), out.display());
            eprintln!("go on with: panelscope train sft-r --config {config} --out {out} --resume");
            Err(CliError::Interrupted)
        }
    }
}

fn device(name: &str) -> Result<Device, CliError> {
    let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
    let number: usize =
        number.parse().map_err(|_| CliError::usage(format!("--device {name}: {number} is no number")))?;
    match kind {
        "cpu" => Ok(Device::Cpu),
        "cuda" => Device::new_cuda(number).map_err(|error| CliError::failed(format!("--device {name}: {error}"))),
        "metal" => Device::new_metal(number).map_err(|error| CliError::failed(format!("--device {name}: {error}"))),
        _ => Err(CliError::usage(format!("--device {name}: use cpu, cuda:N or metal:N"))),
    }
}

/// The drawn pages, in the words and pixels of the model the settings name.
fn source(settings: &Settings) -> Result<Box<dyn PageSource>, CliError> {
    let files = crate::model::FileSource::Folder(settings.files.clone());
    let place = settings.files.display();
    let missing = || CliError::failed(format!("{place}: tokenizer.json is missing"));
    let tokenizer = crate::model::read_tokenizer(&files).map_err(CliError::failed)?.ok_or_else(missing)?;
    let file = settings.files.join("preprocessor_config.json");
    let text = std::fs::read_to_string(&file).map_err(|e| CliError::failed(format!("{}: {e}", file.display())))?;
    let processor = crate::model::ImageProcessor::from_json(&text).map_err(CliError::failed)?;
    let profile = Profile::builtin("rarl").map_err(CliError::failed)?;
    Ok(Box::new(DrawnSource::new(tokenizer, processor, profile).map_err(CliError::failed)?))
}
