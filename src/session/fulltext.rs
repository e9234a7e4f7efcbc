//! What was written in a session: the text that word searches look through.

use std::path::Path;

use super::filter::join_texts;
use super::notes::{Notes, notes_of};
use super::reader::read_log;
use crate::trace::{Body, Record, SegmentKind, TokenSource};

/// Most bytes of what a model wrote that are looked through.
const MOST: usize = 1 << 20;
/// Tags that shipped profiles write around segments; they are no words.
const TAGS: [&str; 6] = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<answer>", "</answer>"];

/// The words of a session, joined as [`join_texts`] does: question and choices, what the model wrote outside its tool calls, what it
/// called the regions it zoomed on, its answer, and a person's notes. `None` where the log cannot be read.
pub fn full_text(log: &Path, id: &str) -> Option<String> {
    let read = read_log(log).ok()?;
    let notes = log.parent().and_then(|dir| notes_of(dir, id)).unwrap_or_default();
    Some(text_of(&read.records, &notes))
}

/// The words of a session that was read already.
pub(super) fn text_of(records: &[Record], notes: &Notes) -> String {
    let mut texts = texts(records);
    texts.extend(notes.texts().into_iter().map(str::to_owned));
    join_texts(texts.iter().map(String::as_str))
}

fn texts(records: &[Record]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut called: Vec<(u64, u64)> = Vec::new();
    for record in records {
        match &record.body {
            Body::SessionStart(start) => {
                texts.push(start.question.text.clone());
                texts.extend(start.question.choices.iter().take(100).cloned());
            }
            Body::Segment(s) if matches!(s.kind, SegmentKind::ToolCall | SegmentKind::ToolResponse) => {
                called.push((s.first, s.last));
            }
            Body::Zoom(zoom) => texts.extend(zoom.label.clone()),
            Body::Answer(answer) => texts.extend(answer.content.clone()),
            _ => {}
        }
    }
    texts.push(written(records, &called));
    texts
}

/// What the model wrote, but for these spans of positions (in order, as segments close).
fn written(records: &[Record], called: &[(u64, u64)]) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    let mut spans = called.iter().peekable();
    let tokens = records.iter().filter_map(|record| match &record.body {
        Body::Tokens(tokens) if tokens.by != TokenSource::Prompt => Some(tokens),
        _ => None,
    });
    for tokens in tokens {
        for (position, piece) in (tokens.start..).zip(&tokens.pieces) {
            while spans.next_if(|(_, last)| *last < position).is_some() {}
            let inside = spans.peek().is_some_and(|(first, _)| *first <= position);
            if !inside && bytes.len() < MOST {
                bytes.extend_from_slice(&piece.bytes());
            }
        }
        // Two turns are not one sentence.
        bytes.push(b'\n');
    }
    TAGS.iter().fold(String::from_utf8_lossy(&bytes).into_owned(), |text, tag| text.replace(tag, "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::samples::session;

    #[test]
    fn calls_and_tags_are_no_words() {
        let texts = texts(&session("a"));
        let joined = join_texts(texts.iter().map(String::as_str));
        for word in ["nearer", "pip", "see", "bo", "hat"] {
            assert!(joined.split(' ').any(|w| w == word), "{word} in {joined}");
        }
        for word in ["think", "tool", "call", "answer", "system"] {
            assert!(!joined.split(' ').any(|w| w == word), "{word} in {joined}");
        }
    }
}
