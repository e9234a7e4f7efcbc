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
