//! Qwen2.5-VL on candle: config, weights, tokenizer, image processor, towers, positions, KV cache, sampler.
//!
//! Takes: a Hugging Face model folder (or the same files embedded), token ids and page pixels. Gives: a [`Model`] whose
//! [`Network::forward`] appends tokens and images to [`Sequence`]s and answers with next-token logits. Arithmetic is f32
//! throughout and is held against Hugging Face's `transformers` by `tests/model_parity.rs`.

mod arithmetic;
mod attention;
mod cache;
mod choice;
#[cfg(test)]
mod clock;
mod config;
pub mod device;
mod error;
#[cfg(feature = "flash-attn")]
mod flash;
pub mod generation;
pub mod gguf;
pub mod inspect;
mod keep;
mod kernels;
mod layers;
mod loaded;
mod memory;
mod names;
mod network;
mod ops;
mod positions;
pub mod processor;
pub mod sampler;
mod sequence;
mod source;
mod tap;
mod text;
mod threads;
pub mod tokenizer;
mod upload;
mod vision;
pub mod watch;
mod weights;

pub use arithmetic::{DtypeChoice, LoadOptions, Quant, UnknownFormat};
pub use choice::{ModelChoice, Placed, Remote};
pub use config::{Config, TextConfig, VisionConfig};
pub use device::{DeviceChoice, DeviceError};
pub use error::{ModelError, TensorProblem};
pub use generation::Generation;
pub use kernels::Format;
pub use loaded::{Model, read_generation, read_processor, read_tokenizer};
pub use memory::available as available_memory;
pub use network::Network;
pub use positions::{Position, Positions};
pub use processor::{ImageProcessor, Patches, PixelLimits, Resampler, ResamplerChoice};
pub use sequence::{Chunk, Feed, ImageEmbedding, Sequence};
pub use source::FileSource;
pub use tap::{Dump, NoTap, Row, RowPart, Tap};
pub use threads::{settle_single_thread, settle_threads};
pub use tokenizer::Tokenizer;
pub use vision::WindowPlan;
