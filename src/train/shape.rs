//! The architecture to train: sizes of a Qwen2.5-VL, and the `config.json` that says them to others.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::{Result, TrainError};
use crate::model::{Config, FileSource};

/// Values a patch row has: 3 channels × 2 frames × 14 × 14.
pub const PATCH_VALUES: usize = 3 * 2 * 14 * 14;
/// Side of a window in merged cells (112 px / 28 px).
pub const WINDOW_CELLS: usize = 4;
/// Most of anything one may ask for, so that a typing error does not eat the machine.
const LIMIT: usize = 1 << 20;

/// Sizes of the text tower.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TextShape {
    /// Rows of the embedding; 0 takes the tokenizer's.
    #[serde(default)]
    pub vocab: usize,
    /// Width of a token.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of the feed-forward part.
    pub intermediate: usize,
    /// Base of the rotary angles.
    pub rope_theta: f64,
    /// Rotary pairs for time, rows, columns; they add up to half the head size.
    pub mrope_section: [usize; 3],
    /// Added to the mean square in norms.
    #[serde(default = "eps")]
    pub rms_norm_eps: f64,
    /// Whether the output head is the embedding.
    #[serde(default = "yes")]
    pub tied: bool,
    /// Longest context `config.json` promises.
    #[serde(default = "positions")]
    pub max_positions: usize,
}

/// Sizes of the vision tower.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VisionShape {
    /// Width of a patch.
    pub hidden: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward part.
    pub intermediate: usize,
    /// Blocks that attend over the whole image instead of windows.
    pub full_attention: Vec<usize>,
}

/// Special tokens the model's configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TokenIds {
    /// `<|image_pad|>`.
    pub image_pad: u32,
    /// `<|video_pad|>`.
    pub video_pad: u32,
    /// `<|vision_start|>`.
    pub vision_start: u32,
    /// `<|vision_end|>`.
    pub vision_end: u32,
    /// `<|im_end|>`, which ends a turn.
    pub im_end: u32,
    /// `<|endoftext|>`.
    pub end_of_text: u32,
}

/// The whole architecture.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ModelShape {
    /// Text tower.
    pub text: TextShape,
    /// Vision tower.
    pub vision: VisionShape,
    /// Special tokens.
    pub tokens: TokenIds,
}

fn eps() -> f64 {
    1e-6
}

fn yes() -> bool {
    true
}

fn positions() -> usize {
    4096
}

impl TextShape {
    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden / self.heads.max(1)
    }
}

impl VisionShape {
    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden / self.heads.max(1)
    }
}

impl ModelShape {
    /// Checks that the sizes fit together.
    ///
    /// # Errors
    /// Names the first pair of numbers that does not.
    pub fn check(&self) -> Result<()> {
        let fail = |message: String| Err(TrainError::Shape(message));
        let (t, v) = (&self.text, &self.vision);
        for (name, value) in [
            ("vocab", t.vocab),
            ("text hidden", t.hidden),
            ("text layers", t.layers),
            ("text heads", t.heads),
            ("text kv_heads", t.kv_heads),
            ("text intermediate", t.intermediate),
            ("max_positions", t.max_positions),
            ("vision hidden", v.hidden),
            ("vision depth", v.depth),
            ("vision heads", v.heads),
            ("vision intermediate", v.intermediate),
        ] {
            if value == 0 || value > LIMIT {
                return fail(format!("{name} is {value}; it must lie between 1 and {LIMIT}"));
            }
        }
        if t.hidden % t.heads != 0 || t.head_dim() % 2 != 0 {
            return fail(format!("text hidden {} must be an even multiple of its {} heads", t.hidden, t.heads));
        }
        if t.heads % t.kv_heads != 0 {
            return fail(format!("{} text heads cannot share {} kv_heads evenly", t.heads, t.kv_heads));
        }
        let sum = t.mrope_section.iter().fold(0usize, |a, &b| a.saturating_add(b));
        if sum != t.head_dim() / 2 {
            return fail(format!("mrope_section adds up to {sum}; half the head size is {}", t.head_dim() / 2));
        }
        if v.hidden % v.heads != 0 || v.head_dim() % 4 != 0 {
            return fail(format!("vision hidden {} must give each of {} heads a multiple of 4", v.hidden, v.heads));
        }
        if let Some(&layer) = v.full_attention.iter().find(|&&layer| layer >= v.depth) {
            return fail(format!("full_attention names block {layer}, but there are {}", v.depth));
        }
        if !(t.rope_theta.is_finite() && t.rope_theta > 1.0 && t.rms_norm_eps > 0.0 && t.rms_norm_eps < 1.0) {
            return fail("rope_theta must be above 1 and rms_norm_eps between 0 and 1".into());
        }
        Ok(())
    }

