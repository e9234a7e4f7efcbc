//! `sessions search`, `prune`, `compress`, `reindex` and `verify` as a person or a script calls them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/logs").join(name)
}

/// The demo's recordings, and a whole log in a run of its own.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("demo")).unwrap();
    fs::create_dir_all(dir.path().join("run-1")).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions/demo")).unwrap().flatten() {
        fs::copy(entry.path(), dir.path().join("demo").join(entry.file_name())).unwrap();
    }
    fs::copy(corpus("whole.jsonl.zst"), dir.path().join("run-1/20260102-030405-abcdef.jsonl.zst")).unwrap();
    dir
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = alone::program();
    command.args(["--sessions", dir.to_str().unwrap(), "sessions"]).args(args);
    command.env("XDG_CONFIG_HOME", dir.join("none")).env_remove("PANELSCOPE_CONFIG");
    command
}

fn sessions(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = command(dir, args).output().unwrap();
    let utf8 = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), utf8(output.stdout), utf8(output.stderr))
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let (code, out, err) = sessions(dir, &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn words_and_filters_find_what_was_written() {
    let dir = folder();
    let all = json(dir.path(), &["list"])["sessions"].as_array().unwrap().len();
    assert!(all > 5);
    let found = json(dir.path(), &["search", "text:\"who is nearer\""]);
    assert_eq!((found["count"].as_u64(), found["sessions"][0]["question_id"].as_str()), (Some(1), Some("q1")));
    let zoomed = json(dir.path(), &["search", "zooms:>=1 -run:run-1", "--limit", "2"]);
    assert!(zoomed["count"].as_u64() > Some(2) && zoomed["sessions"].as_array().unwrap().len() == 2);
    let filtered = json(dir.path(), &["list", "--filter", "run:run-1"]);
    assert_eq!(filtered["sessions"].as_array().unwrap().len(), 1);
    let (_, csv, _) = sessions(dir.path(), &["search", "run:run-1", "--csv"]);
    let mut lines = csv.lines();
    assert!(
        lines.next().unwrap().starts_with("label,auto,verdict,")
            && lines.next().unwrap().starts_with("right,right,right,")
    );
    let by_zooms = json(dir.path(), &["search", "zooms:*", "--sort", "zooms", "--rising"]);
    let zooms: Vec<u64> =
        by_zooms["sessions"].as_array().unwrap().iter().map(|s| s["zooms"].as_u64().unwrap()).collect();
    assert!(zooms.is_sorted(), "{zooms:?}");
    let many = zoomed["count"].as_u64().unwrap();
    let (code, out, err) = sessions(dir.path(), &["search", "zooms:>=1 -run:run-1", "--limit", "2"]);
    assert_eq!((code, out.lines().count(), err), (0, 2, format!("2 of {many}; --limit {many} shows all\n")));
    for (args, part) in [
        (&["search", "started:>=2026-13-45"][..], "column 9: there is no month 13"),
        (&["list", "--filter", "-coverage:0.9..0.1"], "column 11: no number is from 0.9 to 0.1"),
        (&["search", "--jsno", "hat"], "there is no option --jsno"),
        (&["list", "--filter", "--json"], "--filter takes a text, and what follows is the flag --json"),
        (&["search", "lable:x"][..], "column 1: there is no field \"lable\"; did you mean label?"),
        (&["search", "x", "--sort", "zoms"], "did you mean zooms?"),
        (&["search", "x", "--json", "--csv"], "cannot be used with"),
        (&["search"], "required"),
    ] {
        let (code, out, err) = sessions(dir.path(), args);
        assert!(code == 2 && out.is_empty() && err.contains(part), "{args:?}: {code} {err}");
    }
}

#[test]
fn a_filter_may_begin_with_a_minus() {
    let dir = folder();
    let found = |args: &[&str]| {
        let (code, out, err) = sessions(dir.path(), args);
        assert_eq!(code, 0, "{args:?}: {err}");
        let json: Value = serde_json::from_str(&out).unwrap();
        json["sessions"].as_array().unwrap().len()
    };
    let want = found(&["search", "not run:run-1", "--json"]);
    assert!(want > 1);
    for args in [
        &["search", "-run:run-1", "--json"][..],
        &["search", "--json", "-run:run-1"],
        &["search", "--json", "--", "-run:run-1"],
        &["search", "-run:run-1", "id:*", "--json", "--limit", "50"],
        &["search", "--json", "id:*", "--", "-run:run-1"],
        &["list", "--json", "--filter", "-run:run-1"],
    ] {
        assert_eq!(found(args), want, "{args:?}");
    }
    let mut failures = alone::program();
    failures.args(["failures", "--filter", "-coverage:<0.5", "--json", "--sessions"]).arg(dir.path());
    assert!(failures.output().unwrap().status.success());
}

#[test]
fn a_sessions_folder_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("typo");
    for args in [&["list"][..], &["search", "x"], &["verify"], &["reindex"], &["prune", "--torn"]] {
        let (code, out, err) = sessions(&gone, args);
        assert!(
            code == 1 && out.is_empty() && err.contains("there is no folder") && err.contains("typo"),
            "{args:?}: {err}"
        );
    }
    assert!(!gone.exists(), "and none is made");
}

