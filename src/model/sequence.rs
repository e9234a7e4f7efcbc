//! One context: its tokens, positions and cache, and what can be appended to it.

use candle_core::{DType, Device, Tensor};

use super::cache::KvCache;
use super::config::TextConfig;
use super::error::ModelError;
use super::positions::{Position, Positions};

/// An image as the language model takes it.
#[derive(Clone, Debug)]
pub struct ImageEmbedding {
    pub(crate) tensor: Tensor,
    pub(crate) grid: [usize; 3],
}

impl ImageEmbedding {
    /// One row a token: (tokens, hidden).
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Frames, rows and columns of merged cells.
    pub fn grid(&self) -> [usize; 3] {
        self.grid
    }

    /// Tokens the image takes in the context.
    pub fn tokens(&self) -> usize {
        self.grid.iter().product()
    }
}

/// Something to append to a sequence.
#[derive(Clone, Copy, Debug)]
pub enum Chunk<'a> {
    /// Token ids; the tokens around an image are among them.
    Tokens(&'a [u32]),
    /// The image's own rows, one for each of its pad tokens.
    Image(&'a ImageEmbedding),
}

impl Chunk<'_> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Tokens(ids) => ids.len(),
            Self::Image(image) => image.tokens(),
        }
    }
}

/// A sequence and what it is to go on with.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The sequence.
    pub sequence: &'a mut Sequence,
    /// What to append, in order.
    pub chunks: Vec<Chunk<'a>>,
}

/// The context of one conversation: token ids, positions, keys and values.
#[derive(Debug)]
pub struct Sequence {
    ids: Vec<u32>,
    positions: Positions,
    pub(crate) cache: KvCache,
}

impl Sequence {
    pub(crate) fn new(config: &TextConfig, panels: bool, dtype: DType, device: &Device) -> candle_core::Result<Self> {
        let cache = KvCache::new(config, panels, dtype, device)?;
        Ok(Self { ids: Vec::new(), positions: Positions::default(), cache })
    }

    /// Every token id, image pads included.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Tokens in the context.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The position the next text token will have; smaller than [`Sequence::len`] once there are images.
    pub fn next_position(&self) -> u32 {
        self.positions.next()
    }

    /// The three-axis position of every token.
    pub fn positions(&self) -> &[Position] {
        self.positions.ids()
    }

    /// Forgets everything from token `length` on; copies nothing. Going on from there is bit-identical to having
    /// stopped there.
    ///
    /// # Errors
    /// [`ModelError::BeyondEnd`]; [`ModelError::InsideImage`] (the sequence is then unchanged).
    pub fn truncate(&mut self, length: usize) -> Result<(), ModelError> {
        self.positions.truncate(length)?;
        self.ids.truncate(length);
        self.cache.truncate(length);
        Ok(())
    }

    /// A sequence of the first `length` tokens, to go on with elsewhere; `None` where `length` is no place to stop at,
    /// where there is no memory for it, and for models whose sequences are not copied (those that candle alone computes:
    /// on GPUs, and on processors without the kernels). Going on from it gives the bits that going on from the first
    /// tokens themselves gives.
    pub fn prefix(&self, length: usize) -> Option<Self> {
        let mut positions = self.positions.clone();
        positions.truncate(length).ok()?;
        let ids = self.ids.get(..length)?.to_vec();
        Some(Self { ids, positions, cache: self.cache.prefix(length)? })
    }

    /// Bytes of the keys and values of a copy of `length` tokens, whether they are there yet or not; `None` for models
    /// whose sequences are not copied.
    pub(crate) fn prefix_bytes(&self, length: usize) -> Option<u64> {
        self.cache.prefix_bytes(length)
    }

    /// Gives the chunks their positions, ahead of the computation. Undone by [`Sequence::give_up`].
    pub(crate) fn begin(&mut self, chunks: &[Chunk<'_>]) {
        for chunk in chunks {
            match chunk {
                Chunk::Tokens(ids) => self.positions.push_text(ids.len()),
                Chunk::Image(image) => self.positions.push_image(image.grid),
            }
        }
    }

    /// The positions of the rows begun and not yet finished.
    pub(crate) fn begun(&self) -> &[Position] {
        self.positions.ids().get(self.ids.len()..).unwrap_or(&[])
    }

    /// Takes over what the step computed.
    pub(crate) fn finish(&mut self, chunks: &[Chunk<'_>], image_token: u32) {
        for chunk in chunks {
            match chunk {
                Chunk::Tokens(ids) => self.ids.extend_from_slice(ids),
                Chunk::Image(image) => self.ids.extend(std::iter::repeat_n(image_token, image.tokens())),
            }
        }
        self.cache.advance(self.ids.len() - self.cache.length());
    }

    /// The step failed: the sequence is what it was before.
    pub(crate) fn give_up(&mut self) {
        // The length was a valid place to stop before, so this cannot fail.
        let _ = self.positions.truncate(self.ids.len());
    }
}
