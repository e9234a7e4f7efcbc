//! Accuracies, scores, looks and failures of one run.

use maud::{Markup, html};

use super::super::Part;
use super::super::words::{interval, number, percent};
use crate::analysis::Label;
use crate::study::{Group, Quadrant, Row, Share, TaskFigures};

/// Accuracy by family and task, with a bar.
pub(super) fn accuracy(part: &Part) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Accuracy. The bar's line is the 95 % interval with questions on one page taken together; the dashed line is chance." }
                thead { tr {
                    th scope="col" { "" } th scope="col" { "scored" } th scope="col" { "right" } th scope="col" { "accuracy" }
                    th scope="col" { "95 %" } th scope="col" { "" } th scope="col" { "chance" } th scope="col" { "corrected" }
                    th scope="col" { "score" } th scope="col" { "tokens" } th scope="col" { "seconds" } th scope="col" { "failed" }
                } }
                tbody { @for (group, f) in &part.figures.groups {
                    tr.(group.kind()) {
                        th scope="row" { (group.name()) }
                        td { (f.report.all.n) } td { (f.report.all.right) } td { (percent(f.report.all.accuracy)) }
                        td { (interval(f.clustered.ci95)) } td { (bar(f)) } td { (percent(f.report.chance)) }
                        td { (number(f.corrected)) } td { (number(f.report.score.get("value").copied())) }
                        td { (f.tokens_spread.map_or("–".to_owned(), |s| format!("{:.0}", s.mean))) }
                        td { (f.seconds.map_or("–".to_owned(), |s| format!("{:.2}", s.mean))) } td { (f.report.failed) }
                    }
                } }
            }
        }
    }
}

/// A bar with its interval and chance; 100 units are all.
fn bar(f: &TaskFigures) -> Markup {
    let Some(accuracy) = f.report.all.accuracy else { return html! {} };
    let [low, high] = f.clustered.ci95.map(|x| x.mul_add(100.0, 1.0));
    let words = format!("{} right, 95 % interval {}", percent(Some(accuracy)), interval(f.clustered.ci95));
    html! {
        svg.bar viewBox="0 0 102 12" preserveAspectRatio="none" role="img" aria-label=(words) {
            rect.full x="1" y="2" width="100" height="8" {}
            rect.share x="1" y="2" width=(format!("{:.2}", 100.0 * accuracy)) height="8" {}
            path.whisker d=(format!("M{low:.2} 6H{high:.2}M{low:.2} 3.5V8.5M{high:.2} 3.5V8.5")) {}
            @if let Some(chance) = f.report.chance {
                @let x = format!("{:.2}", chance.mul_add(100.0, 1.0));
                line.chance x1=(x) x2=(x) y1="0" y2="12" {}
            }
        }
    }
}

/// The scorers' measures.
pub(super) fn scores(part: &Part) -> Markup {
    let mut names: Vec<&str> =
        part.figures.tasks().flat_map(|(_, f)| f.report.score.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != "value");
    if names.is_empty() {
        return html! {};
    }
    html! {
        div.scroll {
            table {
                caption { "What the tasks' scorers measure (means): " code { "tau_b" } " Kendall's rank correlation, " code { "adjacent" }
                    " neighbours kept, " code { "switches" } " identity switches, " code { "error" } " absolute error, " code { "macro_f1" } " over choices." }
                thead { tr { th scope="col" { "" } @for name in &names { th scope="col" { (name) } } } }
                tbody { @for (group, f) in part.figures.tasks() { tr {
                    th scope="row" { (group.name()) }
                    @for name in &names { td { (number(f.report.score.get(*name).copied())) } }
                } } }
            }
        }
    }
}

