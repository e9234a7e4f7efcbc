//! Samples a second of one training step at the shape of the shipped recipe: 8 pages × 8 segments of about 100 tokens.
//!
//! `cargo bench --bench train_step [-- plain|fused]`; each line is one setting of pages a part and threads.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Instant;

use candle_core::Device;
use panelscope::geometry::Size;
use panelscope::model::Patches;
use panelscope::train::batch::{CellLabels, HeadSpec, Segment, TrainPage};
use panelscope::train::graph::Graph;
use panelscope::train::init::initialise;
use panelscope::train::loss::LossSpec;
use panelscope::train::ops::Kernels;
use panelscope::train::optim::{Optimiser, OptimiserSpec};
use panelscope::train::params::Params;
use panelscope::train::shape::{ModelShape, TextShape, TokenIds, VisionShape};
use panelscope::train::step::{Division, divide, gradients};

const PAGES: usize = 8;
const SEGMENTS: usize = 8;

fn shape() -> ModelShape {
    ModelShape {
        text: TextShape {
            vocab: 640,
            hidden: 128,
            layers: 5,
            heads: 4,
            kv_heads: 2,
            intermediate: 384,
            rope_theta: 100.0,
            mrope_section: [2, 6, 8],
            rms_norm_eps: 1e-6,
            tied: true,
            max_positions: 4096,
        },
        vision: VisionShape { hidden: 128, depth: 4, heads: 4, intermediate: 384, full_attention: vec![1, 3] },
        tokens: TokenIds { image_pad: 3, video_pad: 4, vision_start: 1, vision_end: 2, im_end: 5, end_of_text: 0 },
    }
}

fn image(h: usize, w: usize, seed: usize) -> Patches {
    let size = Size::new(14 * w as u32, 14 * h as u32);
    let data = (0..h * w * 1176).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0).collect();
    Patches { original: size, processed: size, grid: [1, h, w], merge: 2, data }
}

fn picture(cells: usize) -> Vec<u32> {
    [vec![1], vec![3; cells], vec![2]].concat()
}

fn page(index: usize) -> TrainPage {
    let words = |count: usize, salt: usize| (0..count).map(move |i| (6 + (i * 31 + salt * 17) % 600) as u32);
    let segment = |s: usize| {
        let mut ids: Vec<u32> = words(60 + 3 * s, index + s).collect();
        // Every other segment reads a crop.
        if s.is_multiple_of(2) {
            ids.extend(picture(64));
            ids.extend(words(20, s));
        }
        let weights = (0..ids.len()).map(|i| if i > 20 && ids.get(i).is_some_and(|&id| id > 5) { 1.0 } else { 0.0 });
        Segment { weights: weights.collect(), crops: if s.is_multiple_of(2) { vec![(s / 2) % 3] } else { vec![] }, ids }
    };
    TrainPage {
        page: image(24, 16, index),
        crops: (0..3).map(|crop| image(16, 16, 50 * index + crop)).collect(),
        prefix: words(60, 3).chain(picture(96)).collect(),
        segments: (0..SEGMENTS).map(segment).collect(),
        page_cells: vec![CellLabels { heads: vec![1, 2] }; 96],
        crop_cells: vec![vec![CellLabels { heads: vec![0, 3] }; 64]; 3],
        embedded: Vec::new(),
    }
}

/// Processor seconds of this process so far, which a busy machine disturbs less than the clock; 0 where unknown.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().filter_map(|f| f.parse().ok()).collect();
    // After the name come the state (no number), then utime and stime as the 11th and 12th numbers, in 1/100 s.
    fields.get(10).zip(fields.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let head = |name: &str, classes| HeadSpec {
        name: name.into(),
        classes,
        words: Vec::new(),
        labels: None,
        tokens: Vec::new(),
        weight: 1.0,
        background: None,
        background_weight: 1.0,
    };
    let spec = LossSpec { heads: vec![head("who", 9), head("pose", 9)], aux_weight: 0.3 };
    let shape = shape();
    let params = Params::zeros(&shape, &spec.heads, &Device::Cpu).expect("parameters");
    initialise(&params, 1).expect("weights");
    let mut optimiser = Optimiser::new(OptimiserSpec::default(), &params).expect("optimiser");
    let pages: Vec<TrainPage> = (0..PAGES).map(page).collect();
    println!("{} values, {} segments a step", params.count(), PAGES * SEGMENTS);
    for (name, kernels) in [("plain", Kernels::Plain), ("fused", Kernels::Fused)] {
        if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
            continue;
        }
        let divisions: &[(usize, usize)] =
            if kernels == Kernels::Plain { &[(1, 1)] } else { &[(1, 1), (2, 1), (4, 1), (1, 2)] };
        for &(part, workers) in divisions {
            let graph = Graph { shape: &shape, params: &params, kernels, frozen_vision: false };
            let began = Instant::now();
            let parts = divide(&pages, &shape, &spec, Division { pages: part, workers }).expect("parts");
            let packed = began.elapsed();
            let (mut best, mut least) = (f64::INFINITY, f64::INFINITY);
            let mut loss = 0.0;
            let mut update = 0.0;
            for _ in 0..2 {
                let (began, before) = (Instant::now(), processor_seconds());
                let (losses, found) = gradients(&graph, &parts, &spec, workers, &Device::Cpu).expect("gradients");
                let middle = Instant::now();
                optimiser.step(&params, &found, 0.001).expect("step");
                update = middle.elapsed().as_secs_f64();
                best = best.min(began.elapsed().as_secs_f64());
                least = least.min(processor_seconds() - before);
                loss = losses.total;
            }
            println!(
                "{name}: {part:>2} pages a part, {workers} threads: {best:.2} s ({least:.2} s of processor), {:.1} samples/s (packing {:.2} s, \
                 optimiser {update:.3} s, loss {loss:.3})",
                (PAGES * SEGMENTS) as f64 / best,
                packed.as_secs_f64(),
            );
        }
    }
}
