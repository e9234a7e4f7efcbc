//! The Sessions screen end to end: the real program in a pseudo-terminal, its index on disk.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod pty;

use std::fs;
use std::path::Path;

use pty::Pty;

const WIDE: (u16, u16) = (140, 40);

/// A folder with the demo's recordings.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("sessions/demo");
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo")).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    dir
}

#[test]
fn sessions_are_filtered_completed_deleted_and_brought_back() {
    let dir = folder();
    let logs = || {
        fs::read_dir(dir.path().join("sessions/demo"))
            .unwrap()
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|x| x == "zst"))
            .count()
    };
    let all = logs();
    let mut pty = Pty::start(&["--images", "none"], dir.path(), WIDE, &[("USER", "ann")]);
    pty.wait_for("24 questions");
    pty.send("s");
    pty.wait_for(&format!("{all} sessions"));
    // Half a word is a fault that is told, not a screen without rows.
    pty.send("/verd");
    pty.wait_for("verdict:");
    pty.send("\t");
    pty.wait_for("/ verdict:");
    pty.send("rong");
    pty.wait_for("did you mean wrong?");
    pty.send("\x17verdict:wr\t");
    let screen = pty.wait("wrong ones only", |screen| {
        screen.contains("/ verdict:wrong") && screen.contains(&format!(" of {all} sessions"))
    });
    assert!(!screen.contains("✓ right"), "{screen}");
    pty.send("\r");
    pty.wait_for("Esc shows all");
    pty.send("\x1b");
    pty.wait_for(&format!("  {all} sessions"));
    // What was written is found, once it has been read.
    pty.send("/text:sea");
    pty.wait("words", |screen| screen.contains(&format!("  1 of {all} sessions")));
    pty.send("\r");
    pty.wait_for("Esc shows all");
    pty.send("\x1b");
    pty.wait_for(&format!("  {all} sessions"));
    pty.send("D");
    pty.wait_for(&format!("  {} sessions", all - 1));
    pty.wait("it is in the trash", |_| logs() == all - 1);
    pty.send("u");
    pty.wait_for("is back");
    pty.wait_for(&format!("  {all} sessions"));
    assert_eq!(logs(), all);
    assert!(dir.path().join("sessions/index.db").is_file());
    pty.send("\r");
    pty.wait_for("Reasoning");
    pty.send("q");
    pty.wait_for(&format!("  {all} sessions"));
    pty.send("qq");
    pty.end();
}
