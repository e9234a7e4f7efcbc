//! The network against Hugging Face `transformers`, stage by stage, on the checkpoints of `tests/goldens/model`
//! (`tests/goldens/make_goldens.py` made them and says with what).
//!
//! Tolerances are for f32 on both sides: stages 1e-4 of the stage's largest number, log-probabilities 2e-4. Run with
//! `--nocapture` to see what is reached.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use candle_core::{D, DType, Device, Tensor};
use panelscope::geometry::Size;
use panelscope::model::{
    Chunk, DtypeChoice, Dump, Feed, FileSource, ImageEmbedding, LoadOptions, Network, Patches, Sequence,
};

/// Most a log-probability may differ.
const LOGPROB: f32 = 2e-4;
/// Most a stage may differ, as a share of its largest number.
const STAGE: f32 = 1e-4;
const CASES: [&str; 4] = ["tied-new", "untied-old-flat-bf16", "gqa7-sharded-f16", "append-crop"];

type Golden = HashMap<String, Tensor>;

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model").join(case)
}

fn load(case: &str) -> (Network, Golden) {
    load_by(case, Way::Alone)
}

/// What computes: all these checkpoints are small.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// The kernels of small models.
    Alone,
    /// Those of large models.
    Shared,
    /// candle.
    Plain,
}

const WAYS: [Way; 3] = [Way::Alone, Way::Shared, Way::Plain];

fn load_by(case: &str, way: Way) -> (Network, Golden) {
    let source = FileSource::Folder(folder(case));
    // Weights in bf16 make rows be rounded on the way; `tests/dtype_parity.rs` holds that.
    let dtype = if way == Way::Shared { DtypeChoice::F32 } else { DtypeChoice::Auto };
    let options = LoadOptions { dtype, plain: way == Way::Plain, shared: way == Way::Shared, ..LoadOptions::default() };
    let network = Network::load_with(&source, &options);
    let network = network.unwrap();
    let golden = candle_core::safetensors::load(folder(case).join("golden.safetensors"), &Device::Cpu).unwrap();
    (network, golden)
}

fn prompts(golden: &Golden) -> Vec<String> {
    (0..).map(|k| format!("p{k}")).take_while(|key| golden.contains_key(&format!("{key}.ids"))).collect()
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    tensor.flatten_all().unwrap().to_dtype(DType::I64).unwrap().to_vec1().unwrap()
}

fn ids(golden: &Golden, key: &str) -> Vec<u32> {
    integers(&golden[&format!("{key}.ids")]).into_iter().map(|id| id as u32).collect()
}

/// The numbers `patches` of the script makes.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            let x = (i.wrapping_add(seed.wrapping_mul(7919))).wrapping_mul(2_654_435_761);
            let x = (x ^ (x >> 16)).wrapping_mul(0x045D_9F3B);
            let x = x ^ (x >> 16);
            (x >> 8) as f32 / 16_777_216.0 * 4.0 - 2.0
        })
        .collect()
}

fn image(network: &Network, seed: u32, rows: usize, columns: usize) -> Patches {
    let vision = &network.config().vision;
    let side = |patches: usize| (patches * vision.patch) as u32;
    let size = Size::new(side(columns), side(rows));
    let data = numbers(seed, rows * columns * vision.patch_len());
    Patches { original: size, processed: size, grid: [1, rows, columns], merge: vision.merge, data }
}

fn images(network: &Network, golden: &Golden, key: &str) -> Vec<Patches> {
    let rows = integers(&golden[&format!("{key}.images")]);
    rows.chunks(3).map(|row| image(network, row[0] as u32, row[1] as usize, row[2] as usize)).collect()
}

