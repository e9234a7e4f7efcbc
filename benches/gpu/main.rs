//! How fast a GPU is with a model of the true 7B or 3B shape: random weights made in its memory, no file.
//!
//! `cargo bench --features cuda --bench gpu [-- --shape 7b|3b|tiny --device auto|cuda:N|cpu --dtype bf16|f16|f32 --quant q8_0
//! --json FILE --tiny]`. Prints what the memory allows (device copies, measured beside it), what was reached, and the
//! share; then a page to its first token, and the shipped model. `scripts/peer_gpu.py` measures transformers on the same
//! GPU and prints ratios. Without a GPU it says so and ends well; `--device cpu --tiny` runs the same code anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod measure;
mod shapes;

use panelscope::model::device::{self, DeviceChoice};
use panelscope::model::{DtypeChoice, LoadOptions, Network, Quant};
use serde_json::{Value, json};

struct Wish {
    shape: String,
    device: DeviceChoice,
    dtype: DtypeChoice,
    quant: Option<Quant>,
    json: Option<String>,
}

fn wish() -> Wish {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let value = |name: &str| {
        args.iter().position(|arg| arg == name).map(|at| args.get(at + 1).cloned().expect("a value after the flag"))
    };
    let tiny = args.iter().any(|arg| arg == "--tiny");
    let shape = value("--shape").unwrap_or_else(|| if tiny { "tiny" } else { "7b" }.to_owned());
    Wish {
        shape,
        device: value("--device").map_or(DeviceChoice::Auto, |name| name.parse().expect("a device")),
        dtype: value("--dtype").map_or(DtypeChoice::Bf16, |name| name.parse().expect("a type")),
        quant: value("--quant").map(|name| name.parse().expect("a format")),
        json: value("--json"),
    }
}

fn main() {
    let wish = wish();
    let taken = match device::open(wish.device) {
        Ok(taken) => taken,
        Err(error) => return println!("nothing was measured: {error}"),
    };
    println!("device: {}", taken.why);
    if taken.device.is_cpu() && wish.device != DeviceChoice::Cpu {
        return println!("nothing was measured: no GPU. `--device cpu --tiny` runs the same code on a tiny shape.");
    }
    let tiny = wish.shape == "tiny";
    // On the CPU the path of GPUs, not the CPU's own kernels: this is about its code.
    let options = LoadOptions {
        dtype: wish.dtype,
        quant: wish.quant,
        arithmetic: taken.device.is_cpu().then_some(wish.dtype),
        plain: taken.device.is_cpu(),
        ..LoadOptions::on(&taken.device)
    };
    let copy = measure::copy_bandwidth(&taken.device, if tiny { 16 << 20 } else { 1 << 30 });
    println!("device copy: {:.0} GB/s (bytes read and bytes written)", copy / 1e9);
    let started = std::time::Instant::now();
    let config = shapes::config(&wish.shape);
    let network = match Network::random(config, &options) {
        Ok(network) => network,
        Err(error) => return println!("nothing more was measured: {error}"),
    };
    println!("{} in {}: made in {:.1} s", wish.shape, network.dtype(), started.elapsed().as_secs_f64());
    let mut report = json!({
        "device": taken.why, "shape": wish.shape, "dtype": network.dtype(), "copy_bytes_per_second": copy,
    });
    let depths: &[usize] = if tiny { &[16, 64] } else { &[512, 4096] };
    report["decode"] = depths.iter().map(|depth| decode(&network, *depth, copy, tiny, wish.quant)).collect();
    report["page"] = page(&network, tiny);
    report["demo"] = measure::demo(&taken.device, tiny);
    if let Some(file) = wish.json {
        std::fs::write(&file, format!("{report:#}\n")).expect("the file of figures");
        println!("written to {file}");
    }
}

fn decode(network: &Network, depth: usize, copy: f64, tiny: bool, quant: Option<Quant>) -> Value {
    let seconds = measure::decode(network, depth, if tiny { 4 } else { 64 });
    let bytes = shapes::bytes_per_token(network.config(), depth, network.dtype(), quant.is_some());
    let (rate, floor) = (1.0 / seconds, bytes / copy);
    println!(
        "decode at {depth}: {rate:.1} tokens/s ({:.2} ms; {:.2} GB a token, {:.2} ms at the speed of a copy: {:.0} %)",
        1e3 * seconds,
        bytes / 1e9,
        1e3 * floor,
        100.0 * floor / seconds
    );
    json!({ "depth": depth, "tokens_per_second": rate, "bytes_per_token": bytes, "share_of_copy": floor / seconds })
}

fn page(network: &Network, tiny: bool) -> Value {
    let side = if tiny { 8 } else { 72 };
    let (vision, first) = measure::page(network, side, if tiny { 2 } else { 5 });
    let patch = network.config().vision.patch;
    println!(
        "page of {0} × {0} pixels: vision tower {1:.1} ms, to the first token {2:.1} ms",
        side * patch,
        1e3 * vision,
        1e3 * first
    );
    json!({ "side_pixels": side * patch, "vision_seconds": vision, "first_token_seconds": first })
}
