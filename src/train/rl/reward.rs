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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::benchmark::Question;
    use crate::geometry::FrameKind;
    use crate::session::samples;
    use crate::trace::{Answer, Piece, Refusal, ScoreEvent, SegmentEvent, SessionEnd, SessionStart, Token, ZoomEvent};

    fn left() -> PageBox {
        PageBox::new(0.0, 0.0, 100.0, 100.0)
    }

    fn right() -> PageBox {
        PageBox::new(200.0, 0.0, 300.0, 100.0)
    }

    fn half() -> PageBox {
        PageBox::new(0.0, 0.0, 50.0, 100.0)
    }

    fn call(outcome: ZoomOutcome) -> ZoomEvent {
        ZoomEvent { number: 1, position: 0, raw: None, frame: FrameKind::Page, label: None, outcome, warning: None }
    }

    fn zoom(page_box: PageBox) -> ZoomEvent {
        call(ZoomOutcome::Cropped { page_box, crop: String::new() })
    }

    fn refused() -> ZoomEvent {
        call(ZoomOutcome::Refused { refused: Refusal::OffPage, detail: String::new() })
    }

    fn session(score: f64, targets: &[PageBox], zooms: Vec<ZoomEvent>) -> Trace {
        let mut trace = Trace::new();
        let question = Question { targets: targets.to_vec(), ..Question::default() };
        trace.start = Some(SessionStart { question, ..samples::start("r") });
        trace.zooms = zooms;
        trace.answer = Some(Answer { raw: "x".into(), content: Some("x".into()), position: 9 });
        let parts = Default::default();
        trace.score =
            Some(ScoreEvent { scorer: "s".into(), version: 1, value: score, explanation: String::new(), parts });
        trace.end = Some(SessionEnd {
            reason: "answered".into(),
            generated: 9,
            context: 20,
            turns: 2,
            zooms: 1,
            refused: 0,
            seconds: 1.0,
            compute_seconds: 1.0,
        });
        trace
    }

    #[test]
    fn a_right_answer_that_looked_at_all_targets_gets_everything() {
        let found =
            reward(&session(1.0, &[left(), right()], vec![zoom(left()), zoom(right())]), &RewardWeights::default());
        assert_eq!(found, Reward { total: 4.0, answer: 1.0, format: 1.0, count: 1.0, region: 1.0 });
    }

    #[test]
    fn looking_counts_only_with_a_right_answer_unless_the_gate_is_open() {
        let wrong = session(0.0, &[left()], vec![zoom(left())]);
        assert_eq!(reward(&wrong, &RewardWeights::default()).total, 1.0);
        let open = RewardWeights { gate: false, ..RewardWeights::default() };
        assert_eq!(reward(&wrong, &open).total, 3.0);
    }

    #[test]
    fn every_target_takes_its_best_zoom_and_many_zooms_count_once() {
        let found = reward(
            &session(1.0, &[left(), right()], vec![zoom(half()), zoom(left()), zoom(half())]),
            &RewardWeights::default(),
        );
        assert_eq!((found.count, found.region), (1.0, 0.5));
        let once = reward(&session(1.0, &[left(), right()], vec![zoom(half())]), &RewardWeights::default());
        assert_eq!((once.count, once.region), (0.5, 0.25));
        assert_eq!(reward(&session(1.0, &[], vec![zoom(half())]), &RewardWeights::default()).region, 0.0);
    }

    #[test]
    fn part_of_an_order_counts_only_where_asked_for() {
        let partly = session(0.6, &[left()], vec![zoom(left())]);
        assert_eq!(reward(&partly, &RewardWeights::default()).answer, 0.0);
        let partial = RewardWeights { partial: true, ..RewardWeights::default() };
        let found = reward(&partly, &partial);
        assert_eq!((found.answer, found.total), (0.6, 1.6));
    }

    #[test]
    fn a_refused_call_and_words_outside_tags_break_the_format() {
        let format = |trace: &Trace| reward(trace, &RewardWeights::default()).format;
        assert_eq!(format(&session(1.0, &[left()], vec![zoom(left()), refused()])), 0.0);
        let mut silent = session(1.0, &[left()], vec![zoom(left())]);
        silent.answer = None;
        assert_eq!(format(&silent), 0.0);
        let mut cut = session(1.0, &[left()], vec![zoom(left())]);
        cut.end.as_mut().unwrap().reason = "max_tokens".into();
        assert_eq!(format(&cut), 0.0);
        for (said, by, worth) in [
            ("\n", TokenSource::Sampled, 1.0),
            ("so", TokenSource::Sampled, 0.0),
            ("<tool_response>", TokenSource::Prompt, 1.0),
        ] {
            let mut trace = session(1.0, &[left()], vec![zoom(left())]);
            trace.segments.push(SegmentEvent { kind: SegmentKind::Text, first: 5, last: 5 });
            trace.tokens.push(token(said, by));
            assert_eq!(format(&trace), worth, "{said:?}");
        }
    }

    fn token(said: &str, by: TokenSource) -> Token {
        Token {
            position: 5,
            id: 1,
            piece: Piece::from_bytes(said.as_bytes()),
            logprob: None,
            entropy: None,
            top: Vec::new(),
            sampled_logprob: None,
            at: 0.0,
            by,
        }
    }
}
