//! A made-up tokenizer, made-up pages, and a watcher: enough to train a tiny model in tests.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod golden;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use panelscope::geometry::Size;
use panelscope::model::Patches;
use panelscope::train::Result;
use panelscope::train::batch::{CellLabels, Segment, TrainPage};
use panelscope::train::config::Settings;
use panelscope::train::schedule::Stage;
use panelscope::train::source::PageSource;
use panelscope::train::trainer::Watch;
use serde_json::Value;

/// Uniform numbers in −1 … 1 keyed by a name; `make_train_goldens.py` has the same formula.
pub fn hashed(name: &str, count: usize) -> Vec<f64> {
    let key = name.bytes().fold(2_166_136_261u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    let one = |i: usize| {
        let mut x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(key);
        for (shift, factor) in [(15, 2_246_822_519u32), (13, 3_266_489_917)] {
            x = (x ^ (x >> shift)).wrapping_mul(factor);
        }
        f64::from(x ^ (x >> 16)) / 2_147_483_648.0 - 1.0
    };
    (0..count).map(one).collect()
}

/// Patches of a still whose second frame repeats the first.
pub fn image(name: &str, grid: [usize; 3]) -> Patches {
    let [_, h, w] = grid;
    let size = Size::new(14 * w as u32, 14 * h as u32);
    let once: Vec<f32> = hashed(name, h * w * 588).into_iter().map(|u| (1.5 * u) as f32).collect();
    let twice = once.chunks_exact(196).flat_map(|frame| [frame, frame].concat());
    Patches { original: size, processed: size, grid, merge: 2, data: twice.collect() }
}

pub const SPECIAL: [&str; 6] =
    ["<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<|im_end|>"];
pub const PAD: u32 = 3;

/// Writes a 40-token vocabulary and a processor configuration.
pub fn write_files(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let letters = (0..34u32).map(|i| char::from_u32(u32::from('A') + i).unwrap().to_string());
    let tokens = SPECIAL.iter().map(|token| (*token).to_owned()).chain(letters);
    let vocab: serde_json::Map<String, serde_json::Value> =
        tokens.enumerate().map(|(id, token)| (token, id.into())).collect();
    let added: Vec<serde_json::Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, content)| {
            serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        })
        .collect();
    let tokenizer = serde_json::json!({"version": "1.0", "added_tokens": added,
        "model": {"type": "BPE", "vocab": vocab, "merges": []}});
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let processor = serde_json::json!({"min_pixels": 784, "max_pixels": 100_352, "patch_size": 14,
        "temporal_patch_size": 2, "merge_size": 2, "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "image_processor_type": "Qwen2VLImageProcessor"});
    std::fs::write(folder.join("preprocessor_config.json"), processor.to_string()).unwrap();
}

/// Settings of a tiny model over two stages of `steps` in all.
pub fn settings(folder: &Path, steps: u64) -> Settings {
    let text = format!(
        r#"
name = "tiny"
seed = 3
files = "{}"
[model.text]
hidden = 16
layers = 2
heads = 2
kv_heads = 1
intermediate = 24
rope_theta = 1000.0
mrope_section = [1, 1, 2]
[model.vision]
hidden = 16
depth = 2
heads = 2
intermediate = 20
full_attention = [1]
[loss]
aux_weight = 0.3
heads = [{{ name = "figure", classes = 3 }}]
[run]
log_every = 2
save_every = 2
threads = 2
pages_per_part = 1
[[stage]]
name = "first"
steps = 2
warmup = 2
[[stage]]
name = "second"
steps = {}
decay = 0.5
"#,
        folder.join("files").display(),
        steps - 2
    );
    write_files(&folder.join("files"));
    Settings::parse(&text).unwrap()
}

/// Three pages a step, made from the step's number.
pub struct Toy;

impl PageSource for Toy {
    fn pages(&self, _stage: &Stage, step: u64) -> Result<Vec<TrainPage>> {
        Ok((0..3).map(|page| toy_page(&format!("{step}.{page}"))).collect())
    }
}

fn words(name: &str, count: usize) -> Vec<u32> {
    hashed(name, count).into_iter().map(|u| 6 + ((u + 1.0) * 16.9) as u32).collect()
}

pub fn picture(cells: usize) -> Vec<u32> {
    [vec![1], vec![PAD; cells], vec![2]].concat()
}

pub fn toy_page(name: &str) -> TrainPage {
    let cells = |count: usize, name: &str| {
        hashed(name, count).into_iter().map(|u| CellLabels { heads: vec![((u + 1.0) * 2.0) as i32 - 1] }).collect()
    };
    let segment = |index: usize| {
        let mut ids = words(&format!("{name}a{index}"), 5);
        if index > 0 {
            ids.extend(picture(4));
            ids.extend(words(&format!("{name}b{index}"), 4));
        }
        let weights = ids.iter().map(|&id| if id < 4 { 0.0 } else { 1.0 }).collect();
        Segment { ids, weights, crops: if index > 0 { vec![0] } else { vec![] } }
    };
    TrainPage {
        page: image(&format!("{name}page"), [1, 8, 10]),
        crops: vec![image(&format!("{name}crop"), [1, 4, 4])],
        prefix: [words(name, 3), picture(20)].concat(),
        segments: (0..2).map(segment).collect(),
        page_cells: cells(20, &format!("{name}cells")),
        crop_cells: vec![],
        embedded: vec![],
    }
}

/// Counts, and asks to stop after a step.
#[derive(Default)]
pub struct Witness {
    pub stop_after: Option<u64>,
    pub stop: Arc<AtomicBool>,
    pub lines: Vec<Value>,
    pub losses: Vec<f64>,
}

impl Watch for Witness {
    fn step(&mut self, step: u64, _of: u64, _stage: &str, loss: f64) {
        self.losses.push(loss);
        if self.stop_after == Some(step) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn line(&mut self, line: &Value) {
        self.lines.push(line.clone());
    }

    fn say(&mut self, _text: &str) {}

    fn saved(&mut self, _checkpoint: &Path) {}
}
