//! `panelscope --plain` with the real binary over a pipe, and what a fresh copy of the project can do with its recordings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod alone;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

fn plain(dir: &Path, args: &[&str], lines: &str) -> Output {
    let mut child = alone::program()
        .current_dir(dir)
        .args(["--plain", "--sessions", "kept"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_question_is_asked_forked_and_recorded_in_lines() {
    let dir = tempfile::tempdir().unwrap();
    let lines = "3\nfork zoom:1 crop blank\nfork 1\n? hostile \u{1b}]0;x\u{7}\u{9b}31m | a | b\nq\nnever read\n";
    let output = plain(dir.path(), &[], lines);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.starts_with("panelscope in lines."), "{out}");
    assert!(out.contains("168 in all") && out.contains("\n20 ") && !out.contains("\n21 "), "{out}");
    assert_eq!(out.matches("\nplaces    tokens ").count(), 3, "{out}");
    assert_eq!(out.matches("\nfork      own from token ").count(), 1, "{out}");
    assert!(out.contains("not done: token 1 was not written by the model"), "{out}");
    assert!(out.contains("hostile ␛]0;x"), "{out}");
    // No alternate screen, no cursor movement, no colour, no title.
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    let logs = std::fs::read_dir(dir.path().join("kept")).unwrap().flatten();
    let logs = logs.filter(|day| day.path().join("summary.jsonl").is_file());
    let summaries: String =
        logs.map(|day| std::fs::read_to_string(day.path().join("summary.jsonl")).unwrap()).collect();
    assert_eq!(summaries.lines().count(), 3);
    assert_eq!(summaries.matches("\"parent\"").count(), 1, "{summaries}");
}

#[test]
fn a_breakpoint_ends_the_session_and_what_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let output = plain(dir.path(), &["--no-record", "--break", "zoom"], "3\nbreak off\nhats\n");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(out.contains("\nbreak     zoom: ") && out.contains("\nend       break\n"), "{out}");
    assert!(out.contains("not done: hats is neither a number of the list nor an id"), "{out}");
    assert!(!dir.path().join("kept").exists() || std::fs::read_dir(dir.path().join("kept")).unwrap().count() == 0);
    let output = plain(dir.path(), &["nowhere.png"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn shipped_recordings_of_drawn_pages_are_forked_without_kept_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let id = "run-20261123-023930-a845db-00652";
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sessions/demo/{id}.jsonl.zst"));
    let copied = dir.path().join(format!("{id}.jsonl.zst"));
    std::fs::copy(log, &copied).unwrap();
    let fork = |edit: &[&str]| {
        let mut command = alone::program();
        command.current_dir(dir.path()).arg("fork").arg(&copied).args(["--at", "zoom:1", "--no-record"]).args(edit);
        text(&command.output().unwrap().stdout)
    };
    assert!(fork(&["--box", "target"]).ends_with("answer    3  ✓\n"), "what the README shows");
    assert!(fork(&[]).ends_with("answer    2  ✗\n"), "with nothing changed, what its parent said");
}
