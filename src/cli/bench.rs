//! `panelscope bench`: look at benchmarks.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, CliResult, Global};
use crate::benchmark::{Benchmark, Family, Question, Selection, Task, open, open_with};
use crate::text::sanitise;

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the questions of a benchmark
    List(Which),
    /// Write the page of a question as PNG
    Page(PageArgs),
}

#[derive(Args, Debug)]
struct Which {
    /// Benchmark: demo, or synth:SEED
    #[arg(long, default_value = "demo")]
    bench: String,
    /// Only this task (may be repeated)
    #[arg(long = "task", value_name = "TASK")]
    tasks: Vec<Task>,
    /// Only tasks of this family: depth, tracking, reordering or recognition (may be repeated)
    #[arg(long = "family", value_name = "FAMILY")]
    families: Vec<Family>,
    /// Number of questions, spread evenly over the tasks
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Which {
    fn selection(&self) -> Selection {
        Selection { tasks: self.tasks.clone(), families: self.families.clone(), limit: self.limit }
    }
}

#[derive(Args, Debug)]
struct PageArgs {
    /// Benchmark: demo, or synth:SEED
    #[arg(long, default_value = "demo")]
    bench: String,
    /// Question id
    #[arg(long)]
    id: String,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// An unknown benchmark, task or question; a file that cannot be written.
pub fn run(args: BenchArgs, _global: &Global) -> CliResult {
    match args.command {
        Command::List(which) => {
            let benchmark = open_with(&which.bench, &which.selection()).map_err(CliError::usage)?;
            if which.json { print_json(&benchmark) } else { print_lines(&benchmark) }
        }
        Command::Page(page) => {
            let benchmark = open(&page.bench).map_err(CliError::usage)?;
            let question = benchmark.find(&page.id).map_err(CliError::usage)?;
            let pixels = benchmark.page(question).map_err(CliError::failed)?;
            let place = page.out.display().to_string();
            pixels.pixels.save(&page.out).map_err(|e| CliError::failed(format!("{place}: {e}")))?;
            println!("{place}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_json(benchmark: &Benchmark) {
    let entry = |q: &Question| {
        let mut entry = json!(q);
        if let Some(fields) = entry.as_object_mut() {
            fields.insert("split".to_owned(), json!("held-out"));
        }
        entry
    };
    let questions: Vec<_> = benchmark.questions().iter().map(entry).collect();
    println!("{}", json!({"v": 1, "benchmark": benchmark.name(), "questions": questions}));
}

fn print_lines(benchmark: &Benchmark) {
    for q in benchmark.questions() {
        let task = q.task.map_or("", Task::name);
        let choices = if q.choices.is_empty() { String::new() } else { format!(" ({})", q.choices.join(", ")) };
        println!("{:<38} {:<20} {}", q.id, task, sanitise(&format!("{}{choices}", q.text)));
    }
}
