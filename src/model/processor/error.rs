//! What the image processor refuses.

use crate::geometry::Size;

/// Why an image or a processor file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ProcessorError {
    /// An image with no pixels.
    #[error("the image is empty ({size})")]
    Empty {
        /// Size of the image.
        size: Size,
    },
    /// One side is more than 200 times the other; Hugging Face refuses these too.
    #[error("the image is {size}: one side is more than {limit} times the other")]
    Aspect {
        /// Size of the image.
        size: Size,
        /// Largest ratio accepted.
        limit: u32,
    },
    /// The size that the rules ask for is zero or larger than this program accepts.
    #[error(
        "an image of {from} would be resized to {w}×{h}; sides must be at least 1 and the area at most {limit} pixels"
    )]
    Target {
        /// Size of the image.
        from: Size,
        /// Width asked for.
        w: u64,
        /// Height asked for.
        h: u64,
        /// Largest area accepted, in pixels.
        limit: u64,
    },
    /// Resizing is switched off and the image does not divide into patches.
    #[error("resizing is off (do_resize) and {size} is not a multiple of {factor} pixels on both sides")]
    NotDivisible {
        /// Size of the image.
        size: Size,
        /// Pixels per side of a merged patch.
        factor: u32,
    },
    /// Limits that hold no image.
    #[error("images of {min} to {max} pixels: the first is 1 to the second (--min-pixels, --max-pixels)")]
    Limits {
        /// Fewest pixels.
        min: u64,
        /// Most pixels.
        max: u64,
    },
    /// The file is not JSON, or a field has another type than expected.
    #[error("not an image processor file: {0}")]
    Json(String),
    /// A field holds something this program does not do.
    #[error("image processor field `{field}`: {reason}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it, and what would be accepted.
        reason: String,
    },
}
