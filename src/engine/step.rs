//! What can be stepped.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use image::RgbImage;

use super::{EngineError, Look, Looking};
use crate::geometry::Size;
use crate::model::sampler::Sampling;
use crate::trace::{Body, ModelInfo};

/// What an engine can do beyond appending and drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Logprobs, entropy and alternatives come with each token.
    pub logprobs: bool,
    /// A chosen token can be put in the drawn one's place.
    pub force: bool,
    /// Marks can be taken and gone back to.
    pub rewind: bool,
    /// Going on after a rewind is bit-identical.
    pub exact: bool,
    /// What a token's row attended to can be looked at.
    pub attention: bool,
    /// What the layers would have said can be looked at.
    pub lens: bool,
}

/// One token with its figures, all from the raw logits.
#[derive(Clone, Debug, PartialEq)]
pub struct StepToken {
    /// Its id.
    pub id: u32,
    /// Its bytes; perhaps only a part of a character.
    pub bytes: Vec<u8>,
    /// Natural log-probability.
    pub logprob: f32,
    /// Entropy of the distribution in nats.
    pub entropy: f32,
    /// Log-probability after penalties, temperature and truncation.
    pub sampled_logprob: f32,
    /// The likeliest tokens (up to 8) by falling logprob.
    pub top: Vec<(u32, f32)>,
}

/// An image that entered the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Size after processing.
    pub processed: Size,
    /// Pads: tokens the image itself became.
    pub tokens: u32,
    /// Every id that entered the context: vision start, the pads, vision end.
    pub ids: Vec<u32>,
}

/// A place an engine can go back to.
#[derive(Clone)]
pub struct Mark {
    /// Tokens in the context at the mark.
    pub position: u64,
    /// What the engine needs to restore it.
    pub(super) state: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mark").field("position", &self.position).finish_non_exhaustive()
    }
}

/// A context as a log has it, to be stood in again.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// The session that stands in it now.
    pub session: &'a str,
    /// The session it is a record of.
    pub parent: &'a str,
    /// How tokens are drawn from here on.
    pub sampling: Sampling,
    /// Seed of the sampler.
    pub seed: u64,
    /// Tokens that were drawn in it: so many random numbers are passed over.
    pub drawn: u64,
    /// Tokens the model wrote in it, forced ones included.
    pub written: u64,
    /// Every id, pads included; never tokenised again.
    pub ids: &'a [u32],
    /// The images, in the order of their pads.
    pub images: &'a [Arc<RgbImage>],
    /// Whether all that is in the cache is kept, although what follows may then differ from the parent in the last bits.
    pub lean: bool,
}

/// How a recorded context was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Tokens whose keys and values were still there.
    pub kept: u64,
    /// Whether going on gives the bits that going on gave when the context was first computed.
    pub exact: bool,
}

/// A model with one context that grows at its end.
///
/// Positions count tokens of the context from 0. [`StepEngine::begin`] comes first and starts an empty context; it may
/// be called again for the next session.
pub trait StepEngine {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// The model behind it.
    fn info(&self) -> ModelInfo;
    /// Fewest and most pixels of a processed image.
    fn pixel_limits(&self) -> (u64, u64);
    /// Ids that end a turn.
    fn eos(&self) -> &[u32];
    /// Says whose context this is from now on, after [`StepEngine::begin`]: only what was computed for a session is exact for
    /// its forks.
    fn belongs_to(&mut self, session: &str);
    /// Starts an empty context and a fresh sampler.
    ///
    /// # Errors
    /// When the model cannot hold a context.
    fn begin(&mut self, sampling: Sampling, seed: u64) -> Result<(), EngineError>;
    /// The ids of a text; special tokens in it are recognised.
    ///
    /// # Errors
    /// When the text cannot be encoded.
    fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError>;
    /// The bytes of a token; empty for an id outside the vocabulary.
    fn piece(&self, id: u32) -> Vec<u8>;
    /// Appends tokens.
    ///
    /// # Errors
    /// When they do not fit.
    fn append_tokens(&mut self, ids: &[u32]) -> Result<(), EngineError>;
    /// Appends an image with its start and end tokens.
    ///
    /// # Errors
    /// When it cannot be processed or does not fit.
    fn append_image(&mut self, image: &RgbImage) -> Result<Appended, EngineError>;
    /// Draws the next token and appends it.
    ///
    /// # Errors
    /// When the model fails.
    fn next(&mut self) -> Result<StepToken, EngineError>;
    /// Appends a token a person chose, with the figures the model gives it.
    ///
    /// # Errors
    /// When the model fails or the id is outside the vocabulary.
    fn force(&mut self, id: u32) -> Result<StepToken, EngineError>;
    /// Stands in a recorded context, whatever stood there before: what both begin with is kept, the rest is computed.
    ///
    /// # Errors
    /// When the context does not suit this model, or does not fit.
    fn resume(&mut self, recorded: &Recorded<'_>) -> Result<Resumed, EngineError>;
    /// Fewest and most pixels of a processed image from now on; `None` is the model's own. Images in the context stay.
    ///
    /// # Errors
    /// When this engine has none, or they mean nothing.
    fn limit_pixels(&mut self, limits: Option<(u64, u64)>) -> Result<(), EngineError>;
    /// Keeps from now on what looking at the latest token needs, so that a look at it costs little; or no longer.
    fn watch(&mut self, _looking: Looking) {}
    /// Records of what is wanted of a token of the context; `own` are the places of tokens the model wrote, rising. The
    /// context is afterwards what it was, to the bit.
    ///
    /// # Errors
    /// When this engine cannot look, or there is no such token.
    fn look(&mut self, _look: &Look, _own: &[Range<usize>]) -> Result<Vec<Body>, EngineError> {
        Err(EngineError::Misuse("this engine cannot be looked into"))
    }
    /// Tokens in the context.
    fn position(&self) -> u64;
    /// The present place, sampler state included.
    fn mark(&self) -> Mark;
    /// Goes back to a mark of this session.
    ///
    /// # Errors
    /// [`EngineError::StaleMark`].
    fn rewind(&mut self, mark: &Mark) -> Result<(), EngineError>;
}
