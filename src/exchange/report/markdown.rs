//! The report as Markdown (CommonMark with tables), fit for an appendix.

use super::words::{difference, interval, number, p_value, percent, safe, settings};
use super::{Part, Report};
use crate::analysis::Label;
use crate::study::{Comparison, Quadrant, TaskFigures};
use crate::trace::SegmentKind;

/// Most flips that are listed.
const TOLD: usize = 100;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::from("# Report\n\n");
    out += &runs(report);
    if let (Some(compared), [a, b]) = (&report.comparison, report.parts.as_slice()) {
        out += &differs(compared, a, b);
    }
    for part in &report.parts {
        out += &format!("## {} ({})\n\n", plain(&part.run.name), plain(&part.run.manifest.model.name));
        out += &accuracy(part);
        out += &scores(part);
        out += &failures(part);
        out += &behind(part);
        out += &examples(part);
    }
    out += &definitions(report);
    out
}

/// What means something inside a line.
const MEANING: &str = "\\`*_{}[]()|~$@";

/// A text that is no markup in Markdown, on one line. It never stands at a line's beginning, where more would mean something.
pub(super) fn plain(text: &str) -> String {
    let text = safe(text);
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push(' '),
            // `&lt;` and not `\<`: some renderers read HTML before escapes.
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if MEANING.contains(c) => out.extend(['\\', c]),
            // What some renderers make links of.
            ':' if chars.peek() == Some(&'/') => out.push_str("\\:"),
            '.' if out.to_lowercase().ends_with("www") => out.push_str("\\."),
            c => out.push(c),
        }
    }
    out
}

/// A text as it is, in a fence longer than any in it.
fn fenced(text: &str) -> String {
    let text = safe(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n\n", text.trim_end())
}

/// A table of figures with its caption above; the first column to the left, the others to the right.
fn table(caption: &str, head: &[String], rows: &[Vec<String>]) -> String {
    aligned(caption, head, rows, "---:")
}

/// A table of texts: everything to the left.
fn text_table(caption: &str, head: &[String], rows: &[Vec<String>]) -> String {
    aligned(caption, head, rows, ":---")
}

fn aligned(caption: &str, head: &[String], rows: &[Vec<String>], rest: &str) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> = (0..head.len()).map(|i| if i == 0 { ":---" } else { rest }.to_owned()).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("*{caption}*\n\n{}{}{body}\n", line(head), line(&rule))
}

fn texts<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn runs(report: &Report) -> String {
    let names = report.parts.iter().map(|part| plain(&part.run.name));
    let head: Vec<String> = [String::new()].into_iter().chain(names).collect();
    let about = |part: &Part| {
        let m = &part.run.manifest;
        let weights: String = m.model.weights.chars().take(16).collect();
        let own = [
            ("sessions", format!("{} of {}", part.run.sessions.len(), m.items)),
            ("model name", m.model.name.clone()),
            ("weights", weights),
            ("program", m.program.clone()),
            ("started", m.started.clone()),
        ];
        own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(settings(&m.settings)).collect::<Vec<_>>()
    };
    let all: Vec<Vec<(String, String)>> = report.parts.iter().map(about).collect();
    let rows: Vec<Vec<String>> = all
        .first()
        .into_iter()
        .flatten()
        .map(|(name, _)| {
            let value = |of: &Vec<(String, String)>| of.iter().find(|(n, _)| n == name).map(|(_, v)| plain(v));
            [plain(name)].into_iter().chain(all.iter().map(|of| value(of).unwrap_or_default())).collect()
        })
        .collect();
    format!("## Runs\n\n{}", text_table("What was asked of whom, and how.", &head, &rows))
}

