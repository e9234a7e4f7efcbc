//! Attention and lens with the real binary and the embedded model: recorded, shown as numbers and as a picture.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::path::Path;
use std::process::Output;

use panelscope::benchmark;
use panelscope::session::{read_log_from, verify};
use panelscope::trace::{Body, TokenSource};
use serde_json::Value;

fn panelscope(dir: &Path, args: &[&str]) -> Output {
    let mut command = alone::program();
    command.current_dir(dir).args(args).arg("--sessions").arg(dir.join("kept")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn demo_id() -> String {
    let benchmark = benchmark::open("demo").unwrap();
    let learnt = |q: &&benchmark::Question| q.task == Some(benchmark::Task::ActionRecognition);
    benchmark.questions().iter().find(learnt).unwrap().id.clone()
}

#[test]
fn a_session_is_recorded_with_attention_and_shown_from_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let id = demo_id();
    let ask = ["ask", "--bench", "demo", "--id", &id, "--greedy", "--json"];
    let plain = panelscope(dir.path(), &ask);
    let recorded = panelscope(dir.path(), &[&ask[..], &["--record-attention=layers", "--record-lens"]].concat());
    assert_eq!(recorded.status.code(), Some(0), "{}", text(&recorded.stderr));
    let log = read_log_from(recorded.stdout.as_slice());
    let report = verify(&log);
    assert!(log.ended() && !log.problems.damage(), "{report:?}");
    let ids = |bytes: &[u8]| -> Vec<u32> {
        let log = read_log_from(bytes);
        let tokens = log.records.into_iter().filter_map(|r| if let Body::Tokens(t) = r.body { Some(t) } else { None });
        tokens.filter(|t| t.by == TokenSource::Sampled).flat_map(|t| t.ids).collect()
    };
    assert_eq!(ids(&plain.stdout), ids(&recorded.stdout));
    let count = |wanted: fn(&Body) -> bool| log.records.iter().filter(|r| wanted(&r.body)).count();
    let written = ids(&recorded.stdout).len();
    assert_eq!(count(|b| matches!(b, Body::Attention(_))), written);
    assert_eq!(count(|b| matches!(b, Body::Lens(_))), written);
    let longest = text(&recorded.stdout).lines().filter(|l| l.contains("\"attention\"")).map(str::len).max().unwrap();
    assert!(longest < 6000, "{longest}");

    let session =
        log.records.iter().find_map(|r| if let Body::SessionStart(s) = &r.body { Some(s.id.clone()) } else { None });
    let session = session.unwrap();

    // All of it from the log, without a model: the one that is named is not there.
    let shown = panelscope(
        dir.path(),
        &["attention", &session, "--json", "--lens", "--layer", "3", "--model", "nowhere", "--png", "a.png"],
    );
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let mass = |name: &str| shown["mass"][name].as_f64().unwrap();
    assert!((mass("images") + mass("prompt") + mass("own") + mass("first") - 1.0).abs() < 1e-3);
    assert_eq!(shown["layer"], 3);
    assert_eq!(shown["lens"]["rank"].as_array().unwrap().len(), 5);
    let cells = shown["images"][0]["rows"].as_u64().unwrap() * shown["images"][0]["columns"].as_u64().unwrap();
    assert_eq!(shown["images"][0]["weights"].as_array().unwrap().len() as u64, cells);
    let picture = image::open(dir.path().join("a.png")).unwrap();
    assert!(picture.width() > 400 && picture.height() > 300);
    // The same again from the pack, elsewhere.
    let packed = panelscope(dir.path(), &["sessions", "pack", &session, "--out", "it.pscope"]);
    assert_eq!(packed.status.code(), Some(0), "{}", text(&packed.stderr));
    let again =
        panelscope(dir.path(), &["attention", "it.pscope", "--json", "--lens", "--layer", "3", "--model", "nowhere"]);
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), shown, "{}", text(&again.stderr));
}

#[test]
fn what_is_not_recorded_is_looked_at_with_the_model_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let id = demo_id();
    assert_eq!(panelscope(dir.path(), &["ask", "--bench", "demo", "--id", &id, "--greedy"]).status.code(), Some(0));
    let looked = panelscope(dir.path(), &["attention", "--lens", "--head", "2"]);
    let out = text(&looked.stdout);
    assert_eq!(looked.status.code(), Some(0), "{}", text(&looked.stderr));
    assert!(out.contains("mean of all layers, head 2") && out.contains("layer 5  "), "{out}");
    let refused = panelscope(dir.path(), &["attention", "--model", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("not in the log"), "{}", text(&refused.stderr));
    let wrong = panelscope(dir.path(), &["attention", "--token", "0"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
    for (flag, said) in
        [("--layer", "--layer 99: the model has 5 layers"), ("--head", "--head 99: the model has 4 heads")]
    {
        let wrong = panelscope(dir.path(), &["attention", flag, "99"]);
        assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
        assert!(text(&wrong.stderr).contains(said), "{}", text(&wrong.stderr));
    }
    let other = panelscope(dir.path(), &["attention", "--model", "demo", "--quant", "q8_0"]);
    let told = text(&other.stderr);
    assert!(other.status.success() && told.contains("the weights were kept as f32, now as q8_0"), "{told}");
    assert_eq!(text(&panelscope(dir.path(), &["attention"]).stderr), "");
    let nowhere = panelscope(dir.path(), &["attention", "--png", "no/such/a.png"]);
    let told = text(&nowhere.stderr);
    assert_eq!((nowhere.status.code(), told.matches("no/such").count()), (Some(1), 1), "{told}");
}
