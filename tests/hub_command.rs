//! Models by name with the real program, against a hub on this machine that has the real one's routes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod hub_support;

use std::io::{BufRead, BufReader};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hub_support::program::{TOKEN, WEIGHTS, cache, contents, failed, files, get, program, run, snapshot, weights};
use hub_support::{COMMIT, Hub, Manners, tag};
use serde_json::Value;

#[test]
fn a_model_is_fetched_asked_and_then_used_without_the_network() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let home = home.path();
    let ids = ["--ids", "5,6,7", "--top", "3", "--greedy", "4", "--json"];
    let probe = |model: &str| {
        let (output, out, err) = run(program(home, hub.port).args(["model", "probe", model]).args(ids));
        assert!(output.status.success(), "{err}");
        (serde_json::from_str::<Value>(&out).unwrap(), err)
    };
    let (first, told) = probe("tiny/model");
    assert!(told.contains("fetching model.safetensors, 4.89 MB"), "{told}");
    assert_eq!(first["model"]["name"], "tiny/model");
    assert_eq!(contents(&hub.seen()).len(), 5);
    let (second, told) = probe("tiny/model");
    assert_eq!((hub.seen().len(), told.as_str()), (0, ""), "all of it is in the cache");
    let (shipped, _) = probe("demo-rarl");
    for report in [&first, &second] {
        assert_eq!(report["greedy"], shipped["greedy"]);
        assert_eq!(report["model"]["weights"], shipped["model"]["weights"]);
    }

    // As Hugging Face's tools lay it out: commits behind names, links to blobs named by their checksums.
    let blob = cache(home).join("blobs").join(tag(&weights()));
    assert_eq!(std::fs::read_to_string(cache(home).join("refs/main")).unwrap(), COMMIT);
    assert_eq!(std::fs::canonicalize(snapshot(home).join(WEIGHTS)).unwrap(), std::fs::canonicalize(blob).unwrap());
    assert_eq!(std::fs::read(snapshot(home).join(WEIGHTS)).unwrap(), weights());
    assert!(std::fs::read_dir(cache(home).join("blobs")).unwrap().count() == 5, "nothing incomplete is left");
}

#[test]
fn a_question_is_answered_by_a_model_from_a_hub() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let page = home.path().join("page.png");
    image::RgbImage::from_fn(120, 90, |x, y| image::Rgb([(x * 2) as u8, (y * 2) as u8, 90])).save(&page).unwrap();
    let args = [
        "ask",
        "--model",
        "tiny/model@v1",
        "--question",
        "Who is there?",
        "--no-record",
        "--json",
        "--max-tokens",
        "4",
    ];
    let mut ask = program(home.path(), hub.port);
    let (output, out, err) = run(ask.args(args).arg("--page").arg(&page));
    let first: Value = serde_json::from_str(out.lines().next().unwrap_or_default()).unwrap_or_default();
    assert_eq!(first["data"]["model"]["name"], "tiny/model@v1", "{:?} {err}", output.status);
    assert_eq!(first["data"]["model"]["resampler"], "pillow");
}

