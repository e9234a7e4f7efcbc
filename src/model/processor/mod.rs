//! From a page's pixels to the numbers the vision tower reads: smart resize, resampling, normalisation, patches.
//!
//! Takes: an RGB image and the settings of a `preprocessor_config.json`. Gives: [`Patches`]. The reference is Hugging
//! Face's Qwen2-VL image processor in its Pillow form (the one RARL checkpoints were trained with), to the byte before
//! normalisation and to the last bit after it. The torchvision form ("fast") resamples differently and is not
//! reproduced.

mod error;
mod patches;
mod resample;
mod settings;
mod smart_resize;

pub use error::ProcessorError;
pub use patches::Patches;
pub use resample::{resize_bicubic, try_resize_bicubic};
pub use settings::ImageProcessor;
pub use smart_resize::smart_resize;

pub use crate::page::MAX_PIXELS;
