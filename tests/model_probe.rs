//! `panelscope model probe` with the real program: the JSON that scripts rely on, its numbers, its refusals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod alone;

use std::path::{Path, PathBuf};
use std::process::Output;

use candle_core::{DType, Device};
use image::{Rgb, RgbImage};
use serde_json::Value;

fn golden(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model").join(case)
}

fn probe(model: &Path, args: &[&str]) -> Output {
    alone::program().args(["model", "probe"]).arg(model).args(args).output().unwrap()
}

fn json(model: &Path, args: &[&str]) -> Value {
    let output = probe(model, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(model: &Path, args: &[&str], code: i32) -> String {
    let output = probe(model, args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(output.stdout.is_empty());
    message
}

fn picture(folder: &Path, name: &str, width: u32, height: u32) -> String {
    let pixels =
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, (x + y) as u8]));
    let path = folder.join(name);
    pixels.save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn raw_ids_give_the_logits_of_transformers() {
    let model = golden("tied-new");
    let golden = candle_core::safetensors::load(model.join("golden.safetensors"), &Device::Cpu).unwrap();
    let ids: Vec<i64> = golden["p3.ids"].to_dtype(DType::I64).unwrap().to_vec1().unwrap();
    let logits: Vec<f32> = golden["p3.logits"].squeeze(0).unwrap().to_vec1().unwrap();
    let list: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let report = json(&model, &["--ids", &list.join(","), "--top", "300", "--greedy", "5"]);
    assert_eq!(report["v"], 1);
    assert_eq!(report["model"]["name"], "tied-new");
    assert_eq!((&report["model"]["dtype"], &report["model"]["device"]), (&"f32".into(), &"cpu".into()));
    assert_eq!(report["model"]["weights"].as_str().unwrap().len(), 64);
    assert_eq!(report["token_ids"], serde_json::to_value(&ids).unwrap());
    assert_eq!(report["images"], Value::Array(vec![]));
    let positions: Vec<usize> = (0..ids.len()).collect();
    assert_eq!(report["position_ids"], serde_json::to_value([&positions; 3]).unwrap());
    assert_eq!(report["next_position"], ids.len());
    let top = report["top"].as_array().unwrap();
    assert_eq!(top.len(), 300);
    let mut mass = 0.0;
    for pair in top.windows(2) {
        assert!(pair[0]["logit"].as_f64() >= pair[1]["logit"].as_f64());
    }
    for entry in top {
        let expected = f64::from(logits[entry["id"].as_u64().unwrap() as usize]);
        assert!((entry["logit"].as_f64().unwrap() - expected).abs() < 2e-4);
        mass += entry["logprob"].as_f64().unwrap().exp();
        // No tokenizer in this folder.
        assert_eq!(entry["text"], "");
    }
    assert!((mass - 1.0).abs() < 1e-5);
    let greedy = report["greedy"].as_array().unwrap();
    assert_eq!(greedy.len(), 5);
    assert_eq!((&greedy[0]["id"], &greedy[0]["logprob"]), (&top[0]["id"], &top[0]["logprob"]));
}

#[test]
fn pads_are_expanded_and_everything_can_be_dumped() {
    let model = golden("gqa7-sharded-f16");
    let folder = tempfile::tempdir().unwrap();
    let (wide, tall) = (picture(folder.path(), "wide.png", 140, 60), picture(folder.path(), "tall.png", 40, 113));
    let dump = folder.path().join("all.safetensors");
    let args = ["--ids", "1,2,250,3,252,250,253", "--image", &wide, "--image", &tall, "--greedy", "0", "--dump"];
    let report = json(&model, &[&args[..], &[dump.to_str().unwrap()]].concat());
    // 60 / 28 rounds to 2, 40 / 28 to 1, 113 / 28 to 4.
    assert_eq!(report["images"][0]["original"], serde_json::json!([140, 60]));
    assert_eq!(report["images"][0]["processed"], serde_json::json!([140, 56]));
    assert_eq!(report["images"][0]["grid"], serde_json::json!([1, 4, 10]));
    assert_eq!(report["images"][0]["tokens"], 10);
    assert_eq!(report["images"][1]["grid"], serde_json::json!([1, 8, 2]));
    let ids: Vec<u64> = report["token_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 5 + 10 + 4);
    assert_eq!(ids.iter().filter(|id| **id == 250).count(), 14);
    // Two texts, an image of 2 × 5, text, start mark, an image of 4 × 1, end mark.
    assert_eq!(report["next_position"], 2 + 5 + 2 + 4 + 1);
    assert_eq!(report["position_ids"][2][6], 6);
    assert_eq!(report["greedy"], Value::Array(vec![]));
    let tensors = candle_core::safetensors::load(&dump, &Device::Cpu).unwrap();
    for name in ["vision.window_index", "vision.block.1", "vision.merger", "vision.merger#2", "text.block.1", "logits"]
    {
        assert!(tensors.contains_key(name), "{name}");
    }
    assert_eq!(tensors["text.embed"].dims(), [19, 56]);
}

#[test]
fn a_prompt_is_one_user_turn_of_the_shipped_model() {
    let folder = tempfile::tempdir().unwrap();
    let page = picture(folder.path(), "page.png", 224, 336);
    let report = json(Path::new("demo"), &["--prompt", "panel 3?", "--image", &page, "--greedy", "3"]);
    let source = panelscope::demo::model_source();
    let model = panelscope::model::Model::load(&source, &Device::Cpu).unwrap();
    let (tokenizer, config) = (model.tokenizer(), model.config());
    let mut expected =
        tokenizer.encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n").unwrap();
    expected.push(config.vision_start);
    let pads = model.processor().process(&image::open(&page).unwrap().to_rgb8()).unwrap().tokens();
    expected.extend(vec![config.image_token; pads]);
    expected.push(config.vision_end);
    expected.extend(tokenizer.encode("panel 3?<|im_end|>\n<|im_start|>assistant\n").unwrap());
    assert_eq!(report["token_ids"], serde_json::to_value(&expected).unwrap());
    assert_eq!(report["model"]["weights"], model.info().weights);
    assert_eq!(report["images"][0]["tokens"], pads);
    let args = ["--prompt", "panel 3?", "--image", &page, "--greedy", "0", "--max-pixels", "3200"];
    assert_eq!(json(Path::new("demo"), &args)["images"][0]["tokens"], 2);
    let text = probe(Path::new("demo"), &["--prompt", "panel 3?", "--image", &page]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("224×336") && text.contains("next token") && text.contains("greedy"), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = golden("tied-new");
    let folder = tempfile::tempdir().unwrap();
    let page = picture(folder.path(), "page.png", 40, 40);
    assert!(refused(&model, &["--ids", "1,2", "--image", &page], 2).contains("pad"));
    assert!(refused(&model, &["--ids", "1,250"], 2).contains("pad"));
    assert!(refused(&model, &["--ids", "1,300"], 2).contains("300"));
    refused(&model, &["--ids", "1,x"], 2);
    refused(&model, &["--ids", "1", "--prompt", "x"], 2);
    refused(&model, &[], 2);
    assert!(refused(&model, &["--prompt", "x"], 1).contains("tokenizer.json"));
    assert!(refused(Path::new("no/such/model"), &["--ids", "1"], 1).contains("config.json"));
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, b"not an image").unwrap();
    assert!(refused(&model, &["--ids", "250", "--image", broken.to_str().unwrap()], 1).contains("broken.png"));
}