#[test]
fn an_index_that_is_broken_is_nobodys_trouble() {
    let dir = folder();
    let before = json(dir.path(), &["search", "zooms:>=1"]);
    fs::write(dir.path().join("index.db"), "this was never a database").unwrap();
    assert_eq!(json(dir.path(), &["search", "zooms:>=1"]), before);
    assert!(fs::read_dir(dir.path()).unwrap().flatten().any(|e| e.file_name().to_string_lossy().contains("aside")));
    let anew = json(dir.path(), &["reindex"]);
    assert_eq!(
        anew["sessions"].as_u64().unwrap() as usize,
        json(dir.path(), &["list"])["sessions"].as_array().unwrap().len()
    );
    let verified = json(dir.path(), &["verify"]);
    assert_eq!(verified["index"]["wrong"].as_array().map(Vec::len), Some(0));
    #[cfg(unix)]
    {
        fs::remove_file(dir.path().join("index.db")).unwrap();
        std::os::unix::fs::symlink("/tmp/elsewhere.db", dir.path().join("index.db")).unwrap();
        let (code, _, err) = sessions(dir.path(), &["search", "zooms:>=1"]);
        assert!(code == 1 && err.contains("leads out of the sessions folder"), "{err}");
    }
}

#[test]
fn pruning_says_what_it_would_do_and_does_it_only_when_told() {
    let dir = folder();
    let count = || json(dir.path(), &["list"])["sessions"].as_array().unwrap().len();
    let all = count();
    let (code, out, _) = sessions(dir.path(), &["prune", "--filter", "run:run-1"]);
    assert!(
        code == 0
            && out.contains("run-1/20260102-030405-abcdef")
            && out.contains("1 sessions")
            && out.contains("--yes"),
        "{out}"
    );
    assert_eq!(count(), all);
    assert_eq!(sessions(dir.path(), &["tag", "20260102-030405-abcdef", "keep"]).0, 0);
    let kept = json(dir.path(), &["prune", "--filter", "run:run-1", "--yes"]);
    assert_eq!((kept["kept"].as_u64(), kept["sessions"].as_array().unwrap().len(), count()), (Some(1), 0, all));
    let gone = json(dir.path(), &["prune", "--filter", "run:run-1", "--noted", "--yes"]);
    assert_eq!((gone["sessions"].as_array().unwrap().len(), count()), (1, all - 1));
    assert_eq!(sessions(dir.path(), &["trash", "restore", "20260102-030405-abcdef"]).0, 0);
    assert_eq!(json(dir.path(), &["search", "tag:keep"])["count"], 1, "it comes back with its tags");
    let last = json(dir.path(), &["prune", "--keep-last", "2", "--noted"]);
    assert_eq!(last["sessions"].as_array().unwrap().len(), all - 2);
    assert_eq!(
        json(dir.path(), &["prune", "--older-than", "100000w", "--noted"])["sessions"].as_array().unwrap().len(),
        0
    );
    fs::write(dir.path().join("run-1/x.jsonl.torn"), "half").unwrap();
    let torn = json(dir.path(), &["prune", "--torn", "--blobs", "--yes"]);
    assert_eq!(torn["torn"].as_array().unwrap().len(), 1);
    assert!(!dir.path().join("run-1/x.jsonl.torn").exists());
    for (args, part) in [
        (&["prune"][..], "say what is to go"),
        (&["prune", "--older-than", "soon"], "12h, 30d, 8w"),
        (&["prune", "--filter", "zooms:many"], "zooms is a number"),
    ] {
        let (code, _, err) = sessions(dir.path(), args);
        assert!(code == 2 && err.contains(part), "{args:?}: {err}");
    }
}

