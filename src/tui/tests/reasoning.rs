//! The wrapped reasoning: what is drawn for which token, however the records come.

use super::super::app::{Choice, EngineState};
use super::super::explorer::{Explorer, Kind};
use super::super::fixtures;
use super::super::playhead::Pace;
use super::super::reasoning::{Content, Line};
use proptest::prelude::*;

fn explorer() -> Explorer {
    Explorer::new(Kind::Live, Choice::Question(0), Pace::Unlimited, true)
}

fn words(line: &Line) -> String {
    let body: String = match &line.content {
        Content::Flow(glyphs) => glyphs.iter().map(|g| g.ch).collect(),
        Content::Words(words) => words.iter().map(|(t, _)| t.as_str()).collect(),
    };
    format!("{:<8}{body}", line.gutter.as_ref().map_or("", |g| g.0.as_str())).trim_end().to_owned()
}

fn all_words(explorer: &Explorer) -> String {
    explorer.reasoning.lines().iter().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_session_in_words() {
    let mut explorer = explorer();
    explorer.arrive(fixtures::session(true));
    explorer.wrap(60);
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("reasoning_words", all_words(&explorer));
    });
    assert_eq!(explorer.engine, EngineState::Ended);
}

#[test]
fn arriving_one_by_one_gives_the_same_lines_as_all_at_once() {
    for records in [fixtures::session(true), fixtures::session(false), fixtures::unfinished()] {
        let mut whole = explorer();
        whole.arrive(records.clone());
        whole.wrap(44);
        let mut single = explorer();
        for arrival in records {
            single.arrive(vec![arrival]);
            single.wrap(44);
        }
        assert_eq!(all_words(&single), all_words(&whole));
        assert_eq!(single.reasoning.lines(), whole.reasoning.lines());
    }
}

#[test]
fn lines_appear_in_order_and_a_new_width_wraps_again() {
    let mut explorer = explorer();
    explorer.arrive(fixtures::session(true));
    for width in [0, 3, 9, 20, 44, 200] {
        explorer.wrap(width);
        let after: Vec<usize> = explorer.reasoning.lines().iter().map(|l| l.after).collect();
        assert!(after.is_sorted(), "{width}: {after:?}");
        for line in explorer.reasoning.lines() {
            let Content::Flow(glyphs) = &line.content else { continue };
            let cells: usize = glyphs.iter().map(|g| usize::from(g.width)).sum();
            let room = width.saturating_sub(super::super::reasoning::gutter(width));
            assert!(cells <= usize::from(room).max(1), "{width}: {cells}");
        }
    }
}

#[test]
fn a_character_split_over_two_tokens_belongs_to_the_one_that_completes_it() {
    use crate::trace::{Body, Piece, TokenSource};
    let mut records = fixtures::unfinished();
    let Body::Tokens(last) = records.last().unwrap().record.body.clone() else {
        panic!("the fixture ends with a token")
    };
    assert_eq!(last.by, TokenSource::Sampled);
    for (i, hex) in ["e2", "86", "92"].into_iter().enumerate() {
        let mut tokens = last.clone();
        tokens.start = last.start + 1 + i as u64;
        tokens.pieces = vec![Piece::Hex { hex: hex.to_owned() }];
        let mut arrival = records.last().unwrap().clone();
        arrival.record.body = Body::Tokens(tokens);
        records.push(arrival);
    }
    let mut explorer = explorer();
    explorer.arrive(records);
    explorer.wrap(60);
    let glyph = explorer.reasoning.lines().iter().find_map(|l| match &l.content {
        Content::Flow(glyphs) => glyphs.iter().find(|g| g.ch == '→').copied(),
        Content::Words(_) => None,
    });
    assert_eq!(glyph.unwrap().token, explorer.written() - 1);
}

