//! What a model attended to and what its layers would have said, for one token: `attention` and `lens` records.
//!
//! Figures of token `position` are those of the row it was drawn from, that of the token before it. Weights are kept to a
//! 255th of an image's largest; a record stays below some 5 kB whatever the model and the page ([`MOST_CELLS`]).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Piece;

/// Most cells of all maps of a record; finer maps are pooled.
pub const MOST_CELLS: usize = 3072;

/// What one token's row attended to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttentionEvent {
    /// Token position.
    pub position: u64,
    /// blake3 (hex) of the cells of all maps, one after another.
    pub blob: String,
    /// The model's layers and heads.
    #[serde(default)]
    pub of: [u32; 2],
    /// The head, from 0; null is the mean over all.
    #[serde(default)]
    pub head: Option<u32>,
    /// One map for the mean over all layers or one layer; else one for each layer.
    #[serde(default)]
    pub maps: Vec<AttentionMap>,
}

/// Weights of one layer or of the mean over all. The masses and the images' add up to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttentionMap {
    /// The layer, from 0; null is the mean over all.
    pub layer: Option<u32>,
    /// Weight on the first token of the context, a sink in most models.
    pub first: f32,
    /// On the rest of template, question and the tool's words.
    pub prompt: f32,
    /// On what the model wrote.
    pub own: f32,
    /// On the images, in the order they entered the context.
    pub images: Vec<ImageWeights>,
}

/// Weights on one image's cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageWeights {
    /// Rows of cells.
    pub rows: u32,
    /// Columns of cells.
    pub columns: u32,
    /// A cell holds the sum over so many by so many of the model's merged patches; the last row and column perhaps over fewer.
    pub pool: u32,
    /// Sum of all weights.
    pub mass: f32,
    /// The largest cell: what 255 stands for.
    pub scale: f32,
    /// One byte a cell, row by row, in base64.
    pub cells: String,
}

/// What the layers would have said in a token's place, each through the last norm and the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LensEvent {
    /// Token position.
    pub position: u64,
    /// blake3 (hex) of the ids as u32 little-endian, one after another.
    pub blob: String,
    /// Per layer the likeliest tokens' ids, falling.
    #[serde(default)]
    pub ids: Vec<Vec<u32>>,
    /// Their texts.
    #[serde(default)]
    pub pieces: Vec<Vec<Piece>>,
    /// Their natural log-probabilities.
    #[serde(default)]
    pub logprobs: Vec<Vec<f32>>,
    /// Per layer the place of the token that was written; 1 is the likeliest.
    #[serde(default)]
    pub rank: Vec<u32>,
    /// Per layer its natural log-probability.
    #[serde(default)]
    pub logprob: Vec<f32>,
    /// Per layer the entropy in nats.
    #[serde(default)]
    pub entropy: Vec<f32>,
    /// Per layer the Kullback-Leibler divergence in nats from the last layer's distribution to this one's.
    #[serde(default)]
    pub kl: Vec<f32>,
}

impl AttentionEvent {
    /// A record of these maps; the hash is made here.
    pub fn new(position: u64, of: [u32; 2], head: Option<u32>, maps: Vec<AttentionMap>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for image in maps.iter().flat_map(|map| &map.images) {
            hasher.update(&image.bytes());
        }
        Self { position, blob: hasher.finalize().to_hex().to_string(), of, head, maps }
    }

    /// The map of a layer (`None`: the mean over all), where it is among them. A record of every layer gives the mean, too.
    pub fn map(&self, layer: Option<u32>) -> Option<std::borrow::Cow<'_, AttentionMap>> {
        let kept = self.maps.iter().find(|map| map.layer == layer);
        if let Some(map) = kept {
            return Some(std::borrow::Cow::Borrowed(map));
        }
        let all = layer.is_none() && self.maps.len() > 1 && self.maps.len() == self.of[0] as usize;
        all.then(|| std::borrow::Cow::Owned(mean(&self.maps)))
    }
}

impl AttentionMap {
    /// All weight on images.
    pub fn on_images(&self) -> f32 {
        self.images.iter().map(|image| image.mass).sum()
    }
}

impl ImageWeights {
    /// Weights of an image of `rows` by `columns` cells, pooled by `pool`.
    pub fn new(weights: &[f32], rows: usize, columns: usize, pool: usize) -> Self {
        let pool = pool.max(1);
        let (down, across) = (rows.div_ceil(pool), columns.div_ceil(pool));
        let mut sums = vec![0_f32; down * across];
        for (at, weight) in weights.iter().enumerate().take(rows * columns) {
            let place = at / columns.max(1) / pool * across + at % columns.max(1) / pool;
            if let Some(sum) = sums.get_mut(place) {
                *sum += if weight.is_finite() { weight.max(0.0) } else { 0.0 };
            }
        }
        let scale = sums.iter().copied().fold(0.0, f32::max);
        let byte = |sum: &f32| if scale > 0.0 { (sum / scale * 255.0).round() as u8 } else { 0 };
        let cells: Vec<u8> = sums.iter().map(byte).collect();
        let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            rows: side(down),
            columns: side(across),
            pool: side(pool),
            mass: sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() as f32,
            scale,
            cells: STANDARD.encode(cells),
        }
    }

    /// The bytes of the cells; empty where they are damaged or not as many as they should be.
    pub fn bytes(&self) -> Vec<u8> {
        let wanted = u64::from(self.rows) * u64::from(self.columns);
        // What is too long is not decoded.
        let fits = self.cells.len() as u64 <= wanted.saturating_mul(2).saturating_add(4);
        let bytes = if fits { STANDARD.decode(&self.cells).unwrap_or_default() } else { Vec::new() };
        if bytes.len() as u64 == wanted { bytes } else { Vec::new() }
    }

    /// Weights of the cells, row by row; empty where they are damaged.
    pub fn weights(&self) -> Vec<f32> {
        let scale = if self.scale.is_finite() { self.scale.clamp(0.0, 1.0) } else { 0.0 };
        self.bytes().iter().map(|byte| f32::from(*byte) / 255.0 * scale).collect()
    }
}

