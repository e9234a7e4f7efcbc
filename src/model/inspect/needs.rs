//! Memory a model needs in each format, and what this machine has.

use serde::Serialize;

use crate::model::device::Found;
use crate::model::memory;
use crate::model::weights::{Head, Weights};
use crate::model::{Config, DtypeChoice, Quant};

/// Tokens a session is expected to hold when it is said what fits: a page, a few crops and what is written.
const SESSION: u64 = 6000;
/// Beside weights and cache: activations, buffers, the program (a part of both, and a floor in bytes).
const MARGIN: (u64, u64) = (15, 256 << 20);
/// Formats other than the stored one, from the largest to the smallest.
const FORMATS: [(&str, DtypeChoice, Option<Quant>); 4] = [
    ("f32", DtypeChoice::F32, None),
    ("bf16", DtypeChoice::Bf16, None),
    ("q8_0", DtypeChoice::Auto, Some(Quant::Q8_0)),
    ("q4_k_m", DtypeChoice::Auto, Some(Quant::Q4KM)),
];

/// Memory for the weights in one format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The format, as `--dtype` or `--quant` names it; `auto` is as stored.
    pub format: &'static str,
    /// Bytes of the weights.
    pub weights: u64,
    /// Whether it fits into what the CPU has free, with a session and a margin; none where nobody says what is free.
    pub fits: Option<bool>,
    /// GPUs it fits on, with a session and a margin.
    pub gpus: Vec<String>,
}

/// A GPU that a model could be loaded on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GpuRoom {
    /// As it is asked for, such as `cuda:0`.
    pub device: String,
    /// As its maker calls it.
    pub name: Option<String>,
    /// Bytes that nobody uses.
    pub free: Option<u64>,
}

/// Memory a model needs, and what there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The weights: as they are stored, then in formats from the largest to the smallest. What is quantised already can
    /// only be loaded as it is stored.
    pub weights: Vec<Need>,
    /// Bytes of keys and values of 1,000 tokens, as the CPU keeps them (f32).
    pub kv_1000_f32: u64,
    /// The same in 16 bits, as a GPU keeps them.
    pub kv_1000_16_bits: u64,
    /// Bytes the system could give the CPU now.
    pub available: Option<u64>,
    /// GPUs this program can use.
    pub gpus: Vec<GpuRoom>,
}

impl Needs {
    /// For a model, whose weights were checked, and a machine with so many bytes free and these GPUs.
    pub(super) fn of(opened: &Weights, head: Head, config: &Config, available: Option<u64>, gpus: &[Found]) -> Self {
        let kv = kv_1000(config, 4);
        let mut weights = Vec::new();
        for (format, dtype, quant) in [("auto", DtypeChoice::Auto, None)].into_iter().chain(FORMATS) {
            // What is quantised already is kept so, whatever is asked for.
            if format != "auto" && opened.holds_blocks() {
                break;
            }
            let bytes = opened.kept_bytes(dtype, quant, head);
            // Only in f32 a GPU has keys and values of 32 bits.
            let on_gpu = if dtype == DtypeChoice::F32 { kv } else { kv / 2 };
            let fits =
                |kv: u64, free: u64| with_margin(bytes.saturating_add(kv.saturating_mul(SESSION) / 1000)) <= free;
            let fitting = gpus.iter().filter(|gpu| gpu.free.is_some_and(|free| fits(on_gpu, free)));
            let gpus = fitting.map(|gpu| gpu.device.clone()).collect();
            weights.push(Need { format, weights: bytes, fits: available.map(|free| fits(kv, free)), gpus });
        }
        let room = |gpu: &Found| GpuRoom { device: gpu.device.clone(), name: gpu.name.clone(), free: gpu.free };
        let gpus = gpus.iter().map(room).collect();
        Self { weights, kv_1000_f32: kv, kv_1000_16_bits: kv / 2, available, gpus }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{FileSource, LoadOptions};

    fn needs_of(source: &FileSource, available: Option<u64>, gpus: &[Found]) -> Needs {
        let config = Config::from_json(&source.read("config.json").unwrap()).unwrap();
        let mut weights = Weights::open(source, &LoadOptions::default()).unwrap();
        let head = weights.check(&config).unwrap();
        Needs::of(&weights, head, &config, available, gpus)
    }

    fn gpu(device: &str, free: Option<u64>) -> Found {
        Found { device: device.to_owned(), name: Some("a GPU".to_owned()), free, ..Found::default() }
    }

    #[test]
    fn each_place_is_asked_for_itself() {
        let source = FileSource::Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo-rarl").into());
        // Weights of 2.4 million numbers: the margin's floor decides.
        let (little, much) = (1 << 20, 1 << 30);
        let gpus = [gpu("cuda:0", Some(little)), gpu("cuda:1", Some(much)), gpu("metal", None)];
        let needs = needs_of(&source, Some(little), &gpus);
        assert_eq!(
            needs.weights.iter().map(|n| n.format).collect::<Vec<_>>(),
            ["auto", "f32", "bf16", "q8_0", "q4_k_m"]
        );
        for need in &needs.weights {
            assert_eq!((need.fits, need.gpus.as_slice()), (Some(false), &["cuda:1".to_owned()][..]), "{}", need.format);
        }
        assert_eq!(needs.weights[0].weights, needs.weights[2].weights, "stored in 16 bits");
        assert_eq!(needs.gpus.iter().map(|gpu| gpu.free).collect::<Vec<_>>(), [Some(little), Some(much), None]);
        let needs = needs_of(&source, None, &[]);
        assert!(needs.weights.iter().all(|need| need.fits.is_none() && need.gpus.is_empty()));
    }

    #[test]
    fn what_is_quantised_has_one_row() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/gguf/q8_0");
        let source = FileSource::at(folder);
        let needs = needs_of(&source, None, &[]);
        assert_eq!(needs.weights.iter().map(|need| need.format).collect::<Vec<_>>(), ["auto"]);
    }
}
