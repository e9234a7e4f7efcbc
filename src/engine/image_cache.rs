//! Images encoded once for all sessions that look at them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use image::RgbImage;

use super::EngineError;
use crate::geometry::Size;
use crate::model::{ImageEmbedding, ImageProcessor, Model};

/// What is kept where nobody says how much (bytes).
const USUAL: usize = 64 << 20;

/// An image as a context takes it.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub(super) embedding: Arc<ImageEmbedding>,
    /// Size after processing.
    pub(super) processed: Size,
    /// Tells images apart.
    pub(super) hash: blake3::Hash,
}

/// Processes and encodes an image. `fits` is asked with the tokens it will take before the model computes.
pub(super) fn encode(
    model: &Model,
    processor: &ImageProcessor,
    image: &RgbImage,
    hash: blake3::Hash,
    fits: &dyn Fn(usize) -> Result<(), EngineError>,
) -> Result<Encoded, EngineError> {
    let refused = |e| EngineError::Input { what: "the image", source: Box::new(e) };
    let patches = processor.process(image).map_err(refused)?;
    fits(patches.tokens())?;
    let embedding = Arc::new(model.encode_image(&patches)?);
    Ok(Encoded { embedding, processed: patches.processed, hash })
}

/// First bytes of a hash of pixels.
pub(super) fn fingerprint(hash: &blake3::Hash) -> u64 {
    hash.as_bytes().iter().take(8).fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
}

/// Embeddings of images already encoded, shared between sessions and threads.
///
/// An image is known by blake3 of model, processor settings, size and pixels; the least recently used leave when more
/// bytes are kept than allowed. An image that two threads want at once is encoded by one of them; the other waits.
#[derive(Debug)]
pub struct ImageCache {
    limit: usize,
    inner: Mutex<Inner>,
}

/// What a cache was asked and what it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCacheCounts {
    /// Images that were there.
    pub hits: u64,
    /// Images that were encoded.
    pub misses: u64,
    /// Images kept now.
    pub images: usize,
    /// Bytes of the embeddings kept now.
    pub bytes: usize,
}

type Place = Arc<Mutex<Option<Encoded>>>;

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<blake3::Hash, Entry>,
    /// When each was last asked for, oldest first.
    used: BTreeMap<u64, blake3::Hash>,
    clock: u64,
    bytes: usize,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    used: u64,
    bytes: usize,
}

impl Default for ImageCache {
    fn default() -> Self {
        Self::new(USUAL)
    }
}

impl ImageCache {
    /// An empty cache that keeps at most so many bytes of embeddings.
    pub fn new(limit: usize) -> Self {
        Self { limit, inner: Mutex::default() }
    }

    /// What it was asked and what it holds.
    pub fn counts(&self) -> ImageCacheCounts {
        let inner = locked(&self.inner);
        ImageCacheCounts { hits: inner.hits, misses: inner.misses, images: inner.entries.len(), bytes: inner.bytes }
    }

    /// The rows of an image as `model` sees it, encoded now unless they were before.
    ///
    /// # Errors
    /// An image that cannot be processed, or no memory.
    pub fn embedding(&self, model: &Model, image: &RgbImage) -> Result<Arc<ImageEmbedding>, EngineError> {
        Ok(self.encoded(model, model.processor(), image, &|_| Ok(()))?.embedding)
    }

    /// The image as `model` sees it, encoded now unless it was before.
    pub(super) fn encoded(
        &self,
        model: &Model,
        processor: &ImageProcessor,
        image: &RgbImage,
        fits: &dyn Fn(usize) -> Result<(), EngineError>,
    ) -> Result<Encoded, EngineError> {
        let key = key(model, processor, image);
        let place = locked(&self.inner).place(key);
        let mut content = locked(&place);
        if let Some(encoded) = &*content {
            locked(&self.inner).hits += 1;
            fits(encoded.embedding.tokens())?;
            return Ok(encoded.clone());
        }
        let made = encode(model, processor, image, key, fits);
        if let Ok(encoded) = &made {
            *content = Some(encoded.clone());
        }
        drop(content);
        let mut inner = locked(&self.inner);
        match &made {
            Ok(encoded) => inner.keep(key, &place, bytes_of(encoded), self.limit),
            Err(_) => inner.forget_empty(key, &place),
        }
        made
    }
}

impl Inner {
    /// The place of an image, which becomes the most recently used.
    fn place(&mut self, key: blake3::Hash) -> Place {
        self.clock += 1;
        let clock = self.clock;
        let entry = self.entries.entry(key).or_insert_with(|| Entry { place: Place::default(), used: 0, bytes: 0 });
        self.used.remove(&entry.used);
        entry.used = clock;
        self.used.insert(clock, key);
        Arc::clone(&entry.place)
    }

    /// Counts an image that was just encoded, and lets go of others for it.
    fn keep(&mut self, key: blake3::Hash, place: &Place, bytes: usize, limit: usize) {
        self.misses += 1;
        if let Some(entry) = self.entries.get_mut(&key).filter(|entry| Arc::ptr_eq(&entry.place, place)) {
            self.bytes = self.bytes - entry.bytes + bytes;
            entry.bytes = bytes;
        }
        while self.bytes > limit {
            let Some((_, oldest)) = self.used.pop_first() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
    }

    /// Nothing came of an image: no trace of it stays, unless another thread is at it.
    fn forget_empty(&mut self, key: blake3::Hash, place: &Place) {
        // The map and the caller hold it; whoever else does will encode it.
        let idle =
            |entry: &Entry| Arc::ptr_eq(&entry.place, place) && Arc::strong_count(place) <= 2 && entry.bytes == 0;
        if let Some(entry) = self.entries.get(&key).filter(|entry| idle(entry)) {
            self.used.remove(&entry.used);
            self.entries.remove(&key);
        }
    }
}

/// What tells one encoded image from another.
pub(super) fn key(model: &Model, processor: &ImageProcessor, image: &RgbImage) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.network().hash().as_bytes());
    hasher.update(format!("{processor:?}").as_bytes());
    hasher.update(&image.width().to_le_bytes());
    hasher.update(&image.height().to_le_bytes());
    hasher.update(image.as_raw());
    hasher.finalize()
}

fn bytes_of(encoded: &Encoded) -> usize {
    encoded.embedding.tensor().elem_count().saturating_mul(size_of::<f32>())
}

/// What a panicking thread left is whole: every change is made in one go.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
