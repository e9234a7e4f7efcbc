//! Tensor names: the newer layout is canonical, the older one is mapped onto it.

use super::config::{Config, TextConfig, VisionConfig};

pub(crate) const EMBED: &str = "model.language_model.embed_tokens.weight";
pub(crate) const FINAL_NORM: &str = "model.language_model.norm.weight";
pub(crate) const HEAD: &str = "lm_head.weight";
pub(crate) const PATCH_EMBED: &str = "model.visual.patch_embed.proj.weight";
pub(crate) const MERGER: &str = "model.visual.merger";

/// A tensor the configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// The canonical name of a tensor of a file: `visual.*` and `model.*` of older checkpoints get their newer prefixes.
pub(crate) fn canonical(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("visual.") {
        return format!("model.visual.{rest}");
    }
    if let Some(rest) = name.strip_prefix("language_model.model.") {
        return format!("model.language_model.{rest}");
    }
    if let Some(rest) = name.strip_prefix("language_model.") {
        return if rest == HEAD { HEAD.to_owned() } else { format!("model.language_model.{rest}") };
    }
    match name.strip_prefix("model.") {
        Some(rest) if !rest.starts_with("language_model.") && !rest.starts_with("visual.") => {
            format!("model.language_model.{rest}")
        }
        _ => name.to_owned(),
    }
}

/// The older name of a canonical one, for messages about checkpoints that use older names.
pub(crate) fn older(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("model.visual.") {
        return format!("visual.{rest}");
    }
    name.strip_prefix("model.language_model.").map_or_else(|| name.to_owned(), |rest| format!("model.{rest}"))
}

/// Buffers some checkpoints carry although they follow from the configuration.
pub(crate) fn ignorable(name: &str) -> bool {
    name.ends_with("rotary_emb.inv_freq") || name.ends_with("rotary_pos_emb.inv_freq")
}

/// Prefix of a block of the language model.
pub(crate) fn text_block(index: usize) -> String {
    format!("model.language_model.layers.{index}")
}

/// Prefix of a block of the vision tower.
pub(crate) fn vision_block(index: usize) -> String {
    format!("model.visual.blocks.{index}")
}

/// Whether this is a matrix of the language model: what quantising is for.
pub(crate) fn is_text_map(name: &str) -> bool {
    name == HEAD || (name.starts_with("model.language_model.") && name.ends_with(".weight") && !name.contains("norm"))
}

/// The block of the language model a tensor belongs to.
pub(crate) fn text_layer(name: &str) -> Option<usize> {
    name.strip_prefix("model.language_model.layers.")?.split('.').next()?.parse().ok()
}

/// Every tensor of the architecture except embedding table and head, whose tie is decided elsewhere.
pub(crate) fn expected(config: &Config) -> Vec<Expected> {
    let mut list = Vec::new();
    vision(&config.vision, &mut list);
    text(&config.text, &mut list);
    list
}

fn push(list: &mut Vec<Expected>, name: impl Into<String>, shape: &[usize]) {
    list.push(Expected { name: name.into(), shape: shape.to_vec() });
}

fn linear(list: &mut Vec<Expected>, prefix: &str, rows: usize, columns: usize, bias: bool) {
    push(list, format!("{prefix}.weight"), &[rows, columns]);
    if bias {
        push(list, format!("{prefix}.bias"), &[rows]);
    }
}

fn vision(config: &VisionConfig, list: &mut Vec<Expected>) {
    let (hidden, wide) = (config.hidden, config.feed_forward);
    push(list, PATCH_EMBED, &[hidden, config.channels, config.temporal_patch, config.patch, config.patch]);
    for index in 0..config.depth {
        let block = vision_block(index);
        push(list, format!("{block}.norm1.weight"), &[hidden]);
        push(list, format!("{block}.norm2.weight"), &[hidden]);
        linear(list, &format!("{block}.attn.qkv"), 3 * hidden, hidden, true);
        linear(list, &format!("{block}.attn.proj"), hidden, hidden, true);
        linear(list, &format!("{block}.mlp.gate_proj"), wide, hidden, true);
        linear(list, &format!("{block}.mlp.up_proj"), wide, hidden, true);
        linear(list, &format!("{block}.mlp.down_proj"), hidden, wide, true);
    }
    let merged = hidden * config.merge_unit();
    push(list, format!("{MERGER}.ln_q.weight"), &[hidden]);
    linear(list, &format!("{MERGER}.mlp.0"), merged, merged, true);
    linear(list, &format!("{MERGER}.mlp.2"), config.out_hidden, merged, true);
}

fn text(config: &TextConfig, list: &mut Vec<Expected>) {
    let (hidden, wide) = (config.hidden, config.feed_forward);
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    for index in 0..config.layers {
        let block = text_block(index);
        push(list, format!("{block}.input_layernorm.weight"), &[hidden]);
        push(list, format!("{block}.post_attention_layernorm.weight"), &[hidden]);
        linear(list, &format!("{block}.self_attn.q_proj"), queries, hidden, true);
        linear(list, &format!("{block}.self_attn.k_proj"), keys, hidden, true);
        linear(list, &format!("{block}.self_attn.v_proj"), keys, hidden, true);
        linear(list, &format!("{block}.self_attn.o_proj"), hidden, queries, false);
        linear(list, &format!("{block}.mlp.gate_proj"), wide, hidden, false);
        linear(list, &format!("{block}.mlp.up_proj"), wide, hidden, false);
        linear(list, &format!("{block}.mlp.down_proj"), hidden, wide, false);
    }
    push(list, FINAL_NORM, &[hidden]);
}

#[cfg(test)]
mod tests {
    use super::{canonical, older};

    #[test]
    fn old_names_become_new_ones_and_new_ones_stay() {
        for (old, new) in [
            ("visual.patch_embed.proj.weight", "model.visual.patch_embed.proj.weight"),
            ("model.layers.3.mlp.up_proj.weight", "model.language_model.layers.3.mlp.up_proj.weight"),
            ("model.embed_tokens.weight", "model.language_model.embed_tokens.weight"),
            ("model.visual.merger.ln_q.weight", "model.visual.merger.ln_q.weight"),
            ("model.language_model.norm.weight", "model.language_model.norm.weight"),
            ("language_model.model.norm.weight", "model.language_model.norm.weight"),
            ("lm_head.weight", "lm_head.weight"),
            ("language_model.lm_head.weight", "lm_head.weight"),
        ] {
            assert_eq!(canonical(old), new);
        }
    }
    #[test]
    fn older_names_come_back() {
        for name in ["visual.merger.ln_q.weight", "model.layers.3.mlp.up_proj.weight", "lm_head.weight"] {
            assert_eq!(older(&canonical(name)), name);
        }
    }
}
