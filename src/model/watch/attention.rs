//! Attention weights of one row, reduced to what was asked for while they are computed.

use std::ops::Range;

use candle_core::{DType, Tensor};
use candle_nn::ops::softmax_last_dim;

use super::Kept;
use crate::model::cache::Keys;
use crate::model::error::ModelError;
use crate::model::kernels::Wide;
use crate::model::network::Network;
use crate::model::sequence::Sequence;
use crate::model::tap::Row;

/// Which blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layers {
    /// The mean over all.
    #[default]
    Mean,
    /// One, from 0.
    One(usize),
    /// Each alone, in order.
    All,
}

/// Which heads of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heads {
    /// The mean over all.
    #[default]
    Mean,
    /// One, from 0.
    One(usize),
}

/// What of the weights is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttentionPick {
    /// Which blocks.
    pub layers: Layers,
    /// Which heads.
    pub heads: Heads,
}

/// Where an image stands in a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagePlace {
    /// Its first token.
    pub start: usize,
    /// Rows of merged cells.
    pub rows: usize,
    /// Columns of merged cells.
    pub columns: usize,
    /// All its tokens; `rows * columns` for a still.
    pub tokens: usize,
}

/// What one row attends to: weights of a softmax, which add up to 1 over images and masses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attention {
    /// The block, where it is one alone.
    pub layer: Option<usize>,
    /// Per image its cells' weights, row by row.
    pub images: Vec<Vec<f32>>,
    /// What lies elsewhere.
    pub mass: Mass,
}

/// Weights outside images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mass {
    /// On the very first token, where weights go that are needed nowhere (an attention sink).
    pub first: f32,
    /// On the rest of what was put into the context: template, question, the tool's words.
    pub prompt: f32,
    /// On what the model wrote itself.
    pub own: f32,
}

impl Attention {
    /// All weights on images.
    pub fn on_images(&self) -> f32 {
        self.images.iter().flatten().sum()
    }
}

impl Network {
    /// The images of a context, in order. Their cells are found by their tokens and positions.
    pub fn images(&self, sequence: &Sequence) -> Vec<ImagePlace> {
        let image = self.config().image_token;
        let (ids, positions) = (sequence.ids(), sequence.positions());
        let mut found: Vec<ImagePlace> = Vec::new();
        for (at, (id, position)) in ids.iter().zip(positions).enumerate() {
            if *id != image {
                continue;
            }
            // The first cell of a still is the only one whose three positions are one.
            let [frame, row, column] = *position;
            match found.last_mut() {
                Some(last) if last.start + last.tokens == at && !(frame == row && row == column) => {
                    let [_, first_row, first_column] = positions.get(last.start).copied().unwrap_or_default();
                    last.rows = last.rows.max((row - first_row.min(row)) as usize + 1);
                    last.columns = last.columns.max((column - first_column.min(column)) as usize + 1);
                    last.tokens += 1;
                }
                _ => found.push(ImagePlace { start: at, rows: 1, columns: 1, tokens: 1 }),
            }
        }
        found
    }

