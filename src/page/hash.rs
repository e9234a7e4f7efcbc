//! The name of an image.

use image::RgbImage;

/// Blake3, in hex, of width and height (u32, little endian) followed by the RGB bytes, row by row.
///
/// It names pixels, not files: a page saved as PNG and as BMP has one hash.
pub fn pixel_hash(image: &RgbImage) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&image.width().to_le_bytes());
    hasher.update(&image.height().to_le_bytes());
    hasher.update(image.as_raw());
    hasher.finalize().to_hex().to_string()
}
