//! The goldens of `model_parity.rs` and `dtype_parity.rs` on a GPU, where there is one:
//!
//! `cargo test --release --features cuda --test gpu_parity -- --nocapture`, or what `scripts/build_cuda.sh --checks` built,
//! or `scripts/gpu_check.sh`, which does everything. Without a GPU, or in a build without GPU support, each test prints
//! why it proves nothing. `PANELSCOPE_GPU=required` makes that a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod parity_support;

use candle_core::{DType, Device, Tensor};
use panelscope::model::device::{self, DeviceChoice};
use panelscope::model::{Chunk, DtypeChoice, Feed, ModelError, Network};

/// A GPU, or a line that says why there is none.
fn gpu(test: &str) -> Option<Device> {
    let taken = device::open(DeviceChoice::Auto).expect("auto never fails");
    if !taken.device.is_cpu() {
        println!("{test}: on {}", taken.why);
        return Some(taken.device);
    }
    let required = std::env::var("PANELSCOPE_GPU").is_ok_and(|value| value == "required");
    assert!(!required, "PANELSCOPE_GPU=required, but {}", taken.why);
    println!("{test}: SKIPPED, nothing was proven: {}", taken.why);
    None
}

#[test]
fn f32_on_the_gpu_equals_transformers() {
    if let Some(device) = gpu("f32") {
        parity_support::hold(DtypeChoice::F32, &device);
    }
}

#[test]
fn bf16_on_the_gpu_is_as_near_as_transformers_is_to_itself() {
    if let Some(device) = gpu("bf16") {
        parity_support::hold(DtypeChoice::Bf16, &device);
    }
}

#[test]
fn f16_on_the_gpu_is_as_near_as_transformers_is_to_itself() {
    if let Some(device) = gpu("f16") {
        parity_support::hold(DtypeChoice::F16, &device);
    }
}

fn step(network: &Network, sequence: &mut panelscope::model::Sequence, ids: &[u32]) -> Vec<f32> {
    network.forward(&mut [Feed { sequence, chunks: vec![Chunk::Tokens(ids)] }]).unwrap().remove(0)
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|logit| logit.to_bits()).collect()
}

/// What every mark in a session relies on.
#[test]
fn rewinding_and_going_on_gives_the_same_bits() {
    let Some(device) = gpu("rewind") else { return };
    for dtype in [DtypeChoice::F32, DtypeChoice::Bf16] {
        let network = parity_support::network("append-crop", dtype, &device);
        let mut sequence = network.new_sequence().unwrap();
        step(&network, &mut sequence, &[1, 2, 3, 4, 5]);
        // Far enough for the cache to grow between the mark and the rewind.
        let run =
            |sequence: &mut _| (0..300).map(|id| bits(&step(&network, sequence, &[id % 200]))).collect::<Vec<_>>();
        let first = run(&mut sequence);
        sequence.truncate(5).unwrap();
        assert!(first == run(&mut sequence), "{dtype}");
    }
}

/// One thread loads, another asks, two ask at once: nothing may be read before it is written.
#[test]
fn threads_share_a_model() {
    let Some(device) = gpu("threads") else { return };
    let network = std::thread::scope(|scope| {
        scope.spawn(|| parity_support::network("tied-new", DtypeChoice::Bf16, &device)).join().unwrap()
    });
    let ask = |seed: u32| {
        let mut sequence = network.new_sequence().unwrap();
        (0..60).map(|i| bits(&step(&network, &mut sequence, &[(seed + 7 * i) % 200]))).collect::<Vec<_>>()
    };
    let alone: Vec<_> = (0..2).map(ask).collect();
    for _ in 0..5 {
        let together: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..2).map(|seed| scope.spawn(move || ask(seed))).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(alone == together);
    }
}

#[test]
fn too_much_is_refused_with_figures_and_the_device_still_works() {
    let Some(device) = gpu("memory") else { return };
    let network = parity_support::network("tied-new", DtypeChoice::Bf16, &device);
    let error = Tensor::zeros((1 << 20, 1 << 20), DType::F32, &device).map(|_| ()).unwrap_err();
    println!("4 TiB: {error}");
    let mut sequence = network.new_sequence().unwrap();
    assert!(step(&network, &mut sequence, &[1, 2, 3]).iter().all(|logit| logit.is_finite()));
    let options =
        panelscope::model::LoadOptions { memory: Some(1 << 20), ..panelscope::model::LoadOptions::on(&device) };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/model/tied-new");
    let source = panelscope::model::FileSource::Folder(folder.into());
    let error = Network::load_with(&source, &options).map(|_| ()).unwrap_err();
    assert!(matches!(error, ModelError::DeviceMemory { .. }), "{error}");
    println!("{error}");
}
