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

/// The kernels of large models keep weights in a type and round rows only where a product of that type is faster: no
/// further from f32 than the whole in that type.
#[test]
fn kernels_in_a_type_are_as_near_as_transformers_is_to_itself() {
    for dtype in [DtypeChoice::F32, DtypeChoice::Bf16, DtypeChoice::F16] {
        parity_support::hold_all(dtype, |case| parity_support::kernels(case, dtype));
    }
}

/// The gate would be worthless if it let a whole type pass for another.
#[test]
fn the_gate_tells_types_apart() {
    let compare = |dtype| {
        let network = parity_support::network("tied-new", dtype, &Device::Cpu);
        parity_support::compare(&network, "tied-new", dtype)
    };
    let (found, fine) = (compare(DtypeChoice::Bf16), compare(DtypeChoice::F16));
    assert!(found.from_f32.mean > 3.0 * fine.type_costs.mean, "bf16 would pass for f16");
}
