#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::geometry::PageBox;
use crate::trace::{Piece, SegmentEvent, SegmentKind, Token, TokenSource, TopEntry, ZoomEvent, ZoomOutcome};

fn token(position: u64, text: &str, p: f32) -> Token {
    let top = vec![TopEntry(1, Piece::Text(text.into()), p.ln()), TopEntry(2, Piece::Text("x".into()), (0.9 - p).ln())];
    Token {
        position,
        id: 1,
        piece: Piece::Text(text.into()),
        logprob: Some(p.ln()),
        entropy: Some(0.5),
        top,
        sampled_logprob: None,
        at: 0.0,
        by: TokenSource::Sampled,
    }
}

fn zoom(number: u32, corners: [f64; 4]) -> ZoomEvent {
    let [x1, y1, x2, y2] = corners;
    ZoomEvent {
        number,
        position: 5,
        raw: Some(corners),
        frame: crate::geometry::FrameKind::Page,
        label: None,
        outcome: ZoomOutcome::Cropped { page_box: PageBox::new(x1, y1, x2, y2), crop: String::new() },
        warning: None,
    }
}

fn point(text: &str) -> Breakpoint {
    text.parse().unwrap()
}

fn fires(text: &str, watcher: &Watcher) -> Option<String> {
    point(text).fires(watcher.now().unwrap(), None)
}

#[test]
fn every_condition_of_the_list_is_understood() {
    for (example, _) in CONDITIONS {
        assert_eq!(point(example).text(), example);
    }
}

#[test]
fn zooms_are_measured() {
    let mut watcher = Watcher::new(&[PageBox::new(0.0, 0.0, 100.0, 100.0)]);
    watcher.token(&token(5, "</tool_call>", 0.6));
    watcher.zoom(&zoom(1, [0.0, 0.0, 100.0, 50.0]));
    assert_eq!(fires("zoom", &watcher).unwrap(), "zoom 1 [0, 0, 100, 50]");
    assert_eq!(fires("coverage<=.5 and zoom:1", &watcher).unwrap(), "zoom 1 [0, 0, 100, 50] · coverage 0.50");
    assert!(fires("iou<.5", &watcher).is_none() && fires("iou=.5", &watcher).is_some());
    assert!(fires("repeat", &watcher).is_none() && fires("refused", &watcher).is_none());
    assert!(fires("zoom:2", &watcher).is_none() && fires("not zoom:2 and tightness>=1", &watcher).is_some());
    watcher.token(&token(9, "</tool_call>", 0.6));
    watcher.zoom(&zoom(2, [0.0, 0.0, 100.0, 55.0]));
    assert!(fires("repeat", &watcher).unwrap().ends_with("repeat 0.91"));
}

#[test]
fn tokens_texts_and_segments() {
    let mut watcher = Watcher::new(&[]);
    watcher.token(&token(3, "<thi", 0.2));
    assert!(fires("open", &watcher).is_none() && fires("p<.3", &watcher).is_some());
    watcher.token(&token(4, "nk>A h", 0.5));
    assert_eq!(fires("open:think", &watcher).unwrap(), "Think opens");
    watcher.token(&token(5, "At", 0.6));
    assert_eq!(fires("text:\"hat\"", &watcher).unwrap(), "\"hAt\"");
    assert!(fires("text:/h[aeiou]t$/ and margin>.2", &watcher).is_some());
    watcher.token(&token(6, " and", 0.6));
    assert!(fires("text:hat", &watcher).is_none(), "once, where it is complete");
    watcher.segment(&SegmentEvent { kind: SegmentKind::Think, first: 3, last: 6 });
    assert!(fires("close:think", &watcher).is_some() && fires("close:answer", &watcher).is_none());
    watcher.answer("Pip");
    watcher.score(0.0);
    assert_eq!(fires("answer:wrong or answer:right", &watcher).unwrap(), "answer \"Pip\" (wrong)");
}

#[test]
fn counters_fire_once_and_can_still_be_combined() {
    let mut watcher = Watcher::new(&[]);
    let mut hits = Vec::new();
    let mut before: Option<Moment> = None;
    for i in 0..6 {
        watcher.token(&token(i, "a", if i == 5 { 0.1 } else { 0.6 }));
        let now = watcher.now().unwrap().clone();
        let count = point("tokens>=3").fires(&now, before.as_ref()).is_some();
        let both = point("tokens>=3 and p<.3").fires(&now, before.as_ref()).is_some();
        hits.push((count, both));
        before = Some(now);
    }
    assert_eq!(hits.iter().map(|h| h.0).collect::<Vec<_>>(), [false, false, true, false, false, false]);
    assert_eq!(hits.iter().map(|h| h.1).collect::<Vec<_>>(), [false, false, false, false, false, true]);
}

#[test]
fn or_binds_weaker_than_and() {
    let mut watcher = Watcher::new(&[]);
    watcher.token(&token(1, "a", 0.6));
    assert!(fires("text:a or zoom and refused", &watcher).is_some());
    assert!(fires("(text:a or zoom) and refused", &watcher).is_none());
    assert!(fires("not (zoom or refused) AND not not text:a", &watcher).is_some());
}

#[test]
fn faults_say_where_and_what() {
    for (text, column, part) in [
        ("", 1, "expected a condition: zoom, refused"),
        ("zoomed", 1, "there is no \"zoomed\"; there are zoom"),
        ("zoom and", 9, "expected a condition"),
        ("zoom zoom", 6, "expected `and`, `or` or the end"),
        ("(zoom", 6, "expected `)`"),
        ("iou", 4, "such as iou<.3"),
        ("iou<x", 5, "expected a number"),
        ("iou<1.2.3", 5, "is no number"),
        ("refused:off", 9, "expected a reason"),
        ("text:\"hat", 6, "is not closed"),
        ("text:\"\"", 6, "empty"),
        ("text:/(/", 6, "not a regular expression: error: unclosed group"),
        ("open:response", 6, "expected think, call or answer"),
        ("open:text", 6, "expected think, call or answer"),
        ("p<.3 & zoom", 6, "has no meaning here"),
        ("é and zoom", 1, "there is no \"é\""),
    ] {
        let error = text.parse::<Breakpoint>().unwrap_err();
        assert_eq!((error.column, error.message.contains(part)), (column, true), "{text}: {error}");
    }
    assert!("(".repeat(400).parse::<Breakpoint>().unwrap_err().message.contains("deep"));
    assert!("zoom or ".repeat(100).parse::<Breakpoint>().unwrap_err().message.contains("500 bytes"));
    assert!("text:/(a{1000}){1000}/".parse::<Breakpoint>().is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = text.parse::<Breakpoint>();
    }

    #[test]
    fn any_row_of_words_is_read_or_refused(words in proptest::collection::vec(
        prop_oneof!["zoom", "and", "or", "not", "p<.3", "\\(", "\\)", "text:\"a\"", ":", "<", "1", "refused:off_page"], 0..20)
    ) {
        if let Ok(point) = words.join(" ").parse::<Breakpoint>() {
            let mut watcher = Watcher::new(&[]);
            watcher.token(&token(1, "a", 0.2));
            let _ = point.fires(watcher.now().unwrap(), None);
        }
    }
}

#[test]
fn the_manual_lists_every_condition_in_its_words() {
    let manual = include_str!("../../../docs/EXPLORER.md");
    for (example, words) in CONDITIONS {
        assert!(manual.contains(&format!("| `{example}` | {words} |")), "{example}");
    }
}
