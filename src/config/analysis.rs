//! `[analysis]`: where automatic labels draw their lines.

use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// Where automatic labels draw their lines. Shares are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// "looked-wrong": the best coverage of a target by a zoom is below this.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub looked_wrong: f64,
    /// "partial-look": the best coverage is below this; from it on a zoom looked at the target.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub partial_look: f64,
    /// Least share of a crop that is target: a wider crop looks at nothing.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub tightness: f64,
    /// "repeated-zoom": a zoom has at least this IoU with an earlier one.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub repeated_zoom: f64,
    /// "frame-error": read in another frame a zoom would cover at least this share of a target.
    #[serde(deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub frame_error: f64,
    /// "loop": the last piece of text stands there at least so often, one behind the other.
    #[serde(deserialize_with = "repeats")]
    #[schemars(range(min = 2))]
    pub loops: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { looked_wrong: 0.1, partial_look: 0.5, tightness: 0.1, repeated_zoom: 0.8, frame_error: 0.5, loops: 4 }
    }
}

impl Thresholds {
    /// Whether nothing differs from what is usual.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let x = f64::deserialize(from)?;
    (0.0..=1.0).contains(&x).then_some(x).ok_or_else(|| D::Error::custom(format!("{x} is not a share from 0 to 1")))
}

fn repeats<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let n = u32::deserialize(from)?;
    (n >= 2).then_some(n).ok_or_else(|| D::Error::custom(format!("{n} repetitions are none; name at least 2")))
}
