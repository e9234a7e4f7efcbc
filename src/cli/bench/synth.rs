//! `panelscope bench synth`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};

use super::printed;
use crate::benchmark::folder::{Amount, SynthError, SynthPlan, Synthesised, synth};
use crate::benchmark::synthetic::Difficulty;
use crate::cli::{CliError, CliResult, interrupt_flag};
use crate::text::one_line;

/// Arguments of `bench synth`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("amount").required(true).args(["pages", "questions"])))]
pub(super) struct SynthArgs {
    /// Seed: the pages are those of synth:SEED
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..1 << 31))]
    seed: u64,
    /// Pages to draw, each with all of its questions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pages: Option<u64>,
    /// Questions to write, on as few pages as that takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    questions: Option<u64>,
    /// How hard pages are to read: easy, medium or hard
    #[arg(long, value_name = "LEVEL", default_value = "easy", value_parser = difficulty)]
    difficulty: Difficulty,
    /// Folder to write (default: synth-SEED here)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads that draw (default: one a processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// A difficulty by its word.
fn difficulty(text: &str) -> Result<Difficulty, String> {
    Difficulty::ALL.into_iter().find(|d| d.word() == text).ok_or_else(|| "use easy, medium or hard".to_owned())
}

pub(super) fn run(args: &SynthArgs) -> CliResult {
    let (seed, difficulty) = (args.seed, args.difficulty);
    let amount = match (args.pages, args.questions) {
        (Some(pages), _) => Amount::Pages(pages),
        (None, questions) => Amount::Questions(questions.unwrap_or_default()),
    };
    let usual = match difficulty {
        Difficulty::Easy => format!("synth-{seed}"),
        other => format!("synth-{seed}-{}", other.word()),
    };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(usual));
    let jobs = args.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let bar = progress_bar(amount);
    let started = Instant::now();
    let plan = SynthPlan { seed, difficulty, amount, jobs };
    let done = synth(&plan, &out, &interrupt_flag(), |done| {
        bar.set_position(match amount {
            Amount::Pages(_) => done.pages,
            Amount::Questions(_) => done.questions(),
        });
    });
    bar.finish_and_clear();
    let done = done.map_err(|error| match error {
        SynthError::Interrupted => CliError::Interrupted,
        SynthError::Taken { .. } | SynthError::Busy { .. } | SynthError::TooMany => CliError::usage(error),
        other => CliError::failed(other),
    })?;
    tell(&done, started);
    printed(writeln!(std::io::stdout(), "{}", one_line(&out.display().to_string())))
}

fn progress_bar(amount: Amount) -> ProgressBar {
    let (all, what) = match amount {
        Amount::Pages(n) => (n, "pages"),
        Amount::Questions(n) => (n, "questions"),
    };
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(all) } else { ProgressBar::hidden() };
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what} · {{per_sec}} · {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

fn tell(done: &Synthesised, started: Instant) {
    eprintln!("{} pages, {} questions in {:.1} s", done.pages, done.questions(), started.elapsed().as_secs_f64());
    for (task, n) in &done.tasks {
        eprintln!("  {:<25} {n}", task.name());
    }
}
