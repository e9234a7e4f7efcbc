//! `panelscope model info` and `model check` with the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::process::Output;

use serde_json::Value;

fn model(args: &[&str]) -> Output {
    alone::program().arg("model").args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_shipped_model_is_described_and_found_sound() {
    let told = out(&model(&["info", "demo"]));
    for wanted in [
        "demo-rarl (Qwen2_5_VLForConditionalGeneration)",
        "3136 to 31360 pixels, 4 to 40 tokens",
        "q4_k_m",
        "1,000 tokens",
        "as stored",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    // Only there the system is asked how much is free.
    assert!(!cfg!(target_os = "linux") || told.contains("fits here: cpu"), "{told}");
    let facts: Value = serde_json::from_str(&out(&model(&["info", "--json", "--resampler", "torchvision"]))).unwrap();
    assert_eq!(
        (&facts["v"], &facts["name"], &facts["images"]["resampler"]),
        (&1.into(), &"demo-rarl".into(), &"torchvision".into())
    );
    let checked = model(&["check", "demo", "--json"]);
    let report: Value = serde_json::from_str(&out(&checked)).unwrap();
    assert!(checked.status.success() && report["ok"] == true, "{report}");
}

#[test]
fn flags_that_would_do_nothing_are_not_taken() {
    for args in [
        &["check", "demo", "--device", "cuda"][..],
        &["check", "demo", "--resampler", "pillow"],
        &["check", "demo", "--quant", "q8_0"],
        &["info", "demo", "--dtype", "f32"],
        &["info", "demo", "--device", "cuda"],
    ] {
        assert_eq!(model(args).status.code(), Some(2), "{args:?}");
    }
    assert!(model(&["info", "demo", "--offline"]).status.success());
}

#[test]
fn what_does_not_work_exits_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let missing = model(&["info", dir.path().to_str().unwrap()]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no config.json"));
    let checked = model(&["check", dir.path().to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let told = out(&checked);
    assert!(told.starts_with("fail  config.json") && told.trim_end().ends_with("0 ok, 0 warn, 1 fail"), "{told}");
}
