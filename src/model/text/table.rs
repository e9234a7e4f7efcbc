//! The embedding table.

#![allow(clippy::indexing_slicing, reason = "chunks of the size they were made with")]

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use crate::model::error::ModelError;
use crate::model::kernels::{Matrix, Stack};
use crate::model::layers::Linear;
use crate::model::names;
use crate::model::sequence::Chunk;
use crate::model::weights::{Head, Weights};

/// Rows of the hidden width, one a token id.
#[derive(Debug)]
pub(super) enum Table {
    /// (vocabulary, hidden), for any device.
    Tensor(Tensor),
    /// As the kernels of large models keep it; the head may be the same.
    Matrix(Arc<Matrix>),
}

impl Table {
    /// The table, and the head that may be the same numbers.
    pub(super) fn load(
        weights: &Weights,
        shape: [usize; 2],
        head: Head,
        device: &Device,
    ) -> std::result::Result<(Self, Linear), ModelError> {
        if let (Some(table), Some((_, team))) = (weights.shared_matrix(names::EMBED, shape[1])?, weights.shared()) {
            let own = match head {
                Head::Tied => None,
                Head::Separate => weights.shared_matrix(names::HEAD, shape[1])?,
            };
            if let Some(stack) = Stack::new(team, vec![own.unwrap_or_else(|| Arc::clone(&table))]) {
                return Ok((Self::Matrix(table), Linear::Stack(Box::new(stack))));
            }
        }
        let table = weights.tensor(names::EMBED, &shape, device)?;
        let name = if head == Head::Tied { names::EMBED } else { names::HEAD };
        if let Some(map) = Linear::quantised(weights, name, device)? {
            return Ok((Self::Tensor(table), map));
        }
        let head = match head {
            Head::Tied => Linear::from_table(weights, &table)?,
            Head::Separate => Linear::from_table(weights, &weights.tensor(names::HEAD, &shape, device)?)?,
        };
        Ok((Self::Tensor(table), head))
    }

    /// The type of its rows.
    pub(super) fn dtype(&self) -> DType {
        match self {
            Self::Tensor(table) => table.dtype(),
            Self::Matrix(_) => DType::F32,
        }
    }

    /// The rows of a chunk: (rows, hidden). Ids must have been checked.
    pub(super) fn rows(&self, chunk: &Chunk<'_>) -> Result<Tensor> {
        match (self, chunk) {
            (_, Chunk::Image(image)) => Ok(image.tensor.clone()),
            (Self::Tensor(table), Chunk::Tokens([id])) => table.narrow(0, *id as usize, 1),
            (Self::Tensor(table), Chunk::Tokens(ids)) => {
                table.index_select(&Tensor::from_slice(ids, ids.len(), table.device())?, 0)
            }
            (Self::Matrix(table), Chunk::Tokens(ids)) => {
                let width = table.inputs();
                let mut rows = vec![0.0; ids.len() * width];
                for (id, row) in ids.iter().zip(rows.chunks_exact_mut(width)) {
                    table.row(*id as usize, row);
                }
                Tensor::from_vec(rows, (ids.len(), width), &Device::Cpu)
            }
        }
    }
}
