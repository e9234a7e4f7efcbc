//! Runs without a model: plans, folders in every state a killed program can leave, sessions side by side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;
use tempfile::TempDir;

use super::desk::Single;
use super::driver::{Bench, Recording, side_by_side};
use super::*;
use crate::benchmark::{BenchmarkError, Question, Task};
use crate::engine::ScriptedEngine;
use crate::geometry::PageBox;
use crate::page::Page;
use crate::protocol::Profile;
use crate::session::samples::session;
use crate::session::{Recorder, SessionStore, SessionSummary, State, append_summary, read_log, read_summaries, verify};
use crate::trace::{Body, ModelInfo, Record};

/// Questions about one small page; some pages cannot be had.
struct Fake {
    questions: Vec<Question>,
    bad: Vec<&'static str>,
}

impl Questions for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn questions(&self) -> &[Question] {
        &self.questions
    }

    fn page(&self, question: &Question) -> Result<Arc<Page>, BenchmarkError> {
        if self.bad.contains(&question.id.as_str()) {
            return Err(BenchmarkError::Unknown("no such page".into()));
        }
        Ok(Arc::new(Page::from_pixels(RgbImage::new(84, 84))))
    }

    fn other_region(&self, _: &Question) -> Option<PageBox> {
        None
    }
}

fn fake(n: usize, bad: Vec<&'static str>) -> Fake {
    let question = |i: usize| Question {
        id: format!("q{i}"),
        task: Some(Task::DepthComparison),
        family: Some(Task::DepthComparison.family()),
        text: "Who is nearer?".into(),
        choices: vec!["Pip".into(), "Bo".into()],
        truth: Some(if i.is_multiple_of(2) { "Bo" } else { "Pip" }.into()),
        ..Question::default()
    };
    Fake { questions: (0..n).map(question).collect(), bad }
}

fn manifest(run: &str, questions: &Fake, settings: &RunSettings) -> Manifest {
    let profile = Profile::builtin("rarl").unwrap();
    Manifest::new(run.into(), settings, questions, ModelInfo::default(), &profile, BlobsPlace::Own)
}

fn place(dir: &TempDir) -> RunPlace {
    RunPlace::own(dir.path().join("out")).unwrap()
}

