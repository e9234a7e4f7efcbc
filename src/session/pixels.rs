//! The pixels of a recorded session, by hash.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::verify::is_hash;
use crate::benchmark::{self, Selection};
use crate::geometry::{PageBox, Size};
use crate::page::{Page, pixel_hash};
use crate::trace::{Body, ImageEvent, ImageRole, Record, ZoomOutcome};

/// Longest side of a blank stand-in: a log may claim any size.
const MAX_BLANK_SIDE: u32 = 4096;

/// Images held in memory at once; a session has a handful.
const MAX_CACHED: usize = 64;

/// What a blank page is filled with.
const BLANK: Rgb<u8> = Rgb([236, 236, 236]);

/// Pixels, and a note where they are not the recorded ones.
#[derive(Clone, Debug)]
pub struct Pixels {
    /// The image; a blank one of the recorded proportions where the pixels are missing.
    pub image: Arc<RgbImage>,
    /// Why it is not the recorded image.
    pub problem: Option<String>,
}

/// Finds the pixels of a session's images: in `blobs/`, drawn again where the page is one of the program's own, or cut from
/// the page.
#[derive(Debug, Default)]
pub struct PixelStore {
    folders: Vec<PathBuf>,
    images: HashMap<String, ImageEvent>,
    boxes: HashMap<String, PageBox>,
    page: Option<String>,
    /// Benchmark and page name of a page that the program drew itself.
    drawn: Option<(String, String)>,
    known: HashMap<String, Arc<RgbImage>>,
    cache: HashMap<String, Pixels>,
}

impl PixelStore {
    /// The pixels that these records speak of; blobs are looked for in `folders`.
    pub fn new<'a>(folders: Vec<PathBuf>, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut store = Self { folders, ..Self::default() };
        records.into_iter().for_each(|record| store.learn(record));
        store
    }

    /// The pixels of a log; blobs are looked for beside the log's folder and in it.
    pub fn for_log<'a>(path: &Path, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let near = path.parent().unwrap_or(Path::new("."));
        // `parent` of a bare file name is empty: the folder above is then the one above the current.
        let above = if near.as_os_str().is_empty() { Path::new("..") } else { near.parent().unwrap_or(near) };
        Self::new(vec![above.join("blobs"), near.join("blobs")], records)
    }

    /// Takes one more record in (for a log that is followed while it is written).
    pub fn learn(&mut self, record: &Record) {
        match &record.body {
            Body::SessionStart(start) => {
                let name = start.benchmark.as_ref().filter(|name| *name == "demo" || name.starts_with("synth:"));
                self.drawn = name.cloned().zip(start.question.page.clone());
            }
            Body::Image(image) => {
                if image.role == ImageRole::Page && self.page.is_none() {
                    self.page = Some(image.hash.clone());
                }
                self.images.insert(image.hash.clone(), image.clone());
            }
            Body::Zoom(zoom) => {
                if let ZoomOutcome::Cropped { page_box, crop } = &zoom.outcome {
                    self.boxes.insert(crop.clone(), *page_box);
                }
            }
            _ => {}
        }
    }

    /// Gives pixels that are known from elsewhere, such as a page that is embedded in the program.
    pub fn insert(&mut self, image: Arc<RgbImage>) {
        self.known.insert(pixel_hash(&image), image);
    }

    /// The pixels of a hash; a blank image of the recorded proportions where they cannot be had.
    pub fn get(&mut self, hash: &str) -> Pixels {
        if let Some(pixels) = self.cache.get(hash) {
            return pixels.clone();
        }
        let pixels = match self.find(hash) {
            Ok(image) => Pixels { image, problem: None },
            Err(problem) => Pixels { image: Arc::new(self.blank(hash)), problem: Some(problem) },
        };
        if self.cache.len() >= MAX_CACHED {
            self.cache.clear();
        }
        self.cache.insert(hash.to_owned(), pixels.clone());
        pixels
    }

    fn find(&self, hash: &str) -> Result<Arc<RgbImage>, String> {
        if let Some(image) = self.known.get(hash) {
            return Ok(Arc::clone(image));
        }
        let missing = match self.blob(hash) {
            Ok(image) => return Ok(image),
            Err(missing) => missing,
        };
        if self.page.as_deref() == Some(hash) {
            return self.draw(hash).ok_or(missing);
        }
        let (Some(page_box), Some(page)) = (self.boxes.get(hash), &self.page) else { return Err(missing) };
        let cached = self.cache.get(page).filter(|pixels| pixels.problem.is_none()).map(|pixels| &pixels.image);
        let page = match self.known.get(page).or(cached) {
            Some(page) => Arc::clone(page),
            None => self.blob(page).or_else(|why| self.draw(page).ok_or(why))?,
        };
        let page = Page { pixels: page, hash: String::new(), path: None };
        cut(&page, page_box, hash).ok_or_else(|| "the crop is not kept, and the page does not give it back".to_owned())
    }

    /// The file that has the pixels of a hash, if they are kept.
    pub(super) fn kept(&self, hash: &str) -> Option<PathBuf> {
        let mut paths = self.folders.iter().map(|dir| dir.join(hash));
        paths.find(|path| is_hash(hash) && path.is_file())
    }

    /// A page of a drawn benchmark, drawn again; nothing where this program draws it otherwise than it was recorded.
    fn draw(&self, hash: &str) -> Option<Arc<RgbImage>> {
        let (benchmark, page) = self.drawn.as_ref()?;
        // No questions are needed, only its pages.
        let nothing = Selection { limit: Some(0), ..Selection::default() };
        let page = benchmark::open_with(benchmark, &nothing).ok()?.page_named(page).ok()?;
        (page.hash == hash).then(|| Arc::clone(&page.pixels))
    }

    fn blob(&self, hash: &str) -> Result<Arc<RgbImage>, String> {
        if !is_hash(hash) {
            return Err("the log names no usable hash".to_owned());
        }
        let Some(path) = self.kept(hash) else {
            return Err("the pixels are not kept here".to_owned());
        };
        match Page::open(&path) {
            Ok(page) if page.hash == hash => Ok(page.pixels),
            Ok(_) => Err("the kept pixels are not the recorded ones".to_owned()),
            Err(error) => Err(format!("the kept pixels cannot be read: {error}")),
        }
    }

    fn blank(&self, hash: &str) -> RgbImage {
        let size = self.images.get(hash).map_or(Size::new(256, 256), |image| image.original);
        let (w, h) = (f64::from(size.w.max(1)), f64::from(size.h.max(1)));
        let scale = (f64::from(MAX_BLANK_SIDE) / w.max(h)).min(1.0);
        let side = |x: f64| ((x * scale).round() as u32).clamp(1, MAX_BLANK_SIDE);
        RgbImage::from_pixel(side(w), side(h), BLANK)
    }
}

/// The crop, if its pixels have the hash. JSON readers may give a coordinate back one step beside where it was written, and
/// rounding outwards makes a pixel of that; so corners that are nearly whole are tried as whole, too.
fn cut(page: &Page, page_box: &PageBox, hash: &str) -> Option<Arc<RgbImage>> {
    let snap = |x: f64| if (x - x.round()).abs() < 1e-6 { x.round() } else { x };
    let snapped = PageBox::new(snap(page_box.x1), snap(page_box.y1), snap(page_box.x2), snap(page_box.y2));
    [page_box, &snapped].into_iter().find_map(|b| {
        let crop = page.crop(b).ok()?;
        (pixel_hash(&crop) == hash).then(|| Arc::new(crop))
    })
}
