//! Caches that are damaged, servers that are away, mirrors that tell little: the real program against a hub on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod hub_support;

use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use hub_support::program::{TOKEN, WEIGHTS, cache, contents, failed, files, get, program, run, snapshot, weights};
use hub_support::{COMMIT, Hub, Manners, tag};
use serde_json::Value;

/// Puts these bytes in the place of a file's: through the link, so that it is the blob that is damaged.
fn spoil(path: &Path, with: &[u8]) {
    std::fs::write(std::fs::canonicalize(path).unwrap(), with).unwrap();
}

#[test]
fn a_damaged_cache_is_mended() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let home = home.path();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    let place = snapshot(home).join(WEIGHTS);
    let whole = weights();
    // Half a copy of a killed process, where there are no links.
    let leftover = snapshot(home).join(".model.safetensors.99-1");
    for cut in [&b""[..], &whole[..whole.len() - 1]] {
        spoil(&place, cut);
        std::fs::write(&leftover, b"half").unwrap();
        hub.seen();
        let said = failed(home, hub.port, &["tiny/model", "--offline"]);
        assert!(said.contains("(model.safetensors missing)"), "{said}");
        let (output, _, err) = get(home, hub.port, &["tiny/model"]);
        assert!(output.status.success(), "{err}");
        assert_eq!((contents(&hub.seen()).len(), std::fs::read(&place).unwrap() == whole), (1, true), "{err}");
        assert!(!leftover.exists());
    }
    // What no header tells is told by the server, if it is asked.
    let settings = snapshot(home).join("preprocessor_config.json");
    spoil(&settings, b"{}");
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    assert_eq!(std::fs::read(&settings).unwrap(), b"{}", "nobody asked");
    assert!(get(home, hub.port, &["tiny/model", "--update"]).0.status.success());
    assert_eq!(std::fs::read(&settings).unwrap(), files()[2].1);
}

#[test]
fn bytes_that_were_spoilt_meanwhile_are_fetched_again() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let incomplete = cache(home.path()).join("blobs").join(format!("{}.incomplete", tag(&weights())));
    std::fs::create_dir_all(incomplete.parent().unwrap()).unwrap();
    std::fs::write(&incomplete, vec![7; 1_000_000]).unwrap();
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
    let seen = hub.seen();
    let ranges: Vec<_> =
        contents(&seen).into_iter().filter(|s| s.path.contains(WEIGHTS)).map(|s| s.range.as_deref()).collect();
    assert_eq!(ranges, [Some("bytes=1000000-"), None]);
}

#[test]
fn a_whole_model_needs_no_server() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let without: Vec<_> = files().into_iter().filter(|(name, _)| name != "preprocessor_config.json").collect();
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(without, Manners::default()));
    let home = home.path();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    hub.seen();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    assert!(hub.seen().is_empty(), "that it has no processor is remembered");
    assert!(get(home, closed, &["tiny/model"]).0.status.success());
    // As another tool leaves it, that was not asked for the processor's file.
    std::fs::remove_dir_all(cache(home).join(".no_exist")).unwrap();
    let (output, out, err) = get(home, closed, &["tiny/model"]);
    assert!(output.status.success() && out.trim().ends_with(COMMIT), "{err}");
    assert!(err.contains("cannot be reached") && err.contains("what is in the cache is taken"), "{err}");
    hub.behave(Manners { refuse: Some((503, "")), ..Manners::default() });
    let (output, _, err) = get(home, hub.port, &["tiny/model"]);
    assert!(output.status.success() && err.contains("answers 503: what is in the cache is taken"), "{err}");
    let said = failed(home, closed, &["tiny/model", "--update"]);
    assert!(said.contains("tiny/model is whole in the cache, so that without --update it can be used"), "{said}");
}

