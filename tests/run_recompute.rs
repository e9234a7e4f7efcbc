//! Every figure of `run --json` follows from the raw logs: a script of its own recomputes them.
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
use panelscope::run::RunReport;
use panelscope::session::{Recorder, SessionStore, SessionSummary, read_summaries};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recompute.py");

fn python() -> Option<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
}

fn run(args: &[&str]) -> Output {
    alone::program().arg("run").args(args).output().unwrap()
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

/// Answers of every quality, told by a number: right, another order, a part, too much, nothing, nonsense.
fn answer(question: &Question, kind: usize) -> Option<String> {
    let truth = question.truth.clone().unwrap();
    let mut labels: Vec<&str> = truth.split(", ").collect();
    let all = if question.choices.is_empty() { &question.labels } else { &question.choices };
    match kind % 9 {
        0 | 1 => return Some(truth),
        2 => labels.reverse(),
        3 => drop(labels.pop()),
        4 => labels.rotate_left(1),
        5 => return all.get(kind % all.len().max(1)).cloned(),
        6 => return Some("none".to_owned()),
        7 => return (kind % 2 == 1).then(|| "no idea whatsoever".to_owned()),
        _ => labels.extend(all.iter().take(2).map(String::as_str)),
    }
    Some(labels.join(", "))
}

/// What a model says: a zoom near the target or far from it, one that is refused, two, or none; then the answer.
fn script(question: &Question, kind: usize) -> Vec<Vec<String>> {
    let call = |numbers: [f64; 4]| {
        let call = format!(
            "<tool_call>{{\"name\": \"image_zoom_in_tool\", \"arguments\": {{\"bbox_2d\": {numbers:?}, \"label\": \"x\"}}}}</tool_call>"
        );
        vec!["<think>".to_owned(), "where".to_owned(), "</think>".to_owned(), "\n".to_owned(), call]
    };
    let target = question.targets[kind % question.targets.len()];
    let d = (kind % 7) as f64 * 30.0;
    let near = [(target.x1 + d).min(700.0), (target.y1 - d).max(0.0), (target.x2 + d).min(840.0), target.y2];
    let mut turns = match kind % 5 {
        0 => vec![],
        1 => vec![call([near[2], near[1], near[0], near[3]])],
        2 => vec![call(near), call([0.0, 0.0, 200.0, 300.0])],
        _ => vec![call(near)],
    };
    let tokens = ["<think>", "so", "</think>", "\n"].map(str::to_owned);
    let answer = answer(question, kind).map(|a| ["<answer>".to_owned(), a, "</answer>".to_owned()]);
    turns.push(tokens.into_iter().chain(answer.into_iter().flatten()).collect());
    turns
}

fn ask(index: usize, question: Question, page: &Arc<Page>, profile: &Arc<Profile>) -> Ask {
    Ask {
        run: Some("r".into()),
        ..Ask::new(format!("r-{index:05}"), PageSource::Page(Arc::clone(page)), question, Arc::clone(profile))
    }
}

/// Records sessions of a scripted model on questions of all tasks.
fn record(store: &SessionStore, questions: Vec<Question>) {
    let page = Arc::new(Page::from_pixels(RgbImage::new(840, 1176)));
    let profile = Arc::new(Profile::builtin("rarl").unwrap());
    for (index, mut question) in questions.into_iter().enumerate() {
        let kind = index / 7;
        if kind % 11 == 10 {
            question.form = AnswerForm::Free;
        }
        question.detail = Some(if kind.is_multiple_of(2) { 20.0 } else { 60.0 });
        let turns = script(&question, kind);
        let turns: Vec<&[String]> = turns.iter().map(Vec::as_slice).collect();
        let mut engine = ScriptedEngine::new(&turns);
        let ask = ask(index, question, &page, &profile);
        let mut recorder = Recorder::create(store, "", &ask.id).unwrap();
        let mut sink = |e: Emission| recorder.write(&e.record, e.pixels.as_ref()).unwrap();
        if kind % 13 == 12 {
            let mut session = TurnLoop::new(ask);
            session.start(engine.info(), engine.pixel_limits());
            session.fail(&EngineError::NoPage("no page".into()), 0);
            session.drain().into_iter().for_each(sink);
        } else {
            run_to_end(&mut engine, &ask, &mut sink, &AtomicBool::new(false));
        }
        recorder.finish().unwrap();
    }
}

#[test]
fn partial_credit_follows_from_the_logs() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: there is no python3 here to recompute the report with");
        return;
    };
    let dir = tempfile::TempDir::new().unwrap();
    let store = SessionStore::open(dir.path().join("run")).unwrap();
    let selection = Selection { limit: Some(280), ..Selection::default() };
    record(&store, open_with("synth:31", &selection).unwrap().questions().to_vec());
    let mut sessions: Vec<SessionSummary> = read_summaries(store.dir()).into_values().collect();
    sessions.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(sessions.len(), 280);
    let json = RunReport::of(&sessions, 280).to_json("r", &serde_json::Value::Null);
    // The test means something: there is partial credit, and every kind of session.
    for (task, part) in [
        ("dialog-reordering", "tau_b"),
        ("panel-reordering", "adjacent"),
        ("character-identification", "f1"),
        ("character-identification", "switches"),
        ("character-counting", "error"),
        ("panel-understanding", "macro_f1"),
    ] {
        let value = json["tasks"][task]["score"][part].as_f64().unwrap();
        assert!(value > 0.0 && (value < 1.0 || part == "error"), "{task} {part} {value}");
    }
    let depth = &json["tasks"]["depth-comparison"];
    for field in ["failed", "unscored", "refused", "zoom_rate", "coverage", "iou", "tokens"] {
        assert!(depth[field].as_f64().unwrap() > 0.0, "{field}: {depth}");
    }
    assert!(depth["zoom_needed"]["n"].as_u64().unwrap() < depth["n"].as_u64().unwrap());
    let (report, logs) = (dir.path().join("report.json"), dir.path().join("logs"));
    fs::write(&report, json.to_string()).unwrap();
    unpack(store.dir(), &logs);
    let (same, text) = recompute(python, &logs, &report);
    assert!(same, "{text}");
    // A figure that is off by a little is noticed.
    let mut wrong = json.clone();
    wrong["tasks"]["panel-reordering"]["score"]["tau_b"] =
        (json["tasks"]["panel-reordering"]["score"]["tau_b"].as_f64().unwrap() + 1e-6).into();
    fs::write(&report, wrong.to_string()).unwrap();
    let (same, text) = recompute(python, &logs, &report);
    assert!(!same && text.contains("tau_b") && text.lines().count() == 1, "{text}");
}
