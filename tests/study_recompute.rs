//! Every number of `failures`, `compare` and `report` follows from the raw logs: a script of its own recomputes them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, missing_docs)]

mod alone;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::RgbImage;
use panelscope::benchmark::{AnswerForm, Question, Selection, open_with};
use panelscope::engine::{Ask, Emission, EngineError, PageSource, ScriptedEngine, StepEngine, TurnLoop, run_to_end};
use panelscope::page::Page;
use panelscope::protocol::Profile;
use panelscope::run::{BlobsPlace, Manifest, RunSettings};
use panelscope::session::{Recorder, SessionStore};
use serde_json::Value;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recompute_study.py");

fn python() -> Option<&'static str> {
    let found = ["python3", "python"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()));
    if found.is_none() {
        eprintln!("SKIPPED: there is no python3 here to recompute the figures with");
    }
    found
}

fn panelscope(args: &[&str]) -> Output {
    alone::program().args(args).output().unwrap()
}

/// A command's JSON; it must have gone well.
fn json(args: &[&str]) -> Value {
    let output = panelscope(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The run's logs as plain text, with its manifest: the script must not need a decompressor.
fn unpack(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::copy(from.join("manifest.json"), to.join("manifest.json")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(plain) = name.strip_suffix(".zst") {
            fs::write(to.join(plain), zstd::decode_all(fs::File::open(&path).unwrap()).unwrap()).unwrap();
        }
    }
}

fn recompute(python: &str, command: &str, figures: &Value, folders: &[&Path]) -> (bool, String) {
    let file = folders[0].with_extension(format!("{command}.json"));
    fs::write(&file, figures.to_string()).unwrap();
    let output = Command::new(python).arg(SCRIPT).arg(command).arg(&file).args(folders).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Holds everything that two runs say against their logs.
fn check(python: &str, dir: &Path, a: &Path, b: &Path) -> [Value; 3] {
    let (logs_a, logs_b) = (dir.join("logs-a"), dir.join("logs-b"));
    unpack(a, &logs_a);
    unpack(b, &logs_b);
    let [a, b] = [a, b].map(|path| path.to_str().unwrap());
    let found = [
        json(&["failures", a, b, "--json", "--list"]),
        json(&["compare", a, b, "--json"]),
        json(&["report", a, b, "--format", "json"]),
    ];
    for (command, figures) in ["failures", "compare", "report"].into_iter().zip(&found) {
        let (same, text) = recompute(python, command, figures, &[&logs_a, &logs_b]);
        assert!(same, "{command}: {text}");
        assert!(text.contains("figures agree"), "{text}");
    }
    let three = json(&["compare", a, b, a, "--json"]);
    let (same, text) = recompute(python, "compare", &three, &[&logs_a, &logs_b, &logs_a]);
    assert!(same, "{text}");
    found
}

#[test]
fn the_shipped_models_figures_follow_from_their_logs() {
    let Some(python) = python() else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let sibling = concat!(env!("CARGO_MANIFEST_DIR"), "/models/sft-r");
    // Hot and short, so that they err in several ways; two seeds, so that questions are asked twice.
    let settings =
        ["--bench", "synth:6", "--limit", "28", "--temperature", "1.1", "--seeds", "2", "--max-tokens", "150"];
    for (model, out) in [("demo", &a), (sibling, &b)] {
        let output = panelscope(&[&["run", "--model", model, "--out", out.to_str().unwrap()], &settings[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let [failures, compare, report] = check(python, dir.path(), &a, &b);
    assert_eq!(failures["n"], 112);
    assert!(failures["figures"]["all"]["seeds"]["questions"].as_u64().unwrap() > 0);
    assert!(failures["figures"]["tasks"]["depth-comparison"]["heuristic"]["n"].as_u64().unwrap() > 0);
    assert_eq!(compare["all"]["n"], 56);
    assert!(!report["runs"][0]["examples"].as_array().unwrap().is_empty());
    // Something that is off by a little is noticed.
    let mut wrong = compare.clone();
    wrong["all"]["score_a"] = (compare["all"]["score_a"].as_f64().unwrap() + 1e-6).into();
    let (same, text) = recompute(python, "compare", &wrong, &[&dir.path().join("logs-a"), &dir.path().join("logs-b")]);
    assert!(!same && text.contains("score_a") && text.lines().count() == 1, "{text}");
    // People's forms say the same.
    let page = dir.path().join("report.html");
    let output = panelscope(&["report", a.to_str().unwrap(), b.to_str().unwrap(), "--out", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("data:image/jpeg;base64,") && !html.contains("<script") && !html.contains("http://"));
    let markdown = panelscope(&["report", a.to_str().unwrap(), "--format", "md"]);
    assert!(String::from_utf8_lossy(&markdown.stdout).contains("## Definitions"));
    let table = panelscope(&["failures", a.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("looked → answered"));
    let csv = panelscope(&["compare", a.to_str().unwrap(), b.to_str().unwrap(), "--csv", "--flips"]);
    let flips = compare["flips"].as_array().unwrap().len();
    assert_eq!(String::from_utf8_lossy(&csv.stdout).lines().count(), flips + 1);
}

#[test]
fn a_wrong_name_is_told() {
    let dir = tempfile::TempDir::new().unwrap();
    let sessions = dir.path().to_str().unwrap();
    for command in ["failures", "report"] {
        let output = panelscope(&[command, "no-such-run", "--sessions", sessions]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("error: there is no run \"no-such-run\"") && said.lines().count() == 1, "{said}");
    }
    assert_eq!(panelscope(&["compare", "a"]).status.code(), Some(2));
    let none = panelscope(&["failures", "--sessions", sessions]);
    assert!(none.status.success(), "no session is no failure");
}

/// What a session does, one of each label.
const KINDS: [&str; 18] = [
    "right",
    "right",
    "wrong",
    "partial",
    "far",
    "twice",
    "inverted",
    "relative",
    "broken",
    "silent",
    "loop",
    "long",
    "no-zoom",
    "not-needed",
    "lucky",
    "error",
    "free",
    "letter",
];

fn call(numbers: [f64; 4]) -> Vec<String> {
    let call =
        format!("{{\"name\": \"image_zoom_in_tool\", \"arguments\": {{\"bbox_2d\": {numbers:?}, \"label\": \"x\"}}}}");
    words(&["<think>", "where", "</think>", "\n", "<tool_call>", &call, "</tool_call>"])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn answer(text: &str) -> Vec<String> {
    // In pieces, as models write: the answer's own tokens are what counts.
    let (head, tail) = text.split_at(text.len() / 2);
    words(&["<think>", "so", "</think>", "\n", "<", "answer", ">", head, tail, "</", "answer>"])
}

/// Something else than the truth that can be read.
fn other(question: &Question, n: usize) -> String {
    let truth = question.truth.clone().unwrap();
    let all = if question.choices.is_empty() { &question.labels } else { &question.choices };
    match question.form {
        AnswerForm::Order | AnswerForm::Set => {
            let mut labels: Vec<&str> = truth.split(", ").collect();
            labels.rotate_left(1);
            labels.truncate(labels.len() - n % 2);
            labels.join(", ")
        }
        _ => all.iter().cycle().skip(n % all.len().max(1)).find(|c| **c != truth).cloned().unwrap_or(truth),
    }
}

fn turns(question: &Question, kind: &str, n: usize) -> Vec<Vec<String>> {
    let t = question.targets[n % question.targets.len()];
    let (truth, wrong) = (question.truth.clone().unwrap(), other(question, n));
    let near = [t.x1 + 3.0, t.y1, t.x2, t.y2 - 5.0];
    let far = [(t.x1 + 420.0) % 700.0, (t.y1 + 588.0) % 1000.0];
    let far = [far[0], far[1], far[0] + 60.0, far[1] + 60.0];
    let third = [t.x1, t.y1, t.x1 + t.width() / 3.0, t.y2];
    match kind {
        "right" | "free" => vec![call(near), answer(&truth)],
        "partial" => vec![call(far), call(third), answer(&wrong)],
        "far" => vec![call(far), answer(&wrong)],
        "twice" => vec![call(near), call([near[0] + 2.0, near[1], near[2], near[3]]), answer(&wrong)],
        "inverted" => vec![call([near[2], near[1], near[0], near[3]]), answer(&wrong)],
        "relative" => vec![call([t.x1 / 840.0, t.y1 / 1176.0, t.x2 / 840.0, t.y2 / 1176.0]), answer(&wrong)],
        "broken" => vec![words(&["<tool_call>", "{\"name\": ", "oops", "</tool_call>"]), answer(&wrong)],
        "silent" => vec![call(near), words(&["I ", "do ", "not ", "know"])],
        "loop" => vec![
            ["<think>"]
                .into_iter()
                .chain(["and ", "so ", "on "].into_iter().cycle().take(180))
                .map(str::to_owned)
                .collect(),
        ],
        "long" => vec![(0..200).map(|i| format!("w{i} ")).collect()],
        "no-zoom" | "not-needed" => vec![answer(&wrong)],
        "lucky" => vec![answer(&truth)],
        "letter" if !question.choices.is_empty() => vec![call(near), answer("B")],
        _ => vec![call(near), answer(&wrong)],
    }
}

/// A run of a scripted model; `shift` decides which question meets which kind.
fn record(dir: &Path, run: &str, shift: usize) {
    let store = SessionStore::open(dir).unwrap();
    let benchmark = open_with("synth:31", &Selection { limit: Some(168), ..Selection::default() }).unwrap();
    let page = Arc::new(Page::from_pixels(RgbImage::new(840, 1176)));
    let profile = Arc::new(Profile::builtin("rarl").unwrap());
    let mut model = None;
    for (index, question) in benchmark.questions().iter().enumerate() {
        let kind = KINDS[(index / 7 + shift * (index % 5)) % KINDS.len()];
        let mut question = question.clone();
        question.detail = Some(if kind == "not-needed" { 60.0 } else { 20.0 });
        if kind == "free" {
            question.form = AnswerForm::Free;
        }
        let turns = turns(&question, kind, index);
        let turns: Vec<&[String]> = turns.iter().map(Vec::as_slice).collect();
        let mut engine = ScriptedEngine::new(&turns);
        let ask = Ask {
            run: Some(run.to_owned()),
            benchmark: Some("synth:31".to_owned()),
            max_tokens: Some(150),
            ..Ask::new(format!("{run}-{index:05}"), PageSource::Page(Arc::clone(&page)), question, Arc::clone(&profile))
        };
        let mut recorder = Recorder::create(&store, "", &ask.id).unwrap();
        let mut sink = |e: Emission| recorder.write(&e.record, e.pixels.as_ref()).unwrap();
        if kind == "error" {
            let mut session = TurnLoop::new(ask);
            session.start(engine.info(), engine.pixel_limits());
            session.fail(&EngineError::NoPage("no page".into()), 0);
            session.drain().into_iter().for_each(sink);
        } else {
            run_to_end(&mut engine, &ask, &mut sink, &AtomicBool::new(false));
        }
        recorder.finish().unwrap();
        model = Some(engine.info());
    }
    let settings = RunSettings { limit: Some(168), benchmark: "synth:31".into(), ..RunSettings::default() };
    let manifest = Manifest::new(run.to_owned(), &settings, &benchmark, model.unwrap(), &profile, BlobsPlace::Own);
    manifest.write(dir).unwrap();
}

#[test]
fn every_label_follows_from_the_logs() {
    let Some(python) = python() else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    record(&a, "scripted-a", 0);
    record(&b, "scripted-b", 1);
    let [failures, compare, report] = check(python, dir.path(), &a, &b);
    let labels: Vec<&str> =
        failures["labels"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    let want = [
        "infrastructure",
        "bad-format",
        "invalid-box",
        "frame-error",
        "loop",
        "out-of-budget",
        "premature",
        "repeated-zoom",
        "looked-wrong",
        "partial-look",
        "looked-right-answered-wrong",
        "wrong",
        "right",
        "right-ungrounded",
        "unscored",
    ];
    assert_eq!(labels, want, "every label that a machine gives to a session that ended");
    assert!(compare["flips"].as_array().unwrap().len() > 10);
    assert!(compare["unpaired_a"].as_u64().unwrap() > 0);
    let letters = &failures["figures"]["tasks"]["depth-comparison"]["letters"];
    assert!(letters["p"].as_f64().unwrap() < 1.0, "{letters}");
    assert!(failures["figures"]["all"]["calibration"]["ece"].as_f64().unwrap() > 0.0);
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
    // A line of an earlier version is made anew from its log.
    let lines = fs::read_to_string(a.join("summary.jsonl")).unwrap();
    let old: String = lines
        .lines()
        .map(|line| {
            line.replacen("{\"v\":2,", "{", 1).replace("\"label\":\"premature\"", "\"label\":\"no-zoom\"") + "\n"
        })
        .collect();
    fs::write(a.join("summary.jsonl"), old).unwrap();
    let again = json(&["failures", a.to_str().unwrap(), b.to_str().unwrap(), "--json", "--list"]);
    assert_eq!(again, failures);
}
