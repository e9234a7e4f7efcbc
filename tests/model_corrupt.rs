//! Damaged and contradictory checkpoints: each is refused with an error that says what is wrong, none panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use panelscope::model::inspect::{Level, check};
use panelscope::model::{FileSource, ModelError, Network, TensorProblem};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

const WEIGHTS: &str = "model.safetensors";

fn golden(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model").join(case)
}

/// A copy of a good checkpoint to damage.
fn copy(case: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden(case)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "golden.safetensors" {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

fn load(folder: &Path) -> Result<Network, ModelError> {
    Network::load(&FileSource::Folder(folder.to_owned()), &Device::Cpu)
}

fn refused(folder: &Path) -> ModelError {
    load(folder).map(|_| ()).expect_err("a damaged checkpoint was accepted")
}

/// Header and data of a weight file.
fn parts(bytes: &[u8]) -> (Value, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

fn edit_header(folder: &Path, file: &str, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let path = folder.join(file);
    let (mut header, data) = parts(&fs::read(&path).unwrap());
    edit(header.as_object_mut().unwrap());
    let text = serde_json::to_vec(&header).unwrap();
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

fn edit_config(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let path = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut config);
    fs::write(path, serde_json::to_vec(&config).unwrap()).unwrap();
}

#[test]
fn all_differences_are_told_at_once_by_name_and_shape() {
    let folder = copy("tied-new");
    edit_header(folder.path(), WEIGHTS, |header| {
        // Renamed: one missing and one unknown. Swapped sides: misshaped. Another type: unreadable.
        let moved = header.remove("model.visual.merger.mlp.0.bias").unwrap();
        header.insert("model.visual.merger.mlp.9.bias".into(), moved);
        header["model.language_model.layers.1.self_attn.k_proj.weight"]["shape"] = json!([64, 32]);
        header["model.language_model.norm.weight"]["dtype"] = json!("I32");
    });
    let error = refused(folder.path());
    let ModelError::Tensors(problems) = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 4, "{error}");
    let missing = TensorProblem::Missing { name: "model.visual.merger.mlp.0.bias".into(), shape: vec![128] };
    let extra = TensorProblem::Extra { name: "model.visual.merger.mlp.9.bias".into(), shape: vec![128] };
    let shape = TensorProblem::Shape {
        name: "model.language_model.layers.1.self_attn.k_proj.weight".into(),
        expected: vec![32, 64],
        found: vec![64, 32],
    };
    let dtype =
        TensorProblem::DType { name: "model.language_model.norm.weight".into(), shape: vec![64], dtype: "I32".into() };
    for problem in [missing, extra, shape, dtype] {
        assert!(problems.contains(&problem), "{problem:?} not in {error}");
        assert!(error.to_string().contains(&problem.to_string()));
    }
}

#[test]
fn a_tensor_under_both_names_is_told() {
    let folder = copy("tied-new");
    edit_header(folder.path(), WEIGHTS, |header| {
        let bias = header.remove("model.visual.blocks.0.attn.proj.bias").unwrap();
        header.insert("visual.blocks.1.attn.proj.bias".into(), bias);
    });
    let ModelError::Tensors(problems) = refused(folder.path()) else { panic!() };
    assert!(problems.iter().any(|problem| matches!(problem, TensorProblem::Twice { .. })), "{problems:?}");
    assert!(problems.iter().any(|problem| matches!(problem, TensorProblem::Missing { .. })), "{problems:?}");
}

#[test]
fn torn_and_absurd_weight_files() {
    let whole = fs::read(golden("tied-new").join(WEIGHTS)).unwrap();
    let folder = copy("tied-new");
    let mut cases: Vec<Vec<u8>> = [0, 1, 7, 8, 9, 100, 5000, whole.len() / 2, whole.len() - 1]
        .into_iter()
        .map(|length| whole[..length].to_vec())
        .collect();
    // One byte too many; headers said to be huge, or longer than the file.
    cases.push([whole.as_slice(), &[0]].concat());
    for length in [u64::MAX, u64::MAX - 8, 1 << 40, 99_999_999, whole.len() as u64] {
        cases.push([&length.to_le_bytes(), &whole[8..]].concat());
    }
    cases.push([&8_u64.to_le_bytes()[..], b"not json"].concat());
    for bytes in cases {
        fs::write(folder.path().join(WEIGHTS), &bytes).unwrap();
        let error = refused(folder.path());
        let told = matches!(error, ModelError::WeightFile { .. } | ModelError::Cut { .. } | ModelError::Io { .. });
        assert!(told, "{error}");
        assert!(error.to_string().contains(WEIGHTS), "{error}");
    }
}

#[test]
fn a_download_that_was_not_completed_is_told_with_both_sizes() {
    let (whole, folder) = (fs::read(golden("tied-new").join(WEIGHTS)).unwrap(), copy("tied-new"));
    let path = folder.path().join(WEIGHTS);
    let refused_at = |length: usize| {
        fs::write(&path, &whole[..length]).unwrap();
        let found = check(&FileSource::Folder(folder.path().to_owned()), &mut |_, _| {});
        let error = refused(folder.path());
        let said = error.to_string();
        assert!(found.iter().any(|finding| finding.level == Level::Fail && finding.found == said), "{found:?}");
        assert!(said.starts_with(&format!("{} has {length} bytes", path.display())), "{said}");
        assert!(said.contains("the download was not completed"), "{said}");
        let ModelError::Cut { has, says, words, .. } = error else { panic!("{error}") };
        assert_eq!(has, length as u64);
        (words, says)
    };
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap());
    assert_eq!(refused_at(whole.len() - 1), ("header says", whole.len() as u64));
    assert_eq!(refused_at(header as usize), ("header says", whole.len() as u64));
    assert_eq!(refused_at(header as usize - 1), ("header alone has", header));
    assert_eq!(refused_at(3), ("header alone has", 8));
    // What is otherwise wrong is not taken for that.
    let other = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = refused(folder.path());
        assert!(matches!(error, ModelError::WeightFile { .. }), "{error}");
        error.to_string()
    };
    let longer = other(&[whole.as_slice(), b"more"].concat());
    assert!(longer.contains(&format!("{} bytes, its header says {}", whole.len() + 4, whole.len())), "{longer}");
    assert!(other(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").contains("git lfs pull"));
    assert!(other(&[b'<'; 64]).contains("no safetensors file"));
}

#[test]
fn offsets_that_lie() {
    for (start, end) in [(0_u64, u64::MAX), (u64::MAX, 0), (4, 260), (0, 252), (1 << 40, (1 << 40) + 256)] {
        let folder = copy("tied-new");
        edit_header(folder.path(), WEIGHTS, |header| {
            header["model.language_model.norm.weight"]["data_offsets"] = json!([start, end]);
        });
        assert!(matches!(refused(folder.path()), ModelError::WeightFile { .. }));
    }
    let folder = copy("tied-new");
    edit_header(folder.path(), WEIGHTS, |header| {
        header["model.language_model.norm.weight"]["shape"] = json!([1_u64 << 62, 1_u64 << 62]);
    });
    assert!(matches!(refused(folder.path()), ModelError::WeightFile { .. }));
}

/// No numbers, but sizes whose product is none a machine can hold.
#[test]
fn empty_tensors_are_refused() {
    for shape in [json!([0, 1_u64 << 33, 1_u64 << 33]), json!([1_u64 << 33, 0, 1_u64 << 33]), json!([0])] {
        let folder = copy("tied-new");
        edit_header(folder.path(), WEIGHTS, |header| {
            header.insert("model.more".into(), json!({"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}));
        });
        let error = refused(folder.path());
        assert!(matches!(error, ModelError::WeightFile { .. }) && error.to_string().contains("empty"), "{error}");
        let findings = check(&FileSource::Folder(folder.path().to_owned()), &mut |_, _| {});
        assert!(findings.iter().any(|f| f.level == Level::Fail && f.found.contains("model.more")), "{findings:?}");
    }
}

#[test]
fn shards() {
    let case = "gqa7-sharded-f16";
    let shard = "model-00002-of-00004.safetensors";
    let index = "model.safetensors.index.json";
    let folder = copy(case);
    load(folder.path()).expect("the copy is good");
    fs::remove_file(folder.path().join(shard)).unwrap();
    let error = refused(folder.path());
    assert!(matches!(&error, ModelError::NoFile { file, .. } if file == shard), "{error}");
    // A shard twice under another name: every tensor of it is there twice.
    let folder = copy(case);
    fs::copy(folder.path().join(shard), folder.path().join("other.safetensors")).unwrap();
    edit_index(folder.path(), |map| drop(map.insert("more".into(), json!("other.safetensors"))));
    assert!(matches!(refused(folder.path()), ModelError::Tensors(_)));
    for name in ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "weights.bin", "..\\x.safetensors"] {
        let folder = copy(case);
        edit_index(folder.path(), |map| drop(map.insert("more".into(), json!(name))));
        assert!(matches!(refused(folder.path()), ModelError::WeightFile { .. }), "{name}");
    }
    for text in ["", "[]", "{}", r#"{"weight_map":{}}"#, r#"{"weight_map":{"a":3}}"#] {
        let folder = copy(case);
        fs::write(folder.path().join(index), text).unwrap();
        assert!(matches!(refused(folder.path()), ModelError::WeightFile { .. } | ModelError::Json { .. }), "{text}");
    }
}

fn edit_index(folder: &Path, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let path = folder.join("model.safetensors.index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(index["weight_map"].as_object_mut().unwrap());
    fs::write(path, serde_json::to_vec(&index).unwrap()).unwrap();
}

#[test]
fn files_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(refused(folder.path()), ModelError::NoFile { file, .. } if file == "config.json"));
    let nowhere = folder.path().join("nowhere");
    for path in [nowhere.clone(), nowhere.join("a.gguf")] {
        let error = Network::load(&FileSource::at(&path), &Device::Cpu).map(|_| ()).unwrap_err();
        assert!(matches!(&error, ModelError::NoPlace { place } if *place == path), "{error}");
        assert!(
            error.to_string().contains("no such folder or file; a model is `demo`, a Hugging Face folder, a .gguf")
        );
    }
    let file = folder.path().join("notes.txt");
    fs::write(&file, "no model").unwrap();
    let error = Network::load(&FileSource::at(&file), &Device::Cpu).map(|_| ()).unwrap_err();
    assert!(matches!(&error, ModelError::NotAModel { file: named } if *named == file), "{error}");
    let folder = copy("tied-new");
    fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
    assert!(matches!(refused(folder.path()), ModelError::NoFile { file, .. } if file == WEIGHTS));
    fs::create_dir(folder.path().join(WEIGHTS)).unwrap();
    refused(folder.path());
}

#[test]
fn configurations_that_cannot_be() {
    type Edit = Box<dyn Fn(&mut Value)>;
    let edits: Vec<(&str, Edit)> = vec![
        ("heads", Box::new(|c| c["text_config"]["num_key_value_heads"] = json!(3))),
        ("none", Box::new(|c| c["text_config"]["num_hidden_layers"] = json!(0))),
        ("absurd", Box::new(|c| c["text_config"]["hidden_size"] = json!(u64::MAX))),
        ("negative", Box::new(|c| c["text_config"]["vocab_size"] = json!(-1))),
        ("fraction", Box::new(|c| c["vision_config"]["depth"] = json!(1.5))),
        ("text", Box::new(|c| c["vision_config"]["patch_size"] = json!("14"))),
        ("sections", Box::new(|c| c["text_config"]["rope_parameters"]["mrope_section"] = json!([1, 2]))),
        ("yarn", Box::new(|c| c["text_config"]["rope_parameters"]["rope_type"] = json!("yarn"))),
        ("theta", Box::new(|c| c["text_config"]["rope_parameters"]["rope_theta"] = json!(-3))),
        ("act", Box::new(|c| c["text_config"]["hidden_act"] = json!("gelu"))),
        ("window", Box::new(|c| c["vision_config"]["window_size"] = json!(3))),
        ("width", Box::new(|c| c["vision_config"]["out_hidden_size"] = json!(65))),
        ("vision head", Box::new(|c| c["vision_config"]["num_heads"] = json!(32))),
        ("kind", Box::new(|c| c["model_type"] = json!("qwen3_vl"))),
        ("list", Box::new(|c| c["text_config"] = json!([]))),
        ("token", Box::new(|c| c["image_token_id"] = json!(1_u64 << 40))),
        ("whole", Box::new(|c| *c = json!(7))),
    ];
    for (name, edit) in edits {
        let folder = copy("tied-new");
        edit_config(folder.path(), edit);
        let error = refused(folder.path());
        assert!(matches!(error, ModelError::Config { .. }), "{name}: {error}");
    }
    let folder = copy("tied-new");
    fs::write(folder.path().join("config.json"), "{\"text_config\": ").unwrap();
    assert!(matches!(refused(folder.path()), ModelError::Json { .. }));
    // A deep configuration asks for many tensors that are not there; it is refused before anything is computed.
    let folder = copy("tied-new");
    edit_config(folder.path(), |c| c["text_config"]["num_hidden_layers"] = json!(1000));
    let ModelError::Tensors(problems) = refused(folder.path()) else { panic!() };
    assert_eq!(problems.len(), 998 * 12);
}

#[test]
fn too_little_memory_is_refused_with_figures() {
    let source = FileSource::Folder(golden("tied-new"));
    let error = Network::load_within(&source, &Device::Cpu, Some(1 << 20)).map(|_| ()).unwrap_err();
    let ModelError::Memory { needed, available, .. } = &error else { panic!("{error}") };
    assert_eq!(*available, 1 << 20);
    assert!((500_000..2_000_000).contains(needed), "{needed}");
    assert!(error.to_string().contains("1.0 MiB available"), "{error}");
}

#[test]
fn both_tables_as_transformers_takes_them() {
    // Tied, although there is a head of its own with other numbers: it is used.
    let folder = copy("untied-old-flat-bf16");
    let separate = logits(&load(folder.path()).unwrap());
    edit_config(folder.path(), |config| config["tie_word_embeddings"] = json!(true));
    assert_eq!(logits(&load(folder.path()).unwrap()), separate);
    // Not tied and no head: missing, not guessed.
    let folder = copy("tied-new");
    edit_config(folder.path(), |config| {
        config["tie_word_embeddings"] = json!(false);
        config["text_config"]["tie_word_embeddings"] = json!(false);
    });
    let ModelError::Tensors(problems) = refused(folder.path()) else { panic!() };
    assert_eq!(problems, [TensorProblem::Missing { name: "lm_head.weight".into(), shape: vec![300, 64] }]);
    // Nothing said and no head: tied.
    let folder = copy("tied-new");
    let tied = logits(&load(folder.path()).unwrap());
    edit_config(folder.path(), |config| {
        config.as_object_mut().unwrap().remove("tie_word_embeddings");
        config["text_config"].as_object_mut().unwrap().remove("tie_word_embeddings");
    });
    assert_eq!(logits(&load(folder.path()).unwrap()), tied);
}

fn logits(network: &Network) -> Vec<f32> {
    use panelscope::model::{Chunk, Feed};
    let mut sequence = network.new_sequence().unwrap();
    let feed = Feed { sequence: &mut sequence, chunks: vec![Chunk::Tokens(&[1, 2, 3])] };
    network.forward(&mut [feed]).unwrap().remove(0)
}

#[test]
fn embedded_files_are_the_same_model() {
    let read = |file: &str| -> &'static [u8] { fs::read(golden("tied-new").join(file)).unwrap().leak() };
    let files: &'static [(&'static str, &'static [u8])] =
        Box::leak(Box::new([("config.json", read("config.json")), (WEIGHTS, read(WEIGHTS))]));
    let embedded = Network::load(&FileSource::Embedded(files), &Device::Cpu).unwrap();
    let folder = load(&golden("tied-new")).unwrap();
    assert_eq!(embedded.hash(), folder.hash());
    assert_eq!(logits(&embedded), logits(&folder));
    let error = Network::load(&FileSource::Embedded(&files[..1]), &Device::Cpu).map(|_| ()).unwrap_err();
    assert!(matches!(error, ModelError::NoFile { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes flipped in the header or anywhere: an error or another model, never a panic.
    #[test]
    fn flipped_bytes_never_panic(places in prop::collection::vec((0_usize..16_000, any::<u8>()), 1..4)) {
        let folder = copy("append-crop");
        let path = folder.path().join(WEIGHTS);
        let mut bytes = fs::read(&path).unwrap();
        for (place, value) in places {
            bytes[place] = value;
        }
        fs::write(path, bytes).unwrap();
        let _ = load(folder.path());
    }

    /// Any JSON number at any key of the configuration.
    #[test]
    fn any_number_in_the_configuration_never_panics(key in 0_usize..40, number in any::<i64>(), small in 0_u8..9) {
        let folder = copy("append-crop");
        edit_config(folder.path(), |config| {
            let value = if small < 8 { json!(small) } else { json!(number) };
            for section in ["text_config", "vision_config"] {
                let keys: Vec<String> = config[section].as_object().unwrap().keys().cloned().collect();
                if let Some(name) = keys.get(key) {
                    config[section][name] = value.clone();
                }
            }
        });
        let _ = load(folder.path());
    }
}
