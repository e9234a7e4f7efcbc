//! The report as one HTML page: no network, no script; light and dark.

mod compared;
mod details;
mod examples;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words::{safe, settings};
use super::{Part, Report};
use crate::analysis::Label;
use crate::analysis::Thresholds;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn write(report: &Report) -> String {
    let names: Vec<String> = report.parts.iter().map(|part| safe(&part.run.name)).collect();
    let title = format!("panelscope report: {}", names.join(", "));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched, whatever a text says.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Report" }
                    p.lead { (lead(report)) }
                    (contents(report))
                }
                main {
                    (runs(report))
                    @if let (Some(comparison), [a, b]) = (&report.comparison, report.parts.as_slice()) {
                        (compared::section(comparison, a, b))
                    }
                    @for (i, part) in report.parts.iter().enumerate() { (of_run(part, i)) }
                    (definitions(&report.lines))
                }
                footer { p { "Made by panelscope " (env!("CARGO_PKG_VERSION")) " from the logs of these runs." } }
            }
        }
    };
    page.into_string()
}

fn lead(report: &Report) -> String {
    let all = |part: &Part| {
        let figures = part.figures.get(crate::study::Group::All);
        let accuracy = figures.map_or_else(|| "–".to_owned(), |f| super::words::percent(f.report.all.accuracy));
        format!(
            "{} answered {accuracy} of {} sessions right",
            safe(&part.run.manifest.model.name),
            part.run.sessions.len()
        )
    };
    report.parts.iter().map(all).collect::<Vec<_>>().join("; ") + "."
}

fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#runs" { "Runs" } }
                @if report.comparison.is_some() { li { a href="#compared" { "What differs" } } }
                @for (i, part) in report.parts.iter().enumerate() {
                    li {
                        a href={"#run-" (i)} { (safe(&part.run.name)) }
                        " ("
                        a href={"#failures-" (i)} { "failures" }
                        @if !part.examples.is_empty() { ", " a href={"#examples-" (i)} { "examples" } }
                        ")"
                    }
                }
                li { a href="#definitions" { "Definitions" } }
            }
        }
    }
}

fn runs(report: &Report) -> Markup {
    let rows: Vec<Vec<(String, String)>> = report.parts.iter().map(about).collect();
    let names: Vec<&str> = rows.first().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let value = |row: &[(String, String)], name: &str| {
        row.iter().find(|(own, _)| own == name).map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
    };
    html! {
        section #runs {
            h2 { "Runs" }
            div.scroll {
                table {
                    caption { "What was asked of whom, and how." }
                    thead { tr { td {} @for part in &report.parts { th.text scope="col" { (safe(&part.run.name)) } } } }
                    tbody { @for name in names { tr { th scope="row" { (name) } @for row in &rows { td.text { (value(row, name)) } } } } }
                }
            }
        }
    }
}

fn about(part: &Part) -> Vec<(String, String)> {
    let m = &part.run.manifest;
    let weights: String = m.model.weights.chars().take(16).collect();
    let hash: String = m.benchmark.hash.chars().take(16).collect();
    let own = [
        ("sessions", format!("{} of {}", part.run.sessions.len(), m.items)),
        ("model name", safe(&m.model.name)),
        ("weights", safe(&weights)),
        ("arithmetic", safe(&format!("{} on {}", m.model.dtype, m.model.device))),
        ("questions", safe(&format!("{} ({hash})", m.benchmark.questions))),
        ("program", safe(&m.program)),
        ("started", safe(&m.started)),
        ("machine", safe(&format!("{} {}, {} cores", m.machine.os, m.machine.arch, m.machine.cores))),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(settings(&m.settings)).collect()
}

fn of_run(part: &Part, i: usize) -> Markup {
    html! {
        section id={"run-" (i)} {
            h2 { (safe(&part.run.name)) " · " (safe(&part.run.manifest.model.name)) }
            (tables::accuracy(part))
            (tables::scores(part))
            (tables::looks(part))
            div id={"failures-" (i)} {
                h3 { "Failures" }
                (tables::failures(part))
                (tables::looked(part))
            }
            (details::section(part))
            @if !part.examples.is_empty() {
                div id={"examples-" (i)} {
                    h3 { "Examples" }
                    (examples::all(&part.examples))
                }
            }
        }
    }
}

fn definitions(lines: &Thresholds) -> Markup {
    html! {
        section #definitions {
            h2 { "Definitions" }
            p {
                "Every session has the first label that fits, in this order. A zoom looks at a target when it covers at least "
                (lines.partial_look) " of it and at least " (lines.tightness) " of the crop is target; "
                "below a coverage of " (lines.looked_wrong) " it looked elsewhere; an IoU of " (lines.repeated_zoom)
                " with an earlier crop is a repetition; a box is in the wrong frame where another reading would cover "
                (lines.frame_error) " of a target; text loops where its last piece stands there " (lines.loops) " times."
            }
            dl { @for label in Label::ALL { dt { code { (label.name()) } } dd { (label.meaning()) } } }
            p {
                "Intervals are 95 %: Wilson's for shares; for accuracies Wilson's with the sample size divided by the design "
                "effect of pages, since questions about one page are alike; for differences between runs the percentile "
                "bootstrap over pages (" (crate::analysis::stats::REPLICATES) " resamplings). McNemar's test is exact and two-sided, "
                "and adjusted over the tasks by Holm's method. Corrected accuracy is (accuracy − chance) / (1 − chance)."
            }
        }
    }
}
