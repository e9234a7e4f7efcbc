//! GGUF files of llama.cpp's own programs with something changed in them: values put in, tensors written in another type.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use panelscope::model::gguf::GgufError;
use panelscope::model::inspect::{Finding, Level, check};
use panelscope::model::{Chunk, Feed, FileSource, Format, LoadOptions, Model, ModelError, Network};
use tempfile::TempDir;

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/gguf").join(case)
}

/// A copy of a good pair whose language model is changed.
fn edited(case: &str, edit: impl FnOnce(&mut Vec<u8>)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["text.gguf", "mmproj.gguf"] {
        fs::copy(folder(case).join(file), dir.path().join(file)).unwrap();
    }
    let path = dir.path().join("text.gguf");
    let mut bytes = fs::read(&path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
    dir
}

fn load(path: &Path) -> Result<Model, ModelError> {
    Model::load(&FileSource::at(path), &Device::Cpu)
}

fn put(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..at + with.len()].copy_from_slice(with);
}

fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Logits after three words.
fn logits(network: &Network) -> Vec<f32> {
    let mut sequence = network.new_sequence().unwrap();
    let feed = Feed { sequence: &mut sequence, chunks: vec![Chunk::Tokens(&[5, 9, 31])] };
    network.forward(&mut [feed]).unwrap().remove(0)
}

/// Puts values (name, type, bytes) in front of those of a file; what follows stays where it may begin.
fn put_values(bytes: &mut Vec<u8>, values: &[(&str, u32, Vec<u8>)]) {
    let text = |text: &[u8]| [&(text.len() as u64).to_le_bytes()[..], text].concat();
    let value = |(name, kind, value): &(&str, u32, Vec<u8>)| {
        [text(name.as_bytes()), kind.to_le_bytes().to_vec(), value.clone()].concat()
    };
    let mut added: Vec<u8> = values.iter().flat_map(value).collect();
    let short = 32 - (added.len() + value(&("filling", 8, text(b""))).len()) % 32;
    added.extend(value(&("filling", 8, text(&vec![b'.'; short]))));
    let count = u64::from_le_bytes(bytes[16..24].try_into().unwrap()) + values.len() as u64 + 1;
    put(bytes, 16, &count.to_le_bytes());
    bytes.splice(24..24, added);
}

/// Where the data of a sound file begin: behind its values and its list of tensors.
fn data_start(bytes: &[u8]) -> usize {
    let kind_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let size = |kind: usize| [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][kind];
    let mut at = 24;
    for _ in 0..word(bytes, 16) {
        at += 8 + word(bytes, at);
        let kind = kind_at(at);
        at += 4;
        match kind {
            8 => at += 8 + word(bytes, at),
            9 => {
                let (kind, count) = (kind_at(at), word(bytes, at + 4));
                at += 12;
                match kind {
                    8 => (0..count).for_each(|_| at += 8 + word(bytes, at)),
                    _ => at += count * size(kind),
                }
            }
            _ => at += size(kind),
        }
    }
    for _ in 0..word(bytes, 8) {
        at += 8 + word(bytes, at);
        at += 4 + 8 * kind_at(at) + 4 + 8;
    }
    at.next_multiple_of(32)
}

/// Where a tensor's entry says its type, and where its data begin.
fn tensor_places(bytes: &[u8], name: &str) -> (usize, usize) {
    let at = bytes.windows(name.len()).position(|window| window == name.as_bytes()).unwrap() + name.len();
    let kind = at + 4 + 8 * bytes[at] as usize;
    (kind, data_start(bytes) + word(bytes, kind + 4))
}

#[test]
fn vectors_may_be_quantised() {
    let dir = edited("q8_0", |bytes| {
        for name in ["blk.0.attn_k.bias", "blk.1.attn_q.bias", "blk.1.ffn_norm.weight"] {
            let (kind, data) = tensor_places(bytes, name);
            let count = word(bytes, kind - 8);
            assert_eq!(bytes[kind], 0, "{name} is plain");
            let numbers: Vec<f32> =
                bytes[data..data + 4 * count].as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
            let mut blocks = vec![0; Format::Q8_0.bytes(count).unwrap()];
            Format::Q8_0.quantise(&numbers, &mut blocks);
            put(bytes, data, &blocks);
            put(bytes, kind, &8_u32.to_le_bytes());
        }
    });
    for shared in [false, true] {
        let options = LoadOptions { shared, ..LoadOptions::default() };
        let of = |path: &Path| logits(&Network::load_with(&FileSource::at(path), &options).unwrap());
        let (plain, rounded) = (of(&folder("q8_0")), of(dir.path()));
        let worst = plain.iter().zip(&rounded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst < 0.1, "{shared}: {worst}");
    }
}

/// Blocks that are widened and rounded again: what is no number stays none.
#[test]
fn a_scale_that_is_no_number_is_found() {
    let q4 = "blk.0.attn_q.weight";
    let sound = check(&FileSource::at(folder("mixed")), &mut |_, _| {});
    assert!(sound.iter().any(|f| f.what == "numbers" && f.level == Level::Ok), "{sound:?}");
    let dir = edited("mixed", |bytes| {
        let (kind, data) = tensor_places(bytes, q4);
        assert_eq!(bytes[kind], 2, "{q4} is Q4_0");
        put(bytes, data, &0x7E00_u16.to_le_bytes());
    });
    let found = check(&FileSource::at(dir.path()), &mut |_, _| {});
    let told = |f: &&Finding| f.level == Level::Fail && f.found.contains(q4);
    assert_eq!(found.iter().filter(told).count(), 1, "{found:?}");
}

#[test]
fn stretched_positions_are_refused() {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let (kind, factor) = ("qwen2vl.rope.scaling.type", "qwen2vl.rope.scaling.factor");
    let single = |number: f32| number.to_le_bytes().to_vec();
    for (values, key) in [
        (vec![(kind, 8, text("yarn")), (factor, 6, single(4.0))], kind),
        (vec![(kind, 8, text("longrope"))], kind),
        (vec![(factor, 6, single(4.0))], factor),
        (vec![(kind, 8, text("linear")), (factor, 6, single(2.0))], factor),
        (vec![("qwen2vl.rope.scale_linear", 6, single(8.0))], "qwen2vl.rope.scale_linear"),
    ] {
        let dir = edited("q8_0", |bytes| put_values(bytes, &values));
        let error = load(dir.path()).map(|_| ()).expect_err("stretched");
        let told =
            matches!(&error, ModelError::Gguf { source: GgufError::Value { key: found, .. }, .. } if found == key);
        assert!(told, "{error}");
    }
    for values in [
        vec![],
        vec![(kind, 8, text("none"))],
        vec![(kind, 8, text("linear")), (factor, 6, single(1.0))],
        vec![(factor, 6, single(0.0))],
    ] {
        let dir = edited("q8_0", |bytes| put_values(bytes, &values));
        load(dir.path()).unwrap();
    }
}
