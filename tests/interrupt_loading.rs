//! Ctrl-C while a model is loaded: every command that loads one ends at once and says so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod alone;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A file of a model that is never read to its end: a pipe into which nobody writes.
fn pipe(path: &Path) -> PathBuf {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}

/// Waits until the program reads the pipe, and holds it open.
fn read_by(child: &mut Child, pipe: &Path) -> File {
    let pipe = pipe.to_owned();
    let opening = std::thread::spawn(move || File::options().write(true).open(pipe).unwrap());
    while !opening.is_finished() {
        if child.try_wait().unwrap().is_some() {
            panic!("it ended without reading the model: {}", end(child).1);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    opening.join().unwrap()
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

/// The exit code, and what was said; none where it does not end.
fn end(child: &mut Child) -> (Option<i32>, String) {
    let patience = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = child.try_wait().unwrap();
    let _ = child.kill();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.and_then(|status| status.code()), said)
}

#[test]
fn the_first_ctrl_c_ends_the_loading_of_a_model() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("slow")).unwrap();
    let pipe = pipe(&dir.path().join("slow/config.json"));
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
        let held = read_by(&mut child, &pipe);
        interrupt(&child);
        let (code, said) = end(&mut child);
        drop(held);
        assert_eq!(code, Some(130), "{args:?}: {said}");
        assert!(said.contains("loading the model: stopped"), "{args:?}: {said}");
    }
    assert!(!dir.path().join("run").exists(), "nothing was begun");
}

#[test]
fn a_quantising_that_is_stopped_says_so_and_leaves_no_folder() {
    let (dir, demo) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo-rarl"));
    let model = dir.path().join("model");
    fs::create_dir(&model).unwrap();
    for name in ["config.json", "generation_config.json", "preprocessor_config.json", "model.safetensors"] {
        fs::copy(demo.join(name), model.join(name)).unwrap();
    }
    let pipe = pipe(&model.join("tokenizer.json"));
    let args = ["model", "quantize", "model", "--to", "q8_0", "--out", "new/deep"];
    let mut command = alone::program();
    command.current_dir(dir.path()).args(args).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut held = read_by(&mut child, &pipe);
    assert!(dir.path().join("new/deep").exists(), "it is writing soon");
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(200));
    held.write_all(&fs::read(demo.join("tokenizer.json")).unwrap()).unwrap();
    drop(held);
    let (code, said) = end(&mut child);
    assert!(code == Some(130) && said.contains("stopped; nothing was written"), "{code:?} {said}");
    assert!(!dir.path().join("new").exists());
}
