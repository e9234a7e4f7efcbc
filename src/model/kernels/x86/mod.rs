//! Products in the registers of x86, each row's sums in one order whatever the height of a tile and the width of a
//! register: AVX2 and AVX-512 give the same bits.

pub(super) mod brain;
pub(super) mod float;
pub(super) mod int256;
pub(super) mod int512;
pub(super) mod single;

use super::pack::GROUP;

/// A sum for each output of a panel.
pub(super) type Sums = [f32; GROUP];