#[test]
fn a_whole_model_stays_what_it_is_and_is_taken_whatever_a_hub_answers() {
    let without: Vec<_> = files().into_iter().filter(|(name, _)| name != "preprocessor_config.json").collect();
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(without, Manners::default()));
    let home = home.path();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    let forget = || std::fs::remove_dir_all(cache(home).join(".no_exist")).unwrap();
    for (status, code, part) in [
        (429, "", "answers 429: what is"),
        (403, "", "tiny/model is gated: what is"),
        (404, "RepoNotFound", "shows no model tiny/model: what is"),
        (404, "RevisionNotFound", "has no revision"),
        (401, "", "shows no model tiny/model: what is"),
    ] {
        forget();
        hub.behave(Manners { refuse: Some((status, code)), ..Manners::default() });
        let (output, out, err) = get(home, hub.port, &["tiny/model"]);
        assert!(output.status.success() && out.trim().ends_with(COMMIT), "{err}");
        assert!(err.contains(part) && err.contains("what is in the cache is taken"), "{err}");
        assert!(get(home, hub.port, &["tiny/model", "--update"]).0.status.code() == Some(1));
        std::fs::create_dir(cache(home).join(".no_exist")).unwrap();
    }
    // The branch stands for another commit by now: only `--update` goes there.
    hub.behave(Manners { moved: Some("fedcba9876543210fedcba9876543210fedcba98"), ..Manners::default() });
    hub.seen();
    let (output, out, err) = get(home, hub.port, &["tiny/model"]);
    assert!(output.status.success() && out.trim().ends_with(COMMIT) && err.is_empty(), "{err}");
    let asked: Vec<String> = hub.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, [format!("/api/models/tiny/model/revision/{COMMIT}")]);
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success() && hub.seen().is_empty(), "now it is known");
    assert_eq!(std::fs::read_to_string(cache(home).join("refs/main")).unwrap(), COMMIT);
    assert!(failed(home, hub.port, &["tiny/model", "--update"]).contains("has no file"));
}

/// A model of two real GGUF files.
fn gguf_files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/gguf/q8_0");
    let read = |(there, here): (&str, &str)| (here.to_owned(), std::fs::read(folder.join(there)).unwrap());
    [("text.gguf", "tiny-Q8_0.gguf"), ("mmproj.gguf", "mmproj-f16.gguf")].map(read).to_vec()
}

#[test]
fn shortened_gguf_files_heal() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(gguf_files(), Manners::default()));
    let home = home.path();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    for (name, whole) in gguf_files() {
        // In the magic number, in the values, in the list of tensors, in the last tensor.
        for cut in [2, 100, whole.len() / 8, whole.len() - 64] {
            spoil(&snapshot(home).join(&name), &whole[..cut]);
            hub.seen();
            let (output, out, err) = get(home, hub.port, &["tiny/model", "--json"]);
            assert!(output.status.success(), "{name} {cut}: {err}");
            let report: Value = serde_json::from_str(&out).unwrap();
            assert!(report["vision_tower"].as_str().unwrap().ends_with("mmproj-f16.gguf"), "{name} {cut}: {report}");
            assert_eq!(contents(&hub.seen()).len(), 1, "{name} {cut}");
            assert_eq!(std::fs::read(snapshot(home).join(&name)).unwrap(), whole);
        }
    }
    spoil(&snapshot(home).join("tiny-Q8_0.gguf"), b"GGUF");
    let said = failed(home, hub.port, &["tiny/model:tiny-Q8_0.gguf", "--offline"]);
    assert!(said.contains("(tiny-Q8_0.gguf missing)"), "{said}");
}

#[test]
fn a_vision_tower_that_does_not_arrive_is_done_without() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(gguf_files(), Manners::default()));
    let home = home.path();
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success());
    let tower = snapshot(home).join("mmproj-f16.gguf");
    std::fs::remove_file(std::fs::canonicalize(&tower).unwrap()).unwrap();
    hub.behave(Manners { corrupt: true, ..Manners::default() });
    let (output, out, err) = get(home, hub.port, &["tiny/model", "--json"]);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("was removed: what is in the cache is taken"), "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["vision_tower"], Value::Null);
    hub.behave(Manners::default());
    assert!(get(home, hub.port, &["tiny/model"]).0.status.success() && tower.exists());
}

