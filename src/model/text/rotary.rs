//! Three-axis rotary positions of tokens.

use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor};

use crate::model::config::TextConfig;
use crate::model::positions::Position;

/// Positions of one kept table.
const PIECE: usize = 1024;
/// Kept tables at most; positions beyond are computed for each step.
const PIECES: usize = 256;

/// Cosines and sines for the rows of one step: (rows, half a head) each.
#[derive(Clone, Debug)]
pub(super) struct Rotary {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

/// How the pairs of a head turn, with tables of text positions kept on the device.
///
/// A token of text has the same position on all axes, so the rows of text that follows itself are neighbours in one
/// table: a step of decoding computes nothing and sends nothing.
#[derive(Debug)]
pub(super) struct Tables {
    /// Radians a position, for each pair.
    rates: Vec<f32>,
    /// The axis each pair follows: the sections follow the temporal, height and width axis in turn.
    axes: Vec<usize>,
    kept: Vec<OnceLock<Rotary>>,
}

impl Tables {
    pub(super) fn new(config: &TextConfig) -> Self {
        let (base, width) = (config.rope_theta as f32, config.head_dim as f32);
        let sections = config.rope_sections.iter().enumerate();
        Self {
            rates: (0..config.head_dim).step_by(2).map(|i| 1.0 / base.powf(i as f32 / width)).collect(),
            axes: sections.flat_map(|(section, pairs)| std::iter::repeat_n(section % 3, *pairs)).collect(),
            kept: (0..PIECES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Cosines and sines of rows at `positions`; computed in f32 and rounded once, as `transformers` does.
    pub(super) fn at(&self, positions: &[Position], dtype: DType, device: &Device) -> Result<Rotary> {
        match run_of_text(positions) {
            // On the CPU the few numbers of a row cost less than finding them.
            Some(first) if !device.is_cpu() => self.text(first, positions.len(), dtype, device),
            _ => self.fresh(positions, dtype, device),
        }
    }

    /// The rows of text positions `first`, `first + 1`, ….
    fn text(&self, first: usize, rows: usize, dtype: DType, device: &Device) -> Result<Rotary> {
        let (piece, start) = (first / PIECE, first % PIECE);
        let kept = self.kept.get(piece).filter(|_| start + rows <= PIECE);
        let Some(kept) = kept else { return self.fresh(&text_positions(first, rows), dtype, device) };
        let table = match kept.get() {
            Some(table) => table,
            None => {
                let table = self.fresh(&text_positions(piece * PIECE, PIECE), dtype, device)?;
                // Others may use it on streams of their own as soon as it is kept.
                device.synchronize()?;
                kept.get_or_init(|| table)
            }
        };
        Ok(Rotary { cos: table.cos.narrow(0, start, rows)?, sin: table.sin.narrow(0, start, rows)? })
    }

    fn fresh(&self, positions: &[Position], dtype: DType, device: &Device) -> Result<Rotary> {
        let shape = (positions.len(), self.rates.len());
        let (cos, sin) = self.numbers(positions);
        let tensor = |numbers: Vec<f32>| Tensor::from_vec(numbers, shape, device)?.to_dtype(dtype);
        Ok(Rotary { cos: tensor(cos)?, sin: tensor(sin)? })
    }

    /// As [`Tables::at`], as plain numbers.
    pub(super) fn numbers(&self, positions: &[Position]) -> (Vec<f32>, Vec<f32>) {
        let count = positions.len() * self.rates.len();
        let (mut cos, mut sin) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for position in positions {
            for (rate, axis) in self.rates.iter().zip(&self.axes) {
                let angle = position.get(*axis).copied().unwrap_or(0) as f32 * rate;
                cos.push(angle.cos());
                sin.push(angle.sin());
            }
        }
        (cos, sin)
    }
}

/// The first position, if all rows are text that follows itself.
fn run_of_text(positions: &[Position]) -> Option<usize> {
    let first = positions.first()?.first().copied()?;
    let follows = |(row, position): (usize, &Position)| {
        u32::try_from(row).ok().and_then(|row| first.checked_add(row)).is_some_and(|p| *position == [p; 3])
    };
    positions.iter().enumerate().all(follows).then_some(first as usize)
}

fn text_positions(first: usize, rows: usize) -> Vec<Position> {
    (first..first + rows).map(|position| [u32::try_from(position).unwrap_or(u32::MAX); 3]).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config() -> TextConfig {
        let json = include_str!("../../../tests/goldens/model/tied-new/config.json");
        crate::model::Config::from_json(json.as_bytes()).unwrap().text
    }

    fn bits(rotary: &Rotary) -> Vec<u32> {
        let flat = |t: &Tensor| t.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        flat(&rotary.cos).into_iter().chain(flat(&rotary.sin)).map(f32::to_bits).collect()
    }

    #[test]
    fn kept_rows_are_the_computed_ones() {
        let tables = Tables::new(&config());
        for dtype in [DType::F32, DType::BF16] {
            let tables = Tables::new(&config());
            for (first, rows) in [(0, 1), (5, 7), (1023, 1), (1023, 2), (2048, 1024), (PIECE * PIECES, 3)] {
                let kept = tables.text(first, rows, dtype, &Device::Cpu).unwrap();
                let fresh = tables.fresh(&text_positions(first, rows), dtype, &Device::Cpu).unwrap();
                assert_eq!(bits(&kept), bits(&fresh), "{first} {rows}");
            }
        }
        assert!(tables.kept.iter().all(|kept| kept.get().is_none()));
    }

    #[test]
    fn only_text_that_follows_itself_is_a_run() {
        assert_eq!(run_of_text(&[[4; 3], [5; 3]]), Some(4));
        assert_eq!(run_of_text(&[[4; 3], [6; 3]]), None);
        assert_eq!(run_of_text(&[[4, 4, 5]]), None);
        assert_eq!(run_of_text(&[]), None);
    }
}
