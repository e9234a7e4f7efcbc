//! Rollouts as rows for the learner: the words before the question once a page, every rollout a segment of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use image::RgbImage;

use super::questions::Asked;
use super::rollout::{Rollout, Written};
use crate::engine::ImageCache;
use crate::geometry::Size;
use crate::model::{ImageEmbedding, Model, Patches};
use crate::train::batch::{Segment, TrainPage};
use crate::train::error::{Result, TrainError};
use crate::train::pack::{Packed, pack};
use crate::train::shape::ModelShape;

/// Some segments of one page, and what is known of each token the model wrote.
#[derive(Clone, Debug)]
pub struct PolicyPart {
    /// Rows; every written token is a target.
    pub packed: Packed,
    /// Advantage of each target's rollout.
    pub advantages: Vec<f32>,
    /// Log-probability each target was drawn with.
    pub drawn: Vec<f32>,
}

/// How images become rows.
#[derive(Clone, Copy, Debug)]
pub struct Eyes<'a> {
    /// The policy that made the rollouts.
    pub model: &'a Model,
    /// What it has encoded.
    pub images: &'a ImageCache,
    /// Whether those rows are taken over; otherwise the tower sees the pixels again, with gradients.
    pub frozen: bool,
}

/// Lays out rollouts with their advantages, at most `size` in a part.
///
/// # Errors
/// A context that begins differently from the others of its page.
pub fn parts(
    asked: &[Asked],
    chosen: &[(&Rollout, f64)],
    eyes: Eyes<'_>,
    shape: &ModelShape,
    size: usize,
) -> Result<Vec<PolicyPart>> {
    let mut sheets: BTreeMap<usize, Vec<(&Rollout, f64)>> = BTreeMap::new();
    for &(rollout, advantage) in chosen {
        let sheet = asked.get(rollout.group).map_or(0, |asked| asked.sheet);
        sheets.entry(sheet).or_default().push((rollout, advantage));
    }
    let chunks = sheets.values().flat_map(|rollouts| rollouts.chunks(size.max(1)));
    chunks.map(|rollouts| part(rollouts, eyes, shape)).collect()
}

fn part(rollouts: &[(&Rollout, f64)], eyes: Eyes<'_>, shape: &ModelShape) -> Result<PolicyPart> {
    let mut page = Sheet::new(eyes, shape.tokens.vision_end);
    let (mut advantages, mut drawn) = (Vec::new(), Vec::new());
    for (rollout, advantage) in rollouts {
        page.add(rollout)?;
        advantages.resize(advantages.len() + rollout.written.len(), *advantage as f32);
        drawn.extend(rollout.written.iter().map(|written| written.logprob));
    }
    let packed = pack(&[page.page], shape, &[])?;
    if packed.targets.len() != advantages.len() {
        let (targets, written) = (packed.targets.len(), advantages.len());
        return Err(TrainError::Data(format!("{targets} rows predict {written} tokens of the rollouts")));
    }
    Ok(PolicyPart { packed, advantages, drawn })
}

/// A page being filled with rollouts.
struct Sheet<'a> {
    page: TrainPage,
    eyes: Eyes<'a>,
    image_end: u32,
}

impl<'a> Sheet<'a> {
    fn new(eyes: Eyes<'a>, image_end: u32) -> Self {
        let page = TrainPage {
            page: only_a_grid([0, 0, 0]),
            crops: Vec::new(),
            prefix: Vec::new(),
            segments: Vec::new(),
            page_cells: Vec::new(),
            crop_cells: Vec::new(),
            embedded: Vec::new(),
        };
        Self { page, eyes, image_end }
    }

    fn add(&mut self, rollout: &Rollout) -> Result<()> {
        let end = rollout.ids.iter().position(|&id| id == self.image_end).map_or(0, |at| at + 1);
        let (prefix, rest) = rollout.ids.split_at(end);
        if self.page.segments.is_empty() {
            self.page.prefix = prefix.to_vec();
            if let Some(image) = rollout.images.first() {
                let (patches, seen) = self.see(image)?;
                (self.page.page, self.page.embedded) = (patches, vec![seen]);
            }
        } else if self.page.prefix != prefix {
            return Err(TrainError::Data("two rollouts of a page begin differently".into()));
        }
        let mut crops = Vec::new();
        for image in rollout.images.iter().skip(1) {
            let (patches, seen) = self.see(image)?;
            crops.push(self.page.crops.len());
            self.page.crops.push(patches);
            self.page.embedded.push(seen);
        }
        let weights = weights(&rollout.written, end, rest.len());
        self.page.segments.push(Segment { ids: rest.to_vec(), weights, crops });
        Ok(())
    }

    fn see(&self, image: &RgbImage) -> Result<(Patches, Option<Arc<ImageEmbedding>>)> {
        let fail = |error: &dyn std::fmt::Display| TrainError::Data(error.to_string());
        if !self.eyes.frozen {
            return Ok((self.eyes.model.processor().process(image).map_err(|e| fail(&e))?, None));
        }
        let seen = self.eyes.images.embedding(self.eyes.model, image).map_err(|e| fail(&e))?;
        let [frames, rows, columns] = seen.grid();
        Ok((only_a_grid([frames, 2 * rows, 2 * columns]), Some(seen)))
    }
}

/// An image of which only the size matters, since its rows are given.
fn only_a_grid(grid: [usize; 3]) -> Patches {
    let [_, rows, columns] = grid;
    let size = Size::new(14 * columns as u32, 14 * rows as u32);
    Patches { original: size, processed: size, grid, merge: 2, data: Vec::new() }
}

/// 1 for what the model wrote, 0 for what it was given: only its own words are its doing.
fn weights(written: &[Written], first: usize, len: usize) -> Vec<f32> {
    let mut weights = vec![0.0; len];
    for token in written {
        if let Some(weight) = token.at.checked_sub(first).and_then(|at| weights.get_mut(at)) {
            *weight = 1.0;
        }
    }
    weights
}
