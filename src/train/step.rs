//! Gradients of one step, computed in parts by several threads.
//!
//! A part is a few pages. Parts are independent and small enough to stay in the caches; their gradients are added in the
//! order of the parts, so that the sum does not depend on which thread was faster.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Device;

use super::batch::TrainPage;
use super::error::{Result, TrainError};
use super::graph::Graph;
use super::loss::{Loss, LossSpec, loss};
use super::optim::Gradients;
use super::pack::{Packed, Totals, pack};
use super::shape::ModelShape;

/// How a step is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// Pages in one part.
    pub pages: usize,
    /// Threads that compute parts.
    pub workers: usize,
}

/// Losses of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepLoss {
    /// Mean weighted token cross-entropy.
    pub tokens: f64,
    /// Mean loss of each auxiliary head.
    pub aux: Vec<f64>,
    /// The loss that was differentiated.
    pub total: f64,
    /// Text rows computed.
    pub rows: usize,
    /// Segments computed.
    pub segments: usize,
}

/// Packs a batch into parts.
///
/// # Errors
/// A page that contradicts itself.
pub fn divide(pages: &[TrainPage], shape: &ModelShape, spec: &LossSpec, division: Division) -> Result<Vec<Packed>> {
    let size = division.pages.max(1);
    let whole = |part: usize, error: TrainError| match error {
        TrainError::Batch { page, message } => TrainError::Batch { page: page + part * size, message },
        other => other,
    };
    let parts = pages.chunks(size).enumerate();
    parts.map(|(index, part)| pack(part, shape, &spec.heads).map_err(|error| whole(index, error))).collect()
}

/// Losses and gradients of one step.
///
/// # Errors
/// A failing tensor operation in any part.
pub fn gradients(
    graph: &Graph<'_>,
    parts: &[Packed],
    spec: &LossSpec,
    workers: usize,
    device: &Device,
) -> Result<(StepLoss, Gradients)> {
    let mut totals = Totals::default();
    parts.iter().for_each(|part| totals.add(&part.totals()));
    let done = side_by_side(parts, workers, &|part| one(graph, part, spec, &totals, device))?;
    collect(done, parts, spec, graph)
}

/// Computes something of every part on several threads; the results come in the order of the parts.
///
/// # Errors
/// The first part's that fails.
pub(crate) fn side_by_side<P: Sync, R: Send>(
    parts: &[P],
    workers: usize,
    compute: &(dyn Fn(&P) -> Result<R> + Sync),
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Result<R>>>> = parts.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((part, slot)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            parts.get(index).zip(done.get(index))
        } {
            let result = compute(part);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers.min(parts.len()) {
            scope.spawn(work);
        }
        work();
    });
    let lost = || Err(TrainError::Data("a part of the step was not computed".into()));
    done.into_iter().map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(lost)).collect()
}

/// Adds gradients, parameter by parameter.
///
/// # Errors
/// A failing tensor operation.
pub(crate) fn add_gradients(sum: &mut Gradients, more: Gradients) -> Result<()> {
    for (total, gradient) in sum.iter_mut().zip(more) {
        *total = match (total.take(), gradient) {
            (Some(a), Some(b)) => Some((a + b)?),
            (a, b) => a.or(b),
        };
    }
    Ok(())
}

fn collect(
    done: Vec<(Loss, Gradients)>,
    parts: &[Packed],
    spec: &LossSpec,
    graph: &Graph<'_>,
) -> Result<(StepLoss, Gradients)> {
    let mut sum = StepLoss { aux: vec![0.0; spec.heads.len()], ..StepLoss::default() };
    let mut gradients: Gradients = vec![None; graph.params.list().len()];
    for ((loss, part_gradients), part) in done.into_iter().zip(parts) {
        sum.tokens += loss.tokens;
        sum.aux.iter_mut().zip(&loss.aux).for_each(|(sum, value)| *sum += value);
        sum.rows += part.inputs.len();
        sum.segments += part.segments;
        add_gradients(&mut gradients, part_gradients)?;
    }
    let weighted = sum.aux.iter().zip(&spec.heads).map(|(loss, head)| loss * f64::from(head.weight));
    sum.total = sum.tokens + spec.aux_weight * weighted.sum::<f64>();
    Ok((sum, gradients))
}

fn one(
    graph: &Graph<'_>,
    part: &Packed,
    spec: &LossSpec,
    totals: &Totals,
    device: &Device,
) -> Result<(Loss, Gradients)> {
    let loss = loss(graph, part, spec, totals, device)?;
    let Some(total) = &loss.total else { return Ok((loss, vec![None; graph.params.list().len()])) };
    let mut store = total.backward()?;
    let take = |param: &super::params::Param| store.remove(param.var.as_tensor());
    let gradients = graph.params.list().iter().map(take).collect();
    Ok((Loss { total: None, ..loss }, gradients))
}
