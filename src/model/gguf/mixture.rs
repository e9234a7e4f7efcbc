//! llama.cpp's names and numbers for the formats that a file's matrices have (`enum llama_ftype`).

use crate::model::arithmetic::Quant;
use crate::model::error::ModelError;
use crate::model::kernels::Format;
use crate::model::source::FileSource;
use crate::model::weights::Weights;

/// How a language model's matrices are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mixture {
    /// As flags and logs have it, such as `q4_k_m`.
    pub(super) name: String,
    /// `general.file_type`.
    pub(super) number: u32,
}

/// Of a language model that is to be written: what was asked for; where every matrix stays as it is stored what its own
/// file says; else the format most numbers have.
///
/// # Errors
/// As opening the source.
pub(super) fn text(source: &FileSource, weights: &Weights) -> Result<Mixture, ModelError> {
    if let Some(quant) = weights.quant_taken() {
        return Ok(Mixture { name: quant.name().to_owned(), number: number(quant) });
    }
    let most = weights.most();
    let usual = Mixture { name: most.name().to_ascii_lowercase(), number: number_of(most) };
    let FileSource::Gguf(files) = source else { return Ok(usual) };
    if !weights.stay_as_stored() {
        return Ok(usual);
    }
    let own = files.open()?.text.gguf.whole("general.file_type").ok().and_then(|number| u32::try_from(number).ok());
    Ok(Mixture { name: weights.mixture().map_or(usual.name, str::to_owned), number: own.unwrap_or(usual.number) })
}

fn number(quant: Quant) -> u32 {
    match quant {
        Quant::Q8_0 => 7,
        Quant::Q6K => 18,
        Quant::Q5K => 16,
        Quant::Q4K => 14,
        Quant::Q4KM => 15,
    }
}

/// Of a file most of whose numbers have this format.
pub(super) fn number_of(format: Format) -> u32 {
    match format {
        Format::F32 => 0,
        Format::F16 => 1,
        Format::BF16 => 32,
        Format::Q8_0 => number(Quant::Q8_0),
        Format::Q4K => number(Quant::Q4K),
        Format::Q5K => number(Quant::Q5K),
        Format::Q6K => number(Quant::Q6K),
    }
}
