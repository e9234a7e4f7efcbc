//! `sessions` and `replay` as a person or a script calls them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

fn corpus(name: &str) -> String {
    format!("{}/tests/corpus/logs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn panelscope(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = alone::program()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> (i32, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), utf8(&output.stdout), utf8(&output.stderr))
}

#[test]
fn verify_tells_cut_off_from_damaged() {
    for (name, code, word) in [
        ("whole.jsonl", 0, "whole"),
        ("whole.jsonl.zst", 0, "whole"),
        ("torn.jsonl", 0, "cut off"),
        ("empty.jsonl", 0, "cut off"),
        ("cut.jsonl.zst", 0, "cut off"),
        ("bad_crc.jsonl", 1, "damaged"),
        ("gap.jsonl", 1, "damaged"),
        ("newer_version.jsonl", 1, "damaged"),
        ("huge_line.jsonl.zst", 1, "damaged"),
    ] {
        let (found, out, err) = text(&panelscope(&["sessions", "verify", &corpus(name)], b""));
        assert_eq!(found, code, "{name}: {out}{err}");
        assert!(out.starts_with(word) && out.contains(name), "{out}");
        let (piped, _, _) = text(&panelscope(&["sessions", "verify", "-"], &fs::read(corpus(name)).unwrap()));
        assert_eq!(piped, code, "{name} by stdin");
    }
    let (code, out, _) = text(&panelscope(&["sessions", "verify", "--json", &corpus("gap.jsonl")], b""));
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["logs"][0]["state"]), (1, &Value::from("damaged")));
    assert_eq!(json["logs"][0]["problems"][0]["kind"], "seq_gap");
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("run-1")).unwrap();
    fs::copy(corpus("whole.jsonl.zst"), dir.path().join("run-1/20260102-030405-abcdef.jsonl.zst")).unwrap();
    dir
}

fn in_folder(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let all = [&["--sessions", dir.to_str().unwrap()], args].concat();
    text(&panelscope(&all, b""))
}