fn accuracy(part: &Part) -> String {
    let head = texts([
        "",
        "scored",
        "right",
        "accuracy",
        "95 %",
        "chance",
        "corrected",
        "score",
        "zoom rate",
        "precision",
        "recall",
        "tokens",
    ]);
    let row = |name: &str, f: &TaskFigures| {
        vec![
            name.to_owned(),
            f.report.all.n.to_string(),
            f.report.all.right.to_string(),
            percent(f.report.all.accuracy),
            interval(f.clustered.ci95),
            percent(f.report.chance),
            number(f.corrected),
            number(f.report.score.get("value").copied()),
            percent(f.report.zoom_rate),
            percent((f.zooms.crops > 0).then_some(f.zooms.precision.share)),
            percent((f.zooms.targets > 0).then_some(f.zooms.recall.share)),
            f.tokens_spread.map_or_else(|| "–".to_owned(), |s| format!("{:.0}", s.mean)),
        ]
    };
    let rows: Vec<_> = part.figures.groups.iter().map(|(group, f)| row(group.name(), f)).collect();
    table("Accuracy; intervals take questions on one page together.", &head, &rows)
}

fn scores(part: &Part) -> String {
    let rows: Vec<Vec<String>> = part
        .figures
        .tasks()
        .filter(|(_, f)| !f.report.score.is_empty())
        .map(|(group, f)| {
            let parts = f.report.score.iter().filter(|(name, _)| *name != "value");
            let words: Vec<String> = parts.map(|(name, value)| format!("{} {value:.3}", plain(name))).collect();
            vec![group.name().to_owned(), words.join(", ")]
        })
        .collect();
    if rows.is_empty() { String::new() } else { text_table("What the scorers measure.", &texts(["", "means"]), &rows) }
}

fn failures(part: &Part) -> String {
    let labels = &part.table.labels;
    let names = part.table.rows.iter().map(|row| row.group.name().to_owned());
    let head: Vec<String> = [String::new()].into_iter().chain(names).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (i, label) in labels.iter().enumerate() {
        let cell = |row: &crate::study::Row| match row.cells.get(i) {
            Some(share) if share.count > 0 => {
                format!("{} ({:.0} %, {})", share.count, 100.0 * share.share, interval(share.ci95))
            }
            _ => "–".to_owned(),
        };
        rows.push([label.name().to_owned()].into_iter().chain(part.table.rows.iter().map(cell)).collect());
    }
    let n = part.table.rows.iter().map(|row| row.n.to_string());
    rows.push(["sessions".to_owned()].into_iter().chain(n).collect());
    let failures = table("Sessions by label: count, share and 95 % interval.", &head, &rows);
    let head =
        texts(["", "n", "looked right, right", "looked right, wrong", "looked wrong, right", "looked wrong, wrong"]);
    let rows: Vec<Vec<String>> = part
        .table
        .rows
        .iter()
        .map(|row| {
            let cell = |cell: Quadrant| {
                let share = row.looked.get(cell);
                format!("{} ({:.0} %)", share.count, 100.0 * share.share)
            };
            let first = [row.group.name().to_owned(), row.looked.n.to_string()];
            first.into_iter().chain(Quadrant::ALL.map(cell)).collect()
        })
        .collect();
    format!("### Failures\n\n{failures}{}", table("Did it look at the target, and was it right?", &head, &rows))
}

fn behind(part: &Part) -> String {
    let mut lines = Vec::new();
    for (group, f) in &part.figures.groups {
        if let Some(c) = &f.calibration {
            lines.push(format!(
                "- {}: expected calibration error {:.3}, Brier score {:.3} over {} answers",
                group.name(),
                c.ece,
                c.brier,
                c.n
            ));
        }
        if let Some(h) = &f.heuristic {
            let share = percent(Some(h.share));
            lines.push(format!(
                "- {}: the shortcut gives what was answered in {} of {} answers ({share})",
                group.name(),
                h.agreed,
                h.n
            ));
        }
        if let Some(u) = &f.letters {
            let counts: Vec<String> = u.answered.iter().map(usize::to_string).collect();
            lines.push(format!(
                "- {}: listed choices answered {} times; p of no preference {}",
                group.name(),
                counts.join(", "),
                p_value(Some(u.p)).replace('<', "&lt;")
            ));
        }
        if let Some(s) = &f.seeds {
            let pass: Vec<String> = s.pass.iter().map(|p| format!("{:.1}", 100.0 * p)).collect();
            lines.push(format!(
                "- {}: Pass@1, 2, … {} %; agreement {}",
                group.name(),
                pass.join(", "),
                percent(Some(s.agreement))
            ));
        }
    }
    if lines.is_empty() { String::new() } else { format!("### Behind the accuracy\n\n{}\n\n", lines.join("\n")) }
}

