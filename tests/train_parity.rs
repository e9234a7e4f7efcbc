//! The trainer against transformers and torch: loss, every gradient, weights after one and three AdamW steps.
//!
//! The goldens come from `tests/goldens/make_train_goldens.py`, which runs every segment as a full sequence of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod train_support;

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use panelscope::train::batch::{HeadSpec, TrainPage};
use panelscope::train::graph::Graph;
use panelscope::train::loss::LossSpec;
use panelscope::train::ops::Kernels;
use panelscope::train::optim::{Gradients, MuonSpec, Optimiser, OptimiserSpec};
use panelscope::train::params::Params;
use panelscope::train::shape::ModelShape;
use panelscope::train::step::{Division, StepLoss, divide, gradients};
use serde::Deserialize;
use train_support::golden::{GoldenPage, folder, gap, values, weight};
use train_support::hashed;

#[derive(Deserialize)]
struct Golden {
    text: serde_json::Value,
    vision: serde_json::Value,
    tokens: serde_json::Value,
    heads: Vec<HeadSpec>,
    aux_weight: f64,
    optim: OptimiserSpec,
    muon: MuonSpec,
    factors: Vec<f64>,
    losses: Vec<GoldenLoss>,
    pages: Vec<GoldenPage>,
}

#[derive(Deserialize)]
struct GoldenLoss {
    total: f64,
    tokens: f64,
    aux: Vec<f64>,
    norm: f64,
}

struct Setup {
    shape: ModelShape,
    params: Params,
    spec: LossSpec,
    pages: Vec<TrainPage>,
    golden: Golden,
}

fn setup() -> Setup {
    let text = std::fs::read_to_string(folder().join("train_batch.json")).unwrap();
    let mut golden: Golden = serde_json::from_str(&text).unwrap();
    golden.heads[2].tokens = vec![10, 21, 32, 43];
    let shape = ModelShape {
        text: serde_json::from_value(golden.text.clone()).unwrap(),
        vision: serde_json::from_value(golden.vision.clone()).unwrap(),
        tokens: serde_json::from_value(golden.tokens.clone()).unwrap(),
    };
    let params = Params::zeros(&shape, &golden.heads, &Device::Cpu).unwrap();
    for param in params.list() {
        param.var.set(&param.join(|part| Ok(weight(part))).unwrap()).unwrap();
    }
    let mut pages: Vec<TrainPage> = golden.pages.iter().enumerate().map(|(index, page)| page.build(index)).collect();
    for (page, _) in pages.iter_mut().zip(&golden.pages).filter(|(_, golden)| golden.blind) {
        page.page.data.clear();
        page.crops.iter_mut().for_each(|crop| crop.data.clear());
    }
    let spec = LossSpec { heads: golden.heads.clone(), aux_weight: golden.aux_weight };
    Setup { shape, params, spec, pages, golden }
}

impl Setup {
    fn graph(&self, kernels: Kernels) -> Graph<'_> {
        Graph { shape: &self.shape, params: &self.params, kernels, frozen_vision: false }
    }

    fn run(&self, kernels: Kernels, division: Division) -> (StepLoss, Gradients) {
        let graph = self.graph(kernels);
        let parts = divide(&self.pages, &self.shape, &self.spec, division).unwrap();
        gradients(&graph, &parts, &self.spec, division.workers, &Device::Cpu).unwrap()
    }
}

const WHOLE: Division = Division { pages: 8, workers: 1 };

fn goldens() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder().join("train_steps.safetensors"), &Device::Cpu).unwrap()
}

/// Largest gradient error relative to the largest entry of its tensor, and the tensor it is in.
fn worst_gradient(setup: &Setup, gradients: &Gradients) -> (f32, String) {
    let golden = goldens();
    let mut worst = (0.0, String::new());
    for (param, gradient) in setup.params.list().iter().zip(gradients) {
        for (name, found) in param.split(gradient.as_ref().expect("a gradient")).unwrap() {
            let mut expected = golden[&format!("gradient/{name}")].clone();
            if name.contains("patch_embed") {
                expected = Tensor::cat(&[&expected, &expected], 2).unwrap();
            }
            let (found, expected) = (values(&found), values(&expected));
            let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
            let error = gap(&found, &expected) / largest;
            if error > worst.0 {
                worst = (error, name);
            }
        }
    }
    worst
}

