//! `panelscope fork` and `ask --break`, with the real binary and the demo's model.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod alone;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn panelscope(dir: &Path, args: &[&str]) -> Output {
    let sessions = dir.join("sessions");
    alone::program().args(["--sessions", sessions.to_str().unwrap()]).args(args).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn data<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).map(|line| &line["data"]).collect()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks the demo's first question and gives the session's id and log.
fn asked(dir: &Path, more: &[&str]) -> (String, Vec<Value>) {
    let list = panelscope(dir, &["bench", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let id = list["questions"][0]["id"].as_str().unwrap().to_owned();
    let mut args = vec!["ask", "--id", &id, "--json"];
    args.extend(more);
    let output = panelscope(dir, &args);
    assert!(output.status.success(), "{}", error(&output));
    let log = lines(&output);
    (data(&log, "session_start")[0]["id"].as_str().unwrap().to_owned(), log)
}

#[test]
fn every_kind_of_edit_makes_a_session_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (id, parent) = asked(dir.path(), &[]);
    let target = data(&parent, "session_start")[0]["question"]["targets"][0].clone();
    let first = data(&parent, "tokens").into_iter().find(|t| t["by"] != "prompt").unwrap()["start"].to_string();
    for (args, kind) in [
        (vec!["--at", "zoom:1", "--box", "target"], "box"),
        (vec!["--at", "zoom:1", "--crop", "blank"], "crop"),
        (vec!["--at", "zoom:1", "--crop", "0,0,300,300"], "crop"),
        (vec!["--at", &first, "--text", "<answer>A</answer><|im_end|>"], "text"),
        (vec!["--at", "segment:1", "--token-id", "5", "--max-tokens", "40"], ""),
        (vec!["--at", "end", "--tool", "off"], "settings"),
        (vec!["--at", "segment:2"], "nothing"),
    ] {
        let mut all = vec!["fork", &id, "--json"];
        all.extend(&args);
        let output = panelscope(dir.path(), &all);
        if kind.is_empty() {
            assert_eq!(output.status.code(), Some(2));
            assert!(error(&output).contains("one edit"), "{}", error(&output));
            continue;
        }
        let log = lines(&output);
        let start = data(&log, "session_start")[0];
        assert_eq!(
            (start["parent"]["session"].as_str(), start["parent"]["change"]["kind"].as_str()),
            (Some(id.as_str()), Some(kind))
        );
        assert_ne!(start["id"].as_str(), Some(id.as_str()));
        assert_eq!(data(&log, "fork")[0]["exact"], false, "another program recomputes");
        if kind == "box" {
            let cut = &data(&log, "zoom")[0]["page_box"];
            for i in 0..4 {
                assert!((cut[i].as_f64().unwrap() - target[i].as_f64().unwrap()).abs() < 8.0, "{cut} {target}");
            }
            assert!(data(&log, "fork")[0]["moved"].as_f64().unwrap() < 1e-3);
        }
        assert_eq!(data(&log, "session_end").len(), 1);
    }
    let verify = panelscope(dir.path(), &["sessions", "verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let list: Value = serde_json::from_slice(&panelscope(dir.path(), &["sessions", "list", "--json"]).stdout).unwrap();
    let forks = list["sessions"].as_array().unwrap().iter().filter(|s| s["parent"]["session"] == id.as_str()).count();
    assert_eq!(forks, 6);
}

#[test]
fn wrong_places_edits_and_breakpoints_are_said_with_exit_2() {
    let dir = tempfile::tempdir().unwrap();
    let (id, _) = asked(dir.path(), &[]);
    for (args, part) in [
        (vec!["--at", "3"], "token 3 was not written by the model"),
        (vec!["--at", "zoom:7", "--crop", "blank"], "from 1 to"),
        (vec!["--at", "middle"], "is no place"),
        (vec!["--at", "zoom:1", "--crop", "no-such-file.png"], "is no file"),
        (vec!["--at", "zoom:1", "--box", "9,9,1,1"], "x1 < x2"),
        (vec!["--at", "zoom:1", "--token", "several words here"], "--text puts in as many"),
        (vec!["--at", "end", "--break", "zoom and"], "expected a condition"),
        (vec!["--at", "end", "--temperature", "-1"], "temperature is -1"),
        (vec!["--at", "-1"], "is no place: give a token position"),
        (vec!["--at", "end", "--text", "--no-record"], "--text takes a text, and what follows is the flag --no-record"),
    ] {
        let mut all = vec!["fork", &id];
        all.extend(&args);
        let output = panelscope(dir.path(), &all);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", error(&output));
        assert!(error(&output).contains(part), "{args:?}: {}", error(&output));
    }
    let output = panelscope(dir.path(), &["fork", "no-such-session", "--at", "end"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ask_ends_where_a_breakpoint_fires_and_a_fork_goes_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let (id, log) = asked(dir.path(), &["--break", "zoom", "--break", "tokens>=400"]);
    assert_eq!(data(&log, "session_end")[0]["reason"], "break");
    let broke = data(&log, "break");
    assert_eq!((broke.len(), broke[0]["breakpoint"].as_str()), (1, Some("zoom")));
    assert_eq!(data(&log, "image").len(), 1, "the crop never entered the context");
    let output = panelscope(dir.path(), &["fork", &id, "--at", "zoom:1", "--crop", "target", "--json"]);
    let fork = lines(&output);
    assert_eq!(data(&fork, "image").len(), 2, "{}", error(&output));
    assert!(data(&fork, "answer").len() == 1 && data(&fork, "session_end")[0]["reason"] == "answered");
}
