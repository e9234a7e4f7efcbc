//! Attention weights and the logit lens against `transformers`' eager attention (`tests/goldens/make_lens_goldens.py`), and
//! that looking changes nothing.
//!
//! Tolerances are for f32 on both sides: weights 2e-6 absolute, log-probabilities 2e-4.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use panelscope::geometry::Size;
use panelscope::model::watch::{Attention, AttentionPick, Heads, Kept, Layers, Watch};
use panelscope::model::{Chunk, Feed, FileSource, ImageEmbedding, ModelError, Network, Patches, Sequence};

const WEIGHT: f32 = 2e-6;
const LOGPROB: f32 = 2e-4;
const CASES: [&str; 4] = ["tied-new", "untied-old-flat-bf16", "gqa7-sharded-f16", "append-crop"];

type Golden = HashMap<String, Tensor>;

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/model").join(case)
}

/// Both ways a network can be computed.
fn networks(case: &str) -> [Network; 2] {
    let source = FileSource::Folder(folder(case));
    [Network::load(&source, &Device::Cpu).unwrap(), Network::load_plain(&source, &Device::Cpu).unwrap()]
}

fn golden(case: &str, file: &str) -> Golden {
    candle_core::safetensors::load(folder(case).join(file), &Device::Cpu).unwrap()
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    tensor.flatten_all().unwrap().to_dtype(DType::I64).unwrap().to_vec1().unwrap()
}

/// The numbers `patches` of make_goldens.py makes.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let number = |i: u32| {
        let x = (i.wrapping_add(seed.wrapping_mul(7919))).wrapping_mul(2_654_435_761);
        let x = (x ^ (x >> 16)).wrapping_mul(0x045D_9F3B);
        ((x ^ (x >> 16)) >> 8) as f32 / 16_777_216.0 * 4.0 - 2.0
    };
    (0..count as u32).map(number).collect()
}

/// A prompt of the goldens: its ids and its images.
struct Prompt {
    ids: Vec<u32>,
    images: Vec<ImageEmbedding>,
}

impl Prompt {
    fn of(network: &Network, golden: &Golden, key: &str) -> Self {
        let vision = &network.config().vision;
        let image = |row: &[i64]| {
            let (rows, columns) = (row[1] as usize, row[2] as usize);
            let size = Size::new((columns * vision.patch) as u32, (rows * vision.patch) as u32);
            let data = numbers(row[0] as u32, rows * columns * vision.patch_len());
            let grid = [1, rows, columns];
            network.encode_image(&Patches { original: size, processed: size, grid, merge: vision.merge, data }).unwrap()
        };
        Self {
            ids: integers(&golden[&format!("{key}.ids")]).into_iter().map(|id| id as u32).collect(),
            images: integers(&golden[&format!("{key}.images")]).chunks(3).map(image).collect(),
        }
    }

    /// What stands from token `from` up to `to`; neither is inside an image.
    fn chunks(&self, pad: u32, from: usize, to: usize) -> Vec<Chunk<'_>> {
        let (mut chunks, mut at, mut images) = (Vec::new(), 0, self.images.iter());
        while at < to {
            let end = if self.ids[at] == pad {
                let image = images.next().unwrap();
                if at >= from {
                    chunks.push(Chunk::Image(image));
                }
                at + image.tokens()
            } else {
                let text = self.ids[at..to].iter().take_while(|id| **id != pad).count();
                if at + text > from {
                    chunks.push(Chunk::Tokens(&self.ids[at.max(from)..at + text]));
                }
                at + text
            };
            at = end;
        }
        chunks
    }
}

fn forward(network: &Network, sequence: &mut Sequence, chunks: Vec<Chunk<'_>>, watch: &mut Watch) -> Vec<f32> {
    network.forward_traced(&mut [Feed { sequence, chunks }], watch).unwrap().remove(0)
}

/// The rows the goldens have of a prompt.
fn rows(lens: &Golden, key: &str) -> Vec<usize> {
    let mut rows: Vec<usize> = lens
        .keys()
        .filter_map(|name| name.strip_prefix(&format!("{key}."))?.strip_suffix(".lens")?.parse().ok())
        .collect();
    rows.sort_unstable();
    rows
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d.is_nan() { f32::NAN } else { most.max(d) })
}

