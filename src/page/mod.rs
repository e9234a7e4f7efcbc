//! One comic page: safe decoding and crops; the pages of an archive or a folder.
//!
//! Takes: a file, bytes or pixels. Gives: a [`Page`] of 8-bit RGB with the hash that names it everywhere, and crops in
//! page pixels. An [`Archive`] gives the pages of a `.cbz`, [`images_in`] names those of a folder.
//!
//! # What decoding does
//! The reference is Pillow's `Image.open(path).convert("RGB")`, which is what Hugging Face pipelines feed to a model;
//! for PNG files the bytes are the same. PNG, JPEG, WebP, GIF and BMP are read, recognised by content and not by name;
//! JPEG decoders differ by a level here and there, so there the bytes are only close.
//!
//! - EXIF orientation is **ignored**: the page is shown as stored.
//! - Alpha, and a palette's or a colour key's transparency, is **dropped**, not blended: a transparent pixel keeps the
//!   colour that is stored under it.
//! - 16 bits become 8 by taking the **high byte**. So does Pillow for colour and for grey with alpha; for grey without
//!   alpha it clips every value above 255 to white instead, which loses the page, and is not followed.
//! - Grey becomes three equal channels. Colour profiles and gamma are ignored. Of an animation, the first frame is read.
//! - At most [`MAX_PIXELS`] pixels and [`MAX_FILE`] bytes are read; nothing of that size is allocated before the header
//!   has been checked.

mod archive;
mod decode;
mod error;
mod hash;
mod list;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

pub use archive::{Archive, MAX_ENTRIES, MAX_ENTRY};
pub(crate) use archive::{Limited, declared_entries};
pub use decode::{MAX_FILE, MAX_PIXELS, MAX_SIDE};
pub use error::{ImageFault, PageError};
pub use hash::pixel_hash;
pub use list::{images_in, is_image_name, natural_order};

use crate::geometry::{PageBox, Size};

/// A decoded page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The pixels, as the model is fed.
    pub pixels: Arc<RgbImage>,
    /// [`pixel_hash`] of the pixels.
    pub hash: String,
    /// Where it was read from, if it was a file.
    pub path: Option<PathBuf>,
}

impl Page {
    /// Reads a file.
    ///
    /// # Errors
    /// [`PageError`], with the path, when the file cannot be read, is too large, or is not an image that can be decoded.
    pub fn open(path: &Path) -> Result<Self, PageError> {
        let bytes = decode::read(path)?;
        let pixels = decode::decode(&bytes).map_err(|fault| PageError::Image { path: Some(path.to_owned()), fault })?;
        Ok(Self { path: Some(path.to_owned()), ..Self::from_pixels(pixels) })
    }

    /// Width and height in pixels as a file's header names them; the rest of the file is not looked at.
    ///
    /// # Errors
    /// [`PageError`], with the path, when the file cannot be read, is too large, or does not begin like an image.
    pub fn measure(path: &Path) -> Result<Size, PageError> {
        decode::measure(path)
    }

    /// Decodes a file's bytes.
    ///
    /// # Errors
    /// [`PageError::Image`] when they are not an image that can be decoded.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PageError> {
        let pixels = decode::decode(bytes).map_err(|fault| PageError::Image { path: None, fault })?;
        Ok(Self::from_pixels(pixels))
    }

    /// A page from pixels that are already there.
    pub fn from_pixels(pixels: RgbImage) -> Self {
        let hash = pixel_hash(&pixels);
        Self { pixels: Arc::new(pixels), hash, path: None }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        Size::new(self.pixels.width(), self.pixels.height())
    }

    /// The pixels inside a box: its corners rounded outwards, then clamped to the page.
    ///
    /// # Errors
    /// [`PageError::Crop`] when that leaves no pixel, or a corner is not a number.
    pub fn crop(&self, b: &PageBox) -> Result<RgbImage, PageError> {
        let outside = || PageError::Crop { corners: b.corners(), page: self.size() };
        if b.corners().iter().any(|c| c.is_nan()) {
            return Err(outside());
        }
        let page = self.size();
        let whole = PageBox::new(b.x1.floor(), b.y1.floor(), b.x2.ceil(), b.y2.ceil()).clamped(page);
        if whole.width() < 1.0 || whole.height() < 1.0 {
            return Err(outside());
        }
        let (x, y, w, h) = (whole.x1 as u32, whole.y1 as u32, whole.width() as u32, whole.height() as u32);
        Ok(image::imageops::crop_imm(&*self.pixels, x, y, w, h).to_image())
    }
}

#[cfg(test)]
mod tests;
