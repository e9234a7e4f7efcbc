//! What a rollout is worth, term by term.

use serde::{Deserialize, Serialize};

use crate::geometry::{PageBox, iou};
use crate::trace::{SegmentKind, TokenSource, Trace, ZoomOutcome};

/// Weights of the terms. The unweighted sum with the gate is the default, as far as the paper's reward is known.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardWeights {
    /// Of a right answer.
    pub answer: f64,
    /// Of the wire format.
    pub format: f64,
    /// Of having zoomed as often as there are targets, at most once each.
    pub count: f64,
    /// Of having zoomed where the targets are.
    pub region: f64,
    /// Whether count and region are only given for a right answer.
    pub gate: bool,
    /// Whether an order or a set that is partly right counts in part.
    pub partial: bool,
}

impl Default for RewardWeights {
    fn default() -> Self {
        Self { answer: 1.0, format: 1.0, count: 1.0, region: 1.0, gate: true, partial: false }
    }
}

/// The terms of one rollout, each between 0 and 1 and before weights and gate, and what they add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reward {
    /// Weighted sum.
    pub total: f64,
    /// 1 for a right answer.
    pub answer: f64,
    /// 1 where it ended with an answer that can be read, said nothing outside tags and had no call refused.
    pub format: f64,
    /// Zooms for each target, at most 1.
    pub count: f64,
    /// Mean over targets of the best IoU of a zoom with it.
    pub region: f64,
}

/// Rewards an ended session. Without the tool count and region are 0.
pub fn reward(trace: &Trace, weights: &RewardWeights) -> Reward {
    let score = trace.score.as_ref().map_or(0.0, |score| score.value);
    let right = score >= 1.0;
    let answer = if weights.partial { score.clamp(0.0, 1.0) } else { f64::from(u8::from(right)) };
    let format = f64::from(u8::from(well_formed(trace)));
    let targets = trace.start.as_ref().map_or(&[][..], |start| &start.question.targets);
    let zooms = valid_zooms(trace);
    let count = (zooms.len() as f64 / targets.len().max(1) as f64).min(1.0);
    let region = region(&zooms, targets);
    let gate = if right || !weights.gate { 1.0 } else { 0.0 };
    let looked = gate * (weights.count * count + weights.region * region);
    let total = weights.answer * answer + weights.format * format + looked;
    Reward { total, answer, format, count, region }
}

/// What was cut for each call that was not refused.
fn valid_zooms(trace: &Trace) -> Vec<PageBox> {
    let cropped = trace.zooms.iter().filter_map(|zoom| match &zoom.outcome {
        ZoomOutcome::Cropped { page_box, .. } => Some(*page_box),
        ZoomOutcome::Refused { .. } => None,
    });
    cropped.collect()
}

fn region(zooms: &[PageBox], targets: &[PageBox]) -> f64 {
    let best = |target: &PageBox| {
        let overlaps = zooms.iter().map(|zoom| iou(target, zoom)).filter(|overlap| overlap.is_finite());
        overlaps.fold(0.0, f64::max).min(1.0)
    };
    targets.iter().map(best).sum::<f64>() / targets.len().max(1) as f64
}

fn well_formed(trace: &Trace) -> bool {
    let answered = trace.end.as_ref().is_some_and(|end| end.reason == "answered");
    let readable = trace.answer.as_ref().is_some_and(|answer| answer.content.is_some());
    let refused = trace.zooms.iter().any(|zoom| matches!(zoom.outcome, ZoomOutcome::Refused { .. }));
    answered && readable && !refused && !speaks_outside_tags(trace)
}

fn speaks_outside_tags(trace: &Trace) -> bool {
    let mut outside = trace.segments.iter().filter(|segment| segment.kind == SegmentKind::Text);
    outside.any(|segment| {
        let inside = trace.tokens.iter().filter(|t| (segment.first..=segment.last).contains(&t.position));
        inside.filter(|t| t.by == TokenSource::Sampled).any(|t| !t.piece.bytes().trim_ascii().is_empty())
    })
}
