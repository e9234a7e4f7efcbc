//! One GRPO step against torch's autograd: advantages, objective, divergence, every gradient, weights after AdamW.
//!
//! The goldens come from `tests/goldens/make_grpo_goldens.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod train_support;

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use panelscope::train::batch::TrainPage;
use panelscope::train::graph::Graph;
use panelscope::train::ops::Kernels;
use panelscope::train::optim::{Gradients, Optimiser, OptimiserSpec};
use panelscope::train::pack::pack;
use panelscope::train::params::Params;
use panelscope::train::rl::group::advantages;
use panelscope::train::rl::learn::PolicyPart;
use panelscope::train::rl::policy::{PolicySums, Update, part_gradients};
use panelscope::train::rl::settings::PolicySettings;
use panelscope::train::shape::ModelShape;
use serde::Deserialize;
use train_support::golden::{GoldenPage, folder, gap, values, weight};
use train_support::hashed;

#[derive(Deserialize)]
struct Golden {
    text: serde_json::Value,
    vision: serde_json::Value,
    tokens: serde_json::Value,
    settings: PolicySettings,
    temperature: f64,
    optim: OptimiserSpec,
    rewards: Vec<Vec<f64>>,
    advantages: Vec<Option<f32>>,
    objective: f64,
    kl: f64,
    clipped: f64,
    norm: f64,
    drawn: Vec<Vec<f32>>,
    written: Vec<Vec<usize>>,
    pages: Vec<GoldenPage>,
}

struct Setup {
    golden: Golden,
    shape: ModelShape,
    policy: Params,
    reference: Params,
}

fn setup() -> Setup {
    let text = std::fs::read_to_string(folder().join("grpo_step.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let shape = ModelShape {
        text: serde_json::from_value(golden.text.clone()).unwrap(),
        vision: serde_json::from_value(golden.vision.clone()).unwrap(),
        tokens: serde_json::from_value(golden.tokens.clone()).unwrap(),
    };
    let fill = |aside: f64| {
        let params = Params::zeros(&shape, &[], &Device::Cpu).unwrap();
        for param in params.list() {
            let value = param.join(|part| {
                let noise = hashed(&format!("reference {}", part.name), part.shape.iter().product());
                let noise: Vec<f32> = noise.into_iter().map(|u| (aside * u) as f32).collect();
                Ok((weight(part) + Tensor::from_vec(noise, part.shape.as_slice(), &Device::Cpu)?)?)
            });
            param.var.set(&value.unwrap()).unwrap();
        }
        params
    };
    let (policy, reference) = (fill(0.0), fill(0.02));
    Setup { golden, shape, policy, reference }
}

impl Setup {
    /// The chosen rollouts of each page as a part of its own; `weights` marks what the policy wrote.
    fn parts(&self) -> Vec<PolicyPart> {
        let (g, mut next, mut parts) = (&self.golden, 0, Vec::new());
        for (index, page) in g.pages.iter().enumerate() {
            let mut built = page.build(index);
            let (mut gains, mut drawn, mut kept) = (Vec::new(), Vec::new(), Vec::new());
            for mut segment in std::mem::take(&mut built.segments) {
                let (gain, old, written) = (g.advantages[next], &g.drawn[next], &g.written[next]);
                next += 1;
                let Some(gain) = gain else { continue };
                segment.weights = (0..segment.ids.len()).map(|i| f32::from(u8::from(written.contains(&i)))).collect();
                gains.resize(gains.len() + written.len(), gain);
                drawn.extend(old);
                kept.push(segment);
            }
            if !kept.is_empty() {
                let packed = pack(&[TrainPage { segments: kept, ..built }], &self.shape, &[]).unwrap();
                parts.push(PolicyPart { packed, advantages: gains, drawn });
            }
        }
        parts
    }

    fn graph<'a>(&'a self, params: &'a Params, kernels: Kernels, frozen_vision: bool) -> Graph<'a> {
        Graph { shape: &self.shape, params, kernels, frozen_vision }
    }

    fn run(&self, kernels: Kernels, frozen: bool) -> (PolicySums, Gradients) {
        let parts = self.parts();
        let update = Update {
            graph: self.graph(&self.policy, kernels, frozen),
            reference: Some(self.graph(&self.reference, kernels, frozen)),
            settings: &self.golden.settings,
            temperature: self.golden.temperature,
            tokens: parts.iter().map(|part| part.drawn.len() as f64).sum(),
        };
        let (mut sums, mut gradients): (PolicySums, Gradients) = Default::default();
        for part in &parts {
            let (more, found) = part_gradients(&update, part, &Device::Cpu).unwrap();
            sums.add(&more);
            gradients.resize(found.len(), None);
            for (sum, gradient) in gradients.iter_mut().zip(found) {
                *sum = match (sum.take(), gradient) {
                    (Some(a), Some(b)) => Some((a + b).unwrap()),
                    (a, b) => a.or(b),
                };
            }
        }
        (sums, gradients)
    }
}

fn goldens() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder().join("grpo_step.safetensors"), &Device::Cpu).unwrap()
}

