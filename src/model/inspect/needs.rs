//! Memory a model needs in each format, and what this machine has.

use serde::Serialize;

use crate::model::memory;
use crate::model::weights::Weights;
use crate::model::{Config, DtypeChoice, FileSource, LoadOptions, ModelError, Quant};

/// Tokens a session is expected to hold when it is said what fits: a page, a few crops and what is written.
const SESSION: u64 = 6000;
/// Beside weights and cache: activations, buffers, the program (a part of both, and a floor in bytes).
const MARGIN: (u64, u64) = (15, 256 << 20);

/// Memory for the weights in one format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The format, as `--dtype` or `--quant` names it.
    pub format: &'static str,
    /// Bytes of the weights.
    pub weights: u64,
    /// Whether it fits into what is free, with a session and a margin; none where nobody says what is free.
    pub fits: Option<bool>,
}

/// Memory a model needs, and what there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The weights, in formats from the largest to the smallest.
    pub weights: Vec<Need>,
    /// Bytes of keys and values of 1,000 tokens, as the CPU keeps them (f32).
    pub kv_1000_f32: u64,
    /// The same in 16 bits, as a GPU keeps them.
    pub kv_1000_16_bits: u64,
    /// Bytes the system could give the CPU now.
    pub available: Option<u64>,
}

impl Needs {
    /// For a model and this machine.
    pub(super) fn of(source: &FileSource, config: &Config) -> Result<Self, ModelError> {
        let available = memory::available();
        let kv = kv_1000(config, 4);
        let session = kv.saturating_mul(SESSION) / 1000;
        let formats = [
            ("f32", DtypeChoice::F32, None),
            ("bf16", DtypeChoice::Bf16, None),
            ("q8_0", DtypeChoice::Auto, Some(Quant::Q8_0)),
            ("q4_k_m", DtypeChoice::Auto, Some(Quant::Q4KM)),
        ];
        let mut weights = Vec::new();
        for (format, dtype, quant) in formats {
            let options = LoadOptions { dtype, quant, ..LoadOptions::default() };
            let mut opened = Weights::open(source, &options)?;
            // What is quantised already is not quantised again.
            if quant.is_some() && opened.holds_blocks() {
                continue;
            }
            let head = opened.check(config)?;
            let bytes = opened.kept_bytes(head);
            let fits = available.map(|available| with_margin(bytes.saturating_add(session)) <= available);
            weights.push(Need { format, weights: bytes, fits });
        }
        Ok(Self { weights, kv_1000_f32: kv, kv_1000_16_bits: kv / 2, available })
    }
}

fn with_margin(bytes: u64) -> u64 {
    bytes.saturating_add((bytes / 100).saturating_mul(MARGIN.0).max(MARGIN.1))
}

/// Bytes of keys and values of 1,000 tokens.
fn kv_1000(config: &Config, width: u64) -> u64 {
    let text = &config.text;
    2 * memory::product(&[text.layers, text.kv_heads, text.head_dim]).saturating_mul(width).saturating_mul(1000)
}
