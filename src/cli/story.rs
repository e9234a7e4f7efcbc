//! A session told in lines, for terminals without the explorer and for pipes.

use crate::analysis::zoom_measures;
use crate::geometry::PageBox;
use crate::text::{one_line, sanitise};
use crate::trace::{
    Body, Cursor, ForkEvent, ImageEvent, ImageRole, Record, SegmentKind, SegmentSpan, SessionEnd, SessionStart, Trace,
    ZoomEvent, ZoomOutcome,
};

/// Columns of the word at the beginning of a line.
const MARGIN: usize = 9;

/// A piece of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Lines, safe to print.
    Text(String),
    /// An image, by hash.
    Image(String),
}

/// Tells a session in the order in which it happened. Everything in it is sanitised.
pub(super) fn story(records: &[Record]) -> Vec<Part> {
    let trace = Trace::of(records);
    let spans = trace.at(Cursor::Live).segments();
    let targets = trace.start.as_ref().map_or(&[][..], |start| &start.question.targets);
    let mut parts = Vec::new();
    for record in records {
        parts.extend(tell(&record.body, &spans, targets));
    }
    if trace.end.is_none() {
        parts.extend(spans.iter().filter(|span| !span.closed).filter_map(segment));
        parts.push(Part::Text(line("end", "not reached: the session still runs, or was cut off")));
    }
    parts
}

fn tell(body: &Body, spans: &[SegmentSpan], targets: &[PageBox]) -> Vec<Part> {
    match body {
        Body::SessionStart(start) => beginning(start).into_iter().map(Part::Text).collect(),
        Body::Image(image) => vec![Part::Image(image.hash.clone()), Part::Text(size(image))],
        Body::Segment(event) => {
            let span =
                spans.iter().find(|span| (span.first, span.last, span.kind) == (event.first, event.last, event.kind));
            span.and_then(segment).into_iter().collect()
        }
        Body::Zoom(event) => zoom(event, targets).into_iter().map(Part::Text).collect(),
        Body::Answer(answer) => {
            let content = answer.content.as_deref().filter(|content| *content != answer.raw.trim());
            let read = content.map(|content| format!("  (read as \"{content}\")")).unwrap_or_default();
            vec![Part::Text(line("answer", &format!("{}{read}", answer.raw.trim())))]
        }
        Body::Score(score) => {
            let verdict = match score.value {
                v if v >= 1.0 => "✓ right".to_owned(),
                v if v <= 0.0 => "✗ wrong".to_owned(),
                v => format!("~ {v:.2}"),
            };
            vec![Part::Text(line("score", &format!("{verdict}: {}", score.explanation)))]
        }
        Body::Fork(event) => vec![Part::Text(line("fork", &fork_words(event)))],
        Body::Break(event) => vec![Part::Text(line("break", &format!("{}: {}", event.breakpoint, event.on)))],
        Body::Error(error) => vec![Part::Text(line("error", &format!("{}: {}", error.kind, error.message)))],
        Body::SessionEnd(end) => vec![Part::Text(line("end", &ending(end)))],
        Body::Tokens(_) | Body::Control(_) | Body::Attention(_) | Body::Lens(_) | Body::Other { .. } => Vec::new(),
    }
}

fn beginning(start: &SessionStart) -> Vec<String> {
    let model = &start.model;
    let mut about = vec![start.id.as_str(), &model.name, &model.dtype, &model.device, &start.profile, &start.started];
    about.extend(start.interventions.iter().map(String::as_str));
    let mut lines = vec![line("session", &about.join(" · ")), line("question", &start.question.text)];
    if !start.question.choices.is_empty() {
        lines.push(line("choices", &start.question.choices.join(" · ")));
    }
    if let Some(truth) = &start.question.truth {
        lines.push(line("truth", truth));
    }
    if let Some(parent) = &start.parent {
        lines.push(line("fork of", &format!("{} at token {}: {}", parent.session, parent.position, parent.edit)));
    }
    lines
}

fn size(image: &ImageEvent) -> String {
    let word = if image.role == ImageRole::Page { "page" } else { "crop" };
    let tokens = plural(image.tokens.into(), "token");
    line(word, &format!("{}, seen as {} in {tokens}", image.original, image.processed))
}

fn segment(span: &SegmentSpan) -> Option<Part> {
    let word = match span.kind {
        SegmentKind::Think => "think",
        SegmentKind::ToolCall => "call",
        SegmentKind::ToolResponse => "tool",
        // The answer itself comes with its own record, unless it is still being written.
        SegmentKind::Answer if span.closed => return None,
        SegmentKind::Answer => "answer",
        SegmentKind::Text => "text",
    };
    let text = without_specials(span.body());
    let open = if span.closed { "" } else { " …" };
    (!text.trim().is_empty()).then(|| Part::Text(line(word, &format!("{}{open}", text.trim()))))
}

