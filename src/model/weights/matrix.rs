//! Weights as the kernels of large models keep them: in the format of the file, or the one that was asked for.

use std::sync::Arc;

use super::Weights;
use crate::model::error::ModelError;
use crate::model::kernels::{Matrix, Stack, Team, Wide};
use crate::model::memory;

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
        let rows = piece.rows * piece.columns / columns.max(1);
        let made = Matrix::from_raw(wide, piece.format, &piece.bytes, &biases, rows, columns);
        self.done_with(name);
        made.ok_or_else(|| {
            let (needed, available) = (piece.bytes.len() as u64, memory::available().unwrap_or(0));
            ModelError::Memory { what: "the weights", needed, available }
        })
    }
}
