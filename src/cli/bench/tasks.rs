//! `panelscope bench tasks`.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::printed;
use crate::benchmark::Task;
use crate::cli::CliResult;

/// Arguments of `bench tasks`.
#[derive(Args, Debug)]
pub(super) struct TasksArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TasksArgs) -> CliResult {
    let mut out = std::io::stdout().lock();
    if args.json {
        let tasks: Vec<_> = Task::ALL.iter().map(|t| json!({"task": t, "family": t.family()})).collect();
        return printed(writeln!(out, "{}", json!({"v": 1, "tasks": tasks})));
    }
    printed(Task::ALL.iter().try_for_each(|t| writeln!(out, "{:<25} {}", t.name(), t.family().name())))
}
