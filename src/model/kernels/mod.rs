//! Arithmetic of small models on one x86 core, without candle between the steps of a block.
//!
//! A model whose matrices fit into a core's cache spends most of a step on what lies between the products: hand-overs to
//! other threads, packing of weights, copies of keys. Here weights are packed once, keys and values lie as the products
//! read them, and everything else works on rows in place.
//!
//! **Every row is computed alone, in one order of additions**, whatever the rows around it: over the inputs of a linear
//! map, over the width of a key, over the keys of a context. So a sequence gives the same bits stepped alone, stepped
//! with others, and put in at once. (candle's products add a single row up in another order than several.)

mod attend;
mod blocks;
mod bytes;
mod look;
mod matrix;
mod pack;
mod packed;
mod panels;
mod rows;
mod tile;

pub(super) use attend::Workspace;
pub use blocks::Format;
#[allow(unused_imports, reason = "for the readers of weight files")]
pub(crate) use matrix::Matrix;
pub(super) use packed::Packed;
pub(super) use panels::Panels;

/// Columns that are computed together.
pub(super) const LANES: usize = 32;

/// `LANES` numbers side by side.
pub(super) type Lanes = [f32; LANES];

/// Proof that this processor has AVX2 and FMA: whoever holds one has asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide(());

impl Wide {
    /// The proof, if the processor is of that kind.
    pub(crate) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return Some(Self(()));
        }
        None
    }
}