/// Splits expanded ids at their image pads.
fn chunks<'a>(ids: &'a [u32], pad: u32, images: &'a [ImageEmbedding]) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let mut images = images.iter();
    let mut rest = ids;
    while let Some(at) = rest.iter().position(|id| *id == pad) {
        let image = images.next().unwrap();
        chunks.push(Chunk::Tokens(&rest[..at]));
        chunks.push(Chunk::Image(image));
        rest = &rest[at + image.tokens()..];
    }
    chunks.push(Chunk::Tokens(rest));
    assert!(images.next().is_none());
    chunks
}

fn step(network: &Network, sequence: &mut Sequence, chunks: Vec<Chunk<'_>>) -> Vec<f32> {
    network.forward(&mut [Feed { sequence, chunks }]).unwrap().remove(0)
}

fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
    logits.iter().map(|logit| logit - top - sum.ln() as f32).collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d.is_nan() { f32::NAN } else { most.max(d) })
}

/// Largest difference as a share of the golden's largest number.
fn relative(ours: &Tensor, golden: &Tensor, name: &str) -> f32 {
    assert_eq!(ours.dims(), golden.dims(), "{name}");
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (ours, golden) = (flat(ours), flat(golden));
    largest_difference(&ours, &golden) / golden.iter().fold(0.0_f32, |most, x| most.max(x.abs()))
}

fn encode(network: &Network, patches: &[Patches], dump: &mut Dump) -> Vec<ImageEmbedding> {
    patches.iter().map(|patches| network.encode_image_traced(patches, dump).unwrap()).collect()
}

/// What image `k` is called in a dump.
fn numbered(name: &str, k: usize) -> String {
    if k == 0 { name.to_owned() } else { format!("{name}#{}", k + 1) }
}

/// `name`, `name#2`, `name#3`, … below each other.
fn gathered(dump: &Dump, name: &str, images: usize) -> Tensor {
    let parts: Vec<Tensor> = (0..images).map(|k| dump.tensors[&numbered(name, k)].clone()).collect();
    Tensor::cat(&parts, 0).unwrap()
}

#[test]
fn every_stage_equals_transformers() {
    let mut reached = BTreeMap::<String, f32>::new();
    let mut note = |stage: &str, value: f32| {
        let most = reached.entry(stage.to_owned()).or_default();
        *most = most.max(value);
    };
    for (case, way) in CASES.into_iter().flat_map(|case| WAYS.map(|way| (case, way))) {
        let (network, golden) = load_by(case, way);
        let config = network.config().clone();
        for key in prompts(&golden) {
            let at = |name: &str| format!("{key}.{name}");
            let patches = images(&network, &golden, &key);
            let mut dump = Dump::default();
            let encoded = encode(&network, &patches, &mut dump);
            if !patches.is_empty() {
                let mut offset = 0;
                let mut index = Vec::new();
                for (k, patches) in patches.iter().enumerate() {
                    let own = dump.tensors[&numbered("vision.window_index", k)].clone();
                    index.extend(integers(&own).iter().map(|cell| cell + offset));
                    offset += patches.tokens() as i64;
                }
                assert_eq!(index, integers(&golden[&at("vision.window_index")]), "{case} {key}");
                for stage in
                    (0..config.vision.depth).map(|i| format!("vision.block.{i}")).chain(["vision.merger".into()])
                {
                    let ours = gathered(&dump, &stage, patches.len());
                    let value = relative(&ours, &golden[&at(&stage)], &stage);
                    assert!(value <= STAGE, "{case} {key} {stage}: {value}");
                    note(&stage, value);
                }
            }
            let ids = ids(&golden, &key);
            let mut sequence = network.new_sequence().unwrap();
            let feed = Feed { sequence: &mut sequence, chunks: chunks(&ids, config.image_token, &encoded) };
            let logits = network.forward_traced(&mut [feed], &mut dump).unwrap().remove(0);
            assert_eq!(sequence.ids(), ids);
            let positions: Vec<i64> =
                (0..3).flat_map(|axis| sequence.positions().iter().map(move |p| i64::from(p[axis]))).collect();
            assert_eq!(positions, integers(&golden[&at("position_ids")]), "{case} {key}");
            assert_eq!(integers(&dump.tensors["text.position_ids"]), positions);
            assert_eq!(i64::from(sequence.next_position()), integers(&golden[&at("next_position")])[0]);
            for stage in (0..config.text.layers).map(|i| format!("text.block.{i}")) {
                let value = relative(&dump.tensors[&stage], &golden[&at(&stage)], &stage);
                assert!(value <= STAGE, "{case} {key} {stage}: {value}");
                note(&stage, value);
            }
            let expected = golden[&at("logits")].squeeze(0).unwrap().to_vec1::<f32>().unwrap();
            let value = largest_difference(&log_softmax(&logits), &log_softmax(&expected));
            assert!(value <= LOGPROB, "{case} {key}: log-probabilities differ by {value}");
            note("log-probabilities (absolute)", value);
        }
    }
    for (stage, value) in reached {
        println!("{stage}: {value:.1e}");
    }
}

