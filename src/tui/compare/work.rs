//! Runs, and two of them compared.

use std::path::{Path, PathBuf};

use super::{Flip, FlipSide, RunRow, Versus, VersusRow};
use crate::analysis::wilson;
use crate::run::MANIFEST;
use crate::study::{self, Comparison, Group, Intervals, Pairing, StudyRun, open_run};
use crate::tui::desk::Desk;
use crate::tui::view::charts::Share;

/// Tasks that the sentence names; more are counted.
const NAMED: usize = 3;
/// Most runs that are listed.
const MOST: usize = 1000;

/// The runs of a desk, newest first.
pub(in crate::tui) fn runs(desk: &Desk) -> Vec<RunRow> {
    let Ok(store) = desk.store() else { return Vec::new() };
    let mut found: Vec<StudyRun> = folders(store.dir())
        .into_iter()
        .take(MOST)
        .filter_map(|dir| open_run(&dir.to_string_lossy(), store.dir(), &desk.lines).ok())
        .collect();
    found.sort_by(|a, b| b.manifest.started.cmp(&a.manifest.started));
    found.iter().map(run_row).collect()
}

/// Folders with a manifest: those inside the sessions folder; and it itself with its neighbours, where it is a run.
fn folders(dir: &Path) -> Vec<PathBuf> {
    let is_run = |path: &PathBuf| path.join(MANIFEST).is_file();
    let inside = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_run).collect();
        runs.sort();
        runs
    };
    match dir.parent().filter(|_| is_run(&dir.to_owned())) {
        Some(parent) => inside(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }),
        None => inside(dir),
    }
}

fn run_row(run: &StudyRun) -> RunRow {
    let scored: Vec<bool> = run.sessions.iter().filter_map(|session| session.right).collect();
    let (right, n) = (scored.iter().filter(|right| **right).count(), scored.len());
    let share = Share { value: right as f64 / n.max(1) as f64, ci: wilson(right, n), mark: None };
    // To the minute; UTC, as everywhere.
    let started = run.manifest.started.get(..16).unwrap_or(&run.manifest.started).replace('T', " ");
    let about = format!(
        "{} sessions · {} · {} · {}",
        run.sessions.len(),
        run.manifest.model.name,
        run.manifest.settings.benchmark,
        started
    );
    RunRow { name: run.dir.to_string_lossy().into_owned(), about, accuracy: (n > 0).then_some(share) }
}

/// Two runs compared.
///
/// # Errors
/// Which run cannot be read, and why.
pub(in crate::tui) fn compare(desk: &Desk, names: &[String; 2]) -> Result<Versus, String> {
    let store = desk.store()?;
    let open = |name: &String| open_run(name, store.dir(), &desk.lines).map_err(|why| why.to_string());
    let [first, second] = names;
    let (a, b) = (open(first)?, open(second)?);
    let comparison = Comparison::of(&a.sessions, &b.sessions, Intervals::Bootstrap);
    if comparison.get(Group::All).is_none_or(|all| all.n == 0) {
        return Err(format!("{} and {} have no question in common", a.name, b.name));
    }
    Ok(Versus {
        runs: [a.name.clone(), b.name.clone()],
        sentence: sentence(&comparison),
        rows: comparison.groups.iter().map(|(group, pairing)| row(*group, pairing)).collect(),
        flips: comparison.flips.iter().map(|flip| one_flip(flip, &a, &b)).collect(),
    })
}

fn sentence(comparison: &Comparison) -> String {
    let sure = comparison.groups.iter().filter(|(_, pairing)| pairing.p_holm.is_some_and(|p| p < 0.05));
    let (mut told, sure): (Vec<String>, Vec<_>) = (Vec::new(), sure.collect());
    for better in ["A", "B"] {
        let own = sure.iter().filter(|(_, pairing)| (pairing.only_b > pairing.only_a) == (better == "B"));
        let own: Vec<&str> = own.map(|(group, _)| group.name()).collect();
        match own.len() {
            0 => {}
            n if n > NAMED => told.push(format!("{better} is better in {n} tasks")),
            _ => told.push(format!("{better} is better in {}", own.join(", "))),
        }
    }
    let unpaired = comparison.unpaired_a + comparison.unpaired_b;
    let rest = if unpaired > 0 { format!(" · {unpaired} sessions without a partner") } else { String::new() };
    match told.as_slice() {
        [] => format!("no task by itself differs beyond chance (Holm, 5 %){}{rest}", overall(comparison)),
        _ => format!("{} (Holm, 5 %){rest}", told.join("; ")),
    }
}

/// All tasks together, where they say something that no task says by itself.
fn overall(comparison: &Comparison) -> String {
    match comparison.get(Group::All).filter(|all| all.p < 0.05) {
        Some(all) => {
            let better = if all.only_b > all.only_a { "B" } else { "A" };
            let p = if all.p < 0.001 { "< .001".to_owned() } else { format!("= {:.3}", all.p) };
            format!("; over all of them {better} is better, p {p}")
        }
        None => String::new(),
    }
}

fn row(group: Group, pairing: &Pairing) -> VersusRow {
    let share =
        |value: Option<f64>, right: usize| value.map(|value| Share { value, ci: wilson(right, pairing.n), mark: None });
    let indent = if matches!(group, Group::Task(_)) { "  " } else { "" };
    VersusRow {
        name: format!("{indent}{}", group.name()),
        n: pairing.n,
        shares: [
            share(pairing.accuracy_a, pairing.both + pairing.only_a),
            share(pairing.accuracy_b, pairing.both + pairing.only_b),
        ],
        only: [pairing.only_a, pairing.only_b],
        difference: difference(pairing),
        p: [(pairing.n > 0).then_some(pairing.p), pairing.p_holm],
    }
}

/// Of the scores, which is that of the right answers where there is no partial credit.
fn difference(pairing: &Pairing) -> String {
    match (pairing.score_difference, pairing.score_ci95) {
        (Some(mean), Some([low, high])) => format!("{mean:+.3} [{low:+.3}, {high:+.3}]"),
        (Some(mean), None) => format!("{mean:+.3}"),
        _ => "–".to_owned(),
    }
}

fn one_flip(flip: &study::Flip, a: &StudyRun, b: &StudyRun) -> Flip {
    let side = |side: &study::Side, run: &StudyRun| FlipSide {
        right: side.right,
        answer: side.answer.clone().unwrap_or_else(|| "no answer".to_owned()),
        label: side.label.map_or_else(String::new, |label| label.name().to_owned()),
        path: log_of(&run.dir, &side.session),
    };
    Flip {
        question: flip.question_id.clone(),
        task: flip.task.map_or_else(String::new, |task| task.name().to_owned()),
        sides: [side(&flip.a, a), side(&flip.b, b)],
    }
}

fn log_of(dir: &Path, id: &str) -> PathBuf {
    let packed = dir.join(format!("{id}.jsonl.zst"));
    if packed.is_file() { packed } else { dir.join(format!("{id}.jsonl")) }
}