    /// What the row that `kept` is of attends to among the first `seen` tokens of its sequence, itself the last of them.
    /// `own` are the places of tokens the model wrote. One entry, or one for each block with [`Layers::All`].
    ///
    /// # Errors
    /// [`ModelError::Watch`] for a block or head the model has not, or rows that are not of this sequence;
    /// [`ModelError::Compute`].
    pub fn attention(
        &self,
        sequence: &Sequence,
        kept: &Kept,
        seen: usize,
        pick: AttentionPick,
        own: &[Range<usize>],
    ) -> Result<Vec<Attention>, ModelError> {
        self.knows(sequence)?;
        let text = &self.config().text;
        let wrong = |what: String| Err(ModelError::Watch(what));
        let shown = kept.tensors.len() == text.layers || kept.weights.len() == text.layers && kept.heads == pick.heads;
        if kept.queries.len() != text.layers && !shown {
            return wrong(format!("queries of {} blocks were kept, the model has {}", kept.queries.len(), text.layers));
        }
        if seen == 0 || seen > sequence.len() {
            return wrong(format!("a row that sees {seen} tokens in a context of {}", sequence.len()));
        }
        if let Heads::One(head) = pick.heads
            && head >= text.heads
        {
            return wrong(format!("head {head} of {}", text.heads));
        }
        let layers = match pick.layers {
            Layers::One(layer) if layer >= text.layers => return wrong(format!("block {layer} of {}", text.layers)),
            Layers::One(layer) => layer..layer + 1,
            Layers::Mean | Layers::All => 0..text.layers,
        };
        let weights = if shown {
            shown_weights(kept, seen, layers.clone(), pick)?
        } else {
            self.weights(sequence, kept, seen, layers.clone(), pick)?
        };
        let images = self.images(sequence);
        let split = |layer, weights: &[f32]| Attention { layer, ..split(weights, &images, own) };
        let alone = !matches!(pick.layers, Layers::Mean);
        Ok(weights.iter().zip(layers).map(|(weights, layer)| split(alone.then_some(layer), weights)).collect())
    }

    /// Weights of `seen` tokens: one row for the mean, else one a block.
    fn weights(
        &self,
        sequence: &Sequence,
        kept: &Kept,
        seen: usize,
        layers: Range<usize>,
        pick: AttentionPick,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let foreign = || ModelError::Watch("rows of another model's context".into());
        let mean = matches!(pick.layers, Layers::Mean);
        let share = if mean { 1.0 / layers.len().max(1) as f32 } else { 1.0 };
        let mut rows: Vec<Vec<f32>> = Vec::new();
        let mut tensors = Vec::new();
        let mut scratch = Vec::new();
        for layer in layers {
            match (sequence.cache.keys(layer, seen)?.ok_or_else(foreign)?, kept.queries.get(layer)) {
                (Keys::Panels(panels), Some(Row::Numbers(q))) => {
                    if !mean || rows.is_empty() {
                        rows.push(vec![0.0; seen]);
                    }
                    let (Some(row), Some(wide)) = (rows.last_mut(), Wide::detect()) else { return Err(foreign()) };
                    let heads = self.config().text.heads;
                    wide.look(q, panels, seen, &mut scratch, &mut |head, weights, total| {
                        let factor = match pick.heads {
                            Heads::Mean => share / heads as f32 / total,
                            Heads::One(one) if one == head => share / total,
                            Heads::One(_) => return,
                        };
                        row.iter_mut().zip(weights).for_each(|(row, weight)| *row += weight * factor);
                    });
                }
                (Keys::Tensor(keys), Some(Row::Tensor(q))) => tensors.push(of_tensors(q, &keys, pick.heads)?),
                _ => return Err(foreign()),
            }
        }
        if tensors.is_empty() {
            return Ok(rows);
        }
        // Everything comes over from the device at once.
        let all = Tensor::stack(&tensors, 0)?;
        let all = if mean { all.mean_keepdim(0)? } else { all };
        Ok(all.to_vec2()?)
    }
}

/// The weights that were seen while they were computed: their mean, or one row a block.
fn shown_weights(
    kept: &Kept,
    seen: usize,
    layers: Range<usize>,
    pick: AttentionPick,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let of_device = match kept.tensors.get(layers.clone()).filter(|tensors| !tensors.is_empty()) {
        Some(tensors) => Some(device_rows(tensors, pick.heads)?),
        None => None,
    };
    let rows = of_device.as_deref().or(kept.weights.get(layers)).unwrap_or_default();
    if rows.iter().any(|row| row.len() != seen) {
        return Err(ModelError::Watch("rows of another context".into()));
    }
    if !matches!(pick.layers, Layers::Mean) {
        return Ok(rows.to_vec());
    }
    let (share, mut mean) = (1.0 / rows.len().max(1) as f32, vec![0.0; seen]);
    for row in rows {
        mean.iter_mut().zip(row).for_each(|(mean, weight)| *mean += weight * share);
    }
    Ok(vec![mean])
}