#[test]
fn finished_logs_are_compressed_and_others_left() {
    let dir = folder();
    fs::copy(corpus("whole.jsonl"), dir.path().join("run-1/20260102-030405-abcdef.jsonl")).unwrap();
    fs::remove_file(dir.path().join("run-1/20260102-030405-abcdef.jsonl.zst")).unwrap();
    fs::copy(corpus("unfinished.jsonl"), dir.path().join("run-1/b.jsonl")).unwrap();
    let done = json(dir.path(), &["compress"]);
    assert_eq!((done["compressed"].as_u64(), done["unfinished"].as_u64()), (Some(1), Some(1)));
    assert!(dir.path().join("run-1/20260102-030405-abcdef.jsonl.zst").is_file());
    assert!(
        !dir.path().join("run-1/20260102-030405-abcdef.jsonl").exists() && dir.path().join("run-1/b.jsonl").is_file()
    );
    assert_eq!(json(dir.path(), &["search", "run:run-1"])["count"], 2);
}

/// Every log of the corpus under a name that is listed: none hides a good one, and nothing is changed by looking.
#[test]
fn broken_logs_hide_no_good_one() {
    let dir = folder();
    let mut n = 0;
    for entry in fs::read_dir(corpus("")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let end = if name.ends_with(".zst") { "jsonl.zst" } else { "jsonl" };
        fs::copy(entry.path(), dir.path().join(format!("run-1/c-{n:03}.{end}"))).unwrap();
        n += 1;
    }
    fs::create_dir(dir.path().join("run-1/d.jsonl")).unwrap();
    let before: Vec<_> = fs::read_dir(dir.path().join("run-1"))
        .unwrap()
        .flatten()
        .filter_map(|e| fs::read(e.path()).ok())
        .map(|b| b.len())
        .collect();
    assert_eq!(json(dir.path(), &["search", "run:run-1", "--limit", "100"])["count"].as_u64(), Some(1 + n));
    let found = json(dir.path(), &["search", "text:\"who is nearer\"", "--limit", "100"]);
    assert!(found["sessions"].as_array().unwrap().iter().any(|s| s["id"] == "20260102-030405-abcdef"));
    let after: Vec<_> = fs::read_dir(dir.path().join("run-1"))
        .unwrap()
        .flatten()
        .filter_map(|e| fs::read(e.path()).ok())
        .map(|b| b.len())
        .collect();
    assert_eq!(before, after);
}

#[test]
fn several_programs_at_once_find_the_same() {
    let dir = folder();
    let args = ["search", "zooms:>=1", "--json", "--limit", "1000"];
    let running: Vec<_> = (0..6)
        .map(|_| command(dir.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let outputs: Vec<_> = running.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    assert!(serde_json::from_slice::<Value>(&outputs[0].stdout).unwrap()["count"].as_u64() > Some(3));
}
