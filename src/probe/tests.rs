//! Probes with the shipped model.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::benchmark::open;
use crate::demo;
use crate::engine::{Ask, LocalEngine, PageSource, Recorded, StepEngine, load_model};
use crate::model::Model;
use crate::model::sampler::Sampling;
use crate::protocol::Profile;
use crate::run::RunPlace;
use crate::session::SessionStore;
use crate::trace::SegmentKind;

const QUESTION: &str = "s914828034050-panel-understanding";

fn model() -> Arc<Model> {
    Arc::new(load_model(demo::model_named(Some("demo"))).unwrap())
}

fn place(dir: &Path) -> RunPlace {
    RunPlace { store: SessionStore::open(dir).unwrap(), sub: "p".into() }
}

/// Asks the question and probes its session, with settings changed.
fn probed(kind: ProbeKind, dir: &Path, change: impl FnOnce(&mut Settings)) -> (Report, Subject) {
    let mut engine = LocalEngine::new(model());
    let mut settings = Settings::default();
    change(&mut settings);
    let setup = Setup::new(kind, "question", QUESTION, &settings, engine.info());
    let mut folder = ProbeFolder::open(place(dir), setup).unwrap();
    let (cancel, mut told) = (AtomicBool::new(false), |_: &Step| ());
    let step = Step::default();
    let mut lab = Lab { engine: &mut engine, folder: &mut folder, cancel: &cancel, told: &mut told, step };
    let bench = open("demo").unwrap();
    let question = bench.find(QUESTION).unwrap().clone();
    let page = PageSource::Page(bench.page(&question).unwrap());
    let profile = Arc::new(Profile::builtin("rarl").unwrap());
    let ask = Ask { benchmark: Some("demo".into()), ..Ask::new("", page, question, profile) };
    let subject = lab.asked(QUESTION, ask, Sources::default()).unwrap();
    (probe(kind, &subject, &mut lab).unwrap(), subject)
}

/// Log-probability of some tokens after a context, computed from nothing, token by token.
fn from_scratch(model: &Arc<Model>, subject: &Subject, context: usize, ids: &[u32]) -> f64 {
    let mut engine = LocalEngine::new(Arc::clone(model));
    let tokens: Vec<u32> = subject.past.trace.tokens[..context].iter().map(|t| t.id).collect();
    let placed = subject.past.trace.images.iter().filter(|i| i.position < context as u64);
    let images: Vec<_> = placed.map(|i| Arc::clone(&subject.past.pixels[&i.event.hash])).collect();
    let recorded = Recorded {
        session: "a",
        parent: "b",
        sampling: Sampling::default(),
        seed: 0,
        drawn: 0,
        written: 0,
        ids: &tokens,
        images: &images,
        lean: false,
    };
    engine.resume(&recorded).unwrap();
    ids.iter().map(|id| f64::from(engine.force(*id).unwrap().logprob)).sum()
}