/// Weights (heads, tokens) of some blocks → one row a block, of one head or the mean; they come over at once.
fn device_rows(tensors: &[Tensor], heads: Heads) -> Result<Vec<Vec<f32>>, ModelError> {
    let all = Tensor::stack(tensors, 0)?.to_dtype(DType::F32)?;
    let rows = match heads {
        Heads::Mean => all.mean(1)?,
        Heads::One(head) => all.narrow(1, head, 1)?.squeeze(1)?,
    };
    Ok(rows.to_vec2()?)
}

/// `q` (1, heads * width), turned and scaled, over keys (kv heads, tokens, width) → f32 weights (tokens) of one head or
/// the mean of all.
fn of_tensors(q: &Tensor, keys: &Tensor, heads: Heads) -> candle_core::Result<Tensor> {
    let (kv_heads, seen, width) = keys.dims3()?;
    let q = q.reshape((kv_heads, (), width))?;
    let group = q.dim(1)?;
    let (q, keys, place) = match heads {
        Heads::Mean => (q, keys.clone(), None),
        Heads::One(head) => {
            let kv = head / group.max(1);
            (q.narrow(0, kv, 1)?, keys.narrow(0, kv, 1)?, Some(head % group.max(1)))
        }
    };
    let scores = q.contiguous()?.matmul(&keys.to_dtype(q.dtype())?.transpose(1, 2)?)?;
    let weights = softmax_last_dim(&scores.to_dtype(DType::F32)?.contiguous()?)?.reshape(((), seen))?;
    match place {
        Some(place) => weights.get(place),
        None => weights.mean(0),
    }
}

/// A row of weights by what stands where.
fn split(weights: &[f32], images: &[ImagePlace], own: &[Range<usize>]) -> Attention {
    let sum = |range: Range<usize>| -> f64 {
        weights
            .get(range.start.min(weights.len())..range.end.min(weights.len()))
            .map_or(0.0, |part| part.iter().map(|weight| f64::from(*weight)).sum())
    };
    let images: Vec<(Range<usize>, Vec<f32>)> = images
        .iter()
        .filter_map(|image| {
            let place = image.start..image.start + image.tokens;
            weights.get(place.clone()).map(|cells| (place, cells.to_vec()))
        })
        .collect();
    let on_images: f64 = images.iter().map(|(place, _)| sum(place.clone())).sum();
    let first = if images.iter().any(|(place, _)| place.start == 0) { 0.0 } else { sum(0..1) };
    let on_own: f64 = own.iter().map(|range| sum(range.start.max(1)..range.end.max(1))).sum();
    let rest = sum(0..weights.len()) - on_images - first - on_own;
    Attention {
        layer: None,
        images: images.into_iter().map(|(_, cells)| cells).collect(),
        mass: Mass { first: first as f32, prompt: rest.max(0.0) as f32, own: on_own as f32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_counted_once() {
        let weights = [0.1, 0.2, 0.05, 0.15, 0.3, 0.2];
        let images = [
            ImagePlace { start: 2, rows: 1, columns: 2, tokens: 2 },
            ImagePlace { start: 9, rows: 1, columns: 1, tokens: 1 },
        ];
        let found = split(&weights, &images, &[5..6, 8..9]);
        assert_eq!(found.images, [vec![0.05, 0.15]], "an image that comes later is not seen");
        assert!((found.mass.first - 0.1).abs() < 1e-6 && (found.mass.own - 0.2).abs() < 1e-6);
        assert!((found.mass.prompt - 0.5).abs() < 1e-6);
        assert!((found.on_images() - 0.2).abs() < 1e-6);
    }
}
