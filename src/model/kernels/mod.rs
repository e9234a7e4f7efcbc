//! Arithmetic on x86 without candle between the steps of a block: small models on one core (`Packed`), others by a team
//! of threads with weights in the format they came in (`Stack`).
//!
//! A model whose matrices fit into a core's cache spends most of a step on what lies between the products: hand-overs to
//! other threads, packing of weights, copies of keys. Here weights are packed once, keys and values lie as the products
//! read them, and everything else works on rows in place.
//!
//! **Every row is computed alone, in one order of additions**, whatever the rows around it: over the inputs of a linear
//! map, over the width of a key, over the keys of a context. So a sequence gives the same bits stepped alone, stepped
//! with others, and put in at once. (candle's products add a single row up in another order than several.)

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "what only the vector code of x86 calls"))]

mod activations;
mod attend;
mod blocks;
mod bytes;
mod crew;
mod look;
mod map;
mod matrix;
mod pack;
mod packed;
mod panels;
mod pool;
mod rows;
mod segments;
#[cfg(test)]
mod speed;
mod stack;
mod staged;
mod team;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use activations::Activations;
pub(super) use attend::Workspace;
pub use blocks::Format;
pub(crate) use crew::Crew;
pub(crate) use look::Shown;
pub(crate) use map::{Map, Scratch};
pub(crate) use matrix::Matrix;
pub(super) use packed::Packed;
pub(super) use panels::Panels;
pub(crate) use stack::Stack;
pub(crate) use team::{Shared, Team, at_once};

/// Columns that are computed together.
pub(super) const LANES: usize = 32;

/// `LANES` numbers side by side.
pub(super) type Lanes = [f32; LANES];

/// Rows computed together with AVX-512.
const TALL: usize = 12;

/// Proof that this processor has AVX2, FMA and 16-bit floats, or more: whoever holds one has asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide {
    level: Level,
    /// Products of 16-bit numbers (AVX-512 BF16), beside [`Level::Avx512`].
    brain: bool,
}

/// What a processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// AVX2, FMA, F16C.
    Avx2,
    /// These, and AVX-512 (F, BW, DQ, VL, VNNI).
    Avx512,
}

impl Wide {
    /// The proof, if the processor is of that kind.
    pub(crate) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") && has!("f16c") {
                let more = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
                let level = if more && has!("avx512vnni") { Level::Avx512 } else { Level::Avx2 };
                return Some(Self { level, brain: level == Level::Avx512 && has!("avx512bf16") });
            }
        }
        None
    }

    /// The same without what only newer processors have.
    #[cfg(test)]
    pub(crate) fn narrow(self) -> Self {
        Self { level: Level::Avx2, brain: false }
    }

    /// The same without products of 16-bit numbers.
    #[cfg(test)]
    pub(crate) fn without_brain(self) -> Self {
        Self { brain: false, ..self }
    }
}
