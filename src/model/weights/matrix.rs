//! Weights as the kernels of large models keep them: in the format of the file, or the one that was asked for.

use std::sync::Arc;

use super::{Head, Weights};
use crate::model::error::ModelError;
use crate::model::kernels::{Matrix, Stack, Team, Wide};
use crate::model::{memory, names};

impl Weights {
    /// `{prefix}.weight` and, if asked, `{prefix}.bias` of every prefix as maps of the same rows; nothing where layers are
    /// not made for a team.
    pub(crate) fn stack(&self, prefixes: &[String], columns: usize, bias: bool) -> Result<Option<Stack>, ModelError> {
        let Some((wide, team)) = self.shared() else { return Ok(None) };
        let part = |prefix: &String| {
            let bias = bias.then(|| format!("{prefix}.bias"));
            self.matrix(wide, &format!("{prefix}.weight"), columns, bias.as_deref()).map(Arc::new)
        };
        let parts = prefixes.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        Ok(Stack::new(team, parts))
    }

    /// A tensor as a matrix; nothing where layers are not made for a team.
    pub(crate) fn shared_matrix(&self, name: &str, columns: usize) -> Result<Option<Arc<Matrix>>, ModelError> {
        let Some((wide, _)) = self.shared() else { return Ok(None) };
        self.matrix(wide, name, columns, None).map(|matrix| Some(Arc::new(matrix)))
    }

    /// The proof and the team, where layers are made for one.
    pub(crate) fn shared(&self) -> Option<(Wide, Arc<Team>)> {
        Some((self.wide?, Arc::clone(self.team.as_ref()?)))
    }

    fn matrix(&self, wide: Wide, name: &str, columns: usize, bias: Option<&str>) -> Result<Matrix, ModelError> {
        let mut biases = Vec::new();
        if let Some(bias) = bias {
            self.piece(bias)?.append(&mut biases);
        }
        let piece = self.piece(name)?;
        let (format, count) = (piece.format, piece.rows * piece.columns);
        let made = Matrix::from_raw(wide, format, &piece.bytes, &biases, count / columns.max(1), columns);
        made.ok_or_else(|| {
            let (needed, available) = (format.bytes(count).unwrap_or(0) as u64, memory::available().unwrap_or(0));
            ModelError::Memory { what: "the weights", needed, available }
        })
    }

    /// Bytes the weights will take, the largest one counted twice for the moment it is moved.
    pub(crate) fn memory_bytes(&self, head: Head) -> u64 {
        if self.team.is_none() {
            return self.f32_bytes(head);
        }
        let (mut sum, mut largest) = (0_u64, 0_u64);
        let counts = self.tensors.iter().filter(|(name, _)| head == Head::Separate || name.as_str() != names::HEAD);
        for (name, entry) in counts {
            let format = self.keep.format(name, entry.stored, &entry.shape);
            let count = memory::product(&entry.shape);
            let bytes = count.saturating_mul(format.block_bytes() as u64) / format.block() as u64;
            sum = sum.saturating_add(bytes);
            largest = largest.max(bytes);
        }
        sum.saturating_add(largest)
    }
}
