//! What the parity tests in short types share: the goldens of `make_dtype_goldens.py`, and how far from them is near.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use panelscope::geometry::Size;
use panelscope::model::{Chunk, DtypeChoice, Feed, FileSource, ImageEmbedding, LoadOptions, Network, Patches};

pub const CASES: [&str; 4] = ["tied-new", "untied-old-flat-bf16", "gqa7-sharded-f16", "append-crop"];
const PROMPTS: usize = 4;

type Golden = HashMap<String, Tensor>;

/// How far logits are from others, over all places of a case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    /// Mean KL, nats.
    pub mean: f64,
    /// Largest KL, nats.
    pub worst: f64,
    /// Share of places with the same likeliest token.
    pub top1: f64,
    /// Largest difference of log-probabilities.
    pub largest: f64,
    pub places: usize,
}

/// What one case gives in one type on one device.
pub struct Compared {
    /// transformers in this type from transformers in f32: what the type costs.
    pub type_costs: Distance,
    /// Ours from transformers in f32.
    pub from_f32: Distance,
    /// Ours from transformers in this type.
    pub from_same: Distance,
}

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// The path of other devices in a type, on a device of choice; `quant` as a flag has it.
pub fn network(case: &str, dtype: DtypeChoice, device: &Device) -> Network {
    let options = LoadOptions { dtype, arithmetic: Some(dtype), plain: true, ..LoadOptions::on(device) };
    Network::load_with(&FileSource::Folder(goldens().join("model").join(case)), &options).unwrap()
}

/// The kernels of large models on a CPU: weights in a type, the rest in f32 as far as the kernels have it so.
pub fn kernels(case: &str, dtype: DtypeChoice) -> Network {
    let options = LoadOptions { dtype, shared: true, ..LoadOptions::default() };
    Network::load_with(&FileSource::Folder(goldens().join("model").join(case)), &options).unwrap()
}

