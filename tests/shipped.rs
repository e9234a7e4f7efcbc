//! What is shipped: the demo checkpoint, its questions, the recorded sessions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use panelscope::benchmark::{Benchmark, Family, Question, Selection, Task, open, open_with};
use panelscope::demo::{MODEL_FILES, MODEL_NAME, model_source};
use panelscope::engine::{Ask, LocalEngine, Outcome, PageSource, load_model, run_to_end};
use panelscope::model::Model;
use panelscope::protocol::Profile;
use panelscope::session::read_log;
use panelscope::trace::Body;

fn ask(model: &Arc<Model>, benchmark: &Benchmark, question: &Question, tool: bool) -> Outcome {
    let ask = Ask {
        tool,
        ..Ask::new(
            "test".to_owned(),
            PageSource::Page(benchmark.page(question).unwrap()),
            question.clone(),
            Arc::new(Profile::builtin("rarl").unwrap()),
        )
    };
    run_to_end(&mut LocalEngine::new(Arc::clone(model)), &ask, &mut |_| {}, &AtomicBool::new(false))
}

fn content(outcome: &Outcome) -> Option<String> {
    outcome.answer.as_ref().and_then(|a| a.content.clone())
}

#[test]
fn embedded_assets_stay_small() {
    let bytes: usize = MODEL_FILES.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= 8 << 20, "{bytes} bytes");
}

/// What the shipped model answers well.
fn learnt() -> Benchmark {
    let tasks = vec![Task::DepthComparison, Task::ActionRecognition];
    open_with("demo", &Selection { tasks, limit: Some(40), ..Selection::default() }).unwrap()
}

#[test]
fn the_demo_benchmark_asks_all_seven_tasks() {
    let benchmark = open("demo").unwrap();
    for task in Task::ALL {
        let n = benchmark.questions().iter().filter(|q| q.task == Some(task)).count();
        assert!(n >= 20, "{task}: {n}");
    }
}

#[test]
fn the_demo_model_zooms_answers_and_follows_content_not_order() {
    let model = Arc::new(load_model(model_source()).unwrap());
    let benchmark = learnt();
    assert_eq!(benchmark.questions().len(), 40);
    let (mut right, mut zoomed, mut listed, mut same) = (0, 0, 0, 0);
    for question in benchmark.questions() {
        let outcome = ask(&model, &benchmark, question, true);
        right += usize::from(outcome.score.as_ref().is_some_and(|s| s.value >= 1.0));
        zoomed += usize::from(outcome.end.zooms > 0);
        if !question.choices.is_empty() {
            let mut turned = question.clone();
            turned.choices.rotate_left(1);
            listed += 1;
            same += usize::from(content(&outcome) == content(&ask(&model, &benchmark, &turned, true)));
        }
    }
    assert!(right >= 36, "{right} of 40 right");
    assert!(zoomed >= 38, "{zoomed} of 40 zoomed");
    assert!(listed >= 20 && same * 10 >= listed * 8, "{same} of {listed} kept their content");
}

#[test]
fn without_the_tool_it_does_not_know() {
    let model = Arc::new(load_model(model_source()).unwrap());
    let benchmark = learnt();
    let outcomes: Vec<_> = benchmark.questions().iter().map(|q| ask(&model, &benchmark, q, false)).collect();
    let right = outcomes.iter().filter(|o| o.score.as_ref().is_some_and(|s| s.value >= 1.0)).count();
    assert!(right <= 28 && outcomes.iter().all(|o| o.end.zooms == 0), "{right} of 40 right");
}

#[test]
fn recorded_sessions_are_of_the_shipped_model() {
    let weights = load_model(model_source()).unwrap().info().weights;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo");
    let logs = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut told = Vec::new();
    for path in logs.filter(|p| p.extension().is_some_and(|e| e == "zst")) {
        let log = read_log(&path).unwrap();
        assert!(log.problems.list.is_empty(), "{}", path.display());
        let Body::SessionStart(start) = &log.records[0].body else { panic!("{} has no start", path.display()) };
        assert_eq!((start.model.weights.as_str(), start.model.name.as_str()), (weights.as_str(), MODEL_NAME));
        let family = start.question.task.unwrap().family();
        told.extend(log.records.iter().filter_map(|r| match &r.body {
            Body::Score(score) => Some((family, score.value >= 1.0)),
            _ => None,
        }));
    }
    // Two successes, two failures of each family people come for, and one more with the fork that mends it.
    assert_eq!((told.len(), told.iter().filter(|(_, right)| *right).count()), (10, 3));
    for (family, failures) in [(Family::Depth, 2), (Family::Tracking, 3), (Family::Reordering, 2)] {
        assert_eq!(told.iter().filter(|&&one| one == (family, false)).count(), failures, "{family:?}");
    }
}

#[test]
fn it_zooms_and_is_far_above_chance_in_every_task() {
    let model = Arc::new(load_model(model_source()).unwrap());
    for task in Task::ALL {
        let wanted = Selection { tasks: vec![task], limit: Some(12), ..Selection::default() };
        let benchmark = open_with("demo", &wanted).unwrap();
        let outcomes: Vec<_> = benchmark.questions().iter().map(|q| ask(&model, &benchmark, q, true)).collect();
        let zoomed = outcomes.iter().filter(|o| o.end.zooms > 0).count();
        assert!(zoomed >= 11, "{task}: {zoomed} of 12 zoomed");
        let right = outcomes.iter().filter(|o| o.score.as_ref().is_some_and(|s| s.value >= 1.0)).count();
        assert!(right >= 7, "{task}: {right} of 12 right");
    }
}