#[test]
fn whole_choices_have_the_probability_of_a_direct_computation() {
    let dir = tempfile::tempdir().unwrap();
    let (report, subject) = probed(ProbeKind::Sweep, dir.path(), |settings| settings.columns = Some(3));
    let sweep = report.sweep.unwrap();
    let model = model();
    let engine = LocalEngine::new(Arc::clone(&model));
    for cell in [&sweep.cells[0], &sweep.cells[5], sweep.own.as_ref().unwrap(), &sweep.none] {
        assert!((cell.p.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        let log = dir.path().join("p").join(format!("{}.jsonl.zst", cell.session));
        let fork = Subject::open(&log, Sources::default()).unwrap();
        let answer = fork.past.trace.segments.iter().find(|s| s.kind == SegmentKind::Answer).unwrap();
        // Up to the opening tag, which is one token of this model's.
        let context = answer.first as usize + 1;
        let logs: Vec<f64> = subject
            .start
            .question
            .choices
            .iter()
            .map(|choice| {
                let ids = engine.encode(&format!("{choice}</answer>")).unwrap();
                from_scratch(&model, &fork, context, &ids)
            })
            .collect();
        let mass: f64 = logs.iter().map(|l| l.exp()).sum();
        for (p, log) in cell.p.iter().zip(&logs) {
            assert!((p - log.exp() / mass).abs() < 1e-4, "{} {p} {}", cell.session, log.exp() / mass);
        }
        assert!((cell.mass - mass).abs() < 1e-4);
    }
    assert!(sweep.passes < sweep.candidates.len() * 6, "shared beginnings cost once: {}", sweep.passes);
}

#[test]
fn the_shipped_model_needs_to_look_at_its_target() {
    let dir = tempfile::tempdir().unwrap();
    let (report, subject) = probed(ProbeKind::Sweep, dir.path(), |_| ());
    let sweep = report.sweep.unwrap();
    let (on, off) = (sweep.on_target.unwrap(), sweep.off_target.unwrap());
    assert!(on.mean > sweep.mean + 0.2 && on.mean > off.mean + 0.2, "{on:?} {off:?} {}", sweep.mean);
    assert_eq!(report.verdict, Verdict::NeedsTarget, "{}", report.sentence);
    assert!(sweep.own.unwrap().p_right > 0.9);
    // The cells are ordinary sessions with a parent.
    let fork = dir.path().join("p").join(format!("{}.jsonl.zst", sweep.cells[0].session));
    let fork = Subject::open(&fork, Sources::default()).unwrap();
    let parent = fork.start.parent.clone().unwrap();
    assert_eq!(parent.session, subject.start.id);
    assert!(parent.edit.starts_with("zoom 1: crop → ["), "{}", parent.edit);
    assert_eq!(fork.start.run.as_deref(), Some("p"));
}

#[test]
fn what_is_recorded_is_not_run_again_and_comes_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [ProbeKind::Find, ProbeKind::Crop, ProbeKind::Tool, ProbeKind::Guess] {
        let dir = dir.path().join(kind.name());
        let (first, _) = probed(kind, &dir, |_| ());
        let logs = || {
            let mut names: Vec<_> =
                std::fs::read_dir(dir.join("p")).unwrap().flatten().map(|e| e.file_name()).collect();
            names.sort();
            names
        };
        let before = logs();
        let (second, _) = probed(kind, &dir, |_| ());
        assert_eq!((first, before), (second, logs()), "{kind}");
    }
}

#[test]
fn what_a_session_lacks_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (_, subject) = probed(ProbeKind::Tool, dir.path(), |_| ());
    let mut engine = LocalEngine::new(model());
    let setup = Setup::new(ProbeKind::Find, "session", "s", &Settings::default(), engine.info());
    let mut folder = ProbeFolder::open(RunPlace { sub: "q".into(), ..place(dir.path()) }, setup).unwrap();
    let (cancel, mut told) = (AtomicBool::new(false), |_: &Step| ());
    let step = Step::default();
    let mut lab = Lab { engine: &mut engine, folder: &mut folder, cancel: &cancel, told: &mut told, step };
    let mut why = |kind, change: &dyn Fn(&mut Subject)| {
        let mut other = subject.clone();
        change(&mut other);
        probe(kind, &other, &mut lab).unwrap_err().to_string()
    };
    let none = |s: &mut Subject| s.start.question.targets.clear();
    assert!(why(ProbeKind::Find, &none).contains("no target on the page"));
    let open = |s: &mut Subject| s.start.question.choices.clear();
    assert!(why(ProbeKind::Guess, &open).contains("lists no choices"));
    let truth = |s: &mut Subject| s.start.question.truth = None;
    assert!(why(ProbeKind::Sweep, &truth).contains("not known"));
    let off = |s: &mut Subject| s.start.tool = false;
    assert!(why(ProbeKind::Crop, &off).contains("--rerun"));
    let grey = |s: &mut Subject| s.start.interventions.push("crop=greyed".into());
    assert!(why(ProbeKind::Find, &grey).contains("crop=greyed"));
    let other = |s: &mut Subject| s.start.model.weights = "0".repeat(64);
    assert!(why(ProbeKind::Find, &other).contains("--rerun"));
    let profile = |s: &mut Subject| s.start.profile_hash.clear();
    let mut lost = subject.clone();
    profile(&mut lost);
    let mut past = (*lost.past).clone();
    let mut trace = (*past.trace).clone();
    trace.start = Some(lost.start.clone());
    past.trace = Arc::new(trace);
    assert!(matches!(Subject::of(past.clone(), Sources::default()), Err(ProbeError::OtherProfile { .. })));
    let mut trace = (*past.trace).clone();
    trace.start = Some(subject.start.clone());
    past.trace = Arc::new(trace);
    past.pixels.clear();
    assert!(matches!(Subject::of(past, Sources::default()), Err(ProbeError::NoPage { .. })));
}

#[test]
fn a_session_without_a_zoom_gets_a_call() {
    let dir = tempfile::tempdir().unwrap();
    let (_, subject) = probed(ProbeKind::Tool, dir.path(), |_| ());
    // The same answer given at once: an edit that leaves no call.
    let mut engine = LocalEngine::new(model());
    let setup = Setup::new(ProbeKind::Find, "session", "t", &Settings::default(), engine.info());
    let mut folder = ProbeFolder::open(RunPlace { sub: "q".into(), ..place(dir.path()) }, setup).unwrap();
    let (cancel, mut told) = (AtomicBool::new(false), |_: &Step| ());
    let step = Step::default();
    let mut lab = Lab { engine: &mut engine, folder: &mut folder, cancel: &cancel, told: &mut told, step };
    let text = crate::engine::Edit::Text("<answer>a wood</answer><|im_end|>".into());
    let at = subject.first_place().unwrap();
    let ask = lab.fork(&subject, "no-zoom", at, text, |_| ()).unwrap();
    let id = ask.id.clone();
    lab.run(ask).unwrap();
    let blind = Subject::open(&lab.folder.log(&id).unwrap(), Sources::default()).unwrap();
    assert!(blind.past.trace.zooms.is_empty() && blind.summary.right == Some(false));
    let report = probe(ProbeKind::Find, &blind, &mut lab).unwrap();
    assert!(report.sentence.contains("no zoom"), "{}", report.sentence);
    assert_eq!(report.arm("true-box").unwrap().n, 1);
    let log = dir.path().join("q").join(format!("{}.jsonl.zst", report.arm("true-box").unwrap().sessions[0]));
    assert!(!Subject::open(&log, Sources::default()).unwrap().past.trace.zooms.is_empty());
    assert!(probe(ProbeKind::Crop, &blind, &mut lab).unwrap_err().to_string().contains("made no call"));
    let sweep = probe(ProbeKind::Sweep, &blind, &mut lab).unwrap();
    assert!(sweep.sentence.contains("no zoom"), "{}", sweep.sentence);
}
