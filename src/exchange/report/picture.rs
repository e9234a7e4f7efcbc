//! A page small enough to stand in a report.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};

use crate::geometry::Size;
use crate::session::Pixels;
use crate::trace::ImageEvent;

/// Longest side of a page in a report, in pixels.
const SIDE: u32 = 720;
/// JPEG quality: lettering stays legible.
const QUALITY: u8 = 72;

/// A page as a report holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The page's own size, in which boxes are.
    pub size: Size,
    /// The picture's size.
    pub shown: Size,
    /// JPEG in base64; none where it could not be made.
    pub jpeg: Option<String>,
    /// Why it is not the page that was recorded.
    pub problem: Option<String>,
}

impl Picture {
    /// Of pixels, which may be a blank stand-in, and of what the log says of the page.
    pub(super) fn of(pixels: &Pixels, event: &ImageEvent) -> Self {
        let (w, h) = pixels.image.dimensions();
        let scale = (f64::from(SIDE) / f64::from(w.max(h).max(1))).min(1.0);
        let side = |x: u32| ((f64::from(x) * scale).round() as u32).max(1);
        let shown = Size::new(side(w), side(h));
        let small = resize(&*pixels.image, shown.w, shown.h, FilterType::CatmullRom);
        let mut bytes = Vec::new();
        let written = JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&small);
        Self {
            size: event.original,
            shown,
            jpeg: written.is_ok().then(|| STANDARD.encode(&bytes)),
            problem: pixels.problem.clone(),
        }
    }
}