/// The goldens would be worthless if all logits were alike.
#[test]
fn the_goldens_tell_tokens_apart() {
    for case in CASES {
        let (_, golden) = load(case);
        let logits = golden["p0.logits"].squeeze(0).unwrap();
        let spread =
            (logits.max(D::Minus1).unwrap() - logits.min(D::Minus1).unwrap()).unwrap().to_scalar::<f32>().unwrap();
        assert!(spread > 3.0, "{case}: {spread}");
    }
}

/// Prompt with its image, then 50 and more tokens one by one, then a second image, then its closing tokens.
#[test]
fn a_crop_appended_in_mid_generation_equals_a_full_pass() {
    let (network, golden) = load("append-crop");
    let ids = ids(&golden, "p0");
    let encoded = encode(&network, &images(&network, &golden, "p0"), &mut Dump::default());
    let parts = chunks(&ids, network.config().image_token, &encoded);
    let [Chunk::Tokens(opening), page, Chunk::Tokens(middle), crop, Chunk::Tokens(closing)] = parts[..] else {
        panic!()
    };
    assert!(middle.len() > 50);
    let mut sequence = network.new_sequence().unwrap();
    step(&network, &mut sequence, vec![Chunk::Tokens(opening), page]);
    for id in middle {
        step(&network, &mut sequence, vec![Chunk::Tokens(&[*id])]);
    }
    let stepped = step(&network, &mut sequence, vec![crop, Chunk::Tokens(closing)]);
    let mut whole = network.new_sequence().unwrap();
    let full = step(&network, &mut whole, parts.clone());
    assert_eq!(sequence.positions(), whole.positions());
    assert_eq!(sequence.next_position(), whole.next_position());
    assert!(sequence.next_position() < sequence.len() as u32);
    let own = largest_difference(&log_softmax(&stepped), &log_softmax(&full));
    assert!(own <= 1e-4, "against our own full pass: {own}");
    let expected = golden["p0.logits"].squeeze(0).unwrap().to_vec1::<f32>().unwrap();
    let theirs = largest_difference(&log_softmax(&stepped), &log_softmax(&expected));
    assert!(theirs <= LOGPROB, "against transformers: {theirs}");
    println!("crop in mid-generation: {own:.1e} to our full pass, {theirs:.1e} to transformers");
}

fn argmax(logits: &[f32]) -> u32 {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32
}

fn greedy(network: &Network, sequence: &mut Sequence, mut logits: Vec<f32>, steps: usize) -> Vec<Vec<u32>> {
    let mut bits = Vec::new();
    for _ in 0..steps {
        let id = argmax(&logits);
        logits = step(network, sequence, vec![Chunk::Tokens(&[id])]);
        bits.push(logits.iter().map(|logit| logit.to_bits()).collect());
    }
    bits
}