#[test]
fn of_several_gguf_files_it_is_said_which_is_taken() {
    let names = ["q/deep/tiny-Q8_0.gguf", "tiny-Q4_K.gguf", "mmproj-f16.gguf"];
    let all = names.map(|name| (name.to_owned(), name.repeat(9).into_bytes()));
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(all, Manners::default()));
    let home = home.path();
    let said = failed(home, hub.port, &["tiny/model"]);
    assert!(said.contains("holds several models: name one"), "{said}");
    let deep = "tiny/model:q/deep/tiny-Q8_0.gguf";
    assert!(get(home, hub.port, &[deep]).0.status.success());
    hub.seen();
    let (output, out, err) = get(home, hub.port, &[deep, "--offline"]);
    assert!(output.status.success() && out.trim().ends_with("q/deep/tiny-Q8_0.gguf"), "{err}");
    assert!(get(home, hub.port, &[deep]).0.status.success());
    let (output, out, err) = get(home, hub.port, &["tiny/model", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(output.status.success() && hub.seen().is_empty(), "{err}");
    assert_eq!((&report["v"], &report["model"]), (&1.into(), &deep.into()));
    assert!(err.contains("of the GGUF files in the cache q/deep/tiny-Q8_0.gguf is taken"), "{err}");
    // With both in the cache one must be named, with a network or without.
    assert!(get(home, hub.port, &["tiny/model:tiny-Q4_K.gguf"]).0.status.success());
    for args in [&["tiny/model"][..], &["tiny/model", "--offline"]] {
        let said = failed(home, hub.port, args);
        assert!(said.contains("holds several models: name one"), "{said}");
    }
}

#[test]
fn a_mirror_without_checksums_is_told_of_and_its_files_are_kept_apart() {
    let strong = Manners { mirror: Some("\"5f3\""), cut_once: Some(2_000_000), ..Manners::default() };
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), strong));
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert!(err.contains("names no checksum of model.safetensors: its size alone is compared"), "{err}");
    for (name, bytes) in files() {
        assert_eq!(std::fs::read(snapshot(home.path()).join(&name)).unwrap(), bytes, "{name}");
    }
    let seen = hub.seen();
    let resumed: Vec<_> = seen.iter().filter(|s| s.range.is_some()).collect();
    assert_eq!((resumed.len(), resumed[0].if_range.as_deref()), (1, Some("\"5f3\"")));

    // A weak tag binds no bytes together.
    let weak = Manners { mirror: Some("W/\"5f3\""), cut_once: Some(2_000_000), ..Manners::default() };
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), weak));
    let (output, _, err) = get(home.path(), hub.port, &["tiny/model"]);
    assert!(output.status.success(), "{err}");
    assert!(hub.seen().iter().all(|s| s.range.is_none()));
    assert_eq!(std::fs::read(snapshot(home.path()).join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn what_stays_on_this_machine_goes_through_no_proxy() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://127.0.0.1:{}", proxy.local_addr().unwrap().port());
    let mut command = program(home.path(), hub.port);
    command.env("HTTP_PROXY", &address).env("http_proxy", &address).env("ALL_PROXY", &address).env("HF_TOKEN", TOKEN);
    let (output, _, err) = run(command.args(["model", "get", "tiny/model"]));
    assert!(output.status.success(), "{err}");
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody asked the proxy");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting_for_a_silent_server() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::new(files(), Manners::default()));
    hub.behave(Manners { stall: Some(128 << 10), ..Manners::default() });
    let incomplete = cache(home.path()).join("blobs").join(format!("{}.incomplete", tag(&weights())));
    let mut command = program(home.path(), hub.port);
    let mut child =
        command.args(["model", "get", "tiny/model"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while std::fs::metadata(&incomplete).map_or(0, |data| data.len()) < 128 << 10 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was fetched");
        std::thread::sleep(Duration::from_millis(10));
    }
    let asked = Instant::now();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}
