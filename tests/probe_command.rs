//! `panelscope probe`, with the real binary and the demo's model.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A recorded failure that is shipped: it looked wrong.
const LOOKED_WRONG: &str = "run-20261123-001738-312e5a-00005";
/// A demo question that needs its target.
const QUESTION: &str = "s914828034050-panel-understanding";

/// A sessions folder with the shipped sessions.
fn desk() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo"), dir.path().join("sessions/demo"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    dir
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = alone::program();
    command.arg("--sessions").arg(dir.join("sessions")).arg("probe").args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn probe(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", error(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_probe_ends_in_a_sentence_and_arms() {
    let dir = desk();
    for (name, arms) in [
        ("find", vec!["recorded", "control", "true-box", "true-crop"]),
        ("crop", vec!["recorded", "control", "swapped", "blank", "withheld"]),
        ("tool", vec!["recorded", "control", "off"]),
        ("guess", vec!["recorded", "control", "permuted"]),
    ] {
        let found = json(&probe(dir.path(), &[name, LOOKED_WRONG, "--json"]));
        assert_eq!((found["probe"].as_str(), found["session"].as_str()), (Some(name), Some(LOOKED_WRONG)));
        let names: Vec<&str> = found["arms"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
        assert_eq!(names, arms);
        for arm in found["arms"].as_array().unwrap() {
            assert_eq!(arm["answers"].as_array().unwrap().len() as u64, arm["n"].as_u64().unwrap());
            assert!(arm["right"].as_u64().unwrap() <= arm["n"].as_u64().unwrap());
        }
        assert!(found["sentence"].as_str().unwrap().ends_with('.'), "{}", found["sentence"]);
        let text = probe(dir.path(), &[name, LOOKED_WRONG]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains(found["sentence"].as_str().unwrap()) && text.contains("asked once more"), "{text}");
    }
}

/// A shipped fork: its box was edited so that it covers the target, its parent's does not so well.
const EDITED: &str = "20261123-025025-0680be";

#[test]
fn a_fork_whose_box_was_edited_is_judged_by_what_it_does_without_the_edit() {
    let dir = desk();
    let found = json(&probe(dir.path(), &["find", EDITED, "--json"]));
    let sentence = found["sentence"].as_str().unwrap();
    assert!(sentence.contains("its own zoom, which covers 0.89 of that, did not do"), "{sentence}");
    let output = probe(dir.path(), &["crop", EDITED]);
    let error = error(&output);
    assert!(!output.status.success() && error.contains("was edited (zoom 1: box → [18, 821, 294, 1158])"), "{error}");
    assert!(error.contains("run-20261123-023930-a845db-00652"), "{error}");
}

#[test]
fn a_sweep_has_cells_a_mean_a_sentence_and_a_picture() {
    let dir = desk();
    let png = dir.path().join("sweep.png");
    let found = json(&probe(dir.path(), &["sweep", QUESTION, "--json", "--png", png.to_str().unwrap()]));
    let cells = found["cells"].as_array().unwrap();
    let mut sum = 0.0;
    for cell in cells {
        assert_eq!(cell["box"].as_array().unwrap().len(), 4);
        let (p, coverage) = (cell["p_right"].as_f64().unwrap(), cell["coverage"].as_f64().unwrap());
        assert!((0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&coverage));
        sum += p;
    }
    let mean = found["mean"].as_f64().unwrap();
    assert!((sum / cells.len() as f64 - mean).abs() < 1e-5);
    assert!(cells.iter().any(|c| c["coverage"].as_f64().unwrap() >= 0.5), "some show at least half of the target");
    let on = found["on_target"]["mean"].as_f64().unwrap();
    assert!(on > mean + 0.2, "this question needs its target: {on} {mean}");
    assert!(found["sentence"].as_str().unwrap().starts_with("Looking at its target matters"));
    let picture = image::open(&png).unwrap();
    assert!(picture.width() > 500 && picture.height() > 500);
}

#[test]
fn a_killed_sweep_goes_on_and_comes_to_the_same_bytes() {
    let dir = desk();
    let (calm, killed) = (dir.path().join("calm"), dir.path().join("killed"));
    let args = |out: &Path| {
        ["sweep", LOOKED_WRONG, "--json", "--columns", "4", "--out", out.to_str().unwrap()].map(str::to_owned)
    };
    let run = |out: &Path| {
        let args = args(out);
        probe(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let whole = run(&calm);
    let cells = json(&whole)["cells"].as_array().unwrap().len();
    for kill in 1..=5 {
        let args = args(&killed);
        let child = command(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>()).spawn().unwrap();
        until(child, &killed, (cells * kill / 6).max(1));
    }
    let before = finished(&killed);
    assert!(before < cells, "it was killed before its end");
    let last = run(&killed);
    assert_eq!(String::from_utf8(last.stdout).unwrap(), String::from_utf8(whole.stdout).unwrap());
    let state: Value = serde_json::from_slice(&fs::read(killed.join("probe.json")).unwrap()).unwrap();
    assert_eq!(state["state"], "done");
    assert_eq!(finished(&killed), finished(&calm));
}

/// Kills the program when so many forks are done.
fn until(mut child: Child, dir: &Path, many: usize) {
    let begun = Instant::now();
    while finished(dir) < many && begun.elapsed() < Duration::from_secs(60) {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn finished(dir: &Path) -> usize {
    let names = fs::read_dir(dir).into_iter().flatten().flatten();
    names.filter(|e| e.file_name().to_string_lossy().ends_with(".jsonl.zst")).count()
}

#[test]
fn a_run_is_summed_up_with_intervals() {
    let dir = desk();
    let out = dir.path().join("sessions/myrun");
    let asked = alone::program()
        .arg("--sessions")
        .arg(dir.path().join("sessions"))
        .args(["run", "--bench", "synth:31@medium", "--task", "depth-comparison", "--limit", "12", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", error(&asked));
    let found = json(&probe(dir.path(), &["find", out.to_str().unwrap(), "--limit", "4", "--json"]));
    let n = found["n"].as_u64().unwrap();
    assert!((1..=4).contains(&n), "{found}");
    let counted: u64 = found["verdicts"].as_array().unwrap().iter().map(|v| v["n"].as_u64().unwrap()).sum();
    assert_eq!(counted, n);
    for verdict in found["verdicts"].as_array().unwrap() {
        let [low, high] = [0, 1].map(|i| verdict["ci95"][i].as_f64().unwrap());
        let share = verdict["n"].as_f64().unwrap() / n as f64;
        assert!(low <= share && share <= high);
    }
    assert!(found["sentence"].as_str().unwrap().starts_with(&format!("Of {n} sessions, ")), "{}", found["sentence"]);
    assert_eq!(found["sessions"].as_array().unwrap().len() as u64, n);
    let all = json(&probe(dir.path(), &["tool", out.to_str().unwrap(), "--all", "--limit", "3", "--json"]));
    assert_eq!(all["n"], 3);
    // Those that fit a filter, and no others.
    let listed = |filter: &str| {
        let out = alone::program()
            .arg("--sessions")
            .arg(dir.path().join("sessions"))
            .args(["sessions", "list", "--json", "--filter", &format!("run:myrun ({filter})")])
            .output()
            .unwrap();
        let rows: Value = serde_json::from_slice(&out.stdout).unwrap();
        let rows = rows["sessions"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let filter = "label:right or label:partial-look";
    let wanted = listed(filter);
    assert!(!wanted.is_empty() && wanted.len() < 12, "{wanted:?}");
    let some = json(&probe(dir.path(), &["tool", out.to_str().unwrap(), "--filter", filter, "--json"]));
    let probed = some["sessions"].as_array().unwrap().iter().map(|s| s["session"].as_str().unwrap().to_owned());
    assert_eq!(probed.collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn what_cannot_be_is_said_and_exits_with_1_or_2() {
    let dir = desk();
    let refused = |args: &[&str]| {
        let output = probe(dir.path(), args);
        (output.status.code().unwrap(), error(&output))
    };
    let (code, words) = refused(&["find", "nowhere"]);
    assert!(code == 2 && words.contains("no session or run"), "{code} {words}");
    let (code, words) = refused(&["fnid", LOOKED_WRONG]);
    assert!(code == 2 && words.contains("did you mean find"), "{code} {words}");
    let (code, words) = refused(&["guess", "run-20261123-001735-da95a0-00015"]);
    assert!(code == 1 && words.contains("lists no choices"), "{code} {words}");
    let (code, words) = refused(&["find", LOOKED_WRONG, "--png", "x.png"]);
    assert!(code == 2 && words.contains("sweep"), "{code} {words}");
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/base");
    let (code, words) = refused(&["find", LOOKED_WRONG, "--model", base.to_str().unwrap()]);
    assert!(code == 1 && words.contains("--rerun"), "{code} {words}");
    let out = dir.path().join("sessions/demo");
    let (code, words) = refused(&["find", LOOKED_WRONG, "--out", out.to_str().unwrap()]);
    assert!(code == 2 && words.contains("no probe's"), "{code} {words}");
    let (code, words) = refused(&["crop", LOOKED_WRONG, "--zoom", "9"]);
    assert!(code == 1 && words.contains("no zoom 9"), "{code} {words}");
}

#[test]
fn another_model_is_asked_anew_when_told_so() {
    let dir = desk();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/sft-r");
    let output = probe(dir.path(), &["tool", LOOKED_WRONG, "--model", base.to_str().unwrap(), "--rerun", "--json"]);
    let found = json(&output);
    assert!(error(&output).contains("anew"), "{}", error(&output));
    assert!(found["session"].as_str().unwrap().ends_with("-asked"), "{found}");
}
