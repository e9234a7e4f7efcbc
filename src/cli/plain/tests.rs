//! Lines in, lines out, without a model.

use std::io::Cursor;

use super::*;
use crate::cli::plain::line::parse;
use crate::engine::ScriptedEngine;

const CALL: &str = r#"<think>look</think><tool_call>{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [20, 30, 90, 120], "label": "panel 1"}}</tool_call>"#;

fn told(lines: &str, breakpoints: &[&str]) -> String {
    let bench = crate::benchmark::open("demo").unwrap();
    let turns = [CALL, "<think>seen</think><answer>\u{1b}[31mPip</answer>"];
    let global = Global { sessions: None, config_file: None, settings: crate::config::Config::default() };
    let setting = Setting {
        stock: Stock::Bench(Box::new(bench)),
        engine: Box::new(ScriptedEngine::from_texts(&turns)),
        profile: Arc::new(Profile::builtin("rarl").unwrap()),
        breakpoints: breakpoints.iter().map(|b| b.parse().unwrap()).collect(),
        record: false,
        global: &global,
    };
    let rows = rows(&setting.stock).unwrap();
    let mut plain = Plain { setting, rows, last: None, cancel: Arc::default(), out: Vec::new() };
    plain.converse(&mut Cursor::new(lines), false).unwrap().unwrap();
    String::from_utf8(plain.out).unwrap()
}

#[test]
fn questions_are_numbered_and_narrowed() {
    let out = told("list nobody-asks-this\nlist counting\nq\nlist\n", &[]);
    assert!(out.contains("\n1 ") && out.contains("in all; list: every one"), "{out}");
    assert!(out.contains("nothing holds these words"), "{out}");
    let counted = out.lines().filter(|line| line.contains("character-counting")).count();
    assert!((20..60).contains(&counted), "{counted}: not listed again after q");
}

#[test]
fn what_cannot_be_done_is_said_in_a_line_and_nothing_ends() {
    let lines = "fork zoom:1\nagain\n99999\nbreak zoom and\nfork\nfork zoom:1 hat 3\nfork zoom:x\ntokens x\ntokens\n";
    let out = told(lines, &[]);
    assert_eq!(out.matches("not done: ").count(), 9, "{out}");
    assert!(out.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_session_is_kept_for_forks_and_tokens() {
    let out = told(
        "1\nfork zoom:1 crop blank\nbreak off\nagain\nfork zoom:9\ntokens 5\n? who \u{1b}[2J | Pip | Bo\n",
        &["zoom:7"],
    );
    assert_eq!(out.matches("places    tokens ").count(), 4, "{out}");
    assert!(out.contains("zoom:1; fork zoom:1 box target"), "{out}");
    assert_eq!(out.matches("not done: ").count(), 1, "zoom:9 is not there: {out}");
    assert!(out.contains("and more: tokens "), "{out}");
    assert!(out.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn lines_are_read_as_meant() {
    let asked = |line: &str| match parse(line).unwrap() {
        Command::Ask { row, typed } => (row, typed.map(|question| (question.text, question.choices))),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked("3"), (Some("3".into()), None));
    let own = (None, Some(("who? is it".to_owned(), vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(asked("? who? is it | a || b"), own);
    assert_eq!(asked("3 ? who").0, Some("3".into()));
    assert_eq!(asked("3? who").1.unwrap().0, "who");
    let Command::Fork(_) = parse("fork 12 text  two  words ").unwrap() else { panic!() };
    let Command::Fork(_) = parse("fork 12 token -3 x").unwrap() else { panic!() };
    assert!(parse("fork zoom:1 choice a | b").is_ok());
    assert!(parse("fork zoom:1 no_record").is_err());
}

#[test]
fn a_line_without_end_is_cut() {
    let mut input = Cursor::new([vec![b'x'; 40_000], b"\nq\n".to_vec()].concat());
    assert_eq!(read_line(&mut input).unwrap().unwrap().len(), 16 << 10);
    assert_eq!(read_line(&mut input).unwrap().as_deref(), Some("q"));
    assert_eq!(read_line(&mut input).unwrap(), None);
}
