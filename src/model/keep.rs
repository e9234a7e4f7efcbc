//! Which format each tensor is kept in.

use super::arithmetic::{DtypeChoice, LoadOptions, Quant};
use super::kernels::Format;
use super::names;
use super::weights::Stored;

/// What was asked of the weights, and what of the model it depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keep {
    pub(crate) dtype: DtypeChoice,
    pub(crate) quant: Option<Quant>,
    /// Blocks of the language model.
    pub(crate) layers: usize,
    /// The embedding table is the head as well.
    pub(crate) tied: bool,
}

impl Keep {
    pub(crate) fn new(options: &LoadOptions) -> Self {
        Self { dtype: options.dtype, quant: options.quant, ..Self::default() }
    }

    /// The format of a tensor of these sizes. Vectors are kept as numbers of 32 bits; so is what has no matrix.
    pub(crate) fn format(&self, name: &str, stored: Stored, shape: &[usize]) -> Format {
        let columns: usize = shape.get(1..).map_or(1, |sizes| sizes.iter().product());
        if shape.len() < 2 {
            return Format::F32;
        }
        if stored.is_quantised() {
            return match stored {
                Stored::Kept(format) => format,
                _ => fitting(Format::Q8_0, columns),
            };
        }
        match (self.quant, self.dtype, stored) {
            (Some(quant), ..) if names::is_text_map(name) => fitting(self.mixed(quant, name), columns),
            (_, DtypeChoice::F32, _) => Format::F32,
            (_, DtypeChoice::Bf16, _) => Format::BF16,
            (_, DtypeChoice::F16, _) => Format::F16,
            (_, DtypeChoice::Auto, Stored::Kept(format)) => format,
            (_, DtypeChoice::Auto, _) => Format::F32,
        }
    }

    /// Whether rows of this width cannot be written in the format that was asked for.
    pub(crate) fn falls_back(&self, name: &str, stored: Stored, shape: &[usize]) -> bool {
        let asked = self.quant.filter(|_| names::is_text_map(name) && shape.len() > 1 && !stored.is_quantised());
        let columns: usize = shape.get(1..).map_or(1, |sizes| sizes.iter().product());
        asked.is_some_and(|quant| !self.mixed(quant, name).fits(columns))
    }

    /// The format a mixture has for a map of the language model, before its rows are looked at.
    ///
    /// As `llama_tensor_get_type_impl` of llama.cpp's `src/llama-quant.cpp` chooses for `Q4_K_M`; the other formats are
    /// one for all blocks, with the head in six bits as there.
    fn mixed(&self, quant: Quant, name: &str) -> Format {
        let base = match quant {
            Quant::Q8_0 => return Format::Q8_0,
            Quant::Q6K => return Format::Q6K,
            Quant::Q5K => Format::Q5K,
            Quant::Q4K | Quant::Q4KM => Format::Q4K,
        };
        let is_head = name == names::HEAD || (self.tied && name == names::EMBED);
        let dear = quant == Quant::Q4KM
            && (name.ends_with(".v_proj.weight") || name.ends_with(".down_proj.weight"))
            && names::text_layer(name).is_some_and(|layer| more_bits(layer, self.layers));
        if is_head || dear { Format::Q6K } else { base }
    }
}

/// The first and last eighth of the blocks, and every third between.
fn more_bits(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

/// The format, or what rows of this width can be written in: `Q8_0` for multiples of 32, else `F16`.
fn fitting(format: Format, columns: usize) -> Format {
    [format, Format::Q8_0].into_iter().find(|format| format.fits(columns)).unwrap_or(Format::F16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(dtype: DtypeChoice, quant: Option<Quant>) -> Keep {
        Keep { dtype, quant, layers: 36, tied: true }
    }

    fn layer(index: usize, map: &str) -> String {
        format!("{}.{map}.weight", names::text_block(index))
    }

    #[test]
    fn the_mixture_is_llama_cpps() {
        let keep = keep(DtypeChoice::Auto, Some(Quant::Q4KM));
        let stored = Stored::Kept(Format::BF16);
        let format = |name: &str| keep.format(name, stored, &[512, 2048]);
        // use_more_bits of 36 blocks: 0..4, 6, 9, …, 27, 30, 31..36.
        let dear: Vec<usize> =
            (0..36).filter(|index| format(&layer(*index, "self_attn.v_proj")) == Format::Q6K).collect();
        assert_eq!(dear, [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31, 32, 33, 34, 35]);
        for index in 0..36 {
            assert_eq!(format(&layer(index, "mlp.down_proj")) == Format::Q6K, dear.contains(&index));
            assert_eq!(format(&layer(index, "self_attn.q_proj")), Format::Q4K);
        }
        assert_eq!(format(names::EMBED), Format::Q6K, "it is the head");
        let untied = Keep { tied: false, ..keep };
        assert_eq!(untied.format(names::EMBED, stored, &[9, 2048]), Format::Q4K);
        assert_eq!(untied.format(names::HEAD, stored, &[9, 2048]), Format::Q6K);
    }

    #[test]
    fn rows_decide_last_and_the_vision_tower_stays() {
        let four = keep(DtypeChoice::Auto, Some(Quant::Q4K));
        let stored = Stored::Kept(Format::F16);
        for (columns, expected) in [(512, Format::Q4K), (384, Format::Q8_0), (40, Format::F16)] {
            assert_eq!(four.format(&layer(1, "mlp.up_proj"), stored, &[8, columns]), expected);
        }
        assert_eq!(four.format("model.visual.merger.mlp.0.weight", stored, &[512, 512]), Format::F16);
        assert_eq!(four.format(names::FINAL_NORM, stored, &[512]), Format::F32);
        let bf16 = keep(DtypeChoice::Bf16, None);
        assert_eq!(bf16.format("model.visual.merger.mlp.0.weight", stored, &[512, 512]), Format::BF16);
        // What is quantised already stays so.
        assert_eq!(bf16.format(&layer(0, "mlp.up_proj"), Stored::Kept(Format::Q5K), &[8, 512]), Format::Q5K);
        assert_eq!(keep(DtypeChoice::Auto, None).format(names::EMBED, Stored::F64, &[8, 512]), Format::F32);
    }
}
