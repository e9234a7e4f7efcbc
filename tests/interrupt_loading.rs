//! Ctrl-C while a model is loaded: every command that loads one ends at once and says so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod alone;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A model that loads for ever: its `config.json` is a pipe into which nobody writes.
fn endless(folder: &Path) -> std::path::PathBuf {
    fs::create_dir(folder).unwrap();
    let config = folder.join("config.json");
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    config
}

#[test]
fn the_first_ctrl_c_ends_the_loading_of_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = endless(&dir.path().join("slow"));
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo");
    let session = fs::read_dir(session).unwrap().flatten().map(|entry| entry.path());
    let session = session.filter(|path| path.to_string_lossy().ends_with(".jsonl.zst")).min().unwrap();
    let session = session.to_str().unwrap();
    let id = panelscope::benchmark::open("demo").unwrap().questions().first().unwrap().id.clone();
    for args in [
        &["ask", "--id", &id][..],
        &["run", "--limit", "1", "--out", "run"],
        &["fork", session, "--at", "end", "--temperature", "1"],
        &["probe", "crop", session],
        &["attention", session],
        &["model", "probe", "slow", "--ids", "1"],
        &["model", "compare", "slow", "demo"],
        &["--plain"],
    ] {
        let mut command = alone::program();
        let named = args.first() == Some(&"model");
        command.current_dir(dir.path()).args(args).args(["--model", "slow"].iter().filter(|_| !named));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Opens when the program reads it: it is loading then.
        let held = File::options().write(true).open(&pipe).unwrap();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let patience = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        let status = child.try_wait().unwrap();
        let _ = child.kill();
        drop(held);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(status.and_then(|status| status.code()), Some(130), "{args:?}: {said}");
        assert!(said.contains("loading the model: stopped"), "{args:?}: {said}");
    }
    assert!(!dir.path().join("run").exists(), "nothing was begun");
}