/// Far enough for the cache to grow between the mark and the rewind.
#[test]
fn rewinding_and_going_on_is_bit_identical() {
    for (case, way) in CASES.into_iter().flat_map(|case| WAYS.map(|way| (case, way))) {
        let (network, golden) = load_by(case, way);
        let ids = ids(&golden, "p0");
        let encoded = encode(&network, &images(&network, &golden, "p0"), &mut Dump::default());
        let prompt = chunks(&ids, network.config().image_token, &encoded);
        let mut sequence = network.new_sequence().unwrap();
        let start = step(&network, &mut sequence, prompt);
        greedy(&network, &mut sequence, start, 20);
        let (mark, position) = (sequence.len(), sequence.next_position());
        let first = greedy(&network, &mut sequence, vec![0.0, 1.0], 300);
        // Something else in between, an image among it.
        sequence.truncate(mark + 3).unwrap();
        step(&network, &mut sequence, vec![Chunk::Tokens(&[1, 2, 3]), Chunk::Image(&encoded[0]), Chunk::Tokens(&[9])]);
        sequence.truncate(mark).unwrap();
        assert_eq!((sequence.len(), sequence.next_position()), (mark, position));
        let second = greedy(&network, &mut sequence, vec![0.0, 1.0], 300);
        assert_eq!(first, second, "{case}");
        sequence.truncate(0).unwrap();
        assert!(sequence.is_empty() && sequence.next_position() == 0);
        let start_again = step(&network, &mut sequence, chunks(&ids, network.config().image_token, &encoded));
        assert_eq!(argmax(&start_again), argmax(&start_of(&network, &ids, &encoded)));
    }
}

fn start_of(network: &Network, ids: &[u32], encoded: &[ImageEmbedding]) -> Vec<f32> {
    step(network, &mut network.new_sequence().unwrap(), chunks(ids, network.config().image_token, encoded))
}

#[test]
fn sequences_stepped_together_equal_each_alone() {
    for (case, way) in ["tied-new", "untied-old-flat-bf16"].into_iter().flat_map(|c| WAYS.map(|way| (c, way))) {
        let (network, golden) = load_by(case, way);
        let pad = network.config().image_token;
        let keys = prompts(&golden);
        let all: Vec<_> = keys
            .iter()
            .map(|key| (ids(&golden, key), encode(&network, &images(&network, &golden, key), &mut Dump::default())))
            .collect();
        let mut alone: Vec<Sequence> = all.iter().map(|_| network.new_sequence().unwrap()).collect();
        let mut joined: Vec<Sequence> = all.iter().map(|_| network.new_sequence().unwrap()).collect();
        let mut next: Vec<Vec<u32>> = Vec::new();
        for round in 0..6 {
            let fed: Vec<Vec<Chunk<'_>>> = match round {
                0 => all.iter().map(|(ids, encoded)| chunks(ids, pad, encoded)).collect(),
                // One sequence gets an image while the others decode.
                3 => {
                    let mut fed: Vec<Vec<Chunk<'_>>> = next.iter().map(|ids| vec![Chunk::Tokens(ids)]).collect();
                    fed[0].push(Chunk::Image(&all[1].1[0]));
                    fed
                }
                _ => next.iter().map(|ids| vec![Chunk::Tokens(ids)]).collect(),
            };
            let one_by_one: Vec<Vec<f32>> =
                alone.iter_mut().zip(&fed).map(|(sequence, chunks)| step(&network, sequence, chunks.clone())).collect();
            let mut batch: Vec<Feed<'_>> = joined
                .iter_mut()
                .zip(&fed)
                .map(|(sequence, chunks)| Feed { sequence, chunks: chunks.clone() })
                .collect();
            let together = network.forward(&mut batch).unwrap();
            for (a, b) in one_by_one.iter().zip(&together) {
                let difference = largest_difference(&log_softmax(a), &log_softmax(b));
                assert!(difference <= 1e-5, "{case} round {round}: {difference}");
            }
            next = one_by_one.iter().map(|logits| vec![argmax(logits)]).collect();
        }
    }
}