#[test]
fn an_existing_path_wins_and_a_name_that_is_nothing_says_so() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    std::fs::create_dir_all(home.path().join("tiny/model")).unwrap();
    let (_, _, err) = run(program(home.path(), hub.port).args(["model", "probe", "tiny/model", "--ids", "1"]));
    assert!(err.contains("no config.json") && hub.seen().is_empty(), "{err}");
    let (_, _, err) = run(program(home.path(), hub.port).args(["model", "probe", "tiny/other", "--ids", "1"]));
    let wanted = format!("http://127.0.0.1:{} has no model tiny/other", hub.port);
    assert!(err.contains(&wanted) && err.contains("no folder of that name"), "{err}");
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { cut_once: Some(2_000_000), ..Manners::default() });
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("connection was lost while fetching model.safetensors: trying again"), "{err}");
    let ranges: Vec<_> = contents(&hub.seen()).iter().filter_map(|s| s.range.clone()).collect();
    assert_eq!(ranges, ["bytes=2000000-"]);
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn a_killed_program_leaves_what_the_next_one_goes_on_with() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { slow: Some(Duration::from_millis(40)), ..Manners::default() });
    let incomplete = cache(home.path()).join("blobs").join(format!("{}.incomplete", tag(&weights())));
    let mut child = program(home.path(), hub.port)
        .args(["model", "get", "tiny/model"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while std::fs::metadata(&incomplete).map_or(0, |data| data.len()) < 500_000 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was fetched");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let have = std::fs::metadata(&incomplete).unwrap().len();
    assert!(!snapshot(home.path()).join(WEIGHTS).exists(), "half a file has no name");
    hub.seen();

    // Half a model is not taken for a whole one.
    let said = failed(home.path(), hub.port, &["tiny/model", "--offline"]);
    assert!(said.contains("missing") && hub.seen().is_empty(), "{said}");

    hub.behave(Manners::default());
    let (output, out, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success() && out.trim().ends_with(COMMIT), "{err}");
    let seen = hub.seen();
    let asked = contents(&seen);
    assert_eq!(asked.len(), 1, "the small files are here");
    assert_eq!(asked[0].range.as_deref(), Some(format!("bytes={have}-").as_str()));
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_fetched() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { slow: Some(Duration::from_millis(40)), ..Manners::default() });
    let incomplete = cache(home.path()).join("blobs").join(format!("{}.incomplete", tag(&weights())));
    let mut command = program(home.path(), hub.port);
    let child =
        command.args(["model", "get", "tiny/model"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while std::fs::metadata(&incomplete).map_or(0, |data| data.len()) < 300_000 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was fetched");
        std::thread::sleep(Duration::from_millis(10));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("what has been fetched is kept"), "{err}");
    assert!(std::fs::metadata(&incomplete).unwrap().len() >= 300_000);
}

#[test]
fn two_programs_at_once_fetch_every_file_once() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let free = Arc::new(AtomicBool::new(false));
    hub.behave(Manners { held: Some(Arc::clone(&free)), ..Manners::default() });
    let incomplete = cache(home.path()).join("blobs").join(format!("{}.incomplete", tag(&weights())));
    let start = || {
        let mut command = program(home.path(), hub.port);
        command.args(["model", "get", "tiny/model"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = start();
    let begun = Instant::now();
    while !incomplete.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was fetched");
        std::thread::sleep(Duration::from_millis(5));
    }
    // However slowly it starts: the weights are held back until the second one says that it waits for them.
    let mut second = start();
    let mut told = BufReader::new(second.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(told.any(|line| line.contains("another process is fetching model.safetensors")));
    free.store(true, Ordering::SeqCst);
    for child in [first, second] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let seen = hub.seen();
    let large = contents(&seen).into_iter().filter(|s| s.path.contains(WEIGHTS)).count();
    assert_eq!(large, 1);
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn a_wrong_checksum_is_refused_and_removed() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { corrupt: true, ..Manners::default() });
    let said = failed(home.path(), hub.port, &["tiny/model"]);
    assert!(said.contains("arrived damaged (wrong checksum) and was removed"), "{said}");
    assert_eq!(std::fs::read_dir(cache(home.path()).join("blobs")).unwrap().count(), 0);
    assert!(!snapshot(home.path()).exists());
    hub.behave(Manners::default());
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { cut_once: Some(1_000_000), no_range: true, ..Manners::default() });
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn offline_is_only_the_cache() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let said = failed(home.path(), hub.port, &["tiny/model", "--offline"]);
    assert!(said.contains("everything missing") && said.contains("without --offline"), "{said}");
    let (_, _, err) =
        run(program(home.path(), hub.port).env("HF_HUB_OFFLINE", "1").args(["model", "get", "tiny/model"]));
    assert!(err.contains("nothing is fetched offline"), "{err}");
    assert!(hub.seen().is_empty());
    assert!(get(home.path(), hub.port, &["tiny/model"]).0.status.success());
    hub.seen();
    let (output, out, _) = get(home.path(), hub.port, &["tiny/model", "--offline", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(output.status.success() && report["commit"] == COMMIT && report["model"] == "tiny/model");
    assert!(hub.seen().is_empty());
    std::fs::remove_file(snapshot(home.path()).join(WEIGHTS)).unwrap();
    let said = failed(home.path(), hub.port, &["tiny/model", "--offline"]);
    assert!(said.contains("(model.safetensors missing)"), "{said}");
}

#[test]
fn the_token_goes_to_the_hub_alone_and_stands_nowhere() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { token: Some(TOKEN), ..Manners::default() });
    let said = failed(home.path(), hub.port, &["tiny/model"]);
    assert!(
        said.contains("is gated: accept its terms at http://127.0.0.1:") && said.contains("set HF_TOKEN"),
        "{said}"
    );
    hub.seen();
    let (output, out, err) =
        run(program(home.path(), hub.port).env("HF_TOKEN", TOKEN).args(["model", "get", "tiny/model"]));
    assert!(output.status.success(), "{err}");
    assert!(!out.contains(TOKEN) && !err.contains(TOKEN));
    let seen = hub.seen();
    let (cdn, own): (Vec<_>, Vec<_>) = seen.iter().partition(|s| s.cdn);
    assert!(!cdn.is_empty() && cdn.iter().all(|s| s.authorization.is_none()), "{cdn:?}");
    assert!(own.iter().all(|s| s.authorization.as_deref() == Some(&format!("Bearer {TOKEN}"))));

    // It has run out: the hub then refuses everything, and says so without a code.
    hub.behave(Manners { refuse: Some((401, "")), ..Manners::default() });
    let (_, _, err) =
        run(program(home.path(), hub.port).env("HF_TOKEN", TOKEN).args(["model", "get", "tiny/model", "--update"]));
    assert!(err.contains("refuses the token of HF_TOKEN: renew it, or unset it") && !err.contains(TOKEN), "{err}");
    hub.seen();

    // From a file, and refused: neither the answer nor the error shows it.
    std::fs::write(home.path().join("hf/token"), format!("{TOKEN}\n")).unwrap();
    hub.behave(Manners { refuse: Some((403, "")), ..Manners::default() });
    let said = failed(home.path(), hub.port, &["tiny/model", "--update"]);
    assert!(said.contains("use a token of that account") && !said.contains(TOKEN), "{said}");
    assert!(hub.seen().iter().all(|s| s.authorization.is_some()));
}

#[test]
fn refusals_are_sentences_that_say_what_to_do() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let home = home.path();
    let said = failed(home, hub.port, &["tiny/model@v9"]);
    assert!(said.contains("tiny/model has no revision \"v9\": name a branch"), "{said}");
    let said = failed(home, hub.port, &["tiny/nothing"]);
    assert!(said.contains("has no model tiny/nothing that everyone may see"), "{said}");
    hub.behave(Manners { refuse: Some((429, "")), ..Manners::default() });
    let said = failed(home, hub.port, &["tiny/model"]);
    assert!(said.contains("answers 429") && said.contains("wait a while"), "{said}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = failed(home, closed, &["tiny/model"]);
    assert!(said.contains("cannot be reached") && said.contains("check the network and HF_ENDPOINT"), "{said}");
    let (output, _, err) = get(home, hub.port, &["../../etc"]);
    assert_eq!(output.status.code(), Some(2), "{err}");
    let (_, _, err) = run(program(home, hub.port).env("HF_ENDPOINT", "nonsense").args(["model", "get", "tiny/model"]));
    assert!(err.contains("HF_ENDPOINT is not a URL"), "{err}");
}

#[test]
fn where_the_hub_sends_on_to_no_token_is_sent_and_none_is_blamed() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    for status in [401, 403, 404] {
        hub.behave(Manners { cdn_refuses: Some(status), ..Manners::default() });
        let (output, _, err) =
            run(program(home.path(), hub.port).env("HF_TOKEN", TOKEN).args(["model", "get", "tiny/model"]));
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains(&format!("which answers {status} to ")) && err.contains("sends on to http://"), "{err}");
        assert!(!err.contains("HF_TOKEN") && !err.contains("gated") && !err.contains("has no"), "{err}");
    }
}

