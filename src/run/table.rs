//! The figures of a run as a table for people: plain text, no colour.

use std::collections::BTreeMap;

use super::report::{Accuracy, RunReport, TaskReport};

const HEAD: [&str; 12] =
    ["task", "n", "right", "95 %", "chance", "score", "zooms", "coverage", "IoU", "needed", "refused", "tokens"];

/// The report as a table: a row a task, a row a family, and below them the measures of each scorer.
pub fn table(report: &RunReport) -> String {
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(report.tasks.iter().map(|(task, r)| task_row(task.name(), r)));
    let tasks = rows.len();
    rows.extend(report.families.iter().map(|(family, a)| family_row(family.name(), a)));
    let mut out = String::new();
    let widths = widths(&rows);
    for (n, row) in rows.iter().enumerate() {
        if n == tasks {
            out += &format!("{}\n", "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)));
        }
        out += &line(row, &widths);
    }
    out += &measures(report);
    out += &format!("{} of {} sessions, {} failed, {} unscored\n", report.n, report.planned, report.failed, {
        report.tasks.iter().map(|(_, r)| r.unscored).sum::<usize>()
    });
    out
}

fn task_row(name: &str, r: &TaskReport) -> Vec<String> {
    let needed = &r.zoom_needed;
    let needed = if needed.n == 0 { "–".to_owned() } else { format!("{} ({})", percent(needed.accuracy), needed.n) };
    let mut row = family_row(name, &r.all);
    row.extend([
        percent(r.chance),
        number(r.score.get("value").copied()),
        percent(r.zoom_rate),
        number(r.coverage),
        number(r.iou),
        needed,
        r.refused.to_string(),
        r.tokens.map_or("–".to_owned(), |t| format!("{t:.0}")),
    ]);
    row
}

fn family_row(name: &str, a: &Accuracy) -> Vec<String> {
    let interval = format!("{:.1}–{:.1}", 100.0 * a.ci95[0], 100.0 * a.ci95[1]);
    vec![name.to_owned(), a.n.to_string(), percent(a.accuracy), if a.n == 0 { "–".into() } else { interval }]
}

/// What each scorer measured, a line a task.
fn measures(report: &RunReport) -> String {
    let words = |score: &BTreeMap<String, f64>| {
        let parts = score.iter().filter(|(name, _)| name.as_str() != "value");
        parts.map(|(name, value)| format!("{name} {value:.3}")).collect::<Vec<_>>().join(" · ")
    };
    let longest = report.tasks.iter().map(|(t, _)| t.name().len()).max().unwrap_or(0);
    let lines = report.tasks.iter().filter(|(_, r)| !r.score.is_empty());
    let text: String = lines.map(|(t, r)| format!("{:<longest$}  {}\n", t.name(), words(&r.score))).collect();
    if text.is_empty() { text } else { format!("\n{text}\n") }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |x| format!("{:.1} %", 100.0 * x))
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |x| format!("{x:.2}"))
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
    (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect()
}

/// The first column to the left, numbers to the right.
fn line(row: &[String], widths: &[usize]) -> String {
    let cell = |(n, (text, width)): (usize, (&String, &usize))| {
        if n == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
    };
    let cells: Vec<_> = row.iter().zip(widths).enumerate().map(cell).collect();
    format!("{}\n", cells.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::Task;
    use crate::session::SessionSummary;

    #[test]
    fn columns_stand_below_each_other() {
        let one = |task, right| SessionSummary {
            task: Some(task),
            right: Some(right),
            score: Some(1.0),
            scores: [("exact".to_owned(), 1.0)].into(),
            reason: Some("answered".into()),
            ..SessionSummary::default()
        };
        let all = [one(Task::DepthComparison, true), one(Task::CharacterIdentification, false)];
        let text = table(&RunReport::of(&all, 3));
        let rows: Vec<Vec<char>> = text.lines().take(3).map(|l| l.chars().collect()).collect();
        let end = |row: &[char], word: &str| {
            let text: String = row.iter().collect();
            text.find(word).map(|at| text[..at].chars().count() + word.chars().count())
        };
        assert_eq!(end(&rows[0], "right"), end(&rows[1], "100.0 %"), "{text}");
        assert_eq!(end(&rows[0], "right"), end(&rows[2], "0.0 %"), "{text}");
        assert!(text.contains("depth-comparison          exact 1.000"), "{text}");
        assert!(text.ends_with("2 of 3 sessions, 0 failed, 0 unscored\n"), "{text}");
        assert!(table(&RunReport::of(&[], 0)).contains("0 of 0 sessions"));
    }
}
