//! Probes end to end: the real program and the demo's model in a pseudo-terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod pty;

use std::fs;
use std::path::Path;

use pty::Pty;
use tempfile::TempDir;

const WIDE: (u16, u16) = (140, 44);
const LOOKED_WRONG: &str = "run-20261123-001738-312e5a-00005";

fn desk() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("sessions/demo");
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo")).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    dir
}

fn replay(dir: &Path) -> Pty {
    let pty = Pty::start(&["replay", LOOKED_WRONG, "--images", "blocks", "--speed", "1000"], dir, WIDE, &[]);
    pty.wait_for("■ ended");
    pty
}

/// Chooses a row of the open list by moving down to it.
fn choose(pty: &mut Pty, row: usize) {
    for _ in 0..row {
        pty.send("j");
    }
    pty.send("\r");
}

#[test]
fn each_probe_runs_from_the_explorer_and_ends_in_a_sentence() {
    let dir = desk();
    let mut pty = replay(dir.path());
    // A word of each sentence: lines may break anywhere else.
    for (row, name, word) in [
        (0, "find", "region"),
        (1, "crop", "(swapped"),
        (2, "tool", "without"),
        (3, "guess", "content"),
        (4, "sweep", "P(right)"),
    ] {
        pty.send("P");
        pty.wait_for("Probes: why did it answer so?");
        choose(&mut pty, row);
        let shown = pty.wait(name, |s| s.contains(&format!("Probe {name}:")));
        assert!(shown.contains("▸") && shown.contains(word), "{shown}");
        pty.send("\x1b");
        pty.wait("the result closed", |s| !s.contains(&format!("Probe {name}:")));
    }
    // The heat map stays on the page, and goes.
    pty.wait_for("P(right | looked there)");
    pty.send("w");
    pty.wait("the map gone", |s| !s.contains("P(right | looked there)"));
    let folders = fs::read_dir(dir.path().join("sessions")).unwrap().flatten();
    let probes = folders.filter(|e| e.file_name().to_string_lossy().starts_with("probe-")).count();
    assert_eq!(probes, 5);
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn enter_on_a_row_opens_the_fork_and_the_list_leads_back() {
    let dir = desk();
    let mut pty = replay(dir.path());
    pty.send("P");
    pty.wait_for("can't find or can't see?");
    pty.send("\r");
    pty.wait_for("Probe find:");
    pty.send("jj\r");
    pty.wait("the fork", |s| s.contains("⑂ zoom 1: box →") && !s.contains("Probe find:"));
    pty.send("P");
    pty.wait_for("back to find of");
    pty.send("G\r");
    pty.wait_for("Probe find:");
    pty.send("\x1b");
    pty.wait("the session again", |s| !s.contains("Probe find:") && !s.contains("⑂"));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_sweep_is_stopped_and_goes_on() {
    let dir = desk();
    let mut pty = replay(dir.path());
    pty.send("P");
    pty.wait_for("where does it matter?");
    choose(&mut pty, 4);
    pty.wait_for("probe sweep");
    pty.wait("some forks done", |s| s.contains("probe sweep") && !s.contains("begins"));
    pty.send("P");
    pty.wait_for("stop sweep");
    pty.send("G\r");
    pty.wait("it stopped or was done", |s| s.contains("the probe was stopped") || s.contains("Probe sweep:"));
    if !pty.screen().contains("Probe sweep:") {
        pty.send("P");
        pty.wait_for("where does it matter?");
        choose(&mut pty, 4);
    }
    pty.wait_for("Probe sweep:");
    pty.send("\x1b");
    pty.wait("closed", |s| !s.contains("Probe sweep:"));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn without_a_model_probes_are_grey_with_the_reason() {
    let dir = desk();
    fs::write(dir.path().join("script.txt"), "<think>x</think>\n<answer>Fen</answer>\n").unwrap();
    let mut pty = Pty::start(&["--scripted", "script.txt", "--images", "blocks"], dir.path(), WIDE, &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait_for("■ ended");
    pty.send("P");
    pty.wait_for("the engine is scripted");
    pty.send("\x1b");
    pty.wait("closed", |s| !s.contains("scripted)"));
    pty.send("q");
    pty.wait_for("questions");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}
