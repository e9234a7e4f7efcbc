//! From records to what is drawn: one image's weights, less what every token of the turn attends to.

use std::sync::Arc;

use super::Attending;
use crate::probe::heat_colour;
use crate::trace::AttentionMap;
use crate::tui::explorer::Explorer;
use crate::tui::images::Wash;

/// What is shown of the token under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The weights as they were recorded, sinks and all: masses are told of them.
    pub map: AttentionMap,
    /// Per image what is drawn, row by row.
    pub cells: Vec<Vec<f32>>,
    /// The largest of all images: what the strongest colour stands for.
    pub most: f32,
    /// How many tokens' mean was subtracted.
    pub less: usize,
}

/// Tokens of the turn before the one at `position` that its map is held against: the first, second, third, fifth, ninth, … of
/// the turn. Few enough to be looked at on demand, and the same ones for a long stretch.
pub(super) fn held_against(explorer: &Explorer, position: u64) -> Vec<u64> {
    let begins = explorer.turn_begins(position);
    let steps = std::iter::once(0).chain((0..32).map(|power| 1_u64 << power));
    steps.map(|step| begins.saturating_add(step)).take_while(|at| *at < position).collect()
}

impl Attending {
    /// What is to be drawn of the token under the cursor, where it is known.
    pub fn shown(&self, explorer: &Explorer) -> Option<Shown> {
        if !self.on {
            return None;
        }
        let position = explorer.current()?.position;
        let known = &explorer.trace().looked;
        let map_of = |at: u64| {
            let event = known.attention_of(at, self.layer, self.head)?;
            event.map(self.layer).map(std::borrow::Cow::into_owned)
        };
        let map = map_of(position)?;
        let mut cells: Vec<Vec<f32>> = map.images.iter().map(|image| image.weights()).collect();
        let others = if self.raw { Vec::new() } else { held_against(explorer, position) };
        let others: Vec<AttentionMap> = others.into_iter().filter_map(map_of).collect();
        let share = 1.0 / others.len().max(1) as f32;
        for other in &others {
            for (cells, image) in cells.iter_mut().zip(&other.images) {
                let weights = image.weights();
                if weights.len() == cells.len() {
                    cells.iter_mut().zip(weights).for_each(|(cell, weight)| *cell -= weight * share);
                }
            }
        }
        cells.iter_mut().flatten().for_each(|cell| *cell = cell.max(0.0));
        let most = cells.iter().flatten().copied().fold(0.0, f32::max);
        Some(Shown { map, cells, most, less: others.len() })
    }
}

impl Shown {
    /// What is laid over image number `index` of the context.
    pub fn wash(&self, index: usize) -> Option<Arc<Wash>> {
        let (image, cells) = (self.map.images.get(index)?, self.cells.get(index)?);
        if cells.is_empty() {
            return None;
        }
        let level = |cell: &f32| if self.most > 0.0 { (cell / self.most * 255.0).round() as u8 } else { 0 };
        let levels = cells.iter().map(level).collect();
        Some(Arc::new(Wash { columns: image.columns, rows: image.rows, levels }))
    }
}

/// Colour of a share of the largest weight: that of sweeps, from dark violet to yellow.
pub fn level_colour(level: u8) -> [u8; 3] {
    heat_colour(f64::from(level) / 255.0)
}