/// Without `<|image_pad|>` and its like, which stand for what is shown otherwise.
fn without_specials(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<|") {
        out.push_str(before);
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match after.split_once("|>").filter(|(inside, _)| inside.chars().all(name)) {
            Some((_, tail)) => rest = tail,
            None => {
                out.push_str("<|");
                rest = after;
            }
        }
    }
    out + rest
}

fn zoom(zoom: &ZoomEvent, targets: &[PageBox]) -> Vec<String> {
    let word = format!("zoom {}", zoom.number);
    let raw = zoom.raw.map_or_else(|| "no box".to_owned(), |raw| format!("{} in {}", corners(raw), zoom.frame));
    let label = zoom.label.as_ref().map(|label| format!(" \"{label}\"")).unwrap_or_default();
    let mut lines = match &zoom.outcome {
        ZoomOutcome::Cropped { page_box, .. } => {
            let measures = zoom_measures(zoom, targets)
                .map(|m| format!(" · coverage {:.2} · tightness {:.2} · IoU {:.2}", m.coverage, m.tightness, m.iou));
            let page = page_box.corners();
            let place = format!("{raw}{label} · page {} ", corners(page));
            let size = format!("({:.0}×{:.0})", page_box.width(), page_box.height());
            vec![line(&word, &format!("{place}{size}{}", measures.unwrap_or_default()))]
        }
        ZoomOutcome::Refused { refused, detail } => {
            let name = refused.words();
            let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            vec![line(&word, &format!("{raw}{label} · refused, {name}{detail}"))]
        }
    };
    lines.extend(zoom.warning.as_ref().map(|warning| line("warning", warning)));
    lines
}

fn corners(numbers: [f64; 4]) -> String {
    let short = |x: f64| {
        let text = format!("{x:.1}");
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    format!("[{}]", numbers.map(short).join(", "))
}

/// How a fork stands where its parent stood.
pub(super) fn fork_words(fork: &ForkEvent) -> String {
    let how = if fork.exact { "exact" } else { "recomputed" };
    let moved = fork.moved.map(|moved| format!(" · logits moved by {moved:.1e}")).unwrap_or_default();
    format!("own from token {} on · {how}{moved}", fork.position)
}

fn plural(n: u64, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn ending(end: &SessionEnd) -> String {
    let mut parts = vec![
        end.reason.clone(),
        plural(end.generated, "token"),
        plural(end.turns.into(), "turn"),
        plural(end.zooms.into(), "zoom"),
    ];
    if end.refused > 0 {
        parts.push(format!("{} refused", end.refused));
    }
    parts.push(format!("{:.2} s", end.seconds));
    parts.join(" · ")
}

/// A word in the margin and a text beside it; safe to print.
fn line(word: &str, text: &str) -> String {
    let text = sanitise(text);
    let mut out = format!("{:<MARGIN$}", one_line(word));
    for (n, part) in text.lines().enumerate() {
        if n > 0 {
            out.push('\n');
            out.push_str(&" ".repeat(MARGIN));
        }
        out.push_str(part);
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::session::samples::session;
    use crate::trace::{Piece, Refusal};

    fn told(records: &[Record]) -> String {
        let parts = story(records).into_iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Image(hash) => format!("<{}…>", hash.chars().take(4).collect::<String>()),
        });
        parts.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_whole_session_is_told() {
        insta::assert_snapshot!(told(&session("20260102-030405-abcdef")));
    }

    #[test]
    fn a_cut_session_is_told_to_where_it_stops() {
        let text = told(&session("x")[..6]);
        assert!(text.contains("call     {} …") || text.contains("call     {}"), "{text}");
        assert!(text.ends_with("end      not reached: the session still runs, or was cut off"), "{text}");
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut records = session("x");
        for record in &mut records {
            match &mut record.body {
                Body::SessionStart(start) => start.question.text = "a\x1b[2Jb\nc\u{202e}d".into(),
                Body::Tokens(tokens) => {
                    tokens.pieces.iter_mut().for_each(|p| *p = Piece::Text("\x1b]52;c;aGk=\x07".into()));
                }
                Body::Zoom(zoom) => {
                    zoom.label = Some("\x1b[31m".into());
                    let detail = "no\rway".to_owned();
                    zoom.outcome = ZoomOutcome::Refused { refused: Refusal::OffPage, detail };
                }
                _ => {}
            }
        }
        let text = told(&records);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(text.contains("question a␛[2Jb\n         c\u{fffd}d"), "{text}");
        assert!(text.contains("refused, off page: no␍way"), "{text}");
    }

    #[test]
    fn special_tokens_are_left_out() {
        assert_eq!(without_specials("a<|image_pad|>b<|x y|>c<|"), "ab<|x y|>c<|");
    }
}
