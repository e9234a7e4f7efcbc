//! A probe's result in lines, and how far it is.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::CliError;
use crate::cli::sessions::printed;
use crate::probe::{Arm, Report, RunReport, Step, SweepFigures};

/// Most bytes of answers in a row of the table.
const ANSWERS: usize = 60;

/// A bar on a terminal; nothing elsewhere.
pub(super) struct Watching {
    bar: ProgressBar,
}

impl Watching {
    pub(super) fn new() -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos:>4}/{len:<4} {msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { bar }
    }

    /// Does the work; the bar goes when it is done.
    pub(super) fn watch<T>(&mut self, work: impl FnOnce(&mut dyn FnMut(&Step)) -> T) -> T {
        let bar = self.bar.clone();
        let done = work(&mut |step: &Step| {
            bar.set_length(step.forks.1 as u64);
            bar.set_position(step.forks.0 as u64);
            let of = if step.sessions.1 > 1 {
                format!("session {} of {} · ", step.sessions.0 + 1, step.sessions.1)
            } else {
                String::new()
            };
            bar.set_message(format!("{of}{}", step.what));
        });
        self.bar.finish_and_clear();
        done
    }
}

/// One session's result.
pub(super) fn one(report: &Report, json: bool) -> Result<(), CliError> {
    if json {
        return written(report);
    }
    print(one_lines(report))
}

/// A run's result.
pub(super) fn many(report: &RunReport, json: bool) -> Result<(), CliError> {
    if json {
        return written(report);
    }
    print(many_lines(report))
}

fn written(report: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(report).map_err(CliError::failed)?;
    print(vec![text])
}

fn print(lines: Vec<String>) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    printed(lines.iter().try_for_each(|line| writeln!(out, "{line}")), ExitCode::SUCCESS).map(|_| ())
}

fn one_lines(report: &Report) -> Vec<String> {
    let truth = report.truth.as_ref().map(|truth| format!(" (right: {truth})")).unwrap_or_default();
    let mut lines = vec![
        format!("{} · {} · {}", report.probe, report.session, report.label),
        format!("{}{truth}", report.question),
        String::new(),
    ];
    if let Some(sweep) = &report.sweep {
        lines.extend(sweep_lines(sweep));
    } else {
        lines.push(format!("{:<38} {:>7} {:>7}  {}", "", "right", "same", "answers"));
        lines.extend(report.arms.iter().map(arm_line));
    }
    lines.push(String::new());
    lines.push(report.sentence.clone());
    lines
}

fn arm_line(arm: &Arm) -> String {
    let mut answers = String::new();
    for answer in &arm.answers {
        let word = answer.as_deref().unwrap_or("none");
        if !answers.is_empty() {
            answers.push_str(" · ");
        }
        if answers.len() + word.len() > ANSWERS {
            answers.push('…');
            break;
        }
        answers.push_str(word);
    }
    format!(
        "{:<38} {:>7} {:>7}  {answers}",
        arm.words,
        format!("{}/{}", arm.right, arm.n),
        format!("{}/{}", arm.same, arm.n)
    )
}

fn sweep_lines(sweep: &SweepFigures) -> Vec<String> {
    let mut lines = vec![
        "P(right | looked there), over the regions that show each block; [ ] where it is mostly target".to_owned(),
    ];
    let (columns, rows) = sweep.blocks();
    for row in 0..rows {
        let block = |column| {
            let p = sweep.p_of(column, row).map_or_else(|| " –  ".to_owned(), |p| format!("{p:.2}"));
            if sweep.is_target(column, row) { format!("[{p}]") } else { format!(" {p} ") }
        };
        lines.push((0..columns).map(block).collect::<Vec<_>>().join(" "));
    }
    lines.push(String::new());
    let one = |name: &str, p: f64| format!("{name:<38} {p:.3}");
    lines.extend(sweep.on_target.map(|s| one(&format!("regions that show the target ({})", s.cells), s.mean)));
    lines.extend(sweep.off_target.map(|s| one(&format!("regions without it ({})", s.cells), s.mean)));
    lines.push(one(&format!("all regions ({})", sweep.cells.len()), sweep.mean));
    lines.extend(sweep.own.as_ref().map(|own| one("its own crop", own.p_right)));
    lines.push(one("no crop", sweep.none.p_right));
    lines
}

fn many_lines(report: &RunReport) -> Vec<String> {
    let mut lines = vec![format!("{} · {} · {} sessions", report.probe, report.run, report.n), String::new()];
    for group in &report.groups {
        lines.push(format!("{} ({})", group.label, group.n));
        for count in &group.verdicts {
            let [low, high] = count.ci95.map(|v| 100.0 * v);
            let share = format!("{}/{}", count.n, count.of);
            lines.push(format!("  {share:>9}  {low:>3.0}–{high:<3.0} %  {}", count.verdict.words()));
        }
    }
    if !report.arms.is_empty() {
        lines.push(String::new());
        lines.push(format!("{:<38} {:>9} {:>9}  {}", "", "right", "same", "95 %"));
    }
    for arm in &report.arms {
        let [low, high] = arm.ci95.map(|v| 100.0 * v);
        let (right, same) = (format!("{}/{}", arm.right, arm.n), format!("{}/{}", arm.same, arm.n));
        lines.push(format!("{:<38} {right:>9} {same:>9}  {low:.0}–{high:.0} %", arm.words));
    }
    for skipped in report.skipped.iter().take(5) {
        lines.push(format!("not probed: {}: {}", skipped.session, skipped.why));
    }
    lines.push(String::new());
    lines.push(report.sentence.clone());
    lines
}
