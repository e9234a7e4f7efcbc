//! What is printed where nobody reads it, or there is no room: a sentence or nothing, never a panic.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod alone;

use std::process::{Command, Stdio};

/// Commands that print, in the folder of the shipped sessions.
const PRINTING: [&[&str]; 5] = [
    &["attention", "run-20261123-001738-312e5a-00005"],
    &["attention", "run-20261123-001738-312e5a-00005", "--json"],
    &["run", "--limit", "1", "--no-record"],
    &["run", "--limit", "1", "--no-record", "--json"],
    &["model", "info"],
];
const ASKING: &[&str] = &["ask", "--id", "s914828034048-character-counting", "--no-record"];

fn command(args: &[&str]) -> Command {
    let mut command = alone::program();
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::piped());
    command
}

#[test]
fn nobody_reads() {
    for args in PRINTING {
        let mut child = command(args).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("panicked"), "{args:?}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_no_room() {
    for args in PRINTING.into_iter().chain([ASKING]) {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(args).stdout(full).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        assert!(told.contains("No space left") && !told.contains("panicked"), "{args:?}: {told}");
    }
}
