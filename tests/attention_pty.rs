//! Attention in the explorer: the real program and the demo's model in a pseudo-terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod pty;

use std::fs;
use std::path::Path;

use pty::Pty;

const WIDE: (u16, u16) = (160, 44);
const SESSION: &str = "run-20261123-001738-312e5a-00005";

#[test]
fn attention_is_looked_at_stepped_and_turned_by_layers() {
    let dir = tempfile::tempdir().unwrap();
    // A live session, stepped.
    let mut pty = Pty::start(&["--images", "blocks", "--no-record"], dir.path(), WIDE, &[]);
    pty.wait_for("questions");
    pty.send("\r");
    pty.wait("tokens", |s| s.contains("Token "));
    pty.send(" ");
    pty.send("A");
    pty.wait("its attention", |s| s.contains("attention: all layers") && s.contains(" img "));
    pty.send("t");
    pty.send("}");
    pty.wait("one layer", |s| s.contains("attention: layer 1 of 5") && s.contains(" img "));
    pty.send("v");
    pty.wait("the layers", |s| s.contains("layer says") && s.contains("rank"));
    pty.send("A");
    pty.wait("no attention", |s| !s.contains("attention:"));
    pty.send("q");
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_recording_is_looked_at_with_the_model_at_hand() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("sessions/demo");
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo")).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    let mut pty = Pty::start(&["replay", SESSION, "--images", "blocks", "--speed", "1000"], dir.path(), WIDE, &[]);
    pty.wait_for("■ ended");
    pty.send("A");
    pty.wait("its attention", |s| s.contains("attention: all layers") && s.contains(" img "));
    pty.send("S");
    pty.send("h");
    pty.wait("the token before", |s| s.contains(" img "));
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}
