//! Every figure of `run --json` follows from the raw logs: a script of its own recomputes them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recompute.py");

fn python() -> Option<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_panelscope")).arg("run").args(args).output().unwrap()
}

/// The run's logs as plain text: the script must not need a decompressor.
fn unpack(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(plain) = name.strip_suffix(".zst") {
            fs::write(to.join(plain), zstd::decode_all(fs::File::open(&path).unwrap()).unwrap()).unwrap();
        }
    }
}

fn recompute(python: &str, folder: &Path, report: &Path) -> (bool, String) {
    let output = Command::new(python).arg(SCRIPT).arg(folder).arg(report).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn the_report_follows_from_the_logs() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: there is no python3 here to recompute the report with");
        return;
    };
    let dir = tempfile::TempDir::new().unwrap();
    // All tasks, and settings under which the demo model errs in many ways: hot sampling, no crop, little room.
    let settings: [&[&str]; 4] = [
        &["--limit", "14", "--temperature", "1.2", "--seeds", "2", "--max-tokens", "120"],
        &["--limit", "21", "--crop", "greyed", "--concurrency", "3", "--max-tokens", "160"],
        &["--limit", "7", "--max-tokens", "40"],
        &["--limit", "8", "--family", "recognition", "--tool", "off"],
    ];
    for (n, more) in settings.iter().enumerate() {
        let out = dir.path().join(format!("run{n}"));
        let output = run(&[&["--bench", "synth:6", "--json", "--out", out.to_str().unwrap()], *more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (report, logs) = (dir.path().join(format!("report{n}.json")), dir.path().join(format!("logs{n}")));
        fs::write(&report, &output.stdout).unwrap();
        unpack(&out, &logs);
        let (same, text) = recompute(python, &logs, &report);
        assert!(same, "{more:?}: {text}");
        assert!(text.contains("figures agree"), "{text}");
        // The comparison can fail: one log less is seen.
        let one = fs::read_dir(&logs).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(one).unwrap();
        assert!(!recompute(python, &logs, &report).0);
    }
}