/// Every row is computed alone: cut into passes anyhow, alone or with others, a sequence has the same bits.
#[test]
fn kernels_do_not_depend_on_how_a_context_is_cut() {
    if Network::load(&FileSource::Folder(folder("tied-new")), &Device::Cpu)
        .is_ok_and(|network| network.new_sequence().unwrap().prefix(0).is_none())
    {
        return; // This processor has no such kernels.
    }
    for (case, way) in CASES.into_iter().flat_map(|case| [(case, Way::Alone), (case, Way::Shared)]) {
        let (network, golden) = load_by(case, way);
        let ids: Vec<u32> = ids(&golden, "p0").into_iter().map(|id| id % 200).collect();
        let mut whole = network.new_sequence().unwrap();
        let expected = step(&network, &mut whole, vec![Chunk::Tokens(&ids)]);
        for piece in [1, 2, 3, 5, 31, 33] {
            let (mut cut, mut logits) = (network.new_sequence().unwrap(), Vec::new());
            for (index, part) in ids.chunks(piece).enumerate() {
                // Now and then a copy goes on in its place.
                if index % 3 == 2 {
                    cut = cut.prefix(cut.len()).unwrap();
                }
                let mut other = network.new_sequence().unwrap();
                let mut batch = [
                    Feed { sequence: &mut other, chunks: vec![Chunk::Tokens(&ids[..1 + index % 4])] },
                    Feed { sequence: &mut cut, chunks: vec![Chunk::Tokens(part)] },
                ];
                logits = network.forward(&mut batch).unwrap().remove(1);
            }
            let bits = |logits: &[f32]| logits.iter().map(|logit| logit.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&logits), bits(&expected), "{case} {way:?} in pieces of {piece}");
        }
        let (plain, _) = load_by(case, Way::Plain);
        assert!(plain.new_sequence().unwrap().prefix(0).is_none());
        let foreign = plain.forward(&mut [Feed { sequence: &mut whole, chunks: vec![Chunk::Tokens(&[1])] }]);
        assert!(foreign.is_err(), "a sequence of other kernels");
    }
}

#[test]
fn a_step_that_fails_leaves_everything_as_it_was() {
    let (network, golden) = load("tied-new");
    let encoded = encode(&network, &images(&network, &golden, "p0"), &mut Dump::default());
    let ids = ids(&golden, "p0");
    let mut sequence = network.new_sequence().unwrap();
    step(&network, &mut sequence, chunks(&ids, network.config().image_token, &encoded));
    let (length, position) = (sequence.len(), sequence.next_position());
    let refuse = |sequence: &mut Sequence, chunks: Vec<Chunk<'_>>| {
        network.forward(&mut [Feed { sequence, chunks }]).unwrap_err().to_string()
    };
    assert!(refuse(&mut sequence, vec![Chunk::Tokens(&[1, 300])]).contains("300"));
    assert!(refuse(&mut sequence, vec![]).contains("nothing"));
    assert!(refuse(&mut sequence, vec![Chunk::Tokens(&[])]).contains("nothing"));
    let (other, _) = load("append-crop");
    let foreign = other.encode_image(&image(&other, 3, 4, 4)).unwrap();
    assert!(refuse(&mut sequence, vec![Chunk::Tokens(&[1]), Chunk::Image(&foreign)]).contains("computation"));
    assert_eq!((sequence.len(), sequence.next_position()), (length, position));
    assert!(sequence.truncate(length + 1).is_err());
    // Inside the image.
    assert!(sequence.truncate(10).is_err());
    assert_eq!((sequence.len(), sequence.next_position()), (length, position));
    let mut patches = image(&network, 1, 4, 4);
    patches.data.pop();
    assert!(network.encode_image(&patches).is_err());
    patches.grid = [1, 3, 4];
    assert!(network.encode_image(&patches).is_err());
    patches.grid = [usize::MAX, usize::MAX, 2];
    assert!(network.encode_image(&patches).is_err());
    patches.grid = [0, 0, 0];
    assert!(network.encode_image(&patches).is_err());
}