    /// The architecture that a folder's `config.json` describes; `tokens` are those of its tokenizer.
    ///
    /// # Errors
    /// A file that cannot be read, or sizes that cannot be trained here.
    pub fn open(folder: &Path, tokens: TokenIds) -> Result<Self> {
        let path = folder.join("config.json");
        let fail = |message: String| TrainError::Settings { path: path.clone(), message };
        let text = FileSource::Folder(folder.into()).read("config.json").map_err(|error| fail(error.to_string()))?;
        let config = Config::from_json(&text).map_err(|error| fail(error.to_string()))?;
        let shape = Self::of(&config, tokens).map_err(fail)?;
        shape.check().map(|()| shape)
    }

    fn of(config: &Config, tokens: TokenIds) -> std::result::Result<Self, String> {
        let (t, v) = (&config.text, &config.vision);
        let &[a, b, c] = t.rope_sections.as_slice() else {
            return Err(format!("mrope_section has {} numbers; three are trained here", t.rope_sections.len()));
        };
        if t.head_dim * t.heads != t.hidden || v.out_hidden != t.hidden || (v.patch, v.window) != (14, 112) {
            return Err("only heads that divide the width, patches of 14 and windows of 112 are trained here".into());
        }
        Ok(Self {
            text: TextShape {
                vocab: t.vocabulary,
                hidden: t.hidden,
                layers: t.layers,
                heads: t.heads,
                kv_heads: t.kv_heads,
                intermediate: t.feed_forward,
                rope_theta: t.rope_theta,
                mrope_section: [a, b, c],
                rms_norm_eps: t.norm_eps,
                tied: config.tied.unwrap_or(false),
                max_positions: t.max_positions,
            },
            vision: VisionShape {
                hidden: v.hidden,
                depth: v.depth,
                heads: v.heads,
                intermediate: v.feed_forward,
                full_attention: v.full_attention.clone(),
            },
            tokens,
        })
    }

    /// The `config.json` of this architecture in transformers' nested layout.
    pub fn config_json(&self, dtype: &str) -> Value {
        let (t, v, k) = (&self.text, &self.vision, &self.tokens);
        let rope = json!({"rope_type": "default", "type": "default", "mrope_section": t.mrope_section,
            "rope_theta": t.rope_theta});
        json!({
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": "qwen2_5_vl",
            "dtype": dtype,
            "torch_dtype": dtype,
            "tie_word_embeddings": t.tied,
            "bos_token_id": k.end_of_text,
            "eos_token_id": k.im_end,
            "pad_token_id": k.end_of_text,
            "image_token_id": k.image_pad,
            "video_token_id": k.video_pad,
            "vision_start_token_id": k.vision_start,
            "vision_end_token_id": k.vision_end,
            "text_config": {
                "model_type": "qwen2_5_vl_text",
                "vocab_size": t.vocab,
                "hidden_size": t.hidden,
                "intermediate_size": t.intermediate,
                "num_hidden_layers": t.layers,
                "num_attention_heads": t.heads,
                "num_key_value_heads": t.kv_heads,
                "hidden_act": "silu",
                "max_position_embeddings": t.max_positions,
                "rms_norm_eps": t.rms_norm_eps,
                "rope_theta": t.rope_theta,
                "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": t.mrope_section},
                "rope_parameters": rope,
                "tie_word_embeddings": t.tied,
                "use_sliding_window": false,
                "attention_dropout": 0.0,
                "bos_token_id": k.end_of_text,
                "eos_token_id": k.im_end,
                "pad_token_id": k.end_of_text,
                "dtype": dtype,
            },
            "vision_config": {
                "model_type": "qwen2_5_vl",
                "depth": v.depth,
                "hidden_size": v.hidden,
                "intermediate_size": v.intermediate,
                "num_heads": v.heads,
                "hidden_act": "silu",
                "in_channels": 3,
                "in_chans": 3,
                "patch_size": 14,
                "spatial_merge_size": 2,
                "spatial_patch_size": 14,
                "temporal_patch_size": 2,
                "tokens_per_second": 2,
                "window_size": 112,
                "fullatt_block_indexes": v.full_attention,
                "out_hidden_size": t.hidden,
                "dtype": dtype,
            },
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    /// A shape small enough for finite differences.
    pub(crate) fn tiny() -> ModelShape {
        ModelShape {
            text: TextShape {
                vocab: 40,
                hidden: 16,
                layers: 2,
                heads: 2,
                kv_heads: 1,
                intermediate: 24,
                rope_theta: 1000.0,
                mrope_section: [1, 1, 2],
                rms_norm_eps: 1e-6,
                tied: true,
                max_positions: 512,
            },
            vision: VisionShape { hidden: 16, depth: 2, heads: 2, intermediate: 20, full_attention: vec![1] },
            tokens: TokenIds { image_pad: 3, video_pad: 4, vision_start: 1, vision_end: 2, im_end: 5, end_of_text: 0 },
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        assert!(tiny().check().is_ok());
        let mut bad = tiny();
        bad.text.mrope_section = [1, 1, 1];
        assert!(bad.check().unwrap_err().to_string().contains("mrope_section adds up to 3"));
        let mut bad = tiny();
        bad.text.heads = 3;
        assert!(bad.check().is_err());
        let mut bad = tiny();
        bad.vision.full_attention = vec![2];
        assert!(bad.check().unwrap_err().to_string().contains("block 2"));
    }
}
