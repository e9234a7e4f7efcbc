//! `--record-attention` and `--record-lens`, for every command that records sessions.

use clap::{Args, ValueEnum};

use crate::config::{Record, RecordAttention};

/// What logs say of every token besides the token. Flags win over the configuration.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct RecordFlags {
    /// Record what every token attends to: the mean of all layers, or each layer [default: off]
    #[arg(long, value_enum, value_name = "LAYERS", num_args = 0..=1, require_equals = true, default_missing_value = "mean")]
    record_attention: Option<AttentionFlag>,
    /// Record what each layer would have said in every token's place
    #[arg(long)]
    record_lens: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum AttentionFlag {
    /// Nothing
    Off,
    /// The mean of all layers and heads
    Mean,
    /// Each layer, the mean of its heads
    Layers,
}

impl RecordFlags {
    /// What is recorded, where `usual` is otherwise.
    pub(super) fn over(self, usual: Record) -> Record {
        let attention = match self.record_attention {
            None => usual.attention,
            Some(AttentionFlag::Off) => RecordAttention::Off,
            Some(AttentionFlag::Mean) => RecordAttention::Mean,
            Some(AttentionFlag::Layers) => RecordAttention::Layers,
        };
        Record { attention, lens: self.record_lens || usual.lens }
    }
}
