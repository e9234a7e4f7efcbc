//! llama.cpp's names of tensors, mapped onto the canonical ones.
//!
//! Sources: `gguf-py/gguf/constants.py` (`TENSOR_NAMES`), `conversion/qwenvl.py`, `tools/mtmd/clip-impl.h`. Nothing is
//! permuted for this architecture; the image part splits the fused projection in three and the patch embedding in two.

use crate::model::names;

/// Where the bytes of a file's tensor belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The canonical tensor.
    pub(crate) name: String,
    /// Which of its parts; 0 for a whole one.
    pub(crate) part: usize,
    /// How many parts it has.
    pub(crate) parts: usize,
}

impl Place {
    fn whole(name: impl Into<String>) -> Self {
        Self { name: name.into(), part: 0, parts: 1 }
    }
}

/// Maps of a block of the language model: here, canonical.
const TEXT: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// Maps of a block of the vision tower: here, canonical.
const VISION: [(&str, &str); 7] = [
    ("ln1", "norm1"),
    ("ln2", "norm2"),
    ("attn_qkv", "attn.qkv"),
    ("attn_out", "attn.proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The place of a tensor of the language model's file.
pub(crate) fn text(name: &str) -> Option<Place> {
    match name {
        "token_embd.weight" => return Some(Place::whole(names::EMBED)),
        "output.weight" => return Some(Place::whole(names::HEAD)),
        "output_norm.weight" => return Some(Place::whole(names::FINAL_NORM)),
        _ => {}
    }
    let (index, part, end) = block(name.strip_prefix("blk.")?)?;
    let (_, canonical) = TEXT.iter().find(|(here, _)| *here == part)?;
    Some(Place::whole(format!("{}.{canonical}.{end}", names::text_block(index))))
}

/// The place of a tensor of the image part's file.
pub(crate) fn vision(name: &str) -> Option<Place> {
    let merger = |rest: &str| Some(Place::whole(format!("{}.{rest}", names::MERGER)));
    match name {
        "v.patch_embd.weight" => return Some(Place { name: names::PATCH_EMBED.to_owned(), part: 0, parts: 2 }),
        "v.patch_embd.weight.1" => return Some(Place { name: names::PATCH_EMBED.to_owned(), part: 1, parts: 2 }),
        "v.post_ln.weight" => return merger("ln_q.weight"),
        "mm.0.weight" | "mm.0.bias" | "mm.2.weight" | "mm.2.bias" => {
            return merger(&format!("mlp.{}", name.strip_prefix("mm.")?));
        }
        _ => {}
    }
    let (index, part, end) = block(name.strip_prefix("v.blk.")?)?;
    let block = names::vision_block(index);
    if let Some(number) = ["attn_q", "attn_k", "attn_v"].iter().position(|split| *split == part) {
        return Some(Place { name: format!("{block}.attn.qkv.{end}"), part: number, parts: 3 });
    }
    let (_, canonical) = VISION.iter().find(|(here, _)| *here == part)?;
    Some(Place::whole(format!("{block}.{canonical}.{end}")))
}

/// `3.attn_q.weight` → 3, `attn_q`, `weight`.
fn block(rest: &str) -> Option<(usize, &str, &str)> {
    let (number, rest) = rest.split_once('.')?;
    let (part, end) = rest.split_once('.')?;
    // As it is written, so that no two names mean one tensor.
    let index = number.parse::<usize>().ok().filter(|index| index.to_string() == number)?;
    matches!(end, "weight" | "bias").then_some((index, part, end))
}

/// llama.cpp's name of a canonical tensor's part, and whether it belongs to the image part.
pub(crate) fn written(canonical: &str, part: usize) -> Option<(String, bool)> {
    let numbered = |prefix: &str, rest: &str, table: &[(&str, &str)]| {
        let (index, rest) = rest.split_once('.')?;
        let (middle, end) = rest.rsplit_once('.')?;
        let (here, _) = table.iter().find(|(_, known)| *known == middle)?;
        Some(format!("{prefix}.{index}.{here}.{end}"))
    };
    if let Some(rest) = canonical.strip_prefix("model.language_model.layers.") {
        return numbered("blk", rest, &TEXT).map(|name| (name, false));
    }
    if let Some(rest) = canonical.strip_prefix("model.visual.blocks.") {
        let name = numbered("v.blk", rest, &VISION)?;
        let split = ["attn_q", "attn_k", "attn_v"].get(part)?;
        return Some((name.replace("attn_qkv", split), true));
    }
    let (name, image) = match canonical {
        names::EMBED => ("token_embd.weight", false),
        names::HEAD => ("output.weight", false),
        names::FINAL_NORM => ("output_norm.weight", false),
        names::PATCH_EMBED if part == 0 => ("v.patch_embd.weight", true),
        names::PATCH_EMBED => ("v.patch_embd.weight.1", true),
        _ => {
            let rest = canonical.strip_prefix(names::MERGER)?.strip_prefix('.')?;
            if rest == "ln_q.weight" {
                return Some(("v.post_ln.weight".to_owned(), true));
            }
            return Some((format!("mm.{}", rest.strip_prefix("mlp.")?), true));
        }
    };
    Some((name.to_owned(), image))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_parts_come_back() {
        for name in [
            "token_embd.weight",
            "output.weight",
            "output_norm.weight",
            "blk.11.attn_norm.weight",
            "blk.0.attn_q.bias",
            "blk.3.attn_output.weight",
            "blk.3.ffn_down.weight",
        ] {
            assert_eq!(written(&text(name).unwrap().name, 0).unwrap(), (name.to_owned(), false));
        }
        for (name, part) in [
            ("v.patch_embd.weight", 0),
            ("v.patch_embd.weight.1", 1),
            ("v.blk.7.attn_q.weight", 0),
            ("v.blk.7.attn_v.bias", 2),
            ("v.blk.7.attn_out.bias", 0),
            ("v.blk.31.ln2.weight", 0),
            ("v.blk.31.ffn_gate.bias", 0),
            ("v.post_ln.weight", 0),
            ("mm.2.bias", 0),
        ] {
            let place = vision(name).unwrap();
            assert_eq!((place.part, written(&place.name, part).unwrap()), (part, (name.to_owned(), true)));
        }
        for name in
            ["blk.03.attn_q.weight", "blk.+3.attn_q.weight", "blk.1.attn_q.scale", "rope_freqs.weight", "mm.1.weight"]
        {
            assert_eq!((text(name), vision(name)), (None, None), "{name}");
        }
    }
}
