//! What the parser finds, that any split finds the same, and that nothing breaks it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::geometry::Size;
use crate::protocol::{Surroundings, place};

const CALL: &str = r#"<tool_call>{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [20, 100, 84, 164], "label": "panel 3"}}</tool_call>"#;

fn rarl() -> Profile {
    Profile::builtin("rarl").unwrap()
}

/// One position a byte, then the end of the turn.
fn parse(text: &[u8]) -> Vec<ParseEvent> {
    let mut parser = Parser::new(&rarl());
    let mut events = Vec::new();
    for (i, byte) in text.iter().enumerate() {
        events.extend(parser.push(&[*byte], i as u64));
    }
    events.extend(parser.finish_turn());
    events
}

fn segments(events: &[ParseEvent]) -> Vec<(SegmentKind, u64, u64)> {
    let spans = events.iter().filter_map(|e| if let ParseEvent::SegmentClosed(s) = e { Some(s) } else { None });
    spans.map(|s| (s.kind, s.first, s.last)).collect()
}

fn calls(events: &[ParseEvent]) -> Vec<Result<[f64; 4], Refusal>> {
    let outcomes =
        events.iter().filter_map(|e| if let ParseEvent::Call { outcome, .. } = e { Some(outcome) } else { None });
    outcomes.map(|o| o.as_ref().map(|c| c.raw).map_err(|r| r.0)).collect()
}

fn answers(events: &[ParseEvent]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|e| if let ParseEvent::Answer { raw, .. } = e { Some(raw.as_str()) } else { None })
        .collect()
}

#[test]
fn a_turn_with_a_call() {
    let text = format!("<think>a hat?</think>\n{CALL}");
    let events = parse(text.as_bytes());
    let end = text.len() as u64 - 1;
    assert_eq!(segments(&events), [(SegmentKind::Think, 0, 20), (SegmentKind::ToolCall, 22, end)]);
    assert_eq!(calls(&events), [Ok([20.0, 100.0, 84.0, 164.0])]);
    assert!(matches!(events.last(), Some(ParseEvent::Call { position, .. }) if *position == end));
}

#[test]
fn a_turn_with_an_answer_and_loose_text() {
    let events = parse(b" so <b>\n<answer> left </answer> done ");
    assert_eq!(answers(&events), [" left "]);
    let want = [(SegmentKind::Text, 1, 6), (SegmentKind::Answer, 8, 30), (SegmentKind::Text, 32, 35)];
    assert_eq!(segments(&events), want);
    let opened: Vec<_> = events.iter().filter(|e| matches!(e, ParseEvent::SegmentOpened(..))).collect();
    assert_eq!(opened.len(), 3);
}

#[test]
fn several_positions_of_one_token_are_one() {
    let mut parser = Parser::new(&rarl());
    let mut events = parser.push(b"<think>x</", 10);
    events.extend(parser.push(b"think><ans", 11));
    assert_eq!(parser.open_segment(), None);
    events.extend(parser.push(b"wer>y</answer>", 12));
    assert_eq!(segments(&events), [(SegmentKind::Think, 10, 11), (SegmentKind::Answer, 11, 12)]);
    assert_eq!(parser.finish_turn(), []);
}

#[test]
fn the_first_call_and_the_first_answer_count() {
    let events = parse(format!("<tool_call>[</tool_call>{CALL}<answer>a</answer><answer>b</answer>").as_bytes());
    assert_eq!(calls(&events), [Err(Refusal::BrokenJson)]);
    assert_eq!(answers(&events), ["a"]);
    assert_eq!(segments(&events).len(), 4);
}

#[test]
fn each_turn_begins_afresh() {
    let mut parser = Parser::new(&rarl());
    for turn in 0..3 {
        let mut events = parser.push(CALL.as_bytes(), turn);
        events.extend(parser.finish_turn());
        assert_eq!(calls(&events).len(), 1);
    }
    let mut events = parser.push(b"<tool_call>{", 9);
    events.extend(parser.finish_turn());
    assert_eq!(calls(&events), [Err(Refusal::Unclosed)]);
    let events = parser.push(b"<answer>x</answer>", 10);
    assert_eq!(answers(&events), ["x"]);
}

#[test]
fn a_cut_turn_blames_nobody() {
    let mut parser = Parser::new(&rarl());
    parser.push(b"<think>x</think><tool_call>{\"na", 3);
    let events = parser.cut_turn();
    assert_eq!(segments(&events), [(SegmentKind::ToolCall, 3, 3)]);
    assert!(calls(&events).is_empty());
    assert_eq!(calls(&[parser.push(CALL.as_bytes(), 4), parser.finish_turn()].concat()).len(), 1);
}

#[test]
fn nesting_is_refused() {
    for (text, want) in [
        ("<tool_call>{<think>}</tool_call>", vec![Err(Refusal::NestedTag)]),
        ("<tool_call>{<tool_call>}</tool_call>", vec![Err(Refusal::NestedTag)]),
        ("<tool_call>{<answer>left</answer>", vec![Err(Refusal::NestedTag)]),
        (&format!("<think>{CALL}"), vec![Err(Refusal::NestedTag)]),
        (&format!("<think>{CALL}</think>"), vec![Err(Refusal::NestedTag)]),
        (&format!("<think>{CALL}</think>{CALL}"), vec![Ok([20.0, 100.0, 84.0, 164.0])]),
        ("<think><tool_call></think><answer>x</answer>", vec![]),
        ("<answer><tool_call>", vec![Err(Refusal::NestedTag)]),
        ("<think><answer>x</answer>", vec![]),
        ("</think></tool_call></answer>", vec![]),
    ] {
        assert_eq!(calls(&parse(text.as_bytes())), want, "{text}");
    }
}

