//! `panelscope model quantize` and `model compare`: the real binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn panelscope(dir: &Path, args: &[&str]) -> Output {
    let mut command = alone::program();
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
    let quantize = |source: &str, to: &str| {
        panelscope(dir.path(), &["model", "quantize", source, "--to", to, "--out", "models", "--offline"])
    };
    let again = quantize("demo", "q8_0");
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("is there already; nothing was written; give another --out"), "{said}");
    // Another format beside it has the same image part; all of its rows are too short for blocks of 256.
    let told = out(&quantize("demo", "q4_k"));
    assert!(told.contains("the language model, q8_0") && told.contains("36 tensor(s) have rows"), "{told}");
    assert!(told.contains("the image part, which was there"), "{told}");
    let four = dir.path().join("models/demo-rarl-Q4_K.gguf");
    assert_eq!(probe(&[four.to_str().unwrap()])["model"]["dtype"], "q8_0");
    let twice = quantize(text.to_str().unwrap(), "q4_k");
    let said = String::from_utf8_lossy(&twice.stderr);
    assert!(twice.status.code() == Some(1) && said.contains("is quantised already (q8_0): give the model"), "{said}");
    std::fs::remove_file(four).unwrap();
    // As it is stored: called what it is, by its name and in the file.
    let told =
        out(&panelscope(dir.path(), &["model", "quantize", text.to_str().unwrap(), "--to", "auto", "--out", "q2"]));
    let copy = dir.path().join("q2/demo-rarl-Q8_0.gguf");
    assert!(copy.is_file() && dir.path().join("q2/mmproj-demo-rarl.gguf").is_file(), "{told}");
    let copied = probe(&[copy.to_str().unwrap()]);
    assert_eq!((&copied["model"]["dtype"], &copied["top"]), (&"q8_0".into(), &file["top"]));
    // An image part of other bytes is another model's.
    let other = quantize("demo", "f32");
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(other.status.code() == Some(2) && said.contains("mmproj-demo-rarl.gguf is there already"), "{said}");
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
    let (same, eight) = (compare(&["demo"]), compare(&["--quant", "q8_0"]));
    let number = |report: &Value, key: &str| report[key].as_f64().unwrap();
    assert_eq!((number(&same, "kl_max"), number(&same, "same_top")), (0.0, 1.0), "a model is itself");
    assert!(same["tokens"].as_u64().unwrap() > 10 && same["questions"] == 2);
    let mean = number(&eight, "kl_mean");
    assert!(mean > 0.0 && mean < 0.05 && number(&eight, "kl_p99") >= mean, "{eight}");
    assert_eq!((&eight["reference"]["dtype"], &eight["other"]["dtype"]), (&"f32".into(), &"q8_0".into()));
    // No row of it divides into blocks of 256: it is what it is called.
    let four = compare(&["--quant", "q4_k"]);
    assert_eq!((&four["other"]["dtype"], &four["other_fell_back"]), (&"q8_0".into(), &36.into()));
    assert_eq!((&four["kl_mean"], &eight["other_fell_back"]), (&eight["kl_mean"], &0.into()));
    let args = ["model", "compare", "demo", "--quant", "q4_k", "--limit", "1", "--max-tokens", "4"];
    let told = out(&panelscope(dir.path(), &args));
    assert!(told.contains("(q8_0, cpu)") && told.contains("36 tensor(s) have rows that do not divide"), "{told}");
}

#[test]
fn a_model_is_not_compared_with_itself_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let alone = panelscope(dir.path(), &["model", "compare", "demo"]);
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(
        alone.status.code() == Some(2) && said.contains("--quant q4_k_m or --dtype bf16, or another model"),
        "{said}"
    );
}
