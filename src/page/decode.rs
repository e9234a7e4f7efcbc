//! From bytes to RGB, within bounds.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
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

/// A regular file, opened, and its length as the system tells it.
pub(super) fn open(path: &Path) -> Result<(File, u64), PageError> {
    let failed = |source| PageError::Read { path: path.to_owned(), source };
    // Asked before opening: opening a pipe would wait for its writer.
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(PageError::NotAFile { path: path.to_owned() });
    }
    Ok((File::open(path).map_err(failed)?, meta.len()))
}

/// A file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PageError> {
    let failed = |source| PageError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    // The length is not trusted: a file can grow, and some report 0.
    open(path)?.0.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(PageError::TooLong { path: path.to_owned(), limit: MAX_FILE });
    }
    Ok(bytes)
}

/// The size that a file's header names.
pub(super) fn measure(path: &Path) -> Result<Size, PageError> {
    let (file, length) = open(path)?;
    if length > MAX_FILE {
        return Err(PageError::TooLong { path: path.to_owned(), limit: MAX_FILE });
    }
    let (_, size) =
        decoder(BufReader::new(file)).map_err(|fault| PageError::Image { path: Some(path.to_owned()), fault })?;
    Ok(size)
}

/// The pixels of an encoded image.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, ImageFault> {
    let (decoder, _) = decoder(Cursor::new(bytes))?;
    DynamicImage::from_decoder(decoder).map(to_rgb).map_err(broken)
}

/// A decoder that has read the header, and the size the header names, within bounds.
fn decoder<'a, R: BufRead + Seek + 'a>(reader: R) -> Result<(impl ImageDecoder + 'a, Size), ImageFault> {
    let guessed = ImageReader::new(reader).with_guessed_format();
    let mut reader = guessed.map_err(|e| ImageFault::Broken(e.to_string()))?;
    let format = reader.format().ok_or(ImageFault::Unknown)?;
    // Other decoders may be compiled in for other crates' sake; they stay unused.
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    if !matches!(format, Png | Jpeg | WebP | Gif | Bmp) {
        return Err(ImageFault::Unsupported(format!("{format:?}")));
    }
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
    Ok((decoder, size))
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