#[test]
fn advantages_equal_torch_and_a_group_without_signal_falls_out() {
    let golden = setup().golden;
    let mut expected = golden.advantages.iter();
    for rewards in &golden.rewards {
        let found = advantages(rewards, true);
        for (index, expected) in expected.by_ref().take(rewards.len()).enumerate() {
            let found = found.as_ref().map(|list| list[index] as f32);
            assert!(found.zip(*expected).map_or(found == *expected, |(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        }
    }
}

fn check(kernels: Kernels) {
    let setup = setup();
    let (sums, gradients) = setup.run(kernels, false);
    let golden = &setup.golden;
    assert!(
        (sums.objective / sums.tokens - golden.objective).abs() < 1e-4,
        "objective {}",
        sums.objective / sums.tokens
    );
    assert!((sums.kl / sums.tokens - golden.kl).abs() < 1e-3 * golden.kl, "divergence {}", sums.kl / sums.tokens);
    assert_eq!(sums.clipped, golden.clipped);
    let expected = goldens();
    for (param, gradient) in setup.policy.list().iter().zip(&gradients) {
        for (name, found) in param.split(gradient.as_ref().expect("a gradient")).unwrap() {
            let mut expected = expected[&format!("gradient/{name}")].clone();
            if name.contains("patch_embed") {
                expected = Tensor::cat(&[&expected, &expected], 2).unwrap();
            }
            let expected = values(&expected);
            let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
            let error = gap(&values(&found), &expected) / largest;
            assert!(error < 5e-4, "{kernels:?}: gradient of {name} off by {error}");
        }
    }
    let mut optimiser = Optimiser::new(golden.optim, &setup.policy).unwrap();
    let norm = optimiser.step(&setup.policy, &gradients, 1.0).unwrap();
    assert!((norm - golden.norm).abs() < 1e-3 * golden.norm, "norm {norm}");
    for param in setup.policy.list() {
        for (name, found) in param.split(param.var.as_tensor()).unwrap() {
            let error = gap(&values(&found), &values(&expected[&format!("after/{name}")]));
            assert!(error < 3e-5, "{kernels:?}: {name} is off by {error} after the step");
        }
    }
}

#[test]
fn a_step_equals_torch() {
    check(Kernels::Plain);
    check(Kernels::Fused);
}

#[test]
fn a_frozen_tower_gets_no_gradient_and_the_rest_gets_the_same() {
    let setup = setup();
    let (_, free) = setup.run(Kernels::Fused, false);
    let (_, frozen) = setup.run(Kernels::Fused, true);
    for (param, (free, frozen)) in setup.policy.list().iter().zip(free.iter().zip(&frozen)) {
        let name = &param.parts[0].name;
        if name.contains("visual") {
            assert!(frozen.is_none(), "{name} is moved");
        } else {
            let (free, frozen) = (free.as_ref().unwrap(), frozen.as_ref().unwrap());
            assert!(
                gap(&values(free), &values(frozen)) <= 1e-6 * values(free).iter().fold(1f32, |a, b| a.max(b.abs()))
            );
        }
    }
}

#[test]
fn what_the_policy_did_not_write_is_not_learnt() {
    let setup = setup();
    let mut parts = setup.parts();
    let tokens = parts.iter().map(|part| part.drawn.len() as f64).sum();
    let run = |parts: &[PolicyPart]| {
        let graph = setup.graph(&setup.policy, Kernels::Fused, false);
        let update = Update { graph, reference: None, settings: &setup.golden.settings, temperature: 1.0, tokens };
        part_gradients(&update, &parts[0], &Device::Cpu).unwrap()
    };
    let written: usize = setup.golden.written.iter().take(3).map(Vec::len).sum();
    assert_eq!(parts[0].packed.targets.len(), written, "images and masked tokens are no targets");
    // Without advantage nothing is learnt, whatever the ratio.
    parts[0].advantages.fill(0.0);
    let (_, gradients) = run(&parts);
    assert!(gradients.iter().flatten().all(|gradient| values(gradient).iter().all(|v| *v == 0.0)));
}
