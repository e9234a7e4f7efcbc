//! Times of a language model of the true 3B shape with made-up weights; run by hand:
//! `FORMAT=Q4_K_M cargo test --release --lib text::speed -- --ignored --nocapture`. Wall time; `THREADS=1 CPU_TIME=1` counts
//! the time on a core.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "run by hand")]

use std::sync::{Arc, Mutex};

use super::*;
use crate::model::clock::now;
use crate::model::kernels::{Format, Matrix, Stack, Team, Wide};
use crate::model::layers::GatedMlp;
use crate::model::tap::NoTap;

fn env(name: &str, or: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

struct Maker {
    wide: Wide,
    team: Arc<Team>,
    bytes: usize,
}

impl Maker {
    fn matrix(&mut self, format: Format, outputs: usize, inputs: usize, bias: bool) -> Arc<Matrix> {
        let row: Vec<f32> = (0..inputs).map(|i| ((i * 7919 + outputs) % 1013) as f32 / 20_000.0 - 0.025).collect();
        let mut raw = vec![0; format.bytes(inputs).unwrap()];
        format.quantise(&row, &mut raw);
        let raw = raw.repeat(outputs);
        self.bytes += raw.len();
        let bias = if bias { vec![0.01; outputs] } else { Vec::new() };
        Arc::new(Matrix::from_raw(self.wide, format, &raw, &bias, outputs, inputs).unwrap())
    }

    fn linear(&mut self, parts: &[(Format, usize)], inputs: usize, bias: bool) -> Linear {
        let parts = parts.iter().map(|(format, outputs)| self.matrix(*format, *outputs, inputs, bias)).collect();
        Linear::Stack(Box::new(Stack::new(self.team.clone(), parts).unwrap()))
    }
}

fn tower(layers: usize, format: &str, threads: usize) -> (TextTower, usize) {
    let config = TextConfig {
        vocabulary: 151_936,
        max_positions: 32_768,
        hidden: 2048,
        layers,
        heads: 16,
        kv_heads: 2,
        head_dim: 128,
        feed_forward: 11008,
        norm_eps: 1e-6,
        rope_theta: 1e6,
        rope_sections: vec![16, 24, 24],
    };
    let wide = Wide::detect().unwrap();
    let mut maker = Maker { wide, team: Arc::new(Team::new(threads)), bytes: 0 };
    let medium = format == "Q4_K_M";
    let base = if medium { Format::Q4K } else { Format::from_name(format).unwrap() };
    let norm = || RmsNorm::of(wide, vec![1.0; 2048], 1e-6);
    let blocks = (0..layers)
        .map(|i| {
            let more = medium && (i < layers / 8 || i >= 7 * layers / 8 || (i - layers / 8) % 3 == 2);
            let high = if more { Format::Q6K } else { base };
            Block {
                norm1: norm(),
                norm2: norm(),
                qkv: maker.linear(&[(base, 2048), (base, 256), (high, 256)], 2048, true),
                out: maker.linear(&[(base, 2048)], 2048, false),
                mlp: GatedMlp {
                    gate_up: maker.linear(&[(base, 11008), (base, 11008)], 2048, false),
                    down: maker.linear(&[(high, 2048)], 11008, false),
                },
                heads: 16,
                kv_heads: 2,
                head_dim: 128,
            }
        })
        .collect();
    let table = maker.matrix(if medium { Format::Q6K } else { base }, config.vocabulary, 2048, false);
    let head = Linear::Stack(Box::new(Stack::new(maker.team.clone(), vec![table.clone()]).unwrap()));
    let rotary = rotary::Tables::new(&config);
    let norm = norm();
    let tower =
        TextTower { config, table: Table::Matrix(table), blocks, norm, head, rotary, buffers: Mutex::default() };
    (tower, maker.bytes)
}

#[test]
#[ignore = "run by hand"]
fn speed() {
    let format = std::env::var("FORMAT").unwrap_or_else(|_| "Q4_K_M".into());
    let (tower, bytes) = tower(env("LAYERS", 36), &format, env("THREADS", 2));
    let depth = env("DEPTH", 512);
    for round in 0..env("ROUNDS", 3) {
        let mut cache = KvCache::new(&tower.config, true, DType::F32, &Device::Cpu).unwrap();
        let step = |ids: &[u32], cache: &mut KvCache| {
            cache.reserve(ids.len()).unwrap();
            let start = now();
            let x = tower.embed(&[Chunk::Tokens(ids)]).unwrap().remove(0);
            let positions: Vec<Position> = (0..ids.len()).map(|i| [(cache.length() + i) as u32; 3]).collect();
            let span = Span { start: 0, rows: ids.len() };
            tower.forward(x, &[span], &mut [&mut *cache], &positions, &mut NoTap).unwrap();
            let seconds = now() - start;
            cache.advance(ids.len());
            seconds
        };
        let ids: Vec<u32> = (0..depth as u32).map(|i| i * 31 % 151_936).collect();
        let prefill = step(&ids, &mut cache);
        let mut each: Vec<f64> = (0..env("TOKENS", 24)).map(|i| step(&[i as u32], &mut cache)).collect();
        let total: f64 = each.iter().sum();
        each.sort_by(f64::total_cmp);
        println!(
            "{format} round {round}: prefill of {depth} {:.1} tokens/s; decode {:.2} tokens/s (best {:.2}, median {:.2}); {:.2} GB, {:.1} GB/s",
            depth as f64 / prefill,
            each.len() as f64 / total,
            1.0 / each[0],
            1.0 / each[each.len() / 2],
            bytes as f64 * 1e-9,
            bytes as f64 * 1e-9 * each.len() as f64 / total,
        );
    }
}
