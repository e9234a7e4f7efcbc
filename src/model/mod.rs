//! Qwen2.5-VL on candle: config, weights, tokenizer, image processor, towers, positions, KV cache, sampler.

pub mod generation;
pub mod processor;
pub mod sampler;
pub mod tokenizer;
