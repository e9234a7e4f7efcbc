//! `panelscope train rl` and `rarl`.

use std::sync::Arc;

use super::RunArgs;
use crate::cli::{CliError, CliResult, interrupt_flag};
use crate::protocol::Profile;
use crate::train::progress::{Opening, Progress};
use crate::train::rl::settings::RlSettings;
use crate::train::rl::trainer::{RlSurroundings, RlTrainer};
use crate::train::trainer::Watch;
use crate::train::validate::ToolValidator;

pub(super) fn run(args: &RunArgs, tool: bool) -> CliResult {
    let mut settings = RlSettings::open(&args.config, &args.set).map_err(CliError::usage)?;
    if let Some(start) = &args.start {
        settings.start.clone_from(start);
    }
    let device = args.device()?;
    let out = args.out(&settings.name);
    let (name, steps, bench) = (settings.name.clone(), settings.steps(), settings.run.validate_bench.clone());
    let profile = Arc::new(Profile::builtin("rarl").map_err(CliError::failed)?);
    let mut trainer = if args.resume {
        let resumed = RlTrainer::resume(settings, tool, Arc::clone(&profile), &out, &device);
        let (trainer, warnings) = resumed.map_err(CliError::failed)?;
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        trainer
    } else {
        RlTrainer::start(settings, tool, Arc::clone(&profile), &out, &device).map_err(CliError::failed)?
    };
    let opening = Opening { name: &name, out: &out, done: trainer.step(), of: steps, plain: args.plain };
    let mut progress = Progress::new(&opening);
    progress.say(&format!("{} trained values, step {} of {steps}", trainer.params().count(), trainer.step()));
    let stop = interrupt_flag();
    let mut validator = ToolValidator { bench, profile, tool, stop: Arc::clone(&stop) };
    let mut around = RlSurroundings { validator: Some(&mut validator), watch: &mut progress, stop: &stop };
    let outcome = trainer.run(&mut around);
    progress.finish();
    args.ended(outcome.map_err(CliError::failed)?, if tool { "rarl" } else { "rl" }, &out)
}
