//! From figures to the session that explains them, end to end: the real program, the demo's model, runs it recorded.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;
mod pty;

use std::fs;
use std::path::Path;

use pty::Pty;
use tempfile::TempDir;

const WIDE: (u16, u16) = (150, 44);
const ESC: &str = "\x1b";
const DOWN: &str = "\x1b[B";

fn run(dir: &Path, args: &[&str]) {
    let output = alone::program().arg("run").args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Two runs on the same questions: with the tool and without it, so that some questions flip.
fn desk() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sessions")).unwrap();
    let questions = ["--bench", "synth:5", "--limit", "21", "--out"];
    run(dir.path(), &[&questions[..], &["sessions/with"]].concat());
    run(dir.path(), &[&questions[..], &["sessions/without", "--tool", "off"]].concat());
    dir
}

fn start(dir: &Path) -> Pty {
    let pty = Pty::start(&["--images", "blocks"], dir, WIDE, &[("USER", "tester")]);
    pty.wait_for("questions");
    pty
}

#[test]
fn from_a_cell_to_its_session_and_back_with_another_label() {
    let dir = desk();
    let mut pty = start(dir.path());
    pty.send("F");
    let board = pty.wait_for("42 sessions");
    assert!(board.contains("Where and how it fails") && board.contains("premature"), "{board}");
    // Only what the run without the tool did.
    pty.send("/");
    pty.send("run:wit");
    pty.send("hout");
    pty.send("\r");
    pty.wait("the filter", |s| s.contains("only run:without") && s.contains("21 sessions"));
    pty.send("\r");
    pty.wait("the cell's sessions", |s| s.contains("╭ Sessions") && s.contains("label:premature") && s.contains("✗"));
    pty.send("\r");
    pty.wait_for("╭ Reasoning");
    pty.send("m");
    pty.wait("what can be said", |s| s.contains("automatic: premature") && s.contains("truth-doubtful"));
    pty.send("G");
    pty.send("kk");
    pty.send("\r");
    pty.wait_for("why? Enter alone");
    pty.send("two hats look alike");
    pty.send("\r");
    pty.wait("the label", |s| s.contains("● truth-doubtful") && s.contains("tester two hats look alike"));
    pty.send(ESC);
    pty.wait("the list is closed", |s| !s.contains("What went on here"));
    pty.send("q");
    pty.wait_for("╭ Sessions");
    pty.send("q");
    let board = pty.wait("the board, counted again", |s| s.contains("only run:without") && s.contains("doubtful"));
    assert!(board.contains("▸"), "{board}");
    pty.send(ESC);
    pty.wait_for("42 sessions");
    pty.send("/");
    pty.send("familly:depth");
    // It is told while one types, and in another place once it was asked for.
    pty.wait("the hint", |s| s.contains("did you mean family?") && !s.contains(" failures  !"));
    pty.send("\r");
    pty.wait("the fault", |s| s.contains(" failures  ! filter") && s.contains("did you mean family?"));
    // Esc and a letter at once would be one key to a terminal.
    pty.send(ESC);
    pty.wait("the fault is gone", |s| !s.contains("did you mean") && s.contains("42 sessions"));
    pty.send("q");
    pty.wait_for("questions");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
    let notes: Vec<_> = fs::read_dir(dir.path().join("sessions/without"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".notes.jsonl"))
        .collect();
    assert_eq!(notes.len(), 1, "one session was labelled");
    let text = fs::read_to_string(notes[0].path()).unwrap();
    assert!(text.contains("truth-doubtful") && text.contains("\"by\":\"tester\""), "{text}");
}

#[test]
fn from_two_runs_to_a_flip_side_by_side_and_back() {
    let dir = desk();
    let mut pty = start(dir.path());
    pty.send("C");
    let runs = pty.wait_for("21 sessions");
    assert!(runs.contains("with") && runs.contains("without"), "{runs}");
    pty.send("\r");
    pty.wait_for("choose the second run");
    pty.send(DOWN);
    pty.send("\r");
    let table = pty.wait_for("questions that flip");
    assert!(table.contains("depth-comparison") && table.contains("p Holm"), "{table}");
    pty.send("\r");
    let sides = pty.wait_for("on screen ·");
    assert!(sides.contains("other ·"), "{sides}");
    pty.send(ESC);
    pty.wait_for("╭ Reasoning");
    pty.send("q");
    pty.wait_for("questions that flip");
    pty.send("q");
    pty.wait("the library", |s| s.contains("questions") && !s.contains("flip"));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}