/// All weights of a row in the order of its tokens must be these; own text from `own` on.
fn check_split(network: &Network, sequence: &Sequence, found: &Attention, golden: &[f32], own: usize) {
    let sum = |place: std::ops::Range<usize>| {
        golden[place.start.min(golden.len())..place.end.min(golden.len())].iter().sum::<f32>()
    };
    let places = network.images(sequence);
    let mut on_images = 0.0;
    for (place, cells) in places.iter().zip(&found.images) {
        assert!(worst(cells, &golden[place.start..place.start + place.tokens]) <= WEIGHT);
        assert_eq!(place.rows * place.columns, place.tokens);
        on_images += cells.iter().sum::<f32>();
    }
    let own_text = sum(own..golden.len());
    let all = on_images + found.mass.first + found.mass.prompt + found.mass.own;
    assert!((all - 1.0).abs() < 1e-5, "{all}");
    assert!((found.mass.first - golden[0]).abs() <= WEIGHT);
    assert!((found.mass.own - own_text).abs() <= 1e-5);
    assert!((found.mass.prompt - (1.0 - on_images - golden[0] - own_text)).abs() <= 1e-5);
}

fn attention(
    network: &Network,
    sequence: &Sequence,
    kept: &Kept,
    seen: usize,
    layers: Layers,
    heads: Heads,
    own: usize,
) -> Vec<Attention> {
    network
        .attention(sequence, kept, seen, AttentionPick { layers, heads }, std::slice::from_ref(&(own..seen)))
        .unwrap()
}

