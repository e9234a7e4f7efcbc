//! From a page's pixels to the numbers the vision tower reads: smart resize, resampling, normalisation, patches.
//!
//! Takes: an RGB image and the settings of a `preprocessor_config.json`. Gives: [`Patches`]. The references are Hugging
//! Face's two Qwen2-VL image processors, the one on Pillow (the one RARL checkpoints were trained with) and the one on
//! torchvision ("fast"): to the byte before normalisation and to the last bit after it. [`Resampler`] says which.

mod class;
mod error;
mod limits;
mod patches;
mod resample;
mod settings;
mod smart_resize;

pub use class::{ClassPlace, ResamplerChoice};
pub use error::ProcessorError;
pub use limits::PixelLimits;
pub use patches::Patches;
pub use resample::{Resampler, resize_bicubic, try_resize_bicubic};
pub use settings::ImageProcessor;
pub use smart_resize::smart_resize;

pub use crate::page::MAX_PIXELS;
