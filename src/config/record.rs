//! What logs say of every token besides the token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What logs say of every token besides the token; nothing where nothing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// What it attends to, as --record-attention has it: "off", "mean", "layers" (usually off).
    #[serde(skip_serializing_if = "RecordAttention::is_off")]
    pub attention: RecordAttention,
    /// Whether what each layer would have said is recorded, as --record-lens does (usually not).
    #[serde(skip_serializing_if = "is_off")]
    pub lens: bool,
}

/// Which attention is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordAttention {
    /// None.
    #[default]
    Off,
    /// The mean over all layers and heads.
    Mean,
    /// Each layer, the mean over its heads.
    Layers,
}

impl Record {
    /// Whether nothing is.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

impl RecordAttention {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_off(on: &bool) -> bool {
    !on
}
