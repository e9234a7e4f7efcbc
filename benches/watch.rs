//! What looking costs: a token's step alone, with attention over all blocks and heads averaged, and with the logit lens.
//!
//! `cargo bench --bench watch [-- CONTEXT]`: the shipped model and a larger random one, each at so many tokens of context
//! (default 600, most of them an image's). Interleaved; the median of the ratios within a round.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use panelscope::geometry::Size;
use panelscope::model::watch::{AttentionPick, Heads, Watch};
use panelscope::model::{Chunk, Config, Feed, FileSource, Network, NoTap, Patches, Sequence};

const ROUNDS: usize = 60;
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo-rarl");

/// A random checkpoint: 12 blocks, 768 wide, 12 heads over 2 of keys, 16,384 entries.
fn larger() -> FileSource {
    let (hidden, wide, layers, vocabulary, head) = (768, 2048, 12, 16_384, 64);
    let vision = (64, 96, 2);
    let config = format!(
        r#"{{"model_type":"qwen2_5_vl","hidden_size":{hidden},"intermediate_size":{wide},"num_hidden_layers":{layers},
        "num_attention_heads":12,"num_key_value_heads":2,"vocab_size":{vocabulary},"max_position_embeddings":8192,
        "rms_norm_eps":1e-6,"rope_theta":10000.0,"rope_scaling":{{"type":"mrope","mrope_section":[8,12,12]}},
        "tie_word_embeddings":true,"image_token_id":5,"video_token_id":6,"vision_start_token_id":7,
        "vision_end_token_id":8,"vision_config":{{"depth":{},"hidden_size":{},"intermediate_size":{},"num_heads":2,
        "in_channels":3,"patch_size":14,"spatial_merge_size":2,"temporal_patch_size":2,"window_size":112,
        "fullatt_block_indexes":[1],"out_hidden_size":{hidden}}}}}"#,
        vision.2, vision.0, vision.1
    );
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("model.language_model.embed_tokens.weight".into(), vec![vocabulary, hidden]),
        ("model.language_model.norm.weight".into(), vec![hidden]),
        ("model.visual.patch_embed.proj.weight".into(), vec![vision.0, 3, 2, 14, 14]),
        ("model.visual.merger.ln_q.weight".into(), vec![vision.0]),
        ("model.visual.merger.mlp.0.weight".into(), vec![4 * vision.0, 4 * vision.0]),
        ("model.visual.merger.mlp.0.bias".into(), vec![4 * vision.0]),
        ("model.visual.merger.mlp.2.weight".into(), vec![hidden, 4 * vision.0]),
        ("model.visual.merger.mlp.2.bias".into(), vec![hidden]),
    ];
    for i in 0..layers {
        let mut put = |end: &str, shape: &[usize]| {
            shapes.push((format!("model.language_model.layers.{i}.{end}"), shape.to_vec()));
        };
        put("input_layernorm.weight", &[hidden]);
        put("post_attention_layernorm.weight", &[hidden]);
        for (name, out) in [("q", 12 * head), ("k", 2 * head), ("v", 2 * head)] {
            put(&format!("self_attn.{name}_proj.weight"), &[out, hidden]);
            put(&format!("self_attn.{name}_proj.bias"), &[out]);
        }
        put("self_attn.o_proj.weight", &[hidden, 12 * head]);
        put("mlp.gate_proj.weight", &[wide, hidden]);
        put("mlp.up_proj.weight", &[wide, hidden]);
        put("mlp.down_proj.weight", &[hidden, wide]);
    }
    for i in 0..vision.2 {
        let mut put =
            |end: &str, shape: &[usize]| shapes.push((format!("model.visual.blocks.{i}.{end}"), shape.to_vec()));
        put("norm1.weight", &[vision.0]);
        put("norm2.weight", &[vision.0]);
        for (name, out, inside) in [
            ("attn.qkv", 3 * vision.0, vision.0),
            ("attn.proj", vision.0, vision.0),
            ("mlp.gate_proj", vision.1, vision.0),
            ("mlp.up_proj", vision.1, vision.0),
            ("mlp.down_proj", vision.0, vision.1),
        ] {
            put(&format!("{name}.weight"), &[out, inside]);
            put(&format!("{name}.bias"), &[out]);
        }
    }
    let tensors: HashMap<String, Tensor> = shapes
        .into_iter()
        .map(|(name, shape)| {
            (name, Tensor::randn(0_f32, 0.02, shape, &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap())
        })
        .collect();
    let bytes = safetensors::serialize(tensors, None).unwrap();
    let files = vec![("config.json".to_owned(), config.into_bytes()), ("model.safetensors".to_owned(), bytes)];
    FileSource::Memory(Arc::new(files))
}

