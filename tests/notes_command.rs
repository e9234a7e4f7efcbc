//! `sessions label`, `tag`, `note` and `list --filter` as a person or a script calls them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::fs;
use std::path::Path;

use serde_json::Value;

const ID: &str = "20260102-030405-abcdef";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("run-1")).unwrap();
    let log = format!("{}/tests/corpus/logs/whole.jsonl.zst", env!("CARGO_MANIFEST_DIR"));
    fs::copy(log, dir.path().join(format!("run-1/{ID}.jsonl.zst"))).unwrap();
    dir
}

fn panelscope(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = alone::program();
    command.args(["--sessions", dir.to_str().unwrap()]).args(args);
    command.env("USER", "ann").env("XDG_CONFIG_HOME", dir.join("none")).env_remove("PANELSCOPE_CONFIG");
    let output = command.output().unwrap();
    let utf8 = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), utf8(output.stdout), utf8(output.stderr))
}

#[test]
fn what_a_person_says_counts_and_is_found() {
    let dir = folder();
    let say = |args: &[&str]| panelscope(dir.path(), &[&["sessions"], args].concat());
    let (code, out, err) = say(&["label", ID, "looked-wrong", "--reason", "the \u{1b}[31mhat"]);
    assert_eq!((code, out.trim(), err.as_str()), (0, "looked-wrong (ann: the ␛[31mhat)", ""));
    assert_eq!(say(&["tag", ID, "hats", "later"]).1.trim(), "hats later");
    assert_eq!(say(&["tag", ID, "later", "--remove"]).1.trim(), "hats");
    assert_eq!(say(&["note", ID, "a hat\nbehind a tree", "--by", "Bo"]).0, 0);
    let (_, out, _) = say(&["list", "--filter", "label:looked-wrong tag:hats auto:right behind by:ann", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["sessions"][0]["noted"]["label"]["reason"], "the \u{1b}[31mhat");
    assert_eq!(say(&["list", "--filter", "-tag:hats", "--json"]).1.trim(), "{\"sessions\":[]}");
    assert_eq!(say(&["list", "--limit", "0"]).1, "");
    let (_, out, _) = say(&["note", ID, "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["remarks"].as_array().unwrap().len(), &json["noted"]["notes"]), (5, &Value::from(1)));
    assert!(say(&["note", ID]).1.contains("Bo  a hat\n    behind a tree"));
    assert_eq!(say(&["label", ID, "--clear"]).1.trim(), "the automatic label counts");
    assert!(say(&["list"]).1.contains("  right  "));
}

#[test]
fn wrong_use_is_told_with_what_would_be_right() {
    let dir = folder();
    for (args, code, part) in [
        (&["label", ID, "loked-wrong"][..], 2, "did you mean looked-wrong?"),
        (&["label", "nothing", "wrong"], 1, "no session \"nothing\""),
        (&["label", ID, "--reason", "x"], 2, "a reason needs a label"),
        (&["tag", ID, "a b"], 1, "cannot be a tag"),
        (&["note", ID, " "], 1, "the note is empty"),
        (&["list", "--filter", "lable:wrong"], 2, "column 1: there is no field \"lable\"; did you mean label?"),
    ] {
        let (found, out, err) = panelscope(dir.path(), &[&["sessions"], args].concat());
        assert!(found == code && err.contains(part) && out.is_empty(), "{args:?}: {found} {out}{err}");
    }
}