/// By how much images of these sizes (rows, columns) are pooled so that `maps` maps of them stay within [`MOST_CELLS`].
pub fn pool_for(images: &[(usize, usize)], maps: usize) -> usize {
    let cells = |pool: usize| -> usize {
        images.iter().map(|(rows, columns)| rows.div_ceil(pool).saturating_mul(columns.div_ceil(pool))).sum()
    };
    (1..64).find(|pool| cells(*pool).saturating_mul(maps.max(1)) <= MOST_CELLS).unwrap_or(64)
}

impl LensEvent {
    /// Layers it speaks of: as many as every column has.
    pub fn layers(&self) -> usize {
        let columns = [self.ids.len(), self.pieces.len(), self.logprobs.len(), self.rank.len(), self.logprob.len()];
        columns.into_iter().chain([self.entropy.len(), self.kl.len()]).min().unwrap_or(0)
    }

    /// With the hash of its ids.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let mut hasher = blake3::Hasher::new();
        for id in self.ids.iter().flatten() {
            hasher.update(&id.to_le_bytes());
        }
        self.blob = hasher.finalize().to_hex().to_string();
        self
    }
}

/// The mean of maps of the same images.
fn mean(maps: &[AttentionMap]) -> AttentionMap {
    let share = 1.0 / maps.len().max(1) as f32;
    let sum = |of: fn(&AttentionMap) -> f32| maps.iter().map(of).sum::<f32>() * share;
    let images = maps.first().map_or(0, |map| map.images.len());
    let image = |at: usize| {
        let of: Vec<&ImageWeights> = maps.iter().filter_map(|map| map.images.get(at)).collect();
        let first = of.first()?;
        let mut sums = vec![0_f32; first.bytes().len()];
        for image in &of {
            sums.iter_mut().zip(image.weights()).for_each(|(sum, weight)| *sum += weight * share);
        }
        let mean = ImageWeights::new(&sums, first.rows as usize, first.columns as usize, 1);
        let mass = of.iter().map(|image| image.mass).sum::<f32>() * share;
        Some(ImageWeights { pool: first.pool, mass, ..mean })
    };
    AttentionMap {
        layer: None,
        first: sum(|map| map.first),
        prompt: sum(|map| map.prompt),
        own: sum(|map| map.own),
        images: (0..images).filter_map(image).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn weights_come_back_to_a_255th_of_the_largest(
            rows in 1usize..9, columns in 1usize..9, pool in 1usize..5,
            numbers in prop::collection::vec(0f32..1.0, 64),
        ) {
            let weights = &numbers[..rows * columns];
            let kept = ImageWeights::new(weights, rows, columns, pool);
            let back = kept.weights();
            prop_assert_eq!(back.len(), rows.div_ceil(pool) * columns.div_ceil(pool));
            let sum: f32 = weights.iter().sum();
            prop_assert!((kept.mass - sum).abs() < 1e-4);
            if pool == 1 {
                for (back, weight) in back.iter().zip(weights) {
                    prop_assert!((back - weight).abs() <= kept.scale / 255.0 + 1e-6);
                }
            }
        }

        #[test]
        fn no_log_makes_it_panic_or_grow(
            rows in any::<u32>(), columns in any::<u32>(), scale in any::<f32>(), cells in ".{0,40}",
        ) {
            let image = ImageWeights { rows, columns, pool: 0, mass: f32::NAN, scale, cells };
            prop_assert!(image.weights().len() <= 40);
        }

        #[test]
        fn maps_are_pooled_to_what_a_record_may_hold(rows in 1usize..400, columns in 1usize..400, maps in 1usize..90) {
            let pool = pool_for(&[(rows, columns), (4, 4)], maps);
            let cells = (rows.div_ceil(pool) * columns.div_ceil(pool) + 4_usize.div_ceil(pool).pow(2)) * maps;
            prop_assert!(cells <= MOST_CELLS || pool == 64);
        }
    }

    #[test]
    fn every_layer_gives_the_mean() {
        let map = |layer, weights: &[f32], first| AttentionMap {
            layer: Some(layer),
            first,
            prompt: 0.2,
            own: 0.1,
            images: vec![ImageWeights::new(weights, 1, 2, 1)],
        };
        let event = AttentionEvent::new(9, [2, 4], None, vec![map(0, &[0.2, 0.1], 0.4), map(1, &[0.0, 0.5], 0.2)]);
        let mean = event.map(None).unwrap();
        assert!((mean.first - 0.3).abs() < 1e-6 && (mean.on_images() - 0.4).abs() < 1e-5);
        assert!((mean.images[0].weights()[1] - 0.3).abs() < 0.003);
        assert_eq!(event.map(Some(1)).unwrap().images[0].columns, 2);
        assert!(event.map(Some(2)).is_none());
        let old: AttentionEvent = serde_json::from_str(r#"{"position":3,"blob":"ab"}"#).unwrap();
        assert!(old.maps.is_empty() && old.map(None).is_none());
    }
}