/// Where it looked.
pub(super) fn looks(part: &Part) -> Markup {
    let share = |s: &Share, n: usize| if n == 0 { "–".to_owned() } else { percent(Some(s.share)) };
    html! {
        div.scroll {
            table {
                caption { "Where it looked: precision is the share of crops that look at a target, recall the share of targets looked at." }
                thead { tr {
                    th scope="col" { "" } th scope="col" { "sessions with a crop" } th scope="col" { "crops" } th scope="col" { "precision" }
                    th scope="col" { "recall" } th scope="col" { "coverage" } th scope="col" { "IoU" } th scope="col" { "repeated" }
                    th scope="col" { "refused" } th scope="col" { "unreadable calls" } th scope="col" { "bad boxes" }
                } }
                tbody { @for (group, f) in &part.figures.groups {
                    @let z = &f.zooms;
                    tr.(group.kind()) {
                        th scope="row" { (group.name()) }
                        td { (percent(f.report.zoom_rate)) } td { (z.crops) } td { (share(&z.precision, z.crops)) }
                        td { (share(&z.recall, z.targets)) } td { (number(f.report.coverage)) } td { (number(f.report.iou)) }
                        td { (percent((z.repeated.count > 0).then_some(z.repeated.share))) }
                        td { (f.report.refused) } td { (z.bad_calls) } td { (z.bad_boxes) }
                    }
                } }
            }
        }
    }
}

/// Groups × labels.
pub(super) fn failures(part: &Part) -> Markup {
    let table = &part.table;
    html! {
        div.scroll {
            table {
                caption { "Sessions by label: count, share of the row and its 95 % interval. Redder is more of a failure." }
                thead { tr {
                    th scope="col" { "" } th scope="col" { "sessions" }
                    @for label in &table.labels { th scope="col" { (broken(*label)) } }
                    th scope="col" { "failures" }
                } }
                tbody { @for row in &table.rows { tr.(row.group.kind()) {
                    th scope="row" { (row.group.name()) } td { (row.n) }
                    @for (label, share) in table.labels.iter().zip(&row.cells) { (cell(*label, share)) }
                    td { (row.failures.count) br; small { (interval(row.failures.ci95)) } }
                } } }
            }
        }
    }
}

/// A label's name over several lines.
fn broken(label: Label) -> Markup {
    let parts: Vec<&str> = label.name().split('-').collect();
    html! { @for (i, part) in parts.iter().enumerate() { @if i > 0 { "-" wbr; } (part) } }
}

fn cell(label: Label, share: &Share) -> Markup {
    if share.count == 0 {
        return html! { td.soft { "–" } };
    }
    let class = if label.is_failure() { "heat" } else { "heat fine" };
    html! {
        td class=(class) style={"--heat:" (format!("{:.3}", share.share))} title=(label.meaning()) {
            (share.count) " · " (format!("{:.0} %", 100.0 * share.share)) br; small { (interval(share.ci95)) }
        }
    }
}

/// The four cells of looked × answered.
pub(super) fn looked(part: &Part) -> Markup {
    let cell = |row: &Row, cell: Quadrant| {
        let share = row.looked.get(cell);
        format!("{} · {:.0} %", share.count, 100.0 * share.share)
    };
    let known = part.table.rows.iter().any(|row| row.group == Group::All && row.looked.n > 0);
    if !known {
        return html! {};
    }
    html! {
        div.scroll {
            table {
                caption { "Did it look at the target, and was it right? Over scored sessions whose target is known." }
                thead {
                    tr { td rowspan="2" {} th rowspan="2" scope="col" { "sessions" } th colspan="2" scope="colgroup" { "looked right" }
                        th colspan="2" scope="colgroup" { "looked wrong" } th rowspan="2" scope="col" { "not known" } }
                    tr { @for _ in 0..2 { th scope="col" { "answered right" } th scope="col" { "answered wrong" } } }
                }
                tbody { @for row in &part.table.rows { tr.(row.group.kind()) {
                    th scope="row" { (row.group.name()) } td { (row.looked.n) }
                    @for quadrant in Quadrant::ALL { td { (cell(row, quadrant)) } }
                    td { (row.looked.unknown) }
                } } }
            }
        }
    }
}