#[test]
fn long_bodies_are_bounded() {
    let long = format!("<tool_call>{}</tool_call>", "x".repeat(MAX_CALL_BYTES + 1));
    assert_eq!(calls(&parse(long.as_bytes())), [Err(Refusal::TooLong)]);
    let padded = format!("<answer>B{}x</answer>", " ".repeat(MAX_ANSWER_BYTES));
    let events = parse(padded.as_bytes());
    assert!(answers(&events)[0].ends_with('…') && answers(&events)[0].len() <= MAX_ANSWER_BYTES + 3);
    let mut parser = Parser::new(&rarl());
    for opening in ["<tool_call>", "</tool_call><think>", "</think><answer>"] {
        parser.push(opening.as_bytes(), 0);
        for _ in 0..200 {
            parser.push(&[b'<'; 1000], 1);
        }
        assert!(parser.held.capacity() <= 1024 && parser.body.capacity() <= 4 * MAX_ANSWER_BYTES);
    }
}

#[test]
fn broken_utf8_in_an_answer_is_replaced() {
    assert_eq!(answers(&parse(b"<answer>\xff\xc3</answer>")), ["\u{fffd}\u{fffd}"]);
}

#[test]
fn other_tags_are_only_data() {
    let mut parser = Parser::new(&Profile::builtin("grounding").unwrap());
    let events = parser.push(b"<grounding>{\"box\":[0.1,0.2,0.3,0.4]}</grounding><tool_call>", 0);
    assert_eq!(calls(&events), [Ok([0.1, 0.2, 0.3, 0.4])]);
}

/// Every file of the fuzz corpus is named after what becomes of its first call on an 840×1176 page seen as 140×196.
#[test]
fn the_corpus_of_broken_calls() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/parser");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let want = name.split("--").next().unwrap();
        let events = parse(&std::fs::read(&path).unwrap());
        let first = events
            .iter()
            .find_map(|e| if let ParseEvent::Call { outcome, .. } = e { Some(outcome.clone()) } else { None });
        let got = match first {
            None => "none".to_owned(),
            Some(Err((refusal, _))) => word(refusal),
            Some(Ok(call)) => {
                let p = rarl();
                let (page, processed) = (Size::new(840, 1176), Size::new(140, 196));
                let around = Surroundings { frame: p.tool.frame, limits: &p.limits, page, processed, targets: &[] };
                place(&call, &around).outcome.map_or_else(|(refusal, _)| word(refusal), |_| "ok".into())
            }
        };
        assert_eq!(got, want, "{name}");
        seen += 1;
    }
    assert!(seen >= 30, "only {seen} files");
}

fn word(refusal: Refusal) -> String {
    serde_json::to_value(refusal).unwrap().as_str().unwrap().to_owned()
}

/// Text rich in tags and pieces of calls.
fn tagged() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "<think>", "</think>", "<tool_call>", "</tool_call>", "<answer>", "</answer>", "<", "</", "<t", ">", "\n",
            "{\"name\": \"image_zoom_in_tool\", \"arguments\": {\"bbox_2d\": [", "1, 2, 3", ", 4]}}", "]}}", "NaN", "1e308",
            "\"label\": \"é", "<|im_end|>", CALL,
        ]).prop_map(|s| s.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Feeds tokens (bytes of one position each), each further cut at `cuts`.
fn feed(tokens: &[&[u8]], cut: usize) -> Vec<ParseEvent> {
    let mut parser = Parser::new(&rarl());
    let mut events = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        for part in token.chunks(cut) {
            events.extend(parser.push(part, position as u64));
        }
    }
    events.extend(parser.finish_turn());
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_split_gives_the_same_events(text in tagged(), size in 1usize..12, cut in 1usize..6) {
        let tokens: Vec<&[u8]> = text.chunks(size).collect();
        prop_assert_eq!(feed(&tokens, usize::MAX), feed(&tokens, cut));
        // Another division into tokens moves positions, nothing else.
        let (fine, coarse) = (parse(&text), feed(&[&text], usize::MAX));
        prop_assert_eq!(calls(&fine), calls(&coarse));
        prop_assert_eq!(answers(&fine), answers(&coarse));
        prop_assert_eq!(segments(&fine).iter().map(|s| s.0).collect::<Vec<_>>(), segments(&coarse).iter().map(|s| s.0).collect::<Vec<_>>());
    }

    #[test]
    fn a_clone_goes_on_as_the_original(text in tagged(), at in any::<prop::sample::Index>()) {
        let (head, tail) = text.split_at(at.index(text.len() + 1));
        let mut one = Parser::new(&rarl());
        one.push(head, 1);
        let mut two = one.clone();
        prop_assert_eq!([one.push(tail, 2), one.finish_turn()], [two.push(tail, 2), two.finish_turn()]);
    }

    #[test]
    fn events_are_well_formed(text in tagged()) {
        let events = parse(&text);
        prop_assert!(calls(&events).len() <= 1 && answers(&events).len() <= 1);
        let mut open = None;
        let mut end = 0;
        for event in &events {
            match event {
                ParseEvent::SegmentOpened(kind, first) => {
                    prop_assert_eq!(open.replace((*kind, *first)), None);
                    prop_assert!(*first >= end);
                }
                ParseEvent::SegmentClosed(s) => {
                    prop_assert_eq!(open.take(), Some((s.kind, s.first)));
                    prop_assert!(s.last >= s.first && (s.last as usize) < text.len());
                    end = s.last;
                }
                ParseEvent::Call { .. } | ParseEvent::Answer { .. } => prop_assert_eq!(open, None),
            }
        }
        prop_assert_eq!(open, None);
    }

    #[test]
    fn any_bytes_are_survived(text in prop::collection::vec(any::<u8>(), 0..400)) {
        parse(&text);
    }
}