#[test]
fn list_has_the_promised_shape() {
    let dir = folder();
    let (code, out, _) = in_folder(dir.path(), &["sessions", "list", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let first = &json["sessions"][0];
    assert_eq!(code, 0);
    assert_eq!(first["id"], "20260102-030405-abcdef");
    assert_eq!((first["run"].as_str(), first["task"].as_str()), (Some("run-1"), Some("depth-comparison")));
    assert_eq!((first["right"].as_bool(), first["zooms"].as_u64()), (Some(true), Some(1)));
    for field in ["question_id", "coverage", "model", "started", "label", "score", "family"] {
        assert!(!first[field].is_null(), "{field} in {first}");
    }
    let (_, lines, _) = in_folder(dir.path(), &["sessions", "list"]);
    assert!(lines.contains("✓ right") && lines.lines().count() == 1, "{lines}");
    let empty = tempfile::TempDir::new().unwrap();
    let (code, out, _) = in_folder(empty.path(), &["sessions", "list", "--json"]);
    assert_eq!((code, out.trim()), (0, "{\"sessions\":[]}"));
}

#[test]
fn replay_prints_the_story_by_id_by_path_and_the_newest() {
    let dir = folder();
    let (code, by_id, err) = in_folder(dir.path(), &["replay", "20260102-030405-abcdef"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for line in
        ["question Who is nearer?", "zoom 1   [10, 10, 30, 20] in page \"hat\"", "answer   Bo", "score    ✓ right"]
    {
        assert!(by_id.contains(line), "{line} in {by_id}");
    }
    assert_eq!(in_folder(dir.path(), &["replay", "--print"]).1, by_id);
    assert_eq!(in_folder(dir.path(), &["replay", &corpus("whole.jsonl")]).1, by_id);
    let (code, out, err) = in_folder(dir.path(), &["replay", &corpus("torn.jsonl")]);
    assert!(code == 0 && out.contains("answer   Bo") && out.contains("not reached") && err.is_empty(), "{out}{err}");
    let (code, _, err) = in_folder(dir.path(), &["replay", &corpus("bad_crc.jsonl")]);
    assert!(code == 0 && err.starts_with("warning: "), "{err}");
    assert!(!err.contains("panicked"));
}

#[test]
fn wrong_use_is_told() {
    let dir = folder();
    for (args, code, word) in [
        (&["replay", "nothing"][..], 1, "no session \"nothing\""),
        (&["replay", "../../etc"][..], 1, "no session"),
        (&["replay", "--speed", "0"][..], 2, "between"),
        (&["replay", "--speed", "-1"][..], 2, "must lie between 0.01 and 1000"),
        (&["sessions", "verify", "no\u{1b}[31m"][..], 1, "no session"),
        (&["sessions"][..], 2, "Usage"),
    ] {
        let (found, out, err) = in_folder(dir.path(), args);
        assert_eq!(found, code, "{args:?}: {out}{err}");
        assert!(err.contains(word) && !err.contains('\u{1b}'), "{args:?}: {err}");
    }
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(in_folder(&file, &["sessions", "list"]).0, 2);
    let empty = tempfile::TempDir::new().unwrap();
    assert!(in_folder(empty.path(), &["replay"]).2.contains("no sessions in"));
    let (code, _, err) = in_folder(dir.path(), &["replay", &corpus("empty.jsonl")]);
    assert!(code == 1 && err.contains("is empty"), "{err}");
}

#[test]
fn the_schema_is_printed() {
    let (code, out, _) = text(&panelscope(&["sessions", "schema"], b""));
    let file = format!("{}/docs/schema/session-v1.schema.json", env!("CARGO_MANIFEST_DIR"));
    assert_eq!((code, out), (0, fs::read_to_string(file).unwrap()));
}

#[test]
fn a_session_goes_to_the_trash_and_comes_back() {
    let dir = folder();
    let id = "20260102-030405-abcdef";
    let log = dir.path().join(format!("run-1/{id}.jsonl.zst"));
    assert_eq!(in_folder(dir.path(), &["sessions", "rm", id, "no-such"]).0, 1);
    assert!(log.is_file(), "all are found before one is moved");
    let (code, out, _) = in_folder(dir.path(), &["sessions", "rm", id]);
    assert!(code == 0 && out.contains(".trash") && !log.exists(), "{out}");
    let (_, out, _) = in_folder(dir.path(), &["sessions", "list", "--json"]);
    assert_eq!(out.trim(), "{\"sessions\":[]}");
    let (_, out, _) = in_folder(dir.path(), &["sessions", "trash", "list", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["trashed"][0]["id"].as_str(), json["trashed"][0]["sub"].as_str()), (Some(id), Some("run-1")));
    assert_eq!(in_folder(dir.path(), &["sessions", "trash", "restore", id]).0, 0);
    assert!(log.is_file());
    let (code, _, err) = in_folder(dir.path(), &["sessions", "trash", "restore", id]);
    assert!(code == 1 && err.contains("trash list"), "{err}");
}

#[test]
fn a_pack_is_replayed_and_unpacked_elsewhere() {
    let dir = folder();
    let id = "20260102-030405-abcdef";
    let file = dir.path().join("one.pack.zip");
    let pack = file.to_str().unwrap();
    let (code, out, err) = in_folder(dir.path(), &["sessions", "pack", id, "--out", pack]);
    assert!(code == 0 && out.contains("1 sessions") && err.contains("page is not kept"), "{out}{err}");
    assert_eq!(in_folder(dir.path(), &["sessions", "pack", id, "--out", pack]).0, 1, "never over a file");
    let (code, story, _) = in_folder(dir.path(), &["replay", pack, "--print"]);
    assert!(code == 0 && story.contains("Who is nearer?"), "{story}");
    let elsewhere = tempfile::TempDir::new().unwrap();
    let (code, out, err) = in_folder(elsewhere.path(), &["sessions", "unpack", pack]);
    assert!(code == 0 && out.contains("unpacked"), "{out}{err}");
    assert!(in_folder(elsewhere.path(), &["replay", id, "--print"]).1 == story);
    let (code, out, _) = in_folder(elsewhere.path(), &["sessions", "unpack", pack]);
    assert!(code == 0 && out.contains("was here already"), "{out}");
    fs::write(&file, "PK\u{3}\u{4} nothing").unwrap();
    let (code, _, err) = in_folder(elsewhere.path(), &["sessions", "unpack", pack]);
    assert!(code == 1 && err.contains("cannot be used as a pack"), "{err}");
    assert_eq!(in_folder(elsewhere.path(), &["replay", pack, "--print"]).0, 1);
}
