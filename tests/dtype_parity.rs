//! The path of GPUs in f32, bf16 and f16 against `transformers` in the same type, on the CPU: what can be proven without
//! a GPU. `tests/gpu_parity.rs` holds the same goldens on one. Run with `--nocapture` to see what is reached.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod parity_support;

use candle_core::Device;
use panelscope::model::DtypeChoice;

#[test]
fn f32_equals_transformers() {
    parity_support::hold(DtypeChoice::F32, &Device::Cpu);
}

#[test]
fn bf16_is_as_near_as_transformers_is_to_itself() {
    parity_support::hold(DtypeChoice::Bf16, &Device::Cpu);
}

#[test]
fn f16_is_as_near_as_transformers_is_to_itself() {
    parity_support::hold(DtypeChoice::F16, &Device::Cpu);
}

/// The gate would be worthless if it let a whole type pass for another.
#[test]
fn the_gate_tells_types_apart() {
    let found = parity_support::compare("tied-new", DtypeChoice::Bf16, &Device::Cpu);
    let fine = parity_support::compare("tied-new", DtypeChoice::F16, &Device::Cpu);
    assert!(found.from_f32.mean > 3.0 * fine.type_costs.mean, "bf16 would pass for f16");
}
