//! Pictures in the form a kitty-like terminal keeps, made once each.
//!
//! A picture is kept at a resolution not far above what the screen shows: the terminal's own scaling is linear and loses thin
//! lines when it makes a picture much smaller. Moving over a page therefore sends nothing, and going closer sends it again at most once for
//! every doubling.

use std::sync::Arc;

use image::{DynamicImage, RgbImage};

use super::kitty::{Effort, Sheet};
use super::paint::scale;

/// Most pixels of a picture that is sent: 24 MB in the terminal's memory, of which kitty grants 320.
const MOST_PIXELS: u64 = 6 << 20;
/// A small processed page is enlarged until it has about so many pixels, so that the terminal cannot blur its pixels.
const CRISP_PIXELS: f64 = 2e6;
/// Pixels of the picture for one of the screen, across, that the terminal may be left to scale.
const MOST_RATIO: f64 = 2.5;
/// Pictures remembered: a page, the same processed, a level more of each, and crops.
const KEPT: usize = 6;

#[derive(Clone)]
struct Kept {
    of: Arc<RgbImage>,
    level: Level,
    sheet: Arc<Sheet>,
}

/// How a picture is resized before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Both sides halved so many times.
    Halved(u32),
    /// Both sides this many times as long, pixels as squares.
    Enlarged(u32),
}

/// The pictures made last.
#[derive(Default)]
pub(super) struct Sheets {
    kept: Vec<Kept>,
}

impl Sheets {
    /// The picture in the terminal's form. `screen` is what the whole of it would measure on the screen, in pixels.
    pub fn get(&mut self, of: &Arc<RgbImage>, crisp: bool, screen: (f64, f64)) -> Result<Arc<Sheet>, String> {
        let level = level(of.dimensions(), crisp, screen);
        if let Some(at) = self.kept.iter().position(|k| Arc::ptr_eq(&k.of, of) && k.level == level) {
            let found = self.kept.remove(at);
            let sheet = Arc::clone(&found.sheet);
            self.kept.insert(0, found);
            return Ok(sheet);
        }
        let picture = DynamicImage::ImageRgb8(resized(of, level));
        let sheet = Arc::new(Sheet::new(&picture, Effort::Little)?);
        self.kept.insert(0, Kept { of: Arc::clone(of), level, sheet: Arc::clone(&sheet) });
        self.kept.truncate(KEPT);
        Ok(sheet)
    }
}

fn level((w, h): (u32, u32), crisp: bool, screen: (f64, f64)) -> Level {
    let pixels = u64::from(w) * u64::from(h);
    if crisp && pixels > 0 {
        let times = (CRISP_PIXELS / pixels as f64).sqrt().floor();
        if times >= 2.0 {
            return Level::Enlarged((times as u32).min(8));
        }
    }
    let ratio = (f64::from(w) / screen.0).min(f64::from(h) / screen.1);
    let ratio = ratio / (MOST_RATIO / 2.0);
    let mut halved = if ratio.is_finite() && ratio >= 2.0 { (ratio.log2().floor() as u32).min(8) } else { 0 };
    while pixels >> (2 * halved) > MOST_PIXELS {
        halved += 1;
    }
    Level::Halved(halved)
}

fn resized(picture: &RgbImage, level: Level) -> RgbImage {
    let (w, h) = picture.dimensions();
    match level {
        Level::Halved(0) => picture.clone(),
        Level::Halved(n) => scale(picture, ((w >> n).max(1), (h >> n).max(1))),
        Level::Enlarged(n) => image::imageops::resize(picture, w * n, h * n, image::imageops::FilterType::Nearest),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_made_once_for_every_doubling() {
        let page = Arc::new(RgbImage::new(1000, 1500));
        let mut sheets = Sheets::default();
        let whole = sheets.get(&page, false, (240.0, 360.0)).unwrap();
        assert_eq!(whole.size(), (500, 750));
        assert!(Arc::ptr_eq(&whole, &sheets.get(&page, false, (245.0, 367.0)).unwrap()));
        let close = sheets.get(&page, false, (700.0, 1050.0)).unwrap();
        assert_eq!(close.size(), (1000, 1500));
        assert!(Arc::ptr_eq(&close, &sheets.get(&page, false, (7000.0, 10500.0)).unwrap()));
        assert!(Arc::ptr_eq(&whole, &sheets.get(&page, false, (240.0, 360.0)).unwrap()), "and back again");
        let other = Arc::new(RgbImage::new(1000, 1500));
        assert!(!Arc::ptr_eq(&whole, &sheets.get(&other, false, (240.0, 360.0)).unwrap()));
    }

    #[test]
    fn sizes_are_bounded_and_small_processed_pages_enlarged() {
        assert_eq!(level((8000, 8000), false, (9000.0, 9000.0)), Level::Halved(2));
        assert_eq!(level((8000, 8000), false, (0.0, f64::NAN)), Level::Halved(2));
        assert_eq!(level((140, 196), true, (400.0, 560.0)), Level::Enlarged(8));
        assert_eq!(level((1400, 1960), true, (400.0, 560.0)), Level::Halved(1));
        assert_eq!(level((0, 0), true, (400.0, 560.0)), Level::Halved(0));
    }
}
