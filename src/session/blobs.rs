//! Pixels on disk, named by their hash.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::error::{Doing, SessionError};
use super::store::SessionStore;
use crate::page::{Page, pixel_hash};
use crate::trace::{Body, ImageEvent, ImageRole, Record, ZoomOutcome};

/// Decides which pixels of a session are stored: pages once, crops only where the page does not give them back.
#[derive(Debug)]
pub(super) struct Keeper {
    store: SessionStore,
    keep_pages: bool,
    /// The page, once it lies on disk.
    page: Option<Page>,
    /// The box of the latest crop, by its hash.
    zoom: Option<(String, crate::geometry::PageBox)>,
}

impl Keeper {
    pub fn new(store: SessionStore, keep_pages: bool) -> Self {
        Self { store, keep_pages, page: None, zoom: None }
    }

    pub fn store(&self) -> &SessionStore {
        &self.store
    }

    /// Takes a record and the pixels that came with it.
    pub fn take(&mut self, record: &Record, pixels: Option<&Arc<RgbImage>>) -> Result<(), SessionError> {
        match &record.body {
            Body::Zoom(zoom) => {
                if let ZoomOutcome::Cropped { page_box, crop } = &zoom.outcome {
                    self.zoom = Some((crop.clone(), *page_box));
                }
                Ok(())
            }
            Body::Image(image) => pixels.map_or(Ok(()), |pixels| self.image(image, pixels)),
            _ => Ok(()),
        }
    }

    fn image(&mut self, image: &ImageEvent, pixels: &Arc<RgbImage>) -> Result<(), SessionError> {
        match image.role {
            ImageRole::Page if self.keep_pages => {
                put_blob(&self.store, &image.hash, pixels)?;
                self.page = Some(Page { pixels: Arc::clone(pixels), hash: image.hash.clone(), path: None });
                Ok(())
            }
            ImageRole::Page => Ok(()),
            ImageRole::Crop if self.page_gives(&image.hash) => Ok(()),
            ImageRole::Crop => put_blob(&self.store, &image.hash, pixels),
        }
    }

    /// Whether the kept page and the zoom's box give exactly this crop; an altered crop (greyed, swapped) is not given.
    fn page_gives(&self, hash: &str) -> bool {
        let (Some(page), Some((crop, page_box))) = (&self.page, &self.zoom) else { return false };
        crop == hash && page.crop(page_box).is_ok_and(|pixels| pixel_hash(&pixels) == *hash)
    }
}

/// Stores pixels as PNG under their hash, unless they are there already.
///
/// The file is written under another name and renamed, so that a reader or a second process never sees half of it.
///
/// # Errors
/// [`SessionError::BadName`] when `hash` is none; [`SessionError::WrongPixels`] when it is not the pixels'; [`SessionError::Io`] when the disk refuses.
pub fn put_blob(store: &SessionStore, hash: &str, pixels: &RgbImage) -> Result<(), SessionError> {
    let path = store.blob(hash)?;
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    if pixel_hash(pixels) != hash {
        return Err(SessionError::WrongPixels { hash: hash.to_owned() });
    }
    let dir = store.make_blobs()?;
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive);
    encoder
        .write_image(pixels.as_raw(), pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(std::io::Error::other)
        .doing("encode", &path)?;
    write_renamed(&dir, &path, &png)
}

/// Writes a file that is there whole or not at all, whatever happens meanwhile.
///
/// # Errors
/// [`SessionError::Io`]; what was there before is then still there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), SessionError> {
    // A bare name has an empty parent.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write_renamed(dir, path, bytes)?;
    // The new name must be on the disk before what relies on it. Only Unix opens folders.
    #[cfg(unix)]
    fs::File::open(dir).and_then(|folder| folder.sync_all()).doing("write", dir)?;
    Ok(())
}

/// Writes a file under a temporary name in `dir`, then renames it to `path`.
pub(super) fn write_renamed(dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), SessionError> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let temporary = dir.join(format!(".tmp-{}-{call}", std::process::id()));
    // A file of this name can only be a leftover of a killed process that had our number.
    let _ = fs::remove_file(&temporary);
    let written = OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        // The name must not survive a power cut that the content does not.
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    renamed.doing("write", path)
}
