//! The shapes of the published checkpoints.

use panelscope::model::Config;
use serde_json::json;

/// `config.json` of Qwen2.5-VL 7B or 3B, or a shape of minutes.
pub fn config(name: &str) -> Config {
    let (hidden, wide, layers, heads, kv_heads, vocabulary, tied) = match name {
        "7b" => (3584, 18944, 28, 28, 4, 152_064, false),
        "3b" => (2048, 11008, 36, 16, 2, 151_936, true),
        "tiny" => (256, 512, 2, 2, 1, 2_048, false),
        other => panic!("--shape {other}: use 7b, 3b or tiny"),
    };
    let tiny = name == "tiny";
    let vision = json!({
        "depth": if tiny { 2 } else { 32 }, "hidden_size": if tiny { 160 } else { 1280 },
        "intermediate_size": if tiny { 256 } else { 3420 }, "num_heads": if tiny { 2 } else { 16 },
        "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
        "fullatt_block_indexes": if tiny { vec![1] } else { vec![7, 15, 23, 31] }, "out_hidden_size": hidden,
        "hidden_act": "silu",
    });
    let config = json!({
        "model_type": "qwen2_5_vl", "hidden_size": hidden, "intermediate_size": wide, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocabulary,
        "max_position_embeddings": 128_000, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "hidden_act": "silu",
        "rope_scaling": { "type": "mrope", "mrope_section": [16, 24, 24] }, "tie_word_embeddings": tied,
        "use_sliding_window": false, "eos_token_id": 0, "bos_token_id": 0,
        "image_token_id": 5, "video_token_id": 6, "vision_start_token_id": 7, "vision_end_token_id": 8,
        "vision_config": vision,
    });
    Config::from_json(config.to_string().as_bytes()).expect("a shape this program reads")
}

/// Bytes a step reads: the language model's matrices (of the table of tokens only as a head) and the keys and values.
pub fn bytes_per_token(config: &Config, depth: usize, dtype: &str, quantised: bool) -> f64 {
    let text = &config.text;
    let (queries, keys) = (text.heads * text.head_dim, text.kv_heads * text.head_dim);
    let block = text.hidden * (2 * queries + 2 * keys) + 3 * text.hidden * text.feed_forward;
    let numbers = (text.layers * block + text.vocabulary * text.hidden) as f64;
    let size = if dtype == "f32" { 4.0 } else { 2.0 };
    let weight = match dtype {
        "q8_0" => 34.0 / 32.0,
        "q6_k" => 210.0 / 256.0,
        "q5_k" => 176.0 / 256.0,
        _ if quantised => 144.0 / 256.0,
        _ => size,
    };
    numbers * weight + (2 * text.layers * keys * depth) as f64 * size
}
