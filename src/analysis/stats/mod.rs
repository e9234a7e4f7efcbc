//! Statistics of proportions and of paired runs. Every function is pure, and random ones are told their seed.

mod bootstrap;
mod calibration;
mod chi_square;
mod clusters;
#[cfg(test)]
mod golden_tests;
mod mcnemar;
mod pass;
mod proportion;

pub use bootstrap::{REPLICATES, paired_bootstrap};
pub use calibration::{BINS, Bin, Calibration, calibration};
pub use chi_square::{Uniformity, chi_square_tail, uniformity};
pub use clusters::{Clustered, clustered};
pub use mcnemar::{holm, mcnemar};
pub use pass::{agreement, pass_at};
pub use proportion::{mean, wilson, wilson_effective};
