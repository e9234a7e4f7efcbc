//! `panelscope failures`: how sessions failed, by family and task.

use clap::Args;
use serde_json::{Value, json};

use super::study::{Chosen, csv, print, print_json, text, to_json};
use super::{CliResult, Global};
use crate::session::SessionSummary;
use crate::study::{Figures, Group, Quadrant, Row, Share, Table};
use crate::text::one_line;

/// Arguments of `failures`.
#[derive(Args, Debug)]
pub struct FailuresArgs {
    #[command(flatten)]
    which: Chosen,
    /// List the sessions with their labels and why they have them
    #[arg(long)]
    list: bool,
    /// Print JSON: the table, the figures by task, with --list the sessions
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: one line a cell, with --list one a session
    #[arg(long)]
    csv: bool,
}

/// Runs the command.
///
/// # Errors
/// A run that is not there or cannot be read.
pub fn run(args: &FailuresArgs, global: &Global) -> CliResult {
    let sessions = args.which.sessions(global)?;
    let lines = &global.settings.analysis;
    if args.json {
        let mut all = Table::of(&sessions).to_json();
        all.insert("thresholds".to_owned(), to_json(lines)?);
        all.insert("figures".to_owned(), to_json(&Figures::of(&sessions, lines))?);
        if args.list {
            let list = sessions.iter().map(|s| session_json(s, global));
            all.insert("sessions".to_owned(), list.collect());
        }
        return print_json(&Value::Object(all));
    }
    match (args.csv, args.list) {
        (true, false) => print(&cells_csv(&Table::of(&sessions))?),
        (true, true) => print(&list_csv(&sessions, global)?),
        (false, true) => print(&list_text(&sessions, global)),
        (false, false) => print(&table_text(&Table::of(&sessions))),
    }
}

fn session_json(session: &SessionSummary, global: &Global) -> Value {
    json!({
        "id": session.id,
        "run": session.run,
        "task": session.task,
        "question_id": session.question_id,
        "right": session.right,
        "label": session.label_shown(),
        "automatic": session.label,
        "evidence": session.evidence(&global.settings.analysis).sentence,
    })
}

fn cells_csv(table: &Table) -> Result<String, super::CliError> {
    let rows = table.rows.iter().flat_map(|row| {
        let cells = table.labels.iter().zip(&row.cells);
        cells.map(|(label, share)| {
            vec![
                row.group.kind().into(),
                row.group.name().into(),
                label.name().into(),
                share.count.into(),
                row.n.into(),
                share.share.into(),
                share.ci95[0].into(),
                share.ci95[1].into(),
            ]
        })
    });
    csv::csv(&["kind", "group", "label", "count", "n", "share", "ci95_low", "ci95_high"], rows)
}

fn list_csv(sessions: &[SessionSummary], global: &Global) -> Result<String, super::CliError> {
    let rows = sessions.iter().map(|s| {
        vec![
            s.id.as_str().into(),
            s.run.as_deref().into(),
            s.task.map(|task| task.name()).into(),
            s.question_id.as_str().into(),
            s.right.map(|right| if right { "yes" } else { "no" }).into(),
            s.label_shown().into(),
            s.label.as_str().into(),
            s.evidence(&global.settings.analysis).sentence.as_str().into(),
        ]
    });
    csv::csv(&["id", "run", "task", "question_id", "right", "label", "automatic", "evidence"], rows)
}

fn list_text(sessions: &[SessionSummary], global: &Global) -> String {
    let line = |s: &SessionSummary| {
        let evidence = s.evidence(&global.settings.analysis).sentence;
        let task = s.task.map_or("typed", |task| task.name());
        format!("{}\n", one_line(&format!("{}  {task:<24}  {:<27}  {evidence}", s.id, s.label_shown())))
    };
    sessions.iter().map(line).collect()
}

/// Labels × families, labels × tasks, and looked × answered.
fn table_text(table: &Table) -> String {
    let family = |row: &&Row| !matches!(row.group, Group::Task(_));
    let tasks = |row: &&Row| matches!(row.group, Group::Task(_));
    let blocks = [
        block(table, &table.rows.iter().filter(family).collect::<Vec<_>>()),
        block(table, &table.rows.iter().filter(tasks).collect::<Vec<_>>()),
        looked_text(table),
    ];
    blocks.into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n")
}

fn block(table: &Table, rows: &[&Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = rows.iter().map(|row| row.group.name().replace('-', "\n"));
    let head: Vec<String> = ["label".to_owned()].into_iter().chain(head).collect();
    let line = |name: &str, cell: &dyn Fn(&Row) -> String| {
        [name.to_owned()].into_iter().chain(rows.iter().map(|row| cell(row))).collect::<Vec<_>>()
    };
    let share = |share: Option<&Share>| match share {
        Some(share) if share.count > 0 => format!("{} · {:.0} %", share.count, 100.0 * share.share),
        _ => "–".to_owned(),
    };
    let labels = table.labels.iter().enumerate();
    let mut lines: Vec<Vec<String>> =
        labels.map(|(i, label)| line(label.name(), &|row| share(row.cells.get(i)))).collect();
    let interval = |row: &Row| {
        let [low, high] = row.failures.ci95;
        format!("{:.0}–{:.0} %", 100.0 * low, 100.0 * high)
    };
    lines.push(line("failures", &|row| share(Some(&row.failures))));
    lines.push(line("  95 %", &interval));
    lines.push(line("sessions", &|row| row.n.to_string()));
    text::table(&head, &lines)
}

fn looked_text(table: &Table) -> String {
    let head =
        ["looked → answered", "n", "right → right", "right → wrong", "wrong → right", "wrong → wrong", "unknown"];
    let rows = table.rows.iter().map(|row| {
        let cell = |cell: Quadrant| {
            let share = row.looked.get(cell);
            format!("{} · {:.0} %", share.count, 100.0 * share.share)
        };
        let counts = Quadrant::ALL.map(cell);
        let first = [row.group.name().to_owned(), row.looked.n.to_string()];
        first.into_iter().chain(counts).chain([row.looked.unknown.to_string()]).collect()
    });
    text::table(&head.map(str::to_owned), &rows.collect::<Vec<Vec<String>>>())
}
