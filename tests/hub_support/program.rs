//! The real program in an empty home, with one hub.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{COMMIT, Seen};

pub const TOKEN: &str = "hf_a_secret_that_stands_nowhere";
pub const WEIGHTS: &str = "model.safetensors";

/// The shipped checkpoint's files, as a repository has them.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo-rarl");
    let names = ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", WEIGHTS];
    names.iter().map(|name| ((*name).to_owned(), std::fs::read(folder.join(name)).unwrap())).collect()
}

/// The program in an empty home, with this hub as the only one.
pub fn program(home: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panelscope"));
    let proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
    // Nothing of who runs the tests: caches, tokens, settings.
    let others = [
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "HF_HUB_DOWNLOAD_TIMEOUT",
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "HUGGING_FACE_HUB_TOKEN",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        "PANELSCOPE_CONFIG",
    ];
    for name in proxies.iter().chain(&others) {
        command.env_remove(name);
    }
    command.current_dir(home).env("HF_HOME", home.join("hf"));
    command.env("XDG_CONFIG_HOME", home.join("config")).env("XDG_DATA_HOME", home.join("data"));
    command.env("HF_ENDPOINT", format!("http://127.0.0.1:{port}"));
    command
}

pub fn run(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

pub fn get(home: &Path, port: u16, args: &[&str]) -> (Output, String, String) {
    run(program(home, port).args(["model", "get"]).args(args))
}

pub fn failed(home: &Path, port: u16, args: &[&str]) -> String {
    let (output, out, err) = get(home, port, args);
    assert_eq!((output.status.code(), out.as_str()), (Some(1), ""), "{err}");
    assert_eq!(err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{err}");
    err.lines().last().unwrap().to_owned()
}

pub fn cache(home: &Path) -> PathBuf {
    home.join("hf/hub/models--tiny--model")
}

pub fn snapshot(home: &Path) -> PathBuf {
    cache(home).join("snapshots").join(COMMIT)
}

pub fn weights() -> Vec<u8> {
    files().pop().unwrap().1
}

/// Requests for contents of files.
pub fn contents(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|s| s.cdn && s.method == "GET").collect()
}
