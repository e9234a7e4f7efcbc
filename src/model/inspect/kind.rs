//! What a tensor is for, by its name.

use serde::Serialize;

use crate::model::names;

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The vision tower's blocks and its patch embedding.
    Vision,
    /// What makes language tokens of patches.
    Merger,
    /// The table of token embeddings.
    Embedding,
    /// Attention of the language model.
    Attention,
    /// Feed-forward layers of the language model.
    FeedForward,
    /// Norms of the language model.
    Norm,
    /// The output head.
    Head,
    /// None of the architecture's.
    Other,
}

impl Part {
    /// By canonical name.
    pub(super) fn of(name: &str) -> Self {
        if name == names::EMBED {
            return Self::Embedding;
        }
        if name == names::HEAD {
            return Self::Head;
        }
        if name.starts_with(names::MERGER) {
            return Self::Merger;
        }
        if name.starts_with("model.visual.") {
            return Self::Vision;
        }
        if !name.starts_with("model.language_model.") {
            return Self::Other;
        }
        match () {
            () if name.contains("norm") => Self::Norm,
            () if name.contains(".self_attn.") => Self::Attention,
            () if name.contains(".mlp.") => Self::FeedForward,
            () => Self::Other,
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Vision => "vision tower",
            Self::Merger => "merger",
            Self::Embedding => "embedding",
            Self::Attention => "attention",
            Self::FeedForward => "feed-forward",
            Self::Norm => "norms",
            Self::Head => "head",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_names() {
        for (name, part) in [
            ("model.visual.blocks.3.attn.qkv.weight", Part::Vision),
            ("model.visual.patch_embed.proj.weight", Part::Vision),
            ("model.visual.merger.ln_q.weight", Part::Merger),
            ("model.language_model.embed_tokens.weight", Part::Embedding),
            ("model.language_model.layers.2.self_attn.k_proj.bias", Part::Attention),
            ("model.language_model.layers.2.mlp.up_proj.weight", Part::FeedForward),
            ("model.language_model.layers.2.input_layernorm.weight", Part::Norm),
            ("model.language_model.norm.weight", Part::Norm),
            ("lm_head.weight", Part::Head),
            ("score.weight", Part::Other),
        ] {
            assert_eq!(Part::of(name), part, "{name}");
        }
    }
}
