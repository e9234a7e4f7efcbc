//! What a model's files hold, and what is found wrong with them: the shipped checkpoint, and copies of it with one fault each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::{Path, PathBuf};

use panelscope::model::inspect::{Finding, Level, ModelFacts, check};
use panelscope::model::{FileSource, Resampler};
use serde_json::{Value, json};

const WEIGHTS: &str = "model.safetensors";

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model").join(case)
}

/// A copy of the shipped checkpoint that may be spoilt.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo-rarl");
        for file in ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", WEIGHTS] {
            std::fs::copy(shipped.join(file), dir.path().join(file)).unwrap();
        }
        Self(dir)
    }

    fn source(&self) -> FileSource {
        FileSource::Folder(self.0.path().to_owned())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Sets a value of a JSON file; `null` takes it out.
    fn set(&self, file: &str, key: &str, to: Value) -> &Self {
        let mut value: Value = serde_json::from_slice(&std::fs::read(self.path(file)).unwrap()).unwrap();
        if to.is_null() {
            value.as_object_mut().unwrap().shift_remove(key);
        } else {
            value[key] = to;
        }
        std::fs::write(self.path(file), value.to_string()).unwrap();
        self
    }

    fn findings(&self) -> Vec<Finding> {
        check(&self.source(), &mut |_, _| {})
    }

    /// The texts of a level.
    fn at(&self, level: Level) -> Vec<String> {
        let found = self.findings().into_iter().filter(|f| f.level == level);
        found.map(|f| format!("{}: {}", f.what, f.found)).collect()
    }

    /// Asserts that this is the only failure, and how it begins.
    fn fails(&self, wanted: &str) {
        let fails = self.at(Level::Fail);
        assert!(fails.len() == 1 && fails[0].contains(wanted), "{wanted}: {fails:?}");
    }

    fn warns(&self, wanted: &str) {
        assert_eq!(self.at(Level::Fail), [""; 0], "{wanted}");
        let warns = self.at(Level::Warn);
        assert!(warns.iter().any(|w| w.contains(wanted)), "{wanted}: {warns:?}");
    }
}

#[test]
fn the_shipped_checkpoint_is_what_it_says() {
    let facts = ModelFacts::read(&FileSource::Folder(Copy::new().0.keep()), "copy").unwrap();
    assert_eq!((facts.sizes.layers, facts.sizes.hidden, facts.sizes.vision_layers), (5, 128, 4));
    assert_eq!(facts.architecture, "Qwen2_5_VLForConditionalGeneration");
    // From config.json: table, blocks with biases on q, k, v and two norms, last norm.
    let (hidden, wide, kv) = (128_u64, 384, 64);
    let block = hidden * hidden * 2 + hidden + 2 * (kv * hidden + kv) + 3 * hidden * wide + 2 * hidden;
    let numbers = &facts.parameters;
    assert!(numbers.tied && numbers.head == 0);
    assert_eq!((numbers.embedding, numbers.language), (896 * hidden, 5 * block + hidden));
    assert_eq!(numbers.total, facts.stored.iter().map(|row| row.numbers).sum::<u64>());
    assert!(facts.stored.iter().all(|row| row.stored == "f16" && row.bytes == 2 * row.numbers));
    assert_eq!((facts.images.max_pixels, facts.images.max_tokens, facts.images.min_tokens), (31_360, 40, 4));
    assert_eq!((facts.images.resampler, facts.sizes.context), (Resampler::Pillow, 4096));
    let needs = &facts.needs;
    // Keys and values: 2 × 5 blocks × 2 heads × 32 numbers × 4 bytes × 1,000 tokens.
    assert_eq!((needs.kv_1000_f32, needs.kv_1000_16_bits), (2_560_000, 1_280_000));
    let mut sizes: Vec<_> = needs.weights.iter().map(|need| (need.format, need.weights)).collect();
    assert_eq!(sizes.remove(0), ("auto", sizes[1].1), "stored in 16 bits");
    assert_eq!(sizes[0], ("f32", numbers.total * 4));
    // Rows of 128 numbers are no whole blocks of 256: four bits fall back to eight.
    assert!(sizes.windows(2).all(|pair| pair[0].1 >= pair[1].1) && sizes[2].1 < sizes[1].1, "{sizes:?}");
    assert_eq!(sizes.iter().map(|s| s.0).collect::<Vec<_>>(), ["f32", "bf16", "q8_0", "q4_k_m"]);
    assert!(needs.weights.iter().all(|need| need.fits != Some(false)));
}