pub fn compare(network: &Network, case: &str, dtype: DtypeChoice) -> Compared {
    let golden = candle_core::safetensors::load(goldens().join(format!("dtypes/{case}.safetensors")), &Device::Cpu);
    let golden = golden.unwrap();
    let (mut wide, mut short, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..PROMPTS {
        wide.extend(rows(&golden[&format!("p{k}.f32")]));
        short.extend(rows(&golden[&format!("p{k}.{}", dtype.name())]));
        ours.extend(text_logits(network, &golden, k));
    }
    Compared {
        type_costs: distance(&wide, &short),
        from_f32: distance(&wide, &ours),
        from_same: distance(&short, &ours),
    }
}

/// Logits after every token of text: images go in whole, and the tokens between them one by one, half of them in pieces.
fn text_logits(network: &Network, golden: &Golden, k: usize) -> Vec<Vec<f64>> {
    let ids: Vec<u32> = integers(&golden[&format!("p{k}.ids")]).into_iter().map(|id| id as u32).collect();
    let images = integers(&golden[&format!("p{k}.images")]);
    let images: Vec<ImageEmbedding> = images
        .chunks(3)
        .map(|row| network.encode_image(&image(network, row[0] as u32, row[1] as usize, row[2] as usize)).unwrap())
        .collect();
    let pad = network.config().image_token;
    let mut sequence = network.new_sequence().unwrap();
    let (mut logits, mut images, mut at) = (Vec::new(), images.iter(), 0);
    while at < ids.len() {
        let image = (ids[at] == pad).then(|| images.next().unwrap());
        at += image.map_or(0, ImageEmbedding::tokens);
        let mut chunks: Vec<Chunk<'_>> = image.map(Chunk::Image).into_iter().collect();
        chunks.push(Chunk::Tokens(&ids[at..=at]));
        let mut step = |chunks| network.forward(&mut [Feed { sequence: &mut sequence, chunks }]).unwrap().remove(0);
        logits.push(step(chunks).into_iter().map(f64::from).collect());
        at += 1;
    }
    // Once more in pieces of several rows: what a prompt goes through.
    let mut again = network.new_sequence().unwrap();
    let whole = ids.split(|id| *id == pad).find(|text| text.len() > 4).unwrap();
    let (first, rest) = whole.split_at(3);
    for piece in [first, rest] {
        let feed = Feed { sequence: &mut again, chunks: vec![Chunk::Tokens(piece)] };
        let last = network.forward(&mut [feed]).unwrap().remove(0);
        assert!(last.iter().all(|logit| logit.is_finite()));
    }
    logits
}

/// As `numbers` and `image` of `model_parity.rs`.
fn image(network: &Network, seed: u32, rows: usize, columns: usize) -> Patches {
    let vision = &network.config().vision;
    let side = |patches: usize| (patches * vision.patch) as u32;
    let size = Size::new(side(columns), side(rows));
    let data = (0..(rows * columns * vision.patch_len()) as u32)
        .map(|i| {
            let x = (i.wrapping_add(seed.wrapping_mul(7919))).wrapping_mul(2_654_435_761);
            let x = (x ^ (x >> 16)).wrapping_mul(0x045D_9F3B);
            let x = x ^ (x >> 16);
            (x >> 8) as f32 / 16_777_216.0 * 4.0 - 2.0
        })
        .collect();
    Patches { original: size, processed: size, grid: [1, rows, columns], merge: vision.merge, data }
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    tensor.flatten_all().unwrap().to_dtype(DType::I64).unwrap().to_vec1().unwrap()
}

fn rows(tensor: &Tensor) -> Vec<Vec<f64>> {
    tensor.to_dtype(DType::F64).unwrap().to_vec2().unwrap()
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
    logits.iter().map(|logit| logit - top - sum.ln()).collect()
}

fn likeliest(logits: &[f64]) -> usize {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap()
}

fn distance(from: &[Vec<f64>], to: &[Vec<f64>]) -> Distance {
    assert_eq!(from.len(), to.len());
    let mut found = Distance { places: from.len(), ..Distance::default() };
    for (from, to) in from.iter().zip(to) {
        assert_eq!(from.len(), to.len());
        let same = likeliest(from) == likeliest(to);
        let (from, to) = (log_softmax(from), log_softmax(to));
        let kl: f64 = from.iter().zip(&to).map(|(p, q)| p.exp() * (p - q)).sum();
        assert!(kl.is_finite());
        let largest = from.iter().zip(&to).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max);
        found.mean += kl / found.places as f64;
        found.worst = found.worst.max(kl);
        found.largest = found.largest.max(largest);
        found.top1 += f64::from(u8::from(same)) / found.places as f64;
    }
    found
}

/// Holds the path of other devices, on a device of choice.
pub fn hold(dtype: DtypeChoice, device: &Device) {
    hold_all(dtype, |case| network(case, dtype, device));
}

/// Holds all cases in a type against the goldens and prints what is reached.
///
/// f32 is gated on log-probabilities. A short type rounds at every step, and two programs never at the same: it is gated
/// on being no further from transformers in f32 than transformers in that type is (with room for the luck of the draw),
/// on the KL to transformers in that type, where two such distances meet, and on the likeliest token.
pub fn hold_all(dtype: DtypeChoice, network: impl Fn(&str) -> Network) {
    for case in CASES {
        let found = compare(&network(case), case, dtype);
        let (costs, far, near) = (found.type_costs, found.from_f32, found.from_same);
        println!(
            "{case} {dtype}: {} places; KL from transformers in f32 {:.1e} (transformers' own {:.1e}), from transformers in \
             {dtype} {:.1e} (worst {:.1e}), top-1 {:.3}, log-probabilities within {:.1e}",
            near.places, far.mean, costs.mean, near.mean, near.worst, near.top1, near.largest
        );
        if dtype == DtypeChoice::F32 {
            assert!(near.largest <= 2e-4 && near.mean <= 1e-8, "{case}");
            continue;
        }
        assert!(far.mean <= 2.0 * costs.mean, "{case}: further from f32 than the type costs");
        assert!(near.mean <= 3.0 * costs.mean && near.worst <= 10.0 * costs.worst, "{case}: far from transformers");
        assert!(near.top1 >= 0.93, "{case}: other likeliest tokens");
    }
}
