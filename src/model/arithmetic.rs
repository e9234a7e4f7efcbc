//! How a checkpoint is loaded: where it computes, and in which format its numbers are kept.
//!
//! On a CPU the format is that of the kept weights; arithmetic and activations are f32, and 16-bit formats widen to it
//! exactly, except that the kernels of large models round a row where it meets weights in bf16 (to bf16) or quantised
//! ones (to 8 bits a block). On other devices activations are of that type too, with f32 statistics in norms and softmax.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::processor::{PixelLimits, ResamplerChoice};

/// The type of the numbers that are not quantised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DtypeChoice {
    /// As the checkpoint stores them.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits, eight of them exponent.
    Bf16,
    /// 16 bits, five of them exponent.
    F16,
}

/// What linear maps of the language model are quantised to while they are loaded: GGML's formats of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quant {
    /// 8 bits, one scale for 32 numbers.
    #[serde(rename = "q8_0")]
    Q8_0,
    /// 6 bits, 6.56 with scales.
    #[serde(rename = "q6_k")]
    Q6K,
    /// 5 bits, 5.5 with scales.
    #[serde(rename = "q5_k")]
    Q5K,
    /// 4 bits, 4.5 with scales.
    #[serde(rename = "q4_k")]
    Q4K,
    /// llama.cpp's mixture "medium": Q4_K, with Q6_K where it costs most.
    #[serde(rename = "q4_k_m")]
    Q4KM,
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is none of {known}")]
pub struct UnknownFormat {
    name: String,
    known: String,
}

impl DtypeChoice {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::F32, Self::Bf16, Self::F16];

    /// As flags and logs have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

impl Quant {
    /// All of them, from large to small.
    pub const ALL: [Self; 5] = [Self::Q8_0, Self::Q6K, Self::Q5K, Self::Q4KM, Self::Q4K];

    /// As flags and logs have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Q8_0 => "q8_0",
            Self::Q6K => "q6_k",
            Self::Q5K => "q5_k",
            Self::Q4K => "q4_k",
            Self::Q4KM => "q4_k_m",
        }
    }
}

impl fmt::Display for DtypeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Quant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DtypeChoice {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.into_iter().find(|choice| choice.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownFormat::of(name, &Self::ALL.map(Self::name)))
    }
}

impl FromStr for Quant {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.into_iter().find(|choice| choice.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownFormat::of(name, &Self::ALL.map(Self::name)))
    }
}

impl UnknownFormat {
    fn of(name: &str, known: &[&str]) -> Self {
        Self { name: name.to_owned(), known: known.join(", ") }
    }
}

/// How a model is loaded. The default: on the CPU, as stored, within the memory the system has.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: Device,
    /// The type of the numbers that are not quantised.
    pub dtype: DtypeChoice,
    /// What the linear maps of the language model are quantised to; none keeps them.
    pub quant: Option<Quant>,
    /// Bytes that may be taken; `None` asks the system, [`u64::MAX`] is no limit.
    pub memory: Option<u64>,
    /// Computes on candle alone, without the kernels of this program: the path all others are held against.
    pub plain: bool,
    /// Computes even small models as large ones are computed, for tests of that path.
    pub shared: bool,
    /// The type of activations, keys and values where it is not the usual one: f32 on a CPU, that of the weights
    /// elsewhere. On a CPU only together with `plain`, for holding the path of other devices against goldens: it is slow.
    pub arithmetic: Option<DtypeChoice>,
    /// Whose resampling images are prepared with.
    pub resampler: ResamplerChoice,
    /// How large images are seen, where not as the model's files say.
    pub pixels: PixelLimits,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            device: Device::Cpu,
            dtype: DtypeChoice::Auto,
            quant: None,
            memory: None,
            plain: false,
            shared: false,
            arithmetic: None,
            resampler: ResamplerChoice::Auto,
            pixels: PixelLimits::default(),
        }
    }
}

impl LoadOptions {
    /// The default on a device.
    pub fn on(device: &Device) -> Self {
        Self { device: device.clone(), ..Self::default() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for choice in DtypeChoice::ALL {
            assert_eq!(choice.name().parse(), Ok(choice));
            assert_eq!(serde_json::to_value(choice).unwrap(), choice.name());
        }
        for quant in Quant::ALL {
            assert_eq!(quant.name().to_uppercase().parse(), Ok(quant));
            assert_eq!(serde_json::to_value(quant).unwrap(), quant.name());
        }
        let error = "q3_k".parse::<Quant>().unwrap_err().to_string();
        assert_eq!(error, "\"q3_k\" is none of q8_0, q6_k, q5_k, q4_k_m, q4_k");
    }
}
