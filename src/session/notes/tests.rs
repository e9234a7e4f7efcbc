#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::session::samples::{session, with_crc};
use crate::session::{Recorder, list};

fn label(name: &str, reason: &str) -> Remark {
    Remark::Label { label: Some(name.into()), reason: reason.into() }
}

fn store() -> (tempfile::TempDir, SessionStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::open(dir.path()).unwrap();
    let mut recorder = Recorder::create(&store, "run-1", "a").unwrap();
    for record in session("a") {
        recorder.write(&record, None).unwrap();
    }
    recorder.finish().unwrap();
    (dir, store)
}

#[test]
fn the_last_word_counts_and_nothing_is_overwritten() {
    let (_dir, store) = store();
    let say = |by: &str, remark| add_note(&store, "run-1", "a", &Note::now(by, remark)).unwrap();
    assert_eq!(list(&store)[0].noted, None);
    say("Ann", label("looked-wrong", "the hat is behind"));
    say("Bo", Remark::Tag { tag: "hats".into() });
    say("Bo", Remark::Tag { tag: "first".into() });
    say("Bo", Remark::Untag { tag: "first".into() });
    say("Bo", Remark::Note { text: "two\nlines".into() });
    say("Bo", label("truth-doubtful", "\x1b[31mtwo hats"));
    let notes = read_notes(&store, "run-1", "a").unwrap();
    assert_eq!((notes.notes.len(), notes.problems.len()), (6, 0));
    assert_eq!(notes.texts(), ["two\nlines", "\x1b[31mtwo hats"]);
    let listed = &list(&store)[0];
    let noted = listed.noted.clone().unwrap();
    let by = noted.label.as_ref().unwrap();
    assert_eq!((by.label.as_str(), by.by.as_str(), noted.notes), ("truth-doubtful", "Bo", 1));
    assert_eq!(noted.tags, ["hats"]);
    assert_eq!((listed.label_shown(), listed.label.as_str()), ("truth-doubtful", "right"));
    say("Ann", Remark::Label { label: None, reason: String::new() });
    assert_eq!(list(&store)[0].label_shown(), "right");
    assert!(!listed.line().contains("noted"), "summaries stay what the log says");
}

#[test]
fn a_torn_line_costs_itself_alone() {
    let (dir, store) = store();
    let path = dir.path().join("run-1/a.notes.jsonl");
    add_note(&store, "run-1", "a", &Note::now("Ann", Remark::Tag { tag: "x".into() })).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
    add_note(&store, "run-1", "a", &Note::now("Ann", Remark::Tag { tag: "y".into() })).unwrap();
    let notes = read_notes(&store, "run-1", "a").unwrap();
    assert_eq!(notes.noted().unwrap().tags, ["x", "y"]);
    assert_eq!(notes.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let (_dir, store) = store();
    for (remark, part) in [
        (Remark::Tag { tag: "two words".into() }, "cannot be a tag"),
        (Remark::Tag { tag: "../x".into() }, "cannot be a tag"),
        (Remark::Note { text: "  ".into() }, "empty"),
        (Remark::Note { text: "x".repeat(5000) }, "at most 2000"),
        (label("", ""), "is no label"),
    ] {
        let error = add_note(&store, "run-1", "a", &Note::now("Ann", remark)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let tag = Note::now("Ann", Remark::Tag { tag: "x".into() });
    assert!(matches!(add_note(&store, "run-1", "b", &tag), Err(SessionError::NotFound { .. })));
    assert!(matches!(add_note(&store, "none", "a", &tag), Err(SessionError::NotFound { .. })));
    assert!(matches!(add_note(&store, "run-1", "../a", &tag), Err(SessionError::BadName { .. })));
    assert!(label_named("Looked wrong").unwrap() == "looked-wrong");
    assert!(label_named("loked-wrong").unwrap_err().to_string().contains("did you mean looked-wrong?"));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (dir, store) = store();
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("run-1/a.notes.jsonl")).unwrap();
    let tag = Note::now("Ann", Remark::Tag { tag: "x".into() });
    assert!(matches!(add_note(&store, "run-1", "a", &tag), Err(SessionError::Outside { .. })));
    assert!(read_notes(&store, "run-1", "a").is_err() && list(&store)[0].noted.is_none());
    assert_eq!(fs::read(elsewhere.path()).unwrap(), b"");
}

#[test]
fn hostile_lines_are_skipped_and_reported() {
    let bad = [
        with_crc(r#"{"v":1,"at":"t","by":"x","kind":"tag","tag":"a b""#),
        with_crc(r#"{"v":2,"at":"t","by":"x","kind":"tag","tag":"a""#),
        with_crc(r#"{"v":1,"at":"t","by":"x","kind":"later""#),
        with_crc(&format!(r#"{{"v":1,"at":"t","by":"x","kind":"note","text":{}"#, "[".repeat(5000))),
        with_crc(&format!(r#"{{"v":1,"at":"t","by":"{}","kind":"tag","tag":"a""#, "x".repeat(500))),
        "{}".to_owned(),
        "x".repeat(100_000),
    ];
    let good = Note::now("Ann", Remark::Tag { tag: "fine".into() }).line();
    let text = format!("{good}\n{}\n\n{good}", bad.join("\n"));
    let notes = notes_from(text.as_bytes());
    assert_eq!(notes.notes.len(), 2);
    assert!(notes.problems.len() >= bad.len() && notes.problems.len() <= 20, "{:?}", notes.problems);
    let flood = notes_from(std::io::repeat(b'\n'));
    assert!(flood.notes.is_empty() && flood.problems[0].message.contains("4 MiB"));
    let many: String = (0..500).map(|n| Note::now("A", Remark::Tag { tag: format!("t{n}") }).line() + "\n").collect();
    assert_eq!(notes_from(many.as_bytes()).noted().unwrap().tags.len(), 64);
}

proptest! {
    #[test]
    fn a_note_is_read_as_it_was_written(by in "\\PC{0,20}", reason in any::<String>(), tag in "[a-z0-9._-]{1,20}") {
        for remark in [label("wrong", &reason), Remark::Tag { tag: tag.clone() }, Remark::Note { text: format!("x{reason}") }] {
            let note = Note::now(&by, remark);
            prop_assert_eq!(notes_from(note.line().as_bytes()).notes, vec![note]);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = notes_from(bytes.as_slice());
    }
}
