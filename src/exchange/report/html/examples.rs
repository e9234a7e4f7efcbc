//! Sessions of every kind of failure: the page with what was looked at, and what was written.

use maud::{Markup, html};

use super::super::example::{Example, Look};
use super::super::picture::Picture;
use super::super::words::safe;
use crate::analysis::Label;
use crate::geometry::PageBox;
use crate::trace::SegmentKind;

pub(super) fn all(examples: &[Example]) -> Markup {
    let labels = Label::ALL.into_iter().filter(|label| examples.iter().any(|e| e.evidence.label == *label));
    html! {
        @for label in labels {
            h4 { (label.name()) " " span.soft { "· " (label.meaning()) } }
            @for example in examples.iter().filter(|e| e.evidence.label == label) { (one(example)) }
        }
    }
}

fn one(example: &Example) -> Markup {
    let s = &example.summary;
    html! {
        article {
            h5 { (s.task.map_or("typed", |task| task.name())) " · " (safe(&example.question.text)) }
            (figure(example))
            div {
                (about(example))
                @for (kind, text) in &example.pieces {
                    div.kind { (word(*kind)) }
                    pre { (safe(text)) }
                }
            }
        }
    }
}

fn about(example: &Example) -> Markup {
    let (s, q) = (&example.summary, &example.question);
    let right = s.right == Some(true);
    html! {
        dl {
            dt { "why" } dd { (example.evidence.sentence) }
            @if !q.choices.is_empty() { dt { "choices" } dd { (safe(&q.choices.join(" · "))) } }
            dt { "answer" }
            dd {
                span class=(if right { "good" } else { "bad" }) { (if right { "✓ " } else { "✗ " }) }
                (s.answer.as_deref().map_or_else(|| "none".to_owned(), safe))
                @if let Some(p) = s.answer_p { span.soft { " (probability " (format!("{p:.2}")) ")" } }
            }
            @if let Some(truth) = &q.truth { dt { "truth" } dd { (safe(truth)) } }
            @for look in &example.looks { dt { "zoom " (look.number) } dd { (look_words(look)) } }
            dt { "session" } dd { code { (safe(&s.id)) } }
        }
    }
}

fn look_words(look: &Look) -> String {
    let label = if look.label.is_empty() { String::new() } else { format!("\u{201c}{}\u{201d} ", safe(&look.label)) };
    match (&look.refused, look.measures, &look.page_box) {
        (Some(why), ..) => format!("{label}refused: {}", safe(why)),
        (None, Some(m), _) => {
            format!("{label}coverage {:.2}, tightness {:.2}, IoU {:.2}", m.coverage, m.tightness, m.iou)
        }
        (None, None, Some(b)) => format!("{label}{} by {} pixels", digits(b.width()), digits(b.height())),
        _ => label,
    }
}

const fn word(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Think => "thought",
        SegmentKind::ToolCall => "tool call",
        SegmentKind::ToolResponse => "tool",
        SegmentKind::Answer => "answer",
        SegmentKind::Text => "text",
    }
}

/// The page with its boxes; in page pixels, so that they need no conversion.
fn figure(example: &Example) -> Markup {
    let Some(picture) = &example.picture else { return html! {} };
    let Picture { size, .. } = picture;
    let unit = f64::from(size.w.max(size.h)) / 360.0;
    let zooms = example.looks.iter().filter_map(|look| Some((look.number, look.page_box?)));
    let zooms: Vec<(u32, PageBox)> = zooms.collect();
    let targets = &example.question.targets;
    let words = format!("The page with {} zoomed boxes and {} targets", zooms.len(), targets.len());
    html! {
        figure {
            svg viewBox=(format!("0 0 {} {}", size.w, size.h)) role="img" aria-label=(words) {
                @if let Some(jpeg) = &picture.jpeg {
                    image href={"data:image/jpeg;base64," (jpeg)} width=(size.w) height=(size.h) preserveAspectRatio="none" {}
                }
                @for target in targets { (outline(target, "target", unit, true)) }
                @for (_, b) in &zooms { (outline(b, "zoom", unit, false)) }
                @for (number, b) in &zooms { (tag(*number, b, unit)) }
            }
            figcaption {
                "Blue, numbered: zooms. Yellow, dashed: targets."
                @if let Some(problem) = &picture.problem { " The page itself is not shown: " (safe(problem)) "." }
            }
        }
    }
}

fn outline(b: &PageBox, class: &str, unit: f64, dashed: bool) -> Markup {
    let (x, y, w, h) = (digits(b.x1), digits(b.y1), digits(b.width().max(0.0)), digits(b.height().max(0.0)));
    let dash = if dashed { format!("{} {}", digits(6.0 * unit), digits(4.0 * unit)) } else { "none".to_owned() };
    html! {
        rect.edge x=(x) y=(y) width=(w) height=(h) stroke-width=(digits(4.0 * unit)) {}
        rect class=(class) x=(x) y=(y) width=(w) height=(h) stroke-width=(digits(2.2 * unit)) stroke-dasharray=(dash) {}
    }
}

fn tag(number: u32, b: &PageBox, unit: f64) -> Markup {
    let (x, y) = (b.x1 + 9.0 * unit, b.y1 + 9.0 * unit);
    html! {
        circle.tag cx=(digits(x)) cy=(digits(y)) r=(digits(8.0 * unit)) {}
        text.number x=(digits(x)) y=(digits(y)) font-size=(digits(11.0 * unit)) { (number) }
    }
}

/// A coordinate; what is no number is 0.
fn digits(x: f64) -> String {
    let x = if x.is_finite() { x.clamp(-1e9, 1e9) } else { 0.0 };
    format!("{x:.1}")
}