#[test]
fn the_shipped_checkpoint_is_sound() {
    let copy = Copy::new();
    assert_eq!(copy.at(Level::Fail), [""; 0]);
    let mut last = (0, 1);
    check(&copy.source(), &mut |done, all| last = (done, all));
    assert_eq!(last.0, last.1, "every byte is told of");
    assert!(copy.at(Level::Ok).iter().any(|o| o.starts_with("numbers: ") && o.contains("all finite")));
}

#[test]
fn shards_are_compared_with_their_index() {
    let copy = Copy::new();
    for entry in std::fs::read_dir(golden("gqa7-sharded-f16")).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), copy.path(entry.file_name().to_str().unwrap())).unwrap();
    }
    std::fs::remove_file(copy.path(WEIGHTS)).unwrap();
    let facts = ModelFacts::read(&copy.source(), "sharded").unwrap();
    assert_eq!(facts.files.iter().filter(|f| f.name.starts_with("model-0000")).count(), 4);
    let index: Vec<String> = copy.at(Level::Ok).into_iter().filter(|o| o.contains("in 4 shards")).collect();
    assert_eq!(index.len(), 1);
    std::fs::remove_file(copy.path("model-00002-of-00004.safetensors")).unwrap();
    let fails = copy.at(Level::Fail);
    assert!(fails[0].contains("1 of 4 files are missing, such as model-00002"), "{fails:?}");
}

#[test]
fn numbers_that_are_none_are_found() {
    let copy = Copy::new();
    let mut bytes = std::fs::read(copy.path(WEIGHTS)).unwrap();
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&half::f16::NAN.to_le_bytes());
    std::fs::write(copy.path(WEIGHTS), &bytes).unwrap();
    copy.fails("numbers: 1 tensor(s) hold what is no number: ");

    // As a download leaves them that was never filled.
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].fill(0);
    std::fs::write(copy.path(WEIGHTS), &bytes).unwrap();
    copy.fails("hold nothing but zeros");
    std::fs::write(copy.path(WEIGHTS), &bytes[..bytes.len() / 2]).unwrap();
    assert!(!copy.at(Level::Fail).is_empty());
}

#[test]
fn files_that_contradict_each_other_fail() {
    let copy = Copy::new;
    copy().set("config.json", "vision_start_token_id", json!(883)).fails("config.json says vision_start_token_id 883");
    copy().set("preprocessor_config.json", "patch_size", json!(16)).fails("patch_size 16, config.json 14");
    copy().set("preprocessor_config.json", "min_pixels", json!(99_999)).fails("the least is more than the most");
    copy().set("generation_config.json", "eos_token_id", json!(9999)).fails("end token 9999 is outside");
    copy().set("generation_config.json", "top_p", json!("x")).fails("generation: ");
    let wrong = copy();
    wrong.set("config.json", "model_type", json!("llama"));
    wrong.fails("only \"qwen2_5_vl\" is supported");
    assert!(ModelFacts::read(&wrong.source(), "x").is_err());
    let missing = copy();
    std::fs::remove_file(missing.path("tokenizer.json")).unwrap();
    missing.fails("no tokenizer.json");
}

#[test]
fn what_surprises_is_said_and_passes() {
    let copy = Copy::new;
    let sampled = copy();
    sampled.set("generation_config.json", "do_sample", json!(true)).set(
        "generation_config.json",
        "temperature",
        json!(1e-6),
    );
    sampled.warns("in effect always the likeliest token");
    copy()
        .set("generation_config.json", "repetition_penalty", json!(1.05))
        .warns("--repetition-penalty 1 switches it off");
    copy().set("preprocessor_config.json", "image_processor_type", json!("OtherProcessor")).warns("which is not known");
    copy().set("preprocessor_config.json", "image_mean", json!([0.5, 0.5, 0.5])).warns("not those of Qwen2.5-VL");
    copy().set("config.json", "tie_word_embeddings", json!(true)).warns("chat template: none");
    let other = copy();
    std::fs::write(other.path("chat_template.jinja"), "[INST] {{ messages }} [/INST]").unwrap();
    other.warns("writes turns otherwise than the shipped profiles");
    let fast = copy();
    fast.set("preprocessor_config.json", "image_processor_type", json!("Qwen2VLImageProcessorFast"));
    assert_eq!(ModelFacts::read(&fast.source(), "x").unwrap().images.resampler, Resampler::Torchvision);
}