/// Pieces as models write them, whole tags, halves of tags, marks of the template, blanks that may or may not be a segment's
/// last, and segments that close now and then.
fn any_story() -> impl Strategy<Value = Vec<(u8, String)>> {
    let piece = prop_oneof![
        4 => "[a-c ]{1,7}",
        1 => Just("<think>".to_owned()),
        1 => Just("</think>".to_owned()),
        1 => Just("think>".to_owned()),
        1 => Just("</thi".to_owned()),
        1 => Just("nk>".to_owned()),
        1 => Just("<".to_owned()),
        1 => Just("<|im_end|>".to_owned()),
        1 => Just("<|".to_owned()),
        1 => Just("|>".to_owned()),
        1 => Just("<answer>".to_owned()),
        1 => Just("</answer>".to_owned()),
        1 => "[ \n]{1,30}",
        1 => "\\PC{0,6}",
        1 => Just("é日本👩\u{200d}👧\u{301}".to_owned()),
    ];
    proptest::collection::vec((0u8..60, piece), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..Default::default() })]
    /// However a session grows, what was wrapped piece by piece is what is wrapped at once and plainly, at every step.
    #[test]
    fn growing_is_wrapping_again(story in any_story(), width in 0u16..40) {
        use crate::trace::SegmentKind::{Answer, Text, Think, ToolCall, ToolResponse};
        let mut script = fixtures::Script::new(fixtures::question());
        let mut grown = explorer();
        let (mut open, mut given) = (0, 0);
        for (dice, piece) in story {
            let (_, last) = script.says(&[&piece]);
            if dice < 5 {
                let kind = [Think, ToolCall, Answer, Text, ToolResponse][usize::from(dice)];
                script.push(crate::trace::Body::Segment(crate::trace::SegmentEvent { kind, first: open, last }));
                open = last + 1;
            } else if dice == 5 {
                script.prompt(&["tool", "says"]);
            }
            let records = script.clone().done();
            let all = records.len();
            grown.arrive(records.into_iter().skip(given).collect());
            given = all;
            grown.wrap(width);
            let plain = super::super::reasoning::Reasoning::plain(&grown, width);
            prop_assert_eq!(grown.reasoning.lines(), plain.lines());
        }
    }

    /// A token that is written again, as in a damaged log, is drawn as it is then.
    #[test]
    fn tokens_written_again_are_drawn_anew(at in 0usize..30, piece in "[a-z ]{1,9}") {
        let mut script = fixtures::Script::new(fixtures::question());
        script.says(&["<think>"]);
        script.says(&["so", " it", " goes", " on"].repeat(8));
        let mut grown = explorer();
        grown.arrive(script.clone().done());
        grown.wrap(30);
        let mut again = script.done().swap_remove(at + 1);
        if let crate::trace::Body::Tokens(tokens) = &mut again.record.body {
            tokens.pieces = vec![crate::trace::Piece::Text(piece)];
        }
        grown.arrive(vec![again]);
        grown.wrap(30);
        let plain = super::super::reasoning::Reasoning::plain(&grown, 30);
        prop_assert_eq!(grown.reasoning.lines(), plain.lines());
    }
}

proptest! {
    /// Any pieces, cut anywhere into records: nothing panics, lines never pass the width, the same text comes out.
    #[test]
    fn any_text_wraps(pieces in proptest::collection::vec("\\PC{0,12}|<think>|</think>|<|\\n| ", 0..40), width in 0u16..40) {
        let mut script = fixtures::Script::new(fixtures::question());
        let refs: Vec<&str> = pieces.iter().map(String::as_str).collect();
        if !refs.is_empty() {
            script.says(&refs);
        }
        let mut single = explorer();
        for arrival in script.clone().done() {
            single.arrive(vec![arrival]);
            single.wrap(width);
        }
        let mut whole = explorer();
        whole.arrive(script.done());
        whole.wrap(width);
        prop_assert_eq!(single.reasoning.lines(), whole.reasoning.lines());
    }
}