#[test]
fn a_server_that_falls_silent_is_told_and_what_came_is_kept() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { stall: Some(128 << 10), no_range: true, ..Manners::default() });
    let mut command = program(home.path(), hub.port);
    let (_, _, err) = run(command.env("HF_HUB_DOWNLOAD_TIMEOUT", "1").args(["model", "get", "tiny/model"]));
    assert!(err.contains("too slow") || err.contains("broke off"), "{err}");
    assert!(err.contains("what is here is kept"), "{err}");
}

#[test]
fn names_that_leave_the_folder_are_never_written() {
    let also =
        vec!["../../../evil.safetensors", "/tmp/evil.json", "..\\evil.gguf", "a/../../evil.gguf", "evil\u{1b}[2J.json"];
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { also, ..Manners::default() });
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert!(!hub.seen().iter().any(|s| s.path.contains("evil")));
    assert_eq!(std::fs::read_dir(snapshot(home.path())).unwrap().count(), 5);

    // An index that names a file outside is refused before anything is asked for.
    let index = r#"{"weight_map":{"a":"../../../evil.safetensors"}}"#;
    let mut files = files();
    files.pop();
    files.push(("model.safetensors.index.json".to_owned(), index.as_bytes().to_vec()));
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files, Manners::default()));
    let said = failed(home.path(), hub.port, &["tiny/model"]);
    assert!(said.contains("does not answer as a hub does: model.safetensors.index.json"), "{said}");
    assert!(!hub.seen().iter().any(|s| s.path.contains("evil")));
}

#[test]
fn a_pinned_commit_is_kept_and_a_name_can_be_updated() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let pinned = format!("tiny/model@{COMMIT}");
    assert!(get(home.path(), hub.port, &[&pinned]).0.status.success());
    let seen = hub.seen();
    assert!(seen.iter().any(|s| s.path.ends_with(&format!("/revision/{COMMIT}"))), "{seen:?}");
    assert!(!cache(home.path()).join("refs/main").exists(), "a commit is no name");
    // The name needs a question, the files do not.
    assert!(get(home.path(), hub.port, &["tiny/model"]).0.status.success());
    assert_eq!((contents(&hub.seen()).len(), cache(home.path()).join("refs/main").exists()), (0, true));
    assert!(get(home.path(), hub.port, &["tiny/model", "--update"]).0.status.success());
    let seen = hub.seen();
    assert_eq!(seen.iter().filter(|s| s.method == "GET").count(), 1, "one question, no file");
    assert_eq!(seen.len(), 6, "and of every file what it is");
}

#[test]
fn shards_are_those_of_the_index() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model/gqa7-sharded-f16");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.push(("tokenizer.json".to_owned(), self::files().remove(3).1));
    files.push(("training_args.bin".to_owned(), b"not asked for".to_vec()));
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files, Manners::default()));
    let (output, out, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    let names: Vec<_> = std::fs::read_dir(out.trim()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.iter().filter(|n| n.to_str().unwrap().starts_with("model-0000")).count(), 4);
    assert!(!names.iter().any(|n| n == "golden.safetensors" || n == "training_args.bin"), "{names:?}");
}
