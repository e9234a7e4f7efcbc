//! From bytes to RGB, within bounds.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::{ImageFault, PageError};
use crate::geometry::Size;

/// Most pixels of a page (64 binary megapixels).
pub const MAX_PIXELS: u64 = 1 << 26;
/// Most pixels along one side of a page.
pub const MAX_SIDE: u32 = 1 << 17;
/// Most bytes of a file.
pub const MAX_FILE: u64 = 256 << 20;
/// What a decoder may allocate: the largest page at 8 bytes a pixel, and half as much again for its own work.
const MAX_ALLOC: u64 = MAX_PIXELS * 12;

/// A file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PageError> {
    let failed = |source| PageError::Read { path: path.to_owned(), source };
    // Asked before opening: opening a pipe would wait for its writer.
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(PageError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    // The length is not trusted: a file can grow, and some report 0.
    File::open(path).map_err(failed)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(PageError::TooLong { path: path.to_owned(), limit: MAX_FILE });
    }
    Ok(bytes)
}

/// The pixels of an encoded image.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, ImageFault> {
    let format = image::guess_format(bytes).map_err(|_| ImageFault::Unknown)?;
    // Other decoders may be compiled in for other crates' sake; they stay unused.
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    if !matches!(format, Png | Jpeg | WebP | Gif | Bmp) {
        return Err(ImageFault::Unsupported(format!("{format:?}")));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    let (w, h) = decoder.dimensions();
    let size = Size::new(w, h);
    if w == 0 || h == 0 {
        return Err(ImageFault::Empty(size));
    }
    if u64::from(w) * u64::from(h) > MAX_PIXELS || w.max(h) > MAX_SIDE {
        return Err(ImageFault::TooLarge { size });
    }
    DynamicImage::from_decoder(decoder).map(to_rgb).map_err(broken)
}

fn broken(error: ImageError) -> ImageFault {
    ImageFault::Broken(error.to_string())
}

/// Pillow's `convert("RGB")`, by hand: the `image` crate's own conversion rounds 16 bits instead of cutting them.
fn to_rgb(image: DynamicImage) -> RgbImage {
    let (w, h) = (image.width(), image.height());
    let high = |v: u16| (v >> 8) as u8;
    let bytes: Vec<u8> = match image {
        DynamicImage::ImageRgb8(rgb) => return rgb,
        DynamicImage::ImageRgba8(i) => i.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2]]).collect(),
        DynamicImage::ImageLuma8(i) => i.pixels().flat_map(|p| [p.0[0]; 3]).collect(),
        DynamicImage::ImageLumaA8(i) => i.pixels().flat_map(|p| [p.0[0]; 3]).collect(),
        DynamicImage::ImageRgb16(i) => i.pixels().flat_map(|p| p.0.map(high)).collect(),
        DynamicImage::ImageRgba16(i) => i.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2]].map(high)).collect(),
        DynamicImage::ImageLuma16(i) => i.pixels().flat_map(|p| [high(p.0[0]); 3]).collect(),
        DynamicImage::ImageLumaA16(i) => i.pixels().flat_map(|p| [high(p.0[0]); 3]).collect(),
        other => return other.to_rgb8(),
    };
    RgbImage::from_raw(w, h, bytes).unwrap_or_default()
}
