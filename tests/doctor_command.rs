//! `panelscope doctor`: plain lines without a terminal, JSON that is JSON, a test card on one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod alone;
mod pty;

use std::path::Path;
use std::process::Output;

use pty::Pty;

fn doctor(args: &[&str], dir: &Path) -> Output {
    let mut command = alone::program();
    command.arg("doctor").args(args).current_dir(dir).output().unwrap()
}

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let dir = tempfile::tempdir().unwrap();
    for way in ["auto", "kitty", "kitty-placeholders", "iterm2", "sixel", "blocks", "none"] {
        let output = doctor(&["--images", way], dir.path());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{way}");
        assert!(!text.contains('\u{1b}') && text.contains("the output is no terminal"), "{way}: {text}");
        assert!(text.lines().count() > 10 && output.stderr.is_empty());
    }
}

#[test]
fn json_says_where_sessions_go() {
    let dir = tempfile::tempdir().unwrap();
    let report = |args: &[&str]| -> serde_json::Value {
        let output = doctor(&[&["--json"], args].concat(), dir.path());
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    std::fs::create_dir(dir.path().join("sessions")).unwrap();
    let here = report(&[]);
    assert_eq!(here["sessions"]["folder"], "sessions");
    assert_eq!(here["sessions"]["writable"], true);
    assert_eq!(here["terminal"]["is_terminal"], false);
    assert_eq!(here["images"]["way"], "none");
    let new = report(&["--sessions", "a/b"]);
    assert_eq!((&new["sessions"]["exists"], &new["sessions"]["writable"]), (&false.into(), &true.into()));
    assert!(!dir.path().join("a").exists(), "looking makes nothing");
    std::fs::write(dir.path().join("file"), "").unwrap();
    let file = report(&["--sessions", "file/x"]);
    assert_eq!(file["sessions"]["exists"], false);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no probe is left behind");
}

#[test]
fn on_a_terminal_there_is_a_card() {
    let dir = tempfile::tempdir().unwrap();
    // This terminal answers nothing.
    let pty = Pty::start(&["doctor", "--images", "blocks"], dir.path(), (100, 60), &[]);
    let card = pty.wait_for("from coloured blocks");
    for part in ["blocks: ", "ramp", "▁▂▃▄▅▆▇█│", "日本語紙│", "24 bits", "answers       no"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert_eq!(pty.end().0, 0);
}