fn check_first_step(kernels: Kernels, division: Division) {
    let setup = setup();
    let (loss, gradients) = setup.run(kernels, division);
    let golden = &setup.golden.losses[0];
    assert!((loss.total - golden.total).abs() < 2e-5, "loss {} instead of {}", loss.total, golden.total);
    assert!((loss.tokens - golden.tokens).abs() < 2e-5, "token loss {} instead of {}", loss.tokens, golden.tokens);
    for (found, expected) in loss.aux.iter().zip(&golden.aux) {
        assert!((found - expected).abs() < 1e-5, "auxiliary loss {found} instead of {expected}");
    }
    assert_eq!(loss.segments, 9);
    let (error, name) = worst_gradient(&setup, &gradients);
    println!("{kernels:?}: loss off by {:e}, worst gradient {error:e} in {name}", (loss.total - golden.total).abs());
    assert!(error < 2e-4, "gradient of {name} off by {error}");
}

#[test]
fn loss_and_every_gradient_equal_transformers() {
    check_first_step(Kernels::Plain, WHOLE);
    check_first_step(Kernels::Fused, WHOLE);
}

#[test]
fn a_step_in_parts_on_threads_is_the_same_step() {
    check_first_step(Kernels::Plain, Division { pages: 1, workers: 2 });
    check_first_step(Kernels::Fused, Division { pages: 1, workers: 2 });
}

/// Largest distance of a weight from the golden one, and where.
fn worst_weight(setup: &Setup, golden: &HashMap<String, Tensor>, prefix: &str) -> (f32, String) {
    let mut worst = (0.0, String::new());
    for param in setup.params.list() {
        for (name, found) in param.split(param.var.as_tensor()).unwrap() {
            let error = gap(&values(&found), &values(&golden[&format!("{prefix}/{name}")]));
            if error > worst.0 {
                worst = (error, name);
            }
        }
    }
    worst
}

fn check_steps(kernels: Kernels) {
    let setup = setup();
    let golden = goldens();
    let mut optimiser = Optimiser::new(setup.golden.optim, &setup.params).unwrap();
    for (step, (&factor, expected)) in setup.golden.factors.iter().zip(&setup.golden.losses).enumerate() {
        let (loss, gradients) = setup.run(kernels, WHOLE);
        assert!((loss.total - expected.total).abs() < 1e-4, "step {step}: {} / {}", loss.total, expected.total);
        let norm = optimiser.step(&setup.params, &gradients, factor).unwrap();
        assert!((norm - expected.norm).abs() < 1e-3 * expected.norm, "norm {norm} instead of {}", expected.norm);
        if step == 1 {
            continue;
        }
        let worst = worst_weight(&setup, &golden, &format!("after{}", step + 1));
        println!("{kernels:?}: after {} steps the weights are within {:e} ({})", step + 1, worst.0, worst.1);
        assert!(worst.0 < 1.5e-5, "after step {} {} is off by {}", step + 1, worst.1, worst.0);
    }
}

#[test]
fn weights_after_one_and_three_steps_equal_torch() {
    check_steps(Kernels::Plain);
    check_steps(Kernels::Fused);
}

#[test]
fn weights_after_two_steps_of_muon_equal_torch() {
    let setup = setup();
    let spec = OptimiserSpec { muon: Some(setup.golden.muon), ..setup.golden.optim };
    let mut optimiser = Optimiser::new(spec, &setup.params).unwrap();
    for &factor in &setup.golden.factors[..2] {
        let (_, gradients) = setup.run(Kernels::for_device(&Device::Cpu), WHOLE);
        optimiser.step(&setup.params, &gradients, factor).unwrap();
    }
    let worst = worst_weight(&setup, &goldens(), "muon2");
    println!("after 2 steps of Muon the weights are within {:e} ({})", worst.0, worst.1);
    assert!(worst.0 < 2e-5, "{} is off by {}", worst.1, worst.0);
}

