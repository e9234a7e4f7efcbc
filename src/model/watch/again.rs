//! Looking at a row that was computed before.

use super::Watch;
use crate::model::error::ModelError;
use crate::model::network::Network;
use crate::model::sequence::{Chunk, Sequence};
use crate::model::text::Span;

impl Network {
    /// Computes token `at` of a context once more over what stood before it, for `watch` to see, and gives its next-token
    /// logits. The sequence is afterwards what it was, to the bit: the keys and values of `at` are put back.
    ///
    /// # Errors
    /// [`ModelError::Watch`] where `at` is no text token of the sequence; [`ModelError::Compute`] (the sequence is then
    /// still what it was).
    pub fn look_again(&self, sequence: &mut Sequence, at: usize, watch: &mut Watch) -> Result<Vec<f32>, ModelError> {
        self.knows(sequence)?;
        let image = self.config().image_token;
        let place = sequence.ids().get(at).copied().zip(sequence.positions().get(at).copied());
        let Some((id, position)) = place.filter(|(id, _)| *id != image) else {
            return Err(ModelError::Watch(format!("token {at} of {} is none to look at", sequence.len())));
        };
        let cache = &mut sequence.cache;
        let (length, saved) = (cache.length(), cache.saved(at)?);
        let ids = [id];
        let x = self.text().embed(&[Chunk::Tokens(&ids)])?.into_iter().next().ok_or(ModelError::EmptyFeed)?;
        cache.truncate(at);
        let logits = self.text().forward(x, &[Span { start: 0, rows: 1 }], &mut [&mut *cache], &[position], watch);
        cache.put_back(at, &saved, length)?;
        Ok(logits?.to_dtype(candle_core::DType::F32)?.squeeze(0)?.to_vec1()?)
    }
}
