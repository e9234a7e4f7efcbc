//! What differs between two runs.

use maud::{Markup, html};

use super::super::Part;
use super::super::words::{difference, p_value, percent, safe};
use crate::study::{Comparison, Flip, Side};

/// Most flips that are listed.
const TOLD: usize = 200;

pub(super) fn section(compared: &Comparison, a: &Part, b: &Part) -> Markup {
    let names = [a, b].map(|part| format!("{} ({})", safe(&part.run.name), safe(&part.run.manifest.model.name)));
    html! {
        section #compared {
            h2 { "What differs" }
            p { "A is " (names[0]) ", B is " (names[1]) ". Sessions are paired by question"
                @if compared.unpaired_a + compared.unpaired_b > 0 {
                    "; " (compared.unpaired_a) " of A and " (compared.unpaired_b) " of B have no partner"
                } "." }
            (pairings(compared))
            (flips(&compared.flips))
        }
    }
}

fn pairings(compared: &Comparison) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Differences are B − A in hundredths, with bootstrap intervals over pages; p is McNemar's, exact." }
                thead { tr {
                    th scope="col" { "" } th scope="col" { "pairs" } th scope="col" { "A" } th scope="col" { "B" }
                    th scope="col" { "B − A" } th scope="col" { "only A right" } th scope="col" { "only B right" }
                    th scope="col" { "p" } th scope="col" { "p (Holm)" } th scope="col" { "score B − A" }
                } }
                tbody { @for (group, x) in &compared.groups { tr.(group.kind()) {
                    th scope="row" { (group.name()) } td { (x.n) } td { (percent(x.accuracy_a)) } td { (percent(x.accuracy_b)) }
                    td { (difference(x.difference, x.difference_ci95)) } td { (x.only_a) } td { (x.only_b) }
                    td { (p_value(Some(x.p))) } td { (p_value(x.p_holm)) } td { (difference(x.score_difference, x.score_ci95)) }
                } } }
            }
        }
    }
}

fn flips(flips: &[Flip]) -> Markup {
    if flips.is_empty() {
        return html! { p { "No question came out differently." } };
    }
    let right = flips.iter().filter(|flip| flip.a.right).count();
    html! {
        h3 { "Flips" }
        p { (flips.len()) " questions came out differently: " (right) " that A has right, " (flips.len() - right) " that B has right." }
        div.scroll {
            table {
                caption { "Questions that one run has right and the other wrong."
                    @if flips.len() > TOLD { " The first " (TOLD) "." } }
                thead { tr {
                    th.text scope="col" { "question" } th.text scope="col" { "task" } th.text scope="col" { "A" } th.text scope="col" { "B" }
                } }
                tbody { @for flip in flips.iter().take(TOLD) { tr {
                    th scope="row" { (safe(&flip.question_id)) } td.text { (flip.task.map_or("typed", |task| task.name())) }
                    td.text { (side(&flip.a)) } td.text { (side(&flip.b)) }
                } } }
            }
        }
    }
}

fn side(side: &Side) -> Markup {
    let answer =
        side.answer.as_deref().map_or_else(|| "no answer".to_owned(), |a| format!("\u{201c}{}\u{201d}", safe(a)));
    html! {
        @if side.right { span.good { "✓ right" } } @else { span.bad { "✗ " (side.label.map_or("wrong", |l| l.name())) } }
        " " (answer) br; small { (safe(&side.session)) }
    }
}
