//! `panelscope train sft-s` and `sft-r`.

use std::sync::Arc;

use super::RunArgs;
use crate::cli::{CliError, CliResult, interrupt_flag};
use crate::protocol::Profile;
use crate::train::config::Settings;
use crate::train::data::DrawnSource;
use crate::train::progress::{Opening, Progress};
use crate::train::source::PageSource;
use crate::train::trainer::{Surroundings, Trainer, Watch};
use crate::train::validate::ToolValidator;

/// What is learnt from each question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learnt {
    /// The answer.
    Answers,
    /// Think, zoom, read, answer.
    Trajectories,
}

pub(super) fn run(args: &RunArgs, learnt: Learnt) -> CliResult {
    let mut settings = Settings::open(&args.config, &args.set).map_err(CliError::usage)?;
    if let Some(start) = &args.start {
        settings.start_from(start);
    }
    if learnt == Learnt::Answers {
        settings.answers_only();
    }
    let device = args.device()?;
    let out = args.out(&settings.name);
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
    let tool = learnt == Learnt::Trajectories;
    let mut validator = ToolValidator { bench, profile, tool, stop: Arc::clone(&stop) };
    let mut around =
        Surroundings { source: source.as_ref(), validator: Some(&mut validator), watch: &mut progress, stop: &stop };
    let outcome = trainer.run(&mut around);
    progress.finish();
    let kind = if tool { "sft-r" } else { "sft-s" };
    args.ended(outcome.map_err(CliError::failed)?, kind, &out)
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
