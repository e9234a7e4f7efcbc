//! What a breakpoint asks, and whether it holds.

use regex::Regex;

use super::moment::Moment;
use crate::trace::{Refusal, SegmentKind, TokenSource};

/// A condition on one moment.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Any(Box<Condition>, Box<Condition>),
    Both(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Zoom(Option<u32>),
    Refused(Option<Refusal>),
    Warning,
    Figure(Figure, Relation, f64),
    Text(Regex),
    Open(Option<SegmentKind>),
    Close(Option<SegmentKind>),
    Answer(Option<bool>),
    Forced,
}

/// A number of a moment; one that is not known compares to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Iou,
    Coverage,
    Tightness,
    Repeat,
    Probability,
    Margin,
    Entropy,
    Tokens,
    Turn,
    Position,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Condition {
    pub(super) fn holds(&self, now: &Moment) -> bool {
        match self {
            Self::Any(a, b) => a.holds(now) || b.holds(now),
            Self::Both(a, b) => a.holds(now) && b.holds(now),
            Self::Not(inner) => !inner.holds(now),
            Self::Zoom(number) => now
                .zoom
                .as_ref()
                .is_some_and(|zoom| zoom.refused.is_none() && number.is_none_or(|number| number == zoom.number)),
            Self::Refused(reason) => {
                let refused = now.zoom.as_ref().and_then(|zoom| zoom.refused);
                refused.is_some_and(|refused| reason.is_none_or(|reason| reason == refused))
            }
            Self::Warning => now.zoom.as_ref().is_some_and(|zoom| zoom.warned),
            Self::Figure(figure, relation, value) => figure.of(now).is_some_and(|found| relation.holds(found, *value)),
            Self::Text(pattern) => pattern.find_iter(&now.tail).any(|found| found.end() > now.known),
            Self::Open(kind) => now.opened.iter().any(|opened| kind.is_none_or(|kind| kind == *opened)),
            Self::Close(kind) => now.closed.iter().any(|closed| kind.is_none_or(|kind| kind == *closed)),
            Self::Answer(right) => {
                now.answer.as_ref().is_some_and(|answer| right.is_none_or(|right| answer.right == Some(right)))
            }
            Self::Forced => now.by == TokenSource::Forced,
        }
    }

    /// Whether it is made of counters alone.
    pub(super) fn only_counts(&self) -> bool {
        match self {
            Self::Any(a, b) | Self::Both(a, b) => a.only_counts() && b.only_counts(),
            Self::Not(inner) => inner.only_counts(),
            Self::Figure(Figure::Tokens | Figure::Turn | Figure::Position, ..) => true,
            _ => false,
        }
    }
}

impl Figure {
    pub(super) fn of(self, now: &Moment) -> Option<f64> {
        let zoom = now.zoom.as_ref().filter(|zoom| zoom.refused.is_none());
        match self {
            Self::Iou => zoom?.iou,
            Self::Coverage => zoom?.coverage,
            Self::Tightness => zoom?.tightness,
            Self::Repeat => zoom?.repeat,
            Self::Probability => now.probability,
            Self::Margin => now.margin,
            Self::Entropy => now.entropy,
            Self::Tokens => Some(now.number as f64),
            Self::Turn => Some(f64::from(now.turn)),
            Self::Position => Some(now.position as f64),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Iou => "iou",
            Self::Coverage => "coverage",
            Self::Tightness => "tightness",
            Self::Repeat => "repeat",
            Self::Probability => "p",
            Self::Margin => "margin",
            Self::Entropy => "entropy",
            Self::Tokens => "tokens",
            Self::Turn => "turn",
            Self::Position => "at",
        }
    }

    pub(super) const ALL: [Self; 10] = [
        Self::Iou,
        Self::Coverage,
        Self::Tightness,
        Self::Repeat,
        Self::Probability,
        Self::Margin,
        Self::Entropy,
        Self::Tokens,
        Self::Turn,
        Self::Position,
    ];
}

impl Relation {
    fn holds(self, found: f64, value: f64) -> bool {
        match self {
            Self::Less => found < value,
            Self::LessOrEqual => found <= value,
            Self::Greater => found > value,
            Self::GreaterOrEqual => found >= value,
            Self::Equal => (found - value).abs() < 1e-9,
        }
    }
}