fn open(dir: &TempDir, questions: &Fake) -> Result<RunFolder, RunError> {
    RunFolder::open(place(dir), manifest("r", questions, &RunSettings::default()), false)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn todo(folder: &RunFolder) -> Vec<usize> {
    folder.todo().iter().map(|item| item.index).collect()
}

fn with_reason(id: &str, reason: &str) -> Vec<Record> {
    let mut records = session(id);
    if let Some(Body::SessionEnd(end)) = records.last_mut().map(|r| &mut r.body) {
        end.reason = reason.into();
    }
    records
}

/// Writes a log as far as it goes; `finish` closes it as a program that lives does.
fn write(dir: &TempDir, id: &str, records: &[Record], finish: bool) {
    let mut recorder = Recorder::create(&place(dir).store, "", id).unwrap();
    records.iter().for_each(|record| recorder.write(record, None).unwrap());
    if finish {
        recorder.finish().unwrap();
    }
}

/// One state of a session on disk, after whatever happened.
fn break_things(dir: &TempDir) {
    let out = dir.path().join("out");
    let id = |i: usize| session_id("r", i);
    let all = |i: usize| session(&id(i));
    // 0: done. 1: killed in the middle. 2: ended, killed before its summary. 3: killed between rename and removal.
    write(dir, &id(0), &all(0), true);
    write(dir, &id(1), &all(1)[..7], false);
    write(dir, &id(2), &all(2), false);
    write(dir, &id(3), &all(3), true);
    let live: String = all(3).iter().map(|r| crate::session::encode_line(r) + "\n").collect();
    fs::write(out.join(format!("{}.jsonl", id(3))), live).unwrap();
    // 4: an empty log. 5: nothing. 6: its summary twice. 7: a torn last line, half a compressed file.
    write(dir, &id(4), &[], false);
    write(dir, &id(6), &all(6), true);
    append_summary(&out, read_summaries(&out).get(&id(6)).unwrap()).unwrap();
    write(dir, &id(7), &all(7)[..9], false);
    let torn = out.join(format!("{}.jsonl", id(7)));
    let length = fs::metadata(&torn).unwrap().len();
    fs::File::options().write(true).open(&torn).unwrap().set_len(length - 30).unwrap();
    fs::write(out.join(format!(".{}.jsonl.zst.tmp-77", id(7))), "half").unwrap();
    // 8: stopped by a person. 9: ended in an error. 10: compressed, its summary lost. 11: its compressed form damaged.
    write(dir, &id(8), &with_reason(&id(8), "stopped"), true);
    write(dir, &id(9), &with_reason(&id(9), "error"), true);
    write(dir, &id(11), &all(11), true);
    fs::write(out.join(format!("{}.jsonl.zst", id(11))), b"\x28\xb5\x2f\xfd rubbish").unwrap();
    let lines: Vec<String> =
        fs::read_to_string(out.join("summary.jsonl")).unwrap().lines().map(str::to_owned).collect();
    let kept = lines.iter().filter(|line| !line.contains(&id(11)));
    fs::write(out.join("summary.jsonl"), kept.map(|l| l.clone() + "\n").collect::<String>()).unwrap();
    write(dir, &id(10), &all(10), true);
    let text = fs::read_to_string(out.join("summary.jsonl")).unwrap();
    let cut: Vec<&str> = text.lines().filter(|line| !line.contains(&id(10))).collect();
    // A session that is no part of the run, and a torn last line.
    fs::write(out.join("summary.jsonl"), cut.join("\n") + "\n{\"id\":\"r-99999\"}\n{\"id\":\"r-000").unwrap();
}

#[test]
fn every_state_becomes_done_or_asked_again() {
    let dir = TempDir::new().unwrap();
    let questions = fake(12, vec![]);
    drop(open(&dir, &questions).unwrap());
    break_things(&dir);
    let folder = open(&dir, &questions).unwrap();
    assert_eq!(todo(&folder), [1, 4, 5, 7, 8, 11]);
    let out = dir.path().join("out");
    let lines = fs::read_to_string(out.join("summary.jsonl")).unwrap();
    let ids: Vec<String> = lines.lines().map(|l| serde_json::from_str::<SessionSummary>(l).unwrap().id).collect();
    assert_eq!(ids, [0, 2, 3, 6, 9, 10].map(|i| session_id("r", i)));
    let all = names(&out);
    for i in [0, 2, 3, 6, 9, 10] {
        let log = read_log(&out.join(format!("{}.jsonl.zst", session_id("r", i)))).unwrap();
        assert_eq!(verify(&log).state, State::Whole);
    }
    assert!(!all.iter().any(|n| n.contains(".tmp-") || n.ends_with(".jsonl") && n != "summary.jsonl"), "{all:?}");
    let aside = |end: &str| all.iter().filter(|n| n.ends_with(end)).cloned().collect::<Vec<_>>();
    assert_eq!(aside(".jsonl.torn"), [1, 4, 7].map(|i| format!("{}.jsonl.torn", session_id("r", i))));
    assert_eq!(aside(".zst.stopped"), ["r-00008.jsonl.zst.stopped"]);
    assert_eq!(aside(".zst.torn"), ["r-00011.jsonl.zst.torn"]);
    drop(folder);
    // Put in order once, it stays as it is; a second torn log of one session is kept beside the first.
    assert_eq!(todo(&open(&dir, &questions).unwrap()), [1, 4, 5, 7, 8, 11]);
    assert_eq!(names(&out), all);
    write(&dir, "r-00001", &session("r-00001")[..3], false);
    open(&dir, &questions).unwrap();
    assert!(out.join("r-00001.jsonl.torn-2").is_file() && out.join("r-00001.jsonl.torn").is_file());
}

#[test]
fn a_finished_session_without_its_log_is_asked_again_and_told_of() {
    let dir = TempDir::new().unwrap();
    let questions = fake(6, vec![]);
    assert!(open(&dir, &questions).unwrap().broken().is_empty());
    let out = dir.path().join("out");
    let log = |i: usize| out.join(format!("{}.jsonl.zst", session_id("r", i)));
    (0..5).for_each(|i| write(&dir, &session_id("r", i), &session(&session_id("r", i)), true));
    let whole = fs::read(log(1)).unwrap();
    fs::write(log(1), b"").unwrap();
    fs::write(log(2), &whole[..whole.len() / 2]).unwrap();
    fs::write(log(3), b"9 rubbish").unwrap();
    fs::remove_file(log(4)).unwrap();
    let folder = open(&dir, &questions).unwrap();
    assert_eq!(folder.broken(), [1, 2, 3, 4].map(|i| session_id("r", i)), "5 was never asked");
    assert_eq!((todo(&folder), folder.summaries().len()), (vec![1, 2, 3, 4, 5], 1));
    assert_eq!(names(&out).iter().filter(|n| n.ends_with(".jsonl.zst.torn")).count(), 3);
    drop(folder);
    assert!(open(&dir, &questions).unwrap().broken().is_empty(), "once is enough");
}

#[test]
fn failed_sessions_are_asked_again_where_that_is_wanted() {
    let dir = TempDir::new().unwrap();
    let questions = fake(2, vec![]);
    drop(open(&dir, &questions).unwrap());
    write(&dir, "r-00000", &session("r-00000"), true);
    write(&dir, "r-00001", &with_reason("r-00001", "error"), true);
    assert!(todo(&open(&dir, &questions).unwrap()).is_empty());
    let asked = manifest("other", &questions, &RunSettings::default());
    let folder = RunFolder::open(place(&dir), asked, true).unwrap();
    assert_eq!((todo(&folder), folder.manifest().run.as_str()), (vec![1], "r"));
    assert_eq!(folder.summaries().len(), 1);
    assert!(names(&dir.path().join("out")).contains(&"r-00001.jsonl.zst.failed".to_owned()));
}

#[test]
fn another_run_is_refused_and_named() {
    let dir = TempDir::new().unwrap();
    let questions = fake(3, vec![]);
    let folder = open(&dir, &questions).unwrap();
    assert!(matches!(open(&dir, &questions), Err(RunError::Busy { .. })));
    drop(folder);
    let settings = RunSettings { tool: false, seeds: 2, ..RunSettings::default() };
    let error = RunFolder::open(place(&dir), manifest("r", &questions, &settings), false).unwrap_err().to_string();
    assert!(error.contains("tool: it has true, asked for is false") && error.contains("seeds: it has 1"), "{error}");
    let error = open(&dir, &fake(2, vec![])).unwrap_err().to_string();
    assert!(error.contains("questions (hash)") && !error.contains("tool"), "{error}");
    fs::write(dir.path().join("out").join(MANIFEST), "{\"v\":1").unwrap();
    assert!(matches!(open(&dir, &questions), Err(RunError::Manifest(ManifestError::Broken { .. }))));
    fs::remove_file(dir.path().join("out").join(MANIFEST)).unwrap();
    assert!(open(&dir, &questions).is_ok());
    fs::remove_file(dir.path().join("out").join(MANIFEST)).unwrap();
    write(&dir, "other", &session("other"), true);
    assert!(matches!(open(&dir, &questions), Err(RunError::NotARun { .. })));
    let hostile = serde_json::to_string(&Manifest { run: "../x".into(), ..manifest("r", &questions, &settings) });
    fs::write(dir.path().join("out").join(MANIFEST), hostile.unwrap()).unwrap();
    assert!(matches!(open(&dir, &questions), Err(RunError::Manifest(ManifestError::Broken { .. }))));
}

/// Asks everything of a scripted engine, `threads` side by side; gives summaries by place in the run.
fn ask_all(
    store: &SessionStore,
    questions: &Fake,
    threads: usize,
    stop_after: usize,
) -> BTreeMap<usize, SessionSummary> {
    try_to_ask(store, questions, threads, stop_after).unwrap()
}

fn try_to_ask(
    store: &SessionStore,
    questions: &Fake,
    threads: usize,
    stop_after: usize,
) -> Result<BTreeMap<usize, SessionSummary>, RunError> {
    let profile = Arc::new(Profile::builtin("rarl").unwrap());
    let settings = RunSettings { seeds: 2, ..RunSettings::default() };
    let (no_more, at_once) = (AtomicBool::new(false), AtomicBool::new(false));
    let bench = Bench {
        questions,
        profile: &profile,
        settings: &settings,
        no_more: &no_more,
        at_once: &at_once,
        run: Some("r"),
        recording: Some(Recording { store, sub: "" }),
        known: (ModelInfo { name: "script".into(), ..ModelInfo::default() }, (784, 1000)),
        batch: BatchInfo::of(threads, threads),
    };
    let items: Vec<Item> = plan(questions.questions.len(), 3, 2).collect();
    let desk = || Single {
        engine: ScriptedEngine::new(&[&["<think>", "hm", "</think>", "\n", "<answer>", "Bo", "</answer>"]]),
        ask: None,
        at_once: &at_once,
    };
    let mut all = BTreeMap::new();
    side_by_side(&bench, &items, &desk, &mut |ended| {
        assert!(all.insert(ended.index, ended.summary).is_none(), "told twice");
        if all.len() >= stop_after {
            no_more.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(all)
}

#[test]
fn one_bad_page_is_one_failed_session() {
    let dir = TempDir::new().unwrap();
    let store = SessionStore::open(dir.path().join("out")).unwrap();
    let questions = fake(4, vec!["q2"]);
    let all = ask_all(&store, &questions, 1, usize::MAX);
    assert_eq!(all.keys().copied().collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    let report = RunReport::of(&all.values().cloned().collect::<Vec<_>>(), 8);
    assert_eq!((report.n, report.failed, report.tasks[0].1.all.n, report.tasks[0].1.all.right), (8, 2, 6, 2));
    let log = read_log(&store.dir().join("r-00004.jsonl.zst")).unwrap();
    assert_eq!(verify(&log).state, State::Whole);
    let error = log.records.iter().find_map(|r| if let Body::Error(e) = &r.body { Some(e.clone()) } else { None });
    let error = error.unwrap();
    assert!(error.kind == "page" && error.message.contains("no such page"), "{error:?}");
    assert_eq!(all[&4].model, "script");
    assert_eq!((all[&5].seed, all[&5].reason.as_deref()), (4, Some("error")));
    assert_eq!(read_summaries(store.dir()).len(), 8);
}

#[test]
fn the_order_of_ends_changes_nothing() {
    let ids_and_scores = |all: &BTreeMap<usize, SessionSummary>| -> Vec<_> {
        all.values().map(|s| (s.id.clone(), s.question_id.clone(), s.seed, s.right, s.generated)).collect()
    };
    let questions = fake(9, vec!["q3"]);
    let mut seen = Vec::new();
    for threads in [1, 3] {
        let dir = TempDir::new().unwrap();
        let store = SessionStore::open(dir.path().join("out")).unwrap();
        let all = ask_all(&store, &questions, threads, usize::MAX);
        assert_eq!(read_summaries(store.dir()).len(), 18);
        seen.push(ids_and_scores(&all));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn an_interruption_ends_what_is_in_flight_and_begins_nothing() {
    let dir = TempDir::new().unwrap();
    let store = SessionStore::open(dir.path().join("out")).unwrap();
    let all = ask_all(&store, &fake(500, vec![]), 2, 3);
    assert!((3..500).contains(&all.len()), "{}", all.len());
    let logs = names(store.dir()).into_iter().filter(|n| n.ends_with(".jsonl.zst")).count();
    assert_eq!((logs, read_summaries(store.dir()).len()), (all.len(), all.len()));
    assert!(!names(store.dir()).iter().any(|n| n.ends_with(".jsonl") && n != "summary.jsonl"));
}

#[test]
fn a_log_that_cannot_be_written_ends_the_run() {
    for threads in [1, 3] {
        let dir = TempDir::new().unwrap();
        let store = SessionStore::open(dir.path().join("out")).unwrap();
        fs::create_dir_all(store.dir()).unwrap();
        fs::write(store.dir().join("r-00001.jsonl"), "").unwrap();
        let error = try_to_ask(&store, &fake(2000, vec![]), threads, usize::MAX).unwrap_err();
        assert!(error.to_string().contains("r-00001.jsonl is there already"), "{error}");
        // The other threads stop too, long before the end.
        let logs = names(store.dir()).into_iter().filter(|n| n.ends_with(".jsonl.zst")).count();
        assert!(logs < 2000, "{logs}");
    }
}

#[test]
fn a_run_is_found_again_by_its_folder() {
    let dir = TempDir::new().unwrap();
    let questions = fake(1, vec![]);
    drop(open(&dir, &questions).unwrap());
    let (own, _) = RunPlace::existing(&dir.path().join("out")).unwrap();
    assert_eq!((own.sub.as_str(), own.dir()), ("", dir.path().join("out")));
    let shared = RunPlace { store: SessionStore::open(dir.path().join("sessions")).unwrap(), sub: "run-1".into() };
    let asked = Manifest { blobs: shared.blobs(), ..manifest("run-1", &questions, &RunSettings::default()) };
    drop(RunFolder::open(shared, asked.clone(), false).unwrap());
    let (found, manifest) = RunPlace::existing(&dir.path().join("sessions/run-1")).unwrap();
    assert_eq!((found.sub.as_str(), manifest), ("run-1", asked));
    let missing = RunPlace::existing(dir.path()).unwrap_err().to_string();
    assert!(missing.contains("is not the folder of a run"), "{missing}");
}
