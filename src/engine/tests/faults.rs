//! What goes wrong ends the session, not the program.

use super::*;
use crate::trace::ErrorEvent;

fn failure(engine: &mut dyn StepEngine, it: &Ask) -> (ErrorEvent, Vec<String>) {
    let (all, outcome) = run(engine, it);
    assert_eq!(outcome.end.reason, "error");
    assert_eq!(outcome.score, None, "a session that failed is not a wrong answer");
    (outcome.error.unwrap(), kinds(&all))
}

#[test]
fn a_page_that_is_not_there_or_not_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut it = ask();
    it.page = PageSource::File(dir.path().join("gone.png"));
    let (error, kinds) = failure(&mut ScriptedEngine::from_texts(&[ANSWER]), &it);
    assert_eq!(
        (error.kind.as_str(), kinds),
        ("page", vec!["session_start".into(), "error".into(), "session_end".into()])
    );
    assert!(error.message.contains("gone.png"));
    let broken = dir.path().join("broken.png");
    std::fs::write(&broken, b"\x89PNG\r\n\x1a\nnot at all").unwrap();
    it.page = PageSource::File(broken);
    assert_eq!(failure(&mut ScriptedEngine::from_texts(&[ANSWER]), &it).0.kind, "page");
}

#[test]
fn a_model_that_fails_or_panics() {
    let mut engine = ScriptedEngine::from_texts(&[ANSWER]).failing_at(4);
    let (error, kinds) = failure(&mut engine, &ask());
    assert_eq!(error.kind, "model");
    assert_eq!(kinds[3], "sampled", "what was written before is kept");
    let mut engine = ScriptedEngine::from_texts(&[ANSWER]).panicking_at(4);
    let (error, _) = failure(&mut engine, &ask());
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("internal", "internal error: scripted panic"));
    // The same engine serves the next session.
    let (_, outcome) = run(&mut ScriptedEngine::from_texts(&[ANSWER]), &ask());
    assert_eq!(outcome.end.reason, "answered");
}

#[test]
fn an_open_segment_is_closed_by_the_failure() {
    let mut engine = ScriptedEngine::from_texts(&[ANSWER]).failing_at(4);
    let (_, kinds) = failure(&mut engine, &ask());
    assert_eq!(kinds[3..], ["sampled", "segment", "error", "session_end"]);
}
