//! `panelscope model quantize` and `model compare`: the real binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn panelscope(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panelscope"));
    command.current_dir(dir).env("XDG_CONFIG_HOME", dir).env("XDG_DATA_HOME", dir).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_demo_as_a_file_says_what_the_demo_quantised_says() {
    let dir = tempfile::tempdir().unwrap();
    let told = out(&panelscope(dir.path(), &["model", "quantize", "demo", "--to", "q8_0", "--out", "models"]));
    let text = dir.path().join("models/demo-rarl-Q8_0.gguf");
    assert!(text.is_file() && dir.path().join("models/mmproj-demo-rarl.gguf").is_file(), "{told}");
    assert!(told.contains("cut otherwise than the family's"), "{told}");
    let probe = |args: &[&str]| {
        let all = [&["model", "probe"], args, &["--prompt", "In which panel?", "--greedy", "8", "--json"]].concat();
        serde_json::from_str::<Value>(&out(&panelscope(dir.path(), &all))).unwrap()
    };
    let (file, loaded, plain) =
        (probe(&[text.to_str().unwrap()]), probe(&["demo", "--quant", "q8_0"]), probe(&["demo"]));
    assert_eq!((&file["model"]["dtype"], &loaded["model"]["dtype"]), (&"q8_0".into(), &"q8_0".into()));
    for key in ["top", "greedy", "token_ids"] {
        assert_eq!(file[key], loaded[key], "{key}: the same bits");
    }
    assert_ne!(plain["top"], loaded["top"], "something was rounded");
    // A folder names both files as well; nothing is written over.
    assert_eq!(probe(&["models"])["top"], file["top"]);
    let again = panelscope(dir.path(), &["model", "quantize", "demo", "--to", "q8_0", "--out", "models"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already; nothing was written"));
    // What is quantised is not quantised again.
    let twice = panelscope(dir.path(), &["model", "probe", "models", "--quant", "q4_k", "--ids", "1"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("quantised already (q8_0)"));
}

#[test]
fn the_loss_of_a_format_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let compare = |args: &[&str]| {
        let all = [&["model", "compare", "demo"], args, &["--limit", "2", "--max-tokens", "24", "--json"]].concat();
        serde_json::from_str::<Value>(&out(&panelscope(dir.path(), &all))).unwrap()
    };
    let (same, eight) = (compare(&[]), compare(&["--quant", "q8_0"]));
    let number = |report: &Value, key: &str| report[key].as_f64().unwrap();
    assert_eq!((number(&same, "kl_max"), number(&same, "same_top")), (0.0, 1.0), "a model is itself");
    assert!(same["tokens"].as_u64().unwrap() > 10 && same["questions"] == 2);
    let mean = number(&eight, "kl_mean");
    assert!(mean > 0.0 && mean < 0.05 && number(&eight, "kl_p99") >= mean, "{eight}");
    assert_eq!((&eight["reference"]["dtype"], &eight["other"]["dtype"]), (&"f32".into(), &"q8_0".into()));
}
