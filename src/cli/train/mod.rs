//! `panelscope train`: one file a kind of training.

mod plot;
mod rl;
mod sft;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candle_core::Device;
use clap::{Args, Subcommand};

use super::{CliError, CliResult, Global};
use crate::model::{DeviceChoice, device as devices};
use crate::train::trainer::Outcome;

/// Arguments of `train`.
#[derive(Args, Debug)]
pub struct TrainArgs {
    #[command(subcommand)]
    command: TrainCommand,
}

#[derive(Subcommand, Debug)]
enum TrainCommand {
    /// Supervised training on answers alone (SFT-S)
    SftS(RunArgs),
    /// Supervised training on zoom trajectories (SFT-R)
    SftR(RunArgs),
    /// Reinforcement learning without the zoom tool (GRPO; answer and format are rewarded)
    Rl(RunArgs),
    /// Region-aware reinforcement learning: GRPO with the zoom tool in the loop
    Rarl(RunArgs),
    /// Draw what trainings measured, as SVG or PNG
    Plot(plot::PlotArgs),
}

/// What all trainings take.
#[derive(Args, Debug)]
struct RunArgs {
    /// Settings of the training
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Where checkpoints, metrics.jsonl and the model go (default: runs/NAME)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Checkpoint to start from instead of the one the settings name
    #[arg(long, value_name = "DIR")]
    start: Option<PathBuf>,
    /// Another value for a key of the settings, such as reward.region=0 or stage.0.steps=50 (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Go on from the newest checkpoint in the out folder
    #[arg(long)]
    resume: bool,
    /// Plain lines instead of live charts
    #[arg(long)]
    plain: bool,
    /// Where to compute: cpu, or auto, cuda, cuda:N, metal in a build with that feature
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: String,
}

/// Runs the command.
///
/// # Errors
/// Says what failed.
pub fn run(args: TrainArgs, _global: &Global) -> CliResult {
    match args.command {
        TrainCommand::SftS(args) => sft::run(&args, sft::Learnt::Answers),
        TrainCommand::SftR(args) => sft::run(&args, sft::Learnt::Trajectories),
        TrainCommand::Rl(args) => rl::run(&args, false),
        TrainCommand::Rarl(args) => rl::run(&args, true),
        TrainCommand::Plot(args) => plot::run(&args),
    }
}

impl RunArgs {
    fn out(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| Path::new("runs").join(name))
    }

    /// The device, with the threads of matrix products settled for it.
    fn device(&self) -> Result<Device, CliError> {
        let device = device(&self.device)?;
        if device.is_cpu() {
            // The trainer has a thread for every core; products that spread over the cores once more only get in the way.
            crate::model::settle_single_thread();
        }
        Ok(device)
    }

    /// Says how it ended; `kind` is the command's name.
    fn ended(&self, outcome: Outcome, kind: &str, out: &Path) -> CliResult {
        match outcome {
            Outcome::Finished(model) => {
                eprintln!("done: the model is in {}", model.display());
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Stopped { step, checkpoint } => {
                eprintln!("stopped after step {step}; saved {}", checkpoint.display());
                let config = self.config.display();
                let mut again = format!("panelscope train {kind} --config {config} --out {} --resume", out.display());
                if let Some(start) = &self.start {
                    again += &format!(" --start {}", start.display());
                }
                for set in &self.set {
                    again += &format!(" --set {set}");
                }
                eprintln!("go on with: {again}");
                Err(CliError::Interrupted)
            }
        }
    }
}

fn device(name: &str) -> Result<Device, CliError> {
    let choice = name.parse::<DeviceChoice>().map_err(|error| CliError::usage(format!("--device: {error}")))?;
    let taken = devices::open(choice).map_err(|error| CliError::failed(format!("--device {name}: {error}")))?;
    Ok(taken.device)
}
