//! Shortcuts, letters, calibration, seeds, confusions.

use maud::{Markup, html};

use super::super::Part;
use super::super::words::{interval, number, p_value, percent, safe};
use crate::analysis::stats::{Bin, Calibration};
use crate::study::{Confusion, Group, TaskFigures};

pub(super) fn section(part: &Part) -> Markup {
    let all = part.figures.get(Group::All);
    html! {
        h3 { "Behind the accuracy" }
        div.columns {
            div { (calibration(all.and_then(|f| f.calibration.as_ref()))) }
            div { (heuristic(part)) (letters(part)) (seeds(part)) }
        }
        @for (group, f) in part.figures.tasks() {
            @if let Some(matrix) = &f.confusion {
                details { summary { "Confusions of " (group.name()) } (confusion(matrix)) }
            }
        }
    }
}

fn calibration(found: Option<&Calibration>) -> Markup {
    let Some(c) = found else { return html! {} };
    html! {
        h4 { "Calibration" }
        p { "Expected calibration error " (number(Some(c.ece))) ", Brier score " (number(Some(c.brier))) " over " (c.n)
            " answers; the probability is that of all of the answer's tokens." }
        (plot(c))
        details {
            summary { "The same as a table" }
            div.scroll { table {
                caption { "Answers by the model's probability of them." }
                thead { tr { th scope="col" { "probability" } th scope="col" { "answers" } th scope="col" { "mean probability" } th scope="col" { "right" } th scope="col" { "95 %" } } }
                tbody { @for b in c.bins.iter().filter(|b| b.n > 0) { tr {
                    th scope="row" { (format!("{:.1}–{:.1}", b.from, b.to)) } td { (b.n) } td { (number(b.p)) } td { (percent(b.accuracy)) } td { (interval(b.ci95)) }
                } } }
            } }
        }
    }
}

/// A reliability diagram; 200 units are all.
fn plot(c: &Calibration) -> Markup {
    let at = |x: f64| x.mul_add(200.0, 30.0);
    let up = |y: f64| (1.0 - y).mul_add(200.0, 10.0);
    let most = c.bins.iter().map(|b| b.n).max().unwrap_or(1).max(1) as f64;
    let dot = |b: &Bin| {
        let (x, y) = (at(b.p.unwrap_or(0.0)), up(b.accuracy.unwrap_or(0.0)));
        let [low, high] = b.ci95.map(up);
        let r = (b.n as f64 / most).sqrt().mul_add(5.0, 2.5);
        html! {
            path.whisker d=(format!("M{x:.1} {low:.1}V{high:.1}")) {}
            circle.dot cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r=(format!("{r:.1}")) {}
        }
    };
    html! {
        svg.plot viewBox="0 0 250 240" role="img" aria-label="Reliability diagram: share right against probability" {
            rect.axis x="30" y="10" width="200" height="200" {}
            line.ideal x1="30" y1="210" x2="230" y2="10" {}
            @for b in c.bins.iter().filter(|b| b.n > 0) { (dot(b)) }
            @for (share, word) in [(0.0, "0"), (0.5, ".5"), (1.0, "1")] {
                text x=(format!("{:.0}", at(share))) y="223" text-anchor="middle" { (word) }
                text x="25" y=(format!("{:.0}", up(share) + 4.0)) text-anchor="end" { (word) }
            }
            text x="130" y="237" text-anchor="middle" { "probability of the answer" }
            text x="34" y="22" { "right" }
        }
    }
}

fn heuristic(part: &Part) -> Markup {
    let Some((group, h)) = part.figures.tasks().find_map(|(group, f)| Some((group, f.heuristic?))) else {
        return html! {};
    };
    let right = |[n, right]: [usize; 2]| format!("{right} of {n}");
    html! {
        h4 { "Shortcut" }
        p { "In " (group.name()) ", \u{201c}lower on the page is nearer\u{201d} gives what was answered in " (h.agreed) " of " (h.n)
            " answers (" (percent(Some(h.share))) "). Where it is true, " (right(h.with)) " answers are right; where it is false, "
            (right(h.against)) "." }
    }
}

fn letters(part: &Part) -> Markup {
    let rows: Vec<_> = part.figures.tasks().filter_map(|(group, f)| Some((group, f.letters.as_ref()?))).collect();
    let width = rows.iter().map(|(_, u)| u.answered.len()).max().unwrap_or(0);
    if rows.is_empty() {
        return html! {};
    }
    let letter = |i: usize| {
        u8::try_from(i).ok().and_then(|i| 26_u8.checked_sub(i + 1).map(|_| char::from(b'A' + i))).unwrap_or('?')
    };
    html! {
        h4 { "Letters" }
        div.scroll { table {
            caption { "How often each listed choice was answered (and how often it was right); p of no preference (χ²)." }
            thead { tr { th scope="col" { "" } @for i in 0..width { th scope="col" { (letter(i)) } } th scope="col" { "p" } } }
            tbody { @for (group, u) in rows { tr {
                th scope="row" { (group.name()) }
                @for i in 0..width { td {
                    @if let (Some(n), Some(right)) = (u.answered.get(i), u.right.get(i)) { (n) " " small { "(" (right) ")" } }
                } }
                td { (p_value(Some(u.p))) }
            } } }
        } }
    }
}

fn seeds(part: &Part) -> Markup {
    let rows: Vec<(&Group, &TaskFigures)> =
        part.figures.groups.iter().filter(|(_, f)| f.seeds.is_some()).map(|(group, f)| (group, f)).collect();
    if rows.is_empty() {
        return html! {};
    }
    html! {
        h4 { "Asked several times" }
        div.scroll { table {
            caption { "Pass@k: at least one of k answers right. Agreement: pairs of answers to one question that are the same." }
            thead { tr { th scope="col" { "" } th scope="col" { "questions" } th scope="col" { "Pass@1, 2, …" } th scope="col" { "agreement" } th scope="col" { "always right" } th scope="col" { "never" } } }
            tbody { @for (group, f) in rows { @if let Some(s) = &f.seeds { tr.(group.kind()) {
                th scope="row" { (group.name()) } td { (s.questions) }
                td { (s.pass.iter().map(|p| format!("{:.0}", 100.0 * p)).collect::<Vec<_>>().join(", ")) " %" }
                td { (percent(Some(s.agreement))) } td { (percent(Some(s.always))) } td { (percent(Some(s.never))) }
            } } } }
        } }
    }
}

fn confusion(matrix: &Confusion) -> Markup {
    let most = matrix.counts.iter().flatten().max().copied().unwrap_or(1).max(1) as f64;
    html! {
        div.scroll { table {
            caption { "Rows: the truth. Columns: what was answered." }
            thead { tr { td {} @for class in &matrix.classes { th scope="col" { (safe(class)) } } th scope="col" { "none" } } }
            tbody { @for ((i, (class, row)), none) in matrix.classes.iter().zip(&matrix.counts).enumerate().zip(&matrix.none) { tr {
                th scope="row" { (safe(class)) }
                @for (j, n) in row.iter().enumerate() {
                    @if *n == 0 { td.soft { "·" } } @else {
                        td class=(if i == j { "heat fine" } else { "heat" }) style={"--heat:" (format!("{:.3}", *n as f64 / most))} { (n) }
                    }
                }
                td { (none) }
            } } }
        } }
    }
}