fn differs(compared: &Comparison, a: &Part, b: &Part) -> String {
    let head = texts(["", "pairs", "A", "B", "B − A", "only A", "only B", "p", "p (Holm)", "score B − A"]);
    let escaped = |p: Option<f64>| p_value(p).replace('<', "&lt;");
    let rows: Vec<Vec<String>> = compared
        .groups
        .iter()
        .map(|(group, x)| {
            vec![
                group.name().to_owned(),
                x.n.to_string(),
                percent(x.accuracy_a),
                percent(x.accuracy_b),
                difference(x.difference, x.difference_ci95),
                x.only_a.to_string(),
                x.only_b.to_string(),
                escaped(Some(x.p)),
                escaped(x.p_holm),
                difference(x.score_difference, x.score_ci95),
            ]
        })
        .collect();
    let side = |side: &crate::study::Side| {
        let label = side.label.map_or("wrong", Label::name);
        format!("{} {}", if side.right { "right" } else { label }, plain(side.answer.as_deref().unwrap_or("no answer")))
    };
    let flips: Vec<Vec<String>> = compared
        .flips
        .iter()
        .take(TOLD)
        .map(|flip| vec![plain(&flip.question_id), side(&flip.a), side(&flip.b)])
        .collect();
    let caption = "Differences in hundredths, with bootstrap intervals over pages; p is McNemar's, exact.";
    let list = format!("{} questions came out differently.", compared.flips.len());
    format!(
        "## What differs\n\nA is {}, B is {}.\n\n{}{}",
        plain(&a.run.name),
        plain(&b.run.name),
        table(caption, &head, &rows),
        text_table(&list, &texts(["question", "A", "B"]), &flips)
    )
}

fn examples(part: &Part) -> String {
    let mut out = String::new();
    for example in &part.examples {
        let (s, q) = (&example.summary, &example.question);
        let task = s.task.map_or("typed", |task| task.name());
        out += &format!("#### {} · {task}\n\n", example.evidence.label);
        out += &format!("- why: {}\n- question: {}\n", plain(&example.evidence.sentence), plain(&q.text));
        if !q.choices.is_empty() {
            out += &format!("- choices: {}\n", plain(&q.choices.join(", ")));
        }
        out += &format!("- answer: {}\n", plain(s.answer.as_deref().unwrap_or("none")));
        out +=
            &format!("- truth: {}\n- session: {}\n\n", plain(q.truth.as_deref().unwrap_or("not known")), plain(&s.id));
        let word = |kind: &SegmentKind| match kind {
            SegmentKind::Think => "thought",
            SegmentKind::ToolCall => "tool call",
            SegmentKind::ToolResponse => "tool",
            SegmentKind::Answer => "answer",
            SegmentKind::Text => "text",
        };
        let told: Vec<String> = example.pieces.iter().map(|(kind, text)| format!("[{}] {text}", word(kind))).collect();
        out += &fenced(&told.join("\n"));
    }
    if out.is_empty() { out } else { format!("### Examples\n\n{out}") }
}

fn definitions(report: &Report) -> String {
    let rows: Vec<Vec<String>> = Label::ALL.iter().map(|l| vec![l.name().to_owned(), plain(l.meaning())]).collect();
    let lines = &report.lines;
    format!(
        "## Definitions\n\n{}A zoom looks at a target when it covers at least {} of it and at least {} of the crop is target; below {} it \
         looked elsewhere; an IoU of {} with an earlier crop is a repetition; another frame explains a box where it would cover {}; \
         text loops where its last piece stands there {} times.\n",
        text_table("Labels; the first that fits.", &texts(["label", "meaning"]), &rows),
        lines.partial_look,
        lines.tightness,
        lines.looked_wrong,
        lines.repeated_zoom,
        lines.frame_error,
        lines.loops
    )
}