#[test]
fn every_parameter_gets_a_gradient() {
    let setup = setup();
    let (_, gradients) = setup.run(Kernels::Plain, WHOLE);
    for (param, gradient) in setup.params.list().iter().zip(&gradients) {
        let gradient = gradient.as_ref().unwrap_or_else(|| panic!("{} gets none", param.parts[0].name));
        for (name, part) in param.split(gradient).unwrap() {
            assert!(values(&part).iter().any(|v| v.abs() > 1e-7), "{name} gets zeros");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let setup = setup();
    let (_, gradients) = setup.run(Kernels::Plain, WHOLE);
    for (param, gradient) in setup.params.list().iter().zip(&gradients) {
        let start = param.var.copy().unwrap();
        let name = &param.parts[0].name;
        let count = start.elem_count();
        // Along a fixed random direction: one number that every entry contributes to.
        let direction: Vec<f32> = hashed(name, count).into_iter().map(|u| u as f32).collect();
        let direction = Tensor::from_vec(direction, start.dims(), &Device::Cpu).unwrap();
        let slope = (gradient.as_ref().unwrap() * &direction).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let size = 4e-3 / (count as f64).sqrt();
        let at = |sign: f64| {
            param.var.set(&(&start + (&direction * (sign * size)).unwrap()).unwrap()).unwrap();
            setup.run(Kernels::Plain, WHOLE).0.total
        };
        let measured = (at(1.0) - at(-1.0)) / (2.0 * size);
        param.var.set(&start).unwrap();
        let error = (measured - f64::from(slope)).abs();
        assert!(error < 0.02 * f64::from(slope).abs() + 0.03 / size * 1e-6 + 0.02, "{name}: {measured} / {slope}");
    }
}

#[test]
fn unweighted_and_foreign_tokens_do_not_matter() {
    let setup = setup();
    let graph = setup.graph(Kernels::Plain);
    let run = |pages: &[TrainPage]| {
        let parts = divide(pages, &setup.shape, &setup.spec, WHOLE).unwrap();
        gradients(&graph, &parts, &setup.spec, 1, &Device::Cpu).unwrap().0.tokens
    };
    let only = |edit: &dyn Fn(&mut TrainPage)| {
        let mut pages = setup.pages[..1].to_vec();
        // Only the first segment counts.
        pages[0].segments[1].weights.fill(0.0);
        pages[0].segments[2].weights.fill(0.0);
        edit(&mut pages[0]);
        run(&pages)
    };
    let base = only(&|_| ());
    let other = only(&|page| page.segments[1].ids.iter_mut().for_each(|id| *id = (*id + 1) % 50));
    assert_eq!(base.to_bits(), other.to_bits(), "another segment leaks");
    let gone = only(&|page| page.segments.truncate(1));
    assert!((base - gone).abs() < 1e-6, "{base} without the others {gone}");
    let last = setup.pages[0].segments[0].ids.len() - 1;
    let tail = only(&|page| {
        page.segments[0].weights[last] = 0.0;
        page.segments[0].ids[last] = 7;
    });
    let tail2 = only(&|page| {
        page.segments[0].weights[last] = 0.0;
        page.segments[0].ids[last] = 9;
    });
    assert_eq!(tail.to_bits(), tail2.to_bits(), "a token sees what follows it");
    let prefix = only(&|page| page.prefix[1] = (page.prefix[1] + 1) % 50);
    assert!((base - prefix).abs() > 1e-4, "the prefix does not matter");
    let crop = only(&|page| page.crops[0].data.iter_mut().for_each(|v| *v = -*v));
    assert!((base - crop).abs() > 1e-4, "the crop does not matter");
}

#[test]
fn contradictions_are_named() {
    let setup = setup();
    let fails = |edit: &dyn Fn(&mut TrainPage)| {
        let mut pages = setup.pages.clone();
        edit(&mut pages[1]);
        divide(&pages, &setup.shape, &setup.spec, Division { pages: 1, workers: 1 }).unwrap_err().to_string()
    };
    assert_eq!(fails(&|p| p.segments[0].crops = vec![9]), "training page 1: segment 0 names crop 9 of 1");
    assert!(fails(&|p| p.segments[0].crops.clear()).contains("more runs of image pads than images"));
    assert!(fails(&|p| p.segments[0].weights.truncate(1)).contains("weights for"));
    assert!(fails(&|p| p.prefix[0] = 64).contains("token 64 in a vocabulary of 64"));
    assert!(fails(&|p| p.page.data.truncate(9)).contains("values instead of"));
    assert!(fails(&|p| p.page_cells[0].heads[0] = 5).contains("class 5 for head figure of 5"));
    assert!(fails(&|p| p.segments[0].weights[2] = f32::NAN).contains("weight NaN"));
}
