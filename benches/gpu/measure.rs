//! The measurements.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use panelscope::geometry::Size;
use panelscope::model::watch::Watch;
use panelscope::model::{Chunk, Feed, FileSource, LoadOptions, Model, Network, NoTap, Patches, Sequence, Tap};
use serde_json::{Value, json};

/// Bytes read and written a second by copies within the device's memory: the best of ten into memory that is there, and of
/// ten by the driver's own copy, which candle only makes into new memory (which the allocator has, after the first).
pub fn copy_bandwidth(device: &Device, bytes: usize) -> f64 {
    let from = Tensor::ones(bytes / 4, DType::F32, device).unwrap();
    let to = Tensor::zeros(bytes / 4, DType::F32, device).unwrap();
    let best = |copy: &dyn Fn() -> Option<Tensor>| {
        let once = || {
            device.synchronize().unwrap();
            let started = Instant::now();
            let made = copy();
            device.synchronize().unwrap();
            let seconds = started.elapsed().as_secs_f64();
            drop(made);
            seconds
        };
        (0..10).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    let into_old = best(&|| {
        to.slice_set(&from, 0, 0).unwrap();
        None
    });
    let into_new = best(&|| Some(from.copy().unwrap()));
    2.0 * bytes as f64 / into_old.min(into_new)
}

fn step(network: &Network, sequence: &mut Sequence, chunks: Vec<Chunk<'_>>, tap: &mut dyn Tap) -> Vec<f32> {
    network.forward_traced(&mut [Feed { sequence, chunks }], tap).unwrap().remove(0)
}

/// Seconds a token at a depth: the median step, each with its logits brought to the host.
pub fn decode(network: &Network, depth: usize, steps: usize) -> f64 {
    let mut sequence = network.new_sequence().unwrap();
    let prompt: Vec<u32> = (0..depth as u32).map(|i| 9 + i % 1000).collect();
    step(network, &mut sequence, vec![Chunk::Tokens(&prompt)], &mut NoTap);
    median(steps, |i| {
        step(network, &mut sequence, vec![Chunk::Tokens(&[9 + i as u32 % 1000])], &mut NoTap);
    })
}

/// Seconds of the vision tower, and from patches to the first token, for a page of `side` by `side` patches.
pub fn page(network: &Network, side: usize, rounds: usize) -> (f64, f64) {
    let vision = &network.config().vision;
    let pixels = (side * vision.patch) as u32;
    let count = side * side * vision.patch_len();
    let size = Size::new(pixels, pixels);
    let data = (0..count).map(|i| (i % 255) as f32 / 128.0 - 1.0).collect();
    let patches = Patches { original: size, processed: size, grid: [1, side, side], merge: vision.merge, data };
    let tower = median(rounds, |_| drop(network.encode_image(&patches).unwrap()));
    let words: Vec<u32> = (9..41).collect();
    let whole = median(rounds, |_| {
        let image = network.encode_image(&patches).unwrap();
        let mut sequence = network.new_sequence().unwrap();
        let chunks = vec![Chunk::Tokens(&words), Chunk::Image(&image), Chunk::Tokens(&words)];
        step(network, &mut sequence, chunks, &mut NoTap);
    });
    (tower, whole)
}

/// The shipped model on the device, alone and with what the attention overlay and the lens need of each token.
pub fn demo(device: &Device, tiny: bool) -> Value {
    let source: FileSource = panelscope::demo::model_source();
    let model = Model::load_with(&source, &LoadOptions::on(device)).unwrap();
    let network = model.network();
    let rate = |tap: &mut dyn Tap| {
        let mut sequence = network.new_sequence().unwrap();
        step(network, &mut sequence, vec![Chunk::Tokens(&[1; 64])], tap);
        1.0 / median(if tiny { 20 } else { 300 }, |_| {
            step(network, &mut sequence, vec![Chunk::Tokens(&[1])], tap);
        })
    };
    let (alone, watched) = (rate(&mut NoTap), rate(&mut Watch::new(true, true)));
    println!("shipped model: {alone:.0} tokens/s, {watched:.0} while attention and lens are kept");
    json!({ "tokens_per_second": alone, "watched_tokens_per_second": watched })
}

/// The median of so many runs in seconds, after some that do not count.
fn median(runs: usize, mut work: impl FnMut(usize)) -> f64 {
    let warm = runs.div_ceil(4);
    let mut seconds: Vec<f64> = (0..warm + runs)
        .map(|i| {
            let started = Instant::now();
            work(i);
            started.elapsed().as_secs_f64()
        })
        .skip(warm)
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
