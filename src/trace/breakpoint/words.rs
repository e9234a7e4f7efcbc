//! What a breakpoint fired on, in words.

use super::condition::{Condition, Figure};
use super::moment::{Moment, ZoomFacts};

/// The facts of a moment that made the condition hold, with what they are about first.
pub(super) fn reasons(condition: &Condition, now: &Moment) -> String {
    let mut found = Vec::new();
    if let Some(zoom) = now.zoom.as_ref().filter(|_| is_about_zoom(condition)) {
        found.push(zoom_words(zoom));
    }
    collect(condition, now, &mut found);
    found.dedup();
    if found.is_empty() { format!("token {}", now.number) } else { found.join(" · ") }
}

fn is_about_zoom(condition: &Condition) -> bool {
    match condition {
        Condition::Any(a, b) | Condition::Both(a, b) => is_about_zoom(a) || is_about_zoom(b),
        Condition::Not(inner) => is_about_zoom(inner),
        Condition::Zoom(_) | Condition::Refused(_) | Condition::Warning => true,
        Condition::Figure(figure, ..) => {
            matches!(figure, Figure::Iou | Figure::Coverage | Figure::Tightness | Figure::Repeat)
        }
        _ => false,
    }
}

fn zoom_words(zoom: &ZoomFacts) -> String {
    match (&zoom.page_box, zoom.refused) {
        (Some(page_box), _) => {
            let [x1, y1, x2, y2] = page_box.corners().map(f64::round);
            format!("zoom {} [{x1}, {y1}, {x2}, {y2}]", zoom.number)
        }
        (None, Some(refused)) => {
            let name = serde_json::to_value(refused).ok().and_then(|v| v.as_str().map(str::to_owned));
            format!("call {} refused: {}", zoom.number, name.unwrap_or_default().replace('_', " "))
        }
        (None, None) => format!("call {}", zoom.number),
    }
}

/// Facts of the parts that hold; a part below `not` has none to show.
fn collect(condition: &Condition, now: &Moment, out: &mut Vec<String>) {
    if !condition.holds(now) {
        return;
    }
    match condition {
        Condition::Any(a, b) | Condition::Both(a, b) => {
            collect(a, now, out);
            collect(b, now, out);
        }
        Condition::Figure(figure, ..) => {
            if let Some(value) = figure.of(now) {
                let counts = matches!(figure, Figure::Tokens | Figure::Turn | Figure::Position);
                let value = if counts { format!("{value}") } else { format!("{value:.2}") };
                out.push(format!("{} {value}", figure.name()));
            }
        }
        Condition::Text(pattern) => {
            let hit = pattern.find_iter(&now.tail).find(|hit| hit.end() > now.known);
            out.extend(hit.map(|hit| format!("\"{}\"", hit.as_str().chars().take(40).collect::<String>())));
        }
        Condition::Open(_) => out.extend(now.opened.first().map(|kind| format!("{kind:?} opens"))),
        Condition::Close(_) => out.extend(now.closed.first().map(|kind| format!("{kind:?} closes"))),
        Condition::Answer(_) => out.extend(now.answer.as_ref().map(|answer| {
            let right = match answer.right {
                Some(true) => " (right)",
                Some(false) => " (wrong)",
                None => "",
            };
            format!("answer \"{}\"{right}", answer.text.chars().take(60).collect::<String>())
        })),
        Condition::Forced => out.push("chosen by a person".to_owned()),
        Condition::Warning => out.push("would hit the target in another frame".to_owned()),
        Condition::Zoom(_) | Condition::Refused(_) | Condition::Not(_) => {}
    }
}
