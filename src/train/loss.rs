//! The loss: weighted token cross-entropy plus the auxiliary heads.
//!
//! `Σ w·ce / Σ w + aux_weight · Σ_heads weight · Σ w·ce / Σ w`. The denominators are those of the whole step, so that a
//! step may be computed in parts whose gradients are added.

use candle_core::{Device, Tensor};

use super::batch::HeadSpec;
use super::error::Result;
use super::graph::Graph;
use super::pack::{Label, Packed, Target, Totals};

/// How the loss is put together.
#[derive(Clone, Debug, PartialEq)]
pub struct LossSpec {
    /// Auxiliary heads in slot order.
    pub heads: Vec<HeadSpec>,
    /// Weight of all of them together.
    pub aux_weight: f64,
}

/// The loss of one part of a step.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is differentiated; none when the part has nothing to learn.
    pub total: Option<Tensor>,
    /// This part's share of the token loss.
    pub tokens: f64,
    /// This part's share of each head's loss, unweighted.
    pub aux: Vec<f64>,
}

/// Runs the graph and computes the loss.
///
/// # Errors
/// A tensor operation that fails.
pub fn loss(graph: &Graph<'_>, packed: &Packed, spec: &LossSpec, totals: &Totals, device: &Device) -> Result<Loss> {
    let forward = graph.forward(packed, device)?;
    let mut total = None;
    let mut tokens = 0.0;
    if !packed.targets.is_empty() && totals.targets > 0.0 {
        let part = (token_loss(graph, &forward.text, &packed.targets, device)? * (1.0 / totals.targets))?;
        tokens = scalar(&part)?;
        total = Some(part);
    }
    let mut aux = vec![0.0; packed.labels.len()];
    if let Some(vision) = &forward.vision {
        for (head, (labels, out)) in packed.labels.iter().zip(&mut aux).enumerate() {
            let sum = totals.labels.get(head).copied().unwrap_or(0.0);
            if labels.is_empty() || sum <= 0.0 {
                continue;
            }
            let Some(head_spec) = spec.heads.get(head) else { continue };
            let part = (head_loss(graph, head, head_spec, vision, labels, device)? * (1.0 / sum))?;
            *out = scalar(&part)?;
            let weight = spec.aux_weight * f64::from(head_spec.weight);
            let weighted = (part * weight)?;
            total = Some(match total {
                Some(total) => (total + weighted)?,
                None => weighted,
            });
        }
    }
    Ok(Loss { total, tokens, aux })
}

fn scalar(x: &Tensor) -> Result<f64> {
    Ok(f64::from(x.to_scalar::<f32>()?))
}

fn token_loss(graph: &Graph<'_>, text: &Tensor, targets: &[Target], device: &Device) -> Result<Tensor> {
    let rows = column(targets.iter().map(|t| t.row), device)?;
    let ids = column(targets.iter().map(|t| t.id), device)?;
    let weights = column(targets.iter().map(|t| t.weight), device)?;
    graph.kernels.cross_entropy(&graph.logits(text, &rows)?, &ids, &weights)
}

fn head_loss(
    graph: &Graph<'_>,
    head: usize,
    spec: &HeadSpec,
    vision: &Tensor,
    labels: &[Label],
    device: &Device,
) -> Result<Tensor> {
    let rows = column(labels.iter().map(|l| l.row), device)?;
    let classes = column(labels.iter().map(|l| l.class), device)?;
    let weights = column(labels.iter().map(|l| l.weight), device)?;
    graph.kernels.cross_entropy(&graph.aux_logits(head, spec, vision, &rows)?, &classes, &weights)
}

fn column<T: candle_core::WithDType>(values: impl Iterator<Item = T>, device: &Device) -> Result<Tensor> {
    let values: Vec<T> = values.collect();
    let count = values.len();
    Ok(Tensor::from_vec(values, count, device)?)
}
