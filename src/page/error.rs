//! What makes a page unreadable.

use std::path::PathBuf;

use crate::geometry::Size;

/// Why a page or a crop cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder, pipe or device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file is longer than is read.
    #[error("{} is larger than {} MiB, the most that is read for a page", path.display(), limit >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Largest length accepted, in bytes.
        limit: u64,
    },
    /// The bytes are not an image that can be decoded.
    #[error("{}{fault}", path.as_ref().map(|p| format!("{}: ", p.display())).unwrap_or_default())]
    Image {
        /// The file, if there was one.
        path: Option<PathBuf>,
        /// What is wrong with the bytes.
        fault: ImageFault,
    },
    /// An archive, or a page in it.
    #[error("{}{}: {fault}", path.display(), entry.as_ref().map(|e| format!(" [{}]", crate::text::one_line(e))).unwrap_or_default())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The page in it, where one is meant.
        entry: Option<String>,
        /// What is wrong.
        fault: String,
    },
    /// The box holds no pixel of the page.
    #[error("the box {corners:?} holds no pixel of a page of {page}")]
    Crop {
        /// `x1, y1, x2, y2` as given, in page pixels.
        corners: [f64; 4],
        /// Size of the page.
        page: Size,
    },
}

/// What is wrong with the bytes of an image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImageFault {
    /// The content is that of no known image format.
    #[error("not a PNG, JPEG, WebP, GIF or BMP image")]
    Unknown,
    /// A known format that is not read.
    #[error("{0} images are not read; convert it to PNG, JPEG, WebP, GIF or BMP")]
    Unsupported(String),
    /// More pixels than are read.
    #[error("the image is {size}; at most {} megapixels and {} pixels a side are read", super::MAX_PIXELS >> 20, super::MAX_SIDE)]
    TooLarge {
        /// Size that the header names.
        size: Size,
    },
    /// No pixels at all.
    #[error("the image is empty ({0})")]
    Empty(Size),
    /// The decoder gave up.
    #[error("the image is damaged: {0}")]
    Broken(String),
}