#[test]
fn weights_and_lens_equal_transformers() {
    let (mut weights, mut logprobs, mut compared) = (0.0_f32, 0.0_f32, 0);
    for case in CASES {
        let (stages, lens) = (golden(case, "golden.safetensors"), golden(case, "lens.safetensors"));
        for network in networks(case) {
            let pad = network.config().image_token;
            let text = network.config().text.clone();
            for key in (0..).map(|k| format!("p{k}")).take_while(|key| stages.contains_key(&format!("{key}.ids"))) {
                let prompt = Prompt::of(&network, &stages, &key);
                let mut sequence = network.new_sequence().unwrap();
                for row in rows(&lens, &key) {
                    // What was appended before stays; the last of what is appended now is the row.
                    let mut watch = Watch::new(true, true);
                    let chunks = prompt.chunks(pad, sequence.len(), row + 1);
                    forward(&network, &mut sequence, chunks, &mut watch);
                    let kept = watch.take().remove(0);
                    let golden = &lens[&format!("{key}.{row}.attention")];
                    let by_head = golden.to_vec3::<f32>().unwrap();
                    let flat = |t: Tensor| t.to_vec1::<f32>().unwrap();
                    let own = row.saturating_sub(1);
                    for (layer, heads) in by_head.iter().enumerate() {
                        for (head, golden) in heads.iter().enumerate() {
                            let (layers, heads) = (Layers::One(layer), Heads::One(head));
                            let mut again = Watch::of(Some(heads), false);
                            network.look_again(&mut sequence, row, &mut again).unwrap();
                            let kept = again.take().remove(0);
                            let found = attention(&network, &sequence, &kept, row + 1, layers, heads, own);
                            assert_eq!((found.len(), found[0].layer), (1, Some(layer)));
                            check_split(&network, &sequence, &found[0], golden, own);
                        }
                    }
                    let every = attention(&network, &sequence, &kept, row + 1, Layers::All, Heads::Mean, own);
                    assert_eq!(every.len(), text.layers);
                    for (layer, found) in every.iter().enumerate() {
                        assert_eq!(found.layer, Some(layer));
                        check_split(
                            &network,
                            &sequence,
                            found,
                            &flat(golden.get(layer).unwrap().mean(0).unwrap()),
                            own,
                        );
                    }
                    let mean = attention(&network, &sequence, &kept, row + 1, Layers::Mean, Heads::Mean, own);
                    let expected = flat(golden.mean((0, 1)).unwrap());
                    check_split(&network, &sequence, &mean[0], &expected, own);
                    let places = network.images(&sequence);
                    for (place, cells) in places.iter().zip(&mean[0].images) {
                        weights = weights.max(worst(cells, &expected[place.start..place.start + place.tokens]));
                    }

                    let expected = lens[&format!("{key}.{row}.lens")].to_vec2::<f32>().unwrap();
                    let chosen = (row as u32 * 7) % 300;
                    let found = network.lens(&kept, chosen, text.vocabulary).unwrap();
                    assert_eq!(found.layers.len(), expected.len());
                    let last = expected.last().unwrap();
                    for (found, expected) in found.layers.iter().zip(&expected) {
                        let mut own = vec![f32::NAN; expected.len()];
                        found.top.iter().for_each(|(id, logprob)| own[*id as usize] = *logprob);
                        let apart = worst(&own, expected);
                        assert!(apart <= LOGPROB, "{case} {key} {row}: {apart}");
                        logprobs = logprobs.max(apart);
                        assert!(found.top.is_sorted_by(|a, b| a.1 >= b.1));
                        let chosen = expected[chosen as usize];
                        assert!((found.logprob - chosen).abs() <= LOGPROB);
                        let above = |margin: f32| expected.iter().filter(|p| **p > chosen + margin).count() as u32 + 1;
                        assert!((above(LOGPROB * 2.0)..=above(-LOGPROB * 2.0)).contains(&found.rank));
                        let entropy: f32 = -expected.iter().map(|p| p.exp() * p).sum::<f32>();
                        let kl: f32 = last.iter().zip(expected).map(|(p, q)| p.exp() * (p - q)).sum();
                        assert!((found.entropy - entropy).abs() < 1e-3 && (found.kl - kl).abs() < 1e-3);
                    }
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 2 * 16);
    println!("weights {weights:.1e}, log-probabilities {logprobs:.1e}");
}

/// Steps a prompt and `count` greedy tokens; looks at every step if asked, and back at all of it after each if asked.
fn greedy(network: &Network, prompt: &Prompt, look: bool, back: bool) -> (Vec<u32>, Vec<Vec<u32>>, Vec<Kept>) {
    let mut sequence = network.new_sequence().unwrap();
    let mut chunks = prompt.chunks(network.config().image_token, 0, prompt.ids.len());
    let (mut ids, mut bits, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut next;
    for _ in 0..12 {
        let mut watch = Watch::new(look, look);
        let logits = forward(network, &mut sequence, chunks, &mut watch);
        bits.push(logits.iter().map(|logit| logit.to_bits()).collect());
        kept.append(&mut watch.take());
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
        next = [best as u32];
        ids.extend(next);
        if back {
            for at in (prompt.ids.len() - 3..sequence.len()).rev() {
                network.look_again(&mut sequence, at, &mut Watch::new(true, true)).unwrap();
            }
        }
        chunks = vec![Chunk::Tokens(&next)];
    }
    (ids, bits, kept)
}

#[test]
fn looking_changes_no_bit_of_what_follows() {
    for case in ["append-crop", "untied-old-flat-bf16"] {
        for network in networks(case) {
            let prompt = Prompt::of(&network, &golden(case, "golden.safetensors"), "p0");
            let plain = greedy(&network, &prompt, false, false);
            assert!(plain.2.is_empty(), "nothing was asked for");
            let watched = greedy(&network, &prompt, true, false);
            assert_eq!(watched.2.len(), 12);
            assert_eq!((&plain.0, &plain.1), (&watched.0, &watched.1));
            let back = greedy(&network, &prompt, true, true);
            assert_eq!((&plain.0, &plain.1), (&back.0, &back.1));
        }
    }
}

#[test]
fn a_token_looked_at_again_shows_what_it_showed() {
    for network in networks("append-crop") {
        let prompt = Prompt::of(&network, &golden("append-crop", "golden.safetensors"), "p0");
        let pad = network.config().image_token;
        let mut sequence = network.new_sequence().unwrap();
        forward(&network, &mut sequence, prompt.chunks(pad, 0, 40), &mut Watch::default());
        let mut shown = Vec::new();
        for at in 40..50 {
            let mut watch = Watch::new(true, true);
            let logits = forward(&network, &mut sequence, prompt.chunks(pad, at, at + 1), &mut watch);
            let kept = watch.take().remove(0);
            let seen = attention(&network, &sequence, &kept, at + 1, Layers::All, Heads::Mean, 30);
            shown.push((logits, seen, network.lens(&kept, 7, 3).unwrap()));
        }
        forward(&network, &mut sequence, prompt.chunks(pad, 50, prompt.ids.len()), &mut Watch::default());
        for (at, (logits, seen, lens)) in (40..50).zip(shown) {
            let mut watch = Watch::new(true, true);
            assert_eq!(network.look_again(&mut sequence, at, &mut watch).unwrap(), logits);
            let kept = watch.take().remove(0);
            assert_eq!(attention(&network, &sequence, &kept, at + 1, Layers::All, Heads::Mean, 30), seen);
            assert_eq!(network.lens(&kept, 7, 3).unwrap(), lens);
        }
        assert_eq!(sequence.ids(), prompt.ids);
    }
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let [network, plain] = networks("append-crop");
    let prompt = Prompt::of(&network, &golden("append-crop", "golden.safetensors"), "p0");
    let mut sequence = network.new_sequence().unwrap();
    let mut watch = Watch::new(true, false);
    forward(&network, &mut sequence, prompt.chunks(network.config().image_token, 0, prompt.ids.len()), &mut watch);
    let kept = watch.take().remove(0);
    let ask = |layers, heads, seen| network.attention(&sequence, &kept, seen, AttentionPick { layers, heads }, &[]);
    assert!(matches!(ask(Layers::One(2), Heads::Mean, 9), Err(ModelError::Watch(_))));
    assert!(matches!(ask(Layers::Mean, Heads::One(6), 9), Err(ModelError::Watch(_))));
    assert!(matches!(ask(Layers::Mean, Heads::Mean, prompt.ids.len() + 1), Err(ModelError::Watch(_))));
    assert!(matches!(ask(Layers::Mean, Heads::Mean, 0), Err(ModelError::Watch(_))));
    assert!(matches!(ask(Layers::Mean, Heads::Mean, 9), Err(ModelError::Watch(_))), "weights of another length");
    assert!(matches!(network.lens(&kept, 1, 1), Err(ModelError::Watch(_))), "outputs were not kept");
    assert!(network.attention(&sequence, &Kept::default(), 3, AttentionPick::default(), &[]).is_err());
    let pad = prompt.ids.iter().position(|id| *id == network.config().image_token).unwrap();
    for at in [pad, prompt.ids.len()] {
        assert!(matches!(network.look_again(&mut sequence, at, &mut watch), Err(ModelError::Watch(_))));
    }
    assert!(matches!(plain.look_again(&mut sequence, 0, &mut watch), Err(ModelError::ForeignSequence { .. })));
    // Two sequences in one step are kept one by one.
    let mut other = network.new_sequence().unwrap();
    let (ids, more) = ([1_u32, 2, 3], [4_u32]);
    let mut batch = [
        Feed { sequence: &mut other, chunks: vec![Chunk::Tokens(&ids)] },
        Feed { sequence: &mut sequence, chunks: vec![Chunk::Tokens(&more)] },
    ];
    network.forward_traced(&mut batch, &mut watch).unwrap();
    let both = watch.take();
    let last = sequence.len();
    let found = attention(&network, &sequence, &both[1], last, Layers::Mean, Heads::Mean, 3);
    sequence.truncate(last - 1).unwrap();
    forward(&network, &mut sequence, vec![Chunk::Tokens(&more)], &mut watch);
    assert_eq!(attention(&network, &sequence, &watch.take()[0], last, Layers::Mean, Heads::Mean, 3), found);
    assert_eq!(attention(&network, &other, &both[0], 3, Layers::Mean, Heads::Mean, 3)[0].images.len(), 0);
}
