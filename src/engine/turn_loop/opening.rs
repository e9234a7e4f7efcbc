//! Putting texts and images into the context.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;

use super::fork::Arrival;
use super::{Boundary, TurnLoop};
use crate::engine::{EngineError, PageMode, StepEngine, zoom};
use crate::geometry::Size;
use crate::page::pixel_hash;
use crate::protocol::PromptPart;
use crate::trace::{ImageEvent, ImageRole, Piece};

impl TurnLoop {
    pub(super) fn open(&mut self, engine: &mut dyn StepEngine) -> Result<Boundary, EngineError> {
        let page = self.ask.page.load()?;
        zoom::check(&self.ask, &page)?;
        let fork = self.ask.debug.fork.clone();
        if let Some(fork) = fork.filter(|fork| fork.position() > 0) {
            self.page = Some(page);
            return self.open_fork(engine, &fork);
        }
        let clock = Instant::now();
        let begun = engine.begin(self.ask.sampling, self.ask.seed);
        self.compute += clock.elapsed().as_secs_f64();
        begun?;
        engine.belongs_to(&self.ask.id);
        let (pixels, hash) = match self.ask.page_mode {
            PageMode::Normal => (Arc::clone(&page.pixels), page.hash.clone()),
            PageMode::Blank => hashed(zoom::grey(&page.pixels)),
        };
        self.page = Some(page);
        let parts = self.ask.profile.opening(&self.ask.question, self.ask.tool);
        self.processed =
            self.append(engine, &parts, Some((&pixels, &hash, ImageRole::Page)))?.unwrap_or(self.processed);
        self.state.opened = true;
        self.arrival = self.ask.debug.fork.is_some().then(|| Arrival::anew(engine.position()));
        Ok(Boundary::Opened)
    }

    /// Puts parts into the context and records them: the image, then the tokens. Gives the image's processed size.
    pub(super) fn append(
        &mut self,
        engine: &mut dyn StepEngine,
        parts: &[PromptPart],
        image: Option<(&Arc<RgbImage>, &str, ImageRole)>,
    ) -> Result<Option<Size>, EngineError> {
        let start = engine.position();
        let clock = Instant::now();
        let done = append_parts(engine, parts, image.map(|(pixels, ..)| &**pixels));
        self.compute += clock.elapsed().as_secs_f64();
        let (ids, pieces, appended) = done?;
        let mut processed = None;
        if let (Some((pixels, hash, role)), Some((size, tokens))) = (image, appended) {
            let original = Size::new(pixels.width(), pixels.height());
            let event = ImageEvent { hash: hash.to_owned(), role, original, processed: size, tokens };
            self.journal.image(event, Arc::clone(pixels));
            processed = Some(size);
        }
        self.journal.prompt(start, ids, pieces);
        Ok(processed)
    }
}

/// Pixels to share, and their hash.
pub(super) fn hashed(pixels: RgbImage) -> (Arc<RgbImage>, String) {
    let hash = pixel_hash(&pixels);
    (Arc::new(pixels), hash)
}

type AppendedParts = (Vec<u32>, Vec<Piece>, Option<(Size, u32)>);

fn append_parts(
    engine: &mut dyn StepEngine,
    parts: &[PromptPart],
    image: Option<&RgbImage>,
) -> Result<AppendedParts, EngineError> {
    let (mut ids, mut pieces, mut appended) = (Vec::new(), Vec::new(), None);
    for part in parts {
        match (part, image) {
            (PromptPart::Text(text), _) => {
                let more = engine.encode(text)?;
                let texts: Vec<Vec<u8>> = more.iter().map(|&id| engine.piece(id)).collect();
                if texts.iter().any(|piece| is_image_token(piece)) {
                    return Err(EngineError::Profile(format!("its text holds an image token: {text:?}")));
                }
                engine.append_tokens(&more)?;
                pieces.extend(texts.iter().map(|piece| Piece::from_bytes(piece)));
                ids.extend(more);
            }
            (PromptPart::Image, Some(image)) => {
                let done = engine.append_image(image)?;
                appended = Some((done.processed, done.tokens));
                pieces.extend(done.ids.iter().map(|&id| Piece::from_bytes(&engine.piece(id))));
                ids.extend(done.ids);
            }
            (PromptPart::Image, None) => return Err(EngineError::Misuse("an image part without an image")),
        }
    }
    Ok((ids, pieces, appended))
}

fn is_image_token(piece: &[u8]) -> bool {
    [&b"<|image_pad|>"[..], b"<|video_pad|>", b"<|vision_start|>", b"<|vision_end|>"].contains(&piece)
}
