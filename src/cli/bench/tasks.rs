//! `panelscope bench tasks`.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::printed;
use crate::benchmark::{Task, definition};
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
        let entry = |t: &Task| json!({"task": t, "family": t.family(), "definition": definition(*t)});
        let tasks: Vec<_> = Task::ALL.iter().map(entry).collect();
        return printed(writeln!(out, "{}", json!({"v": 1, "tasks": tasks})));
    }
    printed(Task::ALL.iter().try_for_each(|task| {
        let d = definition(*task);
        writeln!(out, "{} ({})", task.name(), task.family().name())?;
        let parts =
            [("asks", d.asks), ("answer", d.answer), ("target", d.target), ("scored", d.scored), ("chance", d.chance)];
        parts.iter().try_for_each(|(name, text)| writeln!(out, "  {name:<7} {text}"))
    }))
}
