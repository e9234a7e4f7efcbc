//! The checked-in schemas, and folders that are read as they were written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::benchmark::folder::check::{Thoroughness, check};
use crate::benchmark::synthetic::Difficulty;
use crate::benchmark::{Selection, Task, open, open_with};

fn schema_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name)
}

#[test]
fn the_checked_in_schemas_are_the_generated_ones() {
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = schema_path(name);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let have = fs::read_to_string(&path).unwrap_or_default();
        assert!(have == text, "{name} is not up to date: run the tests with UPDATE_SCHEMA=1");
    }
}

fn drawn(dir: &Path, pages: u64) -> String {
    let plan = SynthPlan { seed: 3, difficulty: Difficulty::Easy, amount: Amount::Pages(pages), jobs: 2 };
    let out = dir.join("d");
    synth(&plan, &out, &AtomicBool::new(false), |_| {}).unwrap();
    out.to_str().unwrap().to_owned()
}

#[test]
fn what_is_written_conforms_and_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let out = drawn(dir.path(), 3);
    let validator = |name: &str| {
        let text = fs::read_to_string(schema_path(name)).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let manifest: Value = serde_json::from_slice(&fs::read(format!("{out}/{MANIFEST}")).unwrap()).unwrap();
    assert!(validator("benchmark-v1.schema.json").is_valid(&manifest), "{manifest}");
    let question = validator("question-v1.schema.json");
    let text = fs::read_to_string(format!("{out}/{QUESTIONS}")).unwrap();
    for line in text.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(question.is_valid(&line), "{line}");
        line["task"] = json!("juggling");
        assert!(!question.is_valid(&line));
    }
    let (folder, virtual_) = (open(&out).unwrap(), open_with("synth:3", &Selection::default()).unwrap());
    assert_eq!(folder.manifest().unwrap().tasks.values().sum::<u64>(), folder.questions().len() as u64);
    for q in folder.questions() {
        assert_eq!(folder.split(q), Split::HeldOut);
        if let Ok(same) = virtual_.find(&q.id) {
            assert_eq!(q, same);
        }
        let page = q.page.as_deref().unwrap();
        assert_eq!(folder.page(q).unwrap().hash, virtual_.page_named(page).unwrap().hash);
        assert_eq!(folder.style(page).unwrap(), virtual_.style(page).unwrap());
        assert_eq!(folder.regions(page).unwrap().len(), virtual_.regions(page).unwrap().len());
        let [a, b] = [&folder, &virtual_].map(|bench| bench.other_region(q).map(|b| b.corners().map(f64::round)));
        assert_eq!(a, b);
    }
    assert_eq!(folder.pages().unwrap().len(), 3);
}

#[test]
fn a_selection_of_a_folder_is_spread() {
    let dir = tempfile::tempdir().unwrap();
    let out = drawn(dir.path(), 4);
    let all = open(&out).unwrap();
    let task = all.questions()[0].task.unwrap();
    let some = open_with(&out, &Selection { tasks: vec![task], limit: Some(2), ..Selection::default() }).unwrap();
    let want: Vec<_> = all.questions().iter().filter(|q| q.task == Some(task)).take(2).collect();
    assert_eq!(some.questions().iter().collect::<Vec<_>>(), want);
    let absent = Task::ALL.into_iter().find(|t| all.questions().iter().all(|q| q.task != Some(*t)));
    if let Some(absent) = absent {
        let selection = Selection { tasks: vec![absent], ..Selection::default() };
        assert!(open_with(&out, &selection).is_err());
    }
}

#[test]
fn drawn_folders_are_replaced_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let out = PathBuf::from(drawn(dir.path(), 2));
    drawn(dir.path(), 1);
    assert_eq!(fs::read_dir(out.join(PAGES)).unwrap().count(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    let plan = SynthPlan { seed: 3, difficulty: Difficulty::Easy, amount: Amount::Pages(1), jobs: 1 };
    for path in ["notes.txt", "pages/mine.png"] {
        fs::write(out.join(path), "mine").unwrap();
        let refused = synth(&plan, &out, &AtomicBool::new(false), |_| {});
        assert!(matches!(refused, Err(SynthError::Taken { .. })), "{path}");
        assert_eq!(fs::read_to_string(out.join(path)).unwrap(), "mine");
        fs::remove_file(out.join(path)).unwrap();
    }
    let stopped = synth(&plan, &dir.path().join("e"), &AtomicBool::new(true), |_| {});
    assert!(matches!(stopped, Err(SynthError::Interrupted)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left of it");
}

#[test]
fn page_names_are_names() {
    for (name, is) in [
        ("s1", true),
        ("Page 1 – ä", true),
        ("", false),
        ("a/b", false),
        ("..", false),
        ("a\\b", false),
        ("a\n", false),
    ] {
        assert_eq!(is_page_name(name), is, "{name:?}");
    }
    assert!(!is_page_name(&"x".repeat(201)));
}

/// Something between bytes and a question.
fn any_lines() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("a")),
        Just(json!("p")),
        Just(json!(["a", "b"])),
        Just(json!("A, B")),
        Just(json!("choice")),
        Just(json!("order")),
        Just(json!("test")),
        Just(json!("depth")),
        Just(json!("depth-comparison")),
        Just(json!([[0, 0, 1, 1]])),
        Just(json!([[1e300, 0, -1, 1, 5]])),
        Just(json!(-1)),
        Just(json!({"a": 1})),
    ];
    let field = prop::sample::select(vec![
        "id", "task", "family", "text", "choices", "form", "labels", "truth", "targets", "page", "detail", "shortcut",
        "split", "x",
    ]);
    let object = prop::collection::vec((field, value), 0..10).prop_map(|fields| {
        let fields: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}\n", fields.join(",")).into_bytes()
    });
    let line = prop_oneof![3 => object, 1 => prop::collection::vec(any::<u8>(), 0..40)];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_a_reader_refuses_a_check_reports(text in any_lines()) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(PAGES)).unwrap();
        fs::write(dir.path().join(MANIFEST), r#"{"v":1,"name":"x","licence":"CC0-1.0"}"#).unwrap();
        fs::write(dir.path().join(QUESTIONS), &text).unwrap();
        let report = check(dir.path(), Thoroughness::default(), &|_, _| {});
        let opened = open(dir.path().to_str().unwrap());
        if let Err(why) = opened {
            prop_assert!(report.errors > 0, "{} but {:?}", why, report);
        }
    }
}
