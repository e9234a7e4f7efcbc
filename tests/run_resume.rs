//! A run that is killed again and again loses no question and doubles none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod alone;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const KILLS: usize = 20;
/// So many that twenty kills do not see the end of it, and not many more: they are asked twice.
const QUESTIONS: usize = 84;
/// Enough for a think, a zoom and a crop, so that a kill meets every kind of record, and short.
const SETTINGS: [&str; 8] =
    ["--bench", "synth:5", "--task", "depth-comparison", "--task", "action-recognition", "--max-tokens", "60"];

fn settings<'a>(limit: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&SETTINGS[..], &["--limit", limit], more].concat()
}

fn command(args: &[&str]) -> Command {
    let mut command = alone::program();
    command.arg("run").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn finished(dir: &Path) -> usize {
    fs::read_dir(dir).into_iter().flatten().filter(|e| name(e).ends_with(".jsonl.zst")).count()
}

fn name(entry: &std::io::Result<fs::DirEntry>) -> String {
    entry.as_ref().unwrap().file_name().into_string().unwrap()
}

fn live(dir: &Path) -> usize {
    let logs = fs::read_dir(dir).into_iter().flatten().map(|e| name(&e));
    logs.filter(|n| n.ends_with(".jsonl") && n != "summary.jsonl").count()
}

/// Waits for a moment at which there is something to kill: the program has come to its sessions.
fn until_at_work(child: &mut Child, dir: &Path, before: usize) -> bool {
    let begun = Instant::now();
    while live(dir) == 0 && finished(dir) == before {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Waits that long, or until two more sessions are finished: a fast machine must not be done before the last kill.
fn wait(moment: Duration, dir: &Path, before: usize) {
    let begun = Instant::now();
    while begun.elapsed() < moment && finished(dir) < before + 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A small generator of its own (xorshift), so that the moments are the same each time.
fn moments() -> impl Iterator<Item = Duration> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_millis(5 + state % 400)
    })
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut json: Value = serde_json::from_slice(&output.stdout).unwrap();
    json.as_object_mut().unwrap().remove("run");
    json
}

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let (out, calm) = (dir.path().join("killed"), dir.path().join("calm"));
    let (out_text, calm_text) = (out.to_str().unwrap(), calm.to_str().unwrap());
    let limit = QUESTIONS.to_string();
    let (mut kills, mut moments) = (0, moments());
    let mut torn = 0;
    while kills < KILLS {
        // The same command goes on with what is there; so does --resume.
        let args = settings(&limit, &["--out", out_text]);
        let args = if kills % 2 == 1 { vec!["--resume", out_text] } else { args };
        let before = finished(&out);
        let mut child = command(&args).spawn().unwrap();
        if !until_at_work(&mut child, &out, before) {
            break;
        }
        wait(moments.next().unwrap(), &out, before);
        // SIGKILL, whatever it is doing.
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        torn += live(&out);
    }
    assert_eq!(kills, KILLS, "the run was over after {kills} kills: it needs more questions");
    assert!(torn >= KILLS / 4, "only {torn} of the kills met a session");
    assert!(finished(&out) < QUESTIONS, "nothing was left to resume");
    let resumed = run(&["--resume", out_text, "--json"]);
    let resumed = report(&resumed);

    let manifest: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let id = manifest["run"].as_str().unwrap();
    let want: BTreeSet<String> = (0..QUESTIONS).map(|i| format!("{id}-{i:05}")).collect();
    let logs: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|e| name(&e))
        .filter_map(|n| n.strip_suffix(".jsonl.zst").or_else(|| n.strip_suffix(".jsonl")).map(str::to_owned))
        .filter(|n| n != "summary")
        .collect();
    assert_eq!((logs.len(), logs.iter().cloned().collect::<BTreeSet<_>>()), (QUESTIONS, want.clone()));
    let summary = fs::read_to_string(out.join("summary.jsonl")).unwrap();
    let lines: Vec<Value> = summary.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<String> = lines.iter().map(|l| l["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((lines.len(), ids), (QUESTIONS, want));
    for line in &lines {
        let index: usize = line["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(line["question_id"], manifest["questions"][index]);
    }

    let undisturbed = report(&run(&settings(&limit, &["--out", calm_text, "--json"])));
    assert_eq!(resumed, undisturbed);
    assert_eq!(resumed["n"], QUESTIONS);
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on() {
    let dir = tempfile::TempDir::new().unwrap();
    let out = dir.path().join("out");
    let text = out.to_str().unwrap();
    let limit = QUESTIONS.to_string();
    let args = settings(&limit, &["--out", text, "--json"]);
    let mut child = command(&args).spawn().unwrap();
    assert!(until_at_work(&mut child, &out, 0));
    let busy = run(&args);
    assert_eq!(busy.status.code(), Some(1), "two programs on one run");
    assert!(String::from_utf8_lossy(&busy.stderr).contains("another program is working on"));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("panelscope run --resume {text}")), "{stderr}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let n = json["n"].as_u64().unwrap() as usize;
    assert!((1..QUESTIONS).contains(&n) && json["planned"] == QUESTIONS, "{n}");
    assert_eq!((finished(&out), live(&out)), (n, 0));
}

#[test]
fn wrong_folders_are_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let out = dir.path().join("out");
    let text = out.to_str().unwrap();
    let base = ["--bench", "synth:5", "--task", "depth-comparison", "--limit", "1", "--max-tokens", "5"];
    let with = |more: &[&str]| -> (i32, String) {
        let output = run(&[&base[..], more].concat());
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = with(&["--resume", dir.path().to_str().unwrap()]);
    assert!(code == 2 && error.contains("is not the folder of a run"), "{code} {error}");
    assert_eq!(with(&["--out", text]).0, 0);
    let (code, error) = with(&["--out", text, "--tool", "off", "--seed", "4"]);
    assert!(code == 2 && error.contains("tool: it has true, asked for is false"), "{code} {error}");
    assert!(error.contains("seed: it has 0, asked for is 4"), "{error}");
    let (code, error) = with(&["--resume", text, "--concurrency", "2"]);
    assert!(code == 2 && error.contains("concurrency: it has 1"), "{code} {error}");
    let (code, error) = with(&["--resume", text, "--max-pixels", "9000"]);
    assert!(code == 2 && error.contains("max_pixels: it has null, asked for is 9000"), "{code} {error}");
    assert_eq!(with(&["--resume", text]).0, 0);
    assert_eq!(with(&["--resume", text, "--out", text]).0, 2);
    let small = dir.path().join("small");
    let small = small.to_str().unwrap();
    assert_eq!(with(&["--out", small, "--max-pixels", "9000"]).0, 0);
    assert_eq!(with(&["--resume", small]).0, 0, "the manifest says how large its images are");
    let (code, error) = with(&["--out", small]);
    assert!(code == 2 && error.contains("max_pixels: it has 9000, asked for is null"), "{code} {error}");
}

#[test]
fn a_finished_session_whose_log_is_broken_is_asked_again() {
    let dir = tempfile::TempDir::new().unwrap();
    let out = dir.path().join("out");
    let text = out.to_str().unwrap();
    let args = ["--bench", "synth:5", "--task", "depth-comparison", "--limit", "3", "--max-tokens", "5", "--json"];
    let first = report(&run(&[&args[..], &["--out", text]].concat()));
    let mut logs: Vec<_> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().path()).collect();
    logs.retain(|path| path.to_string_lossy().ends_with(".jsonl.zst"));
    logs.sort();
    fs::write(&logs[1], "").unwrap();
    let again = run(&["--resume", text, "--json"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("2 of 3 sessions are done already"), "{said}");
    assert!(said.contains("-00001 cannot be read to the end or cannot be found; it is asked again"), "{said}");
    assert_eq!(report(&again), first, "and comes to the same");
    assert!(fs::metadata(&logs[1]).unwrap().len() > 100);
    let output = run(&[&args[..], &["--temperature", "-1"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("--temperature must be a number from 0 on"), "{said}");
}

#[test]
fn why_sessions_failed_is_said_where_nothing_is_kept() {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir(dir.path().join("pages")).unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("benchmark.json", r#"{"v":1,"name":"torn"}"#);
    write("questions.jsonl", r#"{"id":"q","text":"Who?","choices":["Pip","Bo"],"truth":"Bo","page":"p"}"#);
    write("pages/p.png", "no image");
    let output = run(&["--bench", dir.path().to_str().unwrap(), "--no-record"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 of 1 sessions ended in an error, such as run-00000: "), "{said}");
    assert!(said.contains("p.png") && said.contains("not a PNG"), "{said}");
}
