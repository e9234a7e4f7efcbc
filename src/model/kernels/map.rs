//! Linear maps of either kind of kernels.

use super::activations::Activations;
use super::{Packed, Stack, Team, Wide};

/// A linear map on the kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Map<'a> {
    /// Of a small model: the calling thread alone.
    Alone(&'a Packed),
    /// Of any other: a team.
    Shared(&'a Stack),
}

/// What a map works in.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    numbers: Vec<f32>,
    rows: Activations,
}

impl<'a> Map<'a> {
    /// `x` (rows, inputs) → `y` (rows, outputs); `scratch` is overwritten.
    pub(crate) fn apply(self, x: &[f32], y: &mut Vec<f32>, scratch: &mut Scratch) {
        match self {
            Self::Alone(packed) => packed.apply(x, y, &mut scratch.numbers),
            Self::Shared(stack) => stack.apply(x, y, &mut scratch.rows),
        }
    }

    /// Numbers in a row of results.
    pub(crate) fn outputs(self) -> usize {
        match self {
            Self::Alone(packed) => packed.outputs(),
            Self::Shared(stack) => stack.outputs(),
        }
    }

    /// The proof it was made with.
    pub(crate) fn wide(self) -> Wide {
        match self {
            Self::Alone(packed) => packed.wide(),
            Self::Shared(stack) => stack.wide(),
        }
    }

    /// Who computes it, if it is not the calling thread alone.
    pub(crate) fn team(self) -> Option<&'a Team> {
        match self {
            Self::Alone(_) => None,
            Self::Shared(stack) => Some(stack.team()),
        }
    }
}