/// A context of about so many tokens, most of them an image's.
fn context(network: &Network, tokens: usize) -> Sequence {
    let Config { vision, .. } = network.config();
    let side = ((tokens * 4 / 5) as f64).sqrt() as usize * vision.merge;
    let size = Size::new((side * vision.patch) as u32, (side * vision.patch) as u32);
    let data = (0..side * side * vision.patch_len()).map(|i| (i * 7919 % 1013) as f32 / 500.0 - 1.0).collect();
    let patches = Patches { original: size, processed: size, grid: [1, side, side], merge: vision.merge, data };
    let image = network.encode_image(&patches).unwrap();
    let mut sequence = network.new_sequence().unwrap();
    let text: Vec<u32> = (0..tokens.saturating_sub(image.tokens()) as u32).map(|i| 10 + i % 200).collect();
    let chunks = vec![Chunk::Tokens(&text[..1]), Chunk::Image(&image), Chunk::Tokens(&text[1..])];
    network.forward(&mut [Feed { sequence: &mut sequence, chunks }]).unwrap();
    sequence
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn measure(name: &str, network: &Network, tokens: usize) {
    let mut sequence = context(network, tokens);
    let length = sequence.len();
    let (mut alone, mut attention, mut lens) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + 5 {
        let id = [10 + (round % 100) as u32];
        let mut step = |how: usize| {
            sequence.truncate(length).unwrap();
            let clock = Instant::now();
            let feed = Feed { sequence: &mut sequence, chunks: vec![Chunk::Tokens(&id)] };
            if how == 0 {
                network.forward_traced(&mut [feed], &mut NoTap).unwrap();
            } else {
                let mut watch = Watch::of((how == 1).then_some(Heads::Mean), how == 2);
                network.forward_traced(&mut [feed], &mut watch).unwrap();
                let kept = watch.take().remove(0);
                if how == 1 {
                    network.attention(&sequence, &kept, length + 1, AttentionPick::default(), &[]).unwrap();
                } else {
                    network.lens(&kept, 17, 3).unwrap();
                }
            }
            clock.elapsed().as_secs_f64() * 1e3
        };
        let (a, b, c) = (step(0), step(1), step(2));
        if round >= 5 {
            alone.push(a);
            attention.push(b / a);
            lens.push(c / a);
        }
    }
    let (alone, attention, lens) = (median(alone), median(attention), median(lens));
    println!(
        "{name}, context {length}: step {alone:.3} ms; attention +{:.1} %, lens +{:.1} %",
        (attention - 1.0) * 100.0,
        (lens - 1.0) * 100.0
    );
}

fn main() {
    let tokens = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(600);
    let shipped = FileSource::Folder(SHIPPED.into());
    measure("shipped", &Network::load(&shipped, &Device::Cpu).unwrap(), tokens);
    measure("shipped, plain", &Network::load_plain(&shipped, &Device::Cpu).unwrap(), tokens);
    let random = larger();
    measure("larger random", &Network::load(&random, &Device::Cpu).unwrap(), tokens);
}
