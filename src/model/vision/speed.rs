//! Time of a vision tower of the true shape with made-up weights on a page of a megapixel; run by hand:
//! `FORMAT=F32 cargo test --release --lib vision::speed -- --ignored --nocapture`. Wall time; `THREADS=1 CPU_TIME=1` counts the
//! time on a core.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "run by hand")]

use std::sync::Arc;

use super::*;
use crate::model::clock::now;
use crate::model::kernels::{Format, Matrix, Stack, Team, Wide};
use crate::model::layers::GatedMlp;
use crate::model::tap::NoTap;

fn env(name: &str, or: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

#[test]
#[ignore = "run by hand"]
fn speed() {
    let format = Format::from_name(&std::env::var("FORMAT").unwrap_or_else(|_| "F32".into())).unwrap();
    let wide = Wide::detect().unwrap();
    let team = Arc::new(Team::new(env("THREADS", 2)));
    let linear = |outputs: usize, inputs: usize| {
        let weights: Vec<f32> =
            (0..outputs * inputs).map(|i| ((i * 7919 + outputs) % 1013) as f32 / 20_000.0 - 0.025).collect();
        let matrix = Matrix::from_f32(wide, format, &weights, &vec![0.01; outputs], inputs).unwrap();
        Linear::Stack(Box::new(Stack::new(team.clone(), vec![Arc::new(matrix)]).unwrap()))
    };
    let norm = || RmsNorm::of(wide, vec![1.0; 1280], 1e-6);
    let depth = env("DEPTH", 32);
    let blocks = (0..depth)
        .map(|_| Block {
            norm1: norm(),
            norm2: norm(),
            qkv: linear(3840, 1280),
            proj: linear(1280, 1280),
            mlp: GatedMlp { gate_up: linear(6840, 1280), down: linear(1280, 3420) },
            heads: 16,
            head_dim: 80,
        })
        .collect();
    let config = VisionConfig {
        depth,
        hidden: 1280,
        feed_forward: 3420,
        heads: 16,
        channels: 3,
        patch: 14,
        temporal_patch: 2,
        merge: 2,
        window: 112,
        full_attention: vec![7, 15, 23, 31],
        out_hidden: 2048,
        rope_theta: 1e4,
    };
    let merger = Merger { norm: norm(), first: linear(5120, 5120), second: linear(2048, 5120), unit: 4 };
    let tower = VisionTower {
        dtype: candle_core::DType::F32,
        patch_embed: linear(1280, config.patch_len()),
        config,
        blocks,
        merger,
    };
    let (rows, columns) = (env("GRID_ROWS", 84), env("GRID_COLUMNS", 60));
    let patches: Vec<f32> = (0..rows * columns * 1176).map(|i| ((i * 31) % 511) as f32 / 255.0 - 1.0).collect();
    let patches = Tensor::from_vec(patches, (rows * columns, 1176), &Device::Cpu).unwrap();
    for _ in 0..env("ROUNDS", 2) {
        let start = now();
        tower.forward(&patches, [1, rows, columns], &mut NoTap).unwrap();
        println!("{format}: {} patches, depth {depth}: {:.2} s", rows * columns, now() - start);
    }
}
