//! Linear maps with their weights in the order the product reads them.

#![allow(clippy::indexing_slicing, reason = "lengths are checked or made at the top of each function")]

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, bail};

use super::tile::{interleave, tile};
use super::{LANES, Lanes, Wide};

/// Rows computed together.
const ROWS: usize = 4;

/// A linear map of rows: weights in panels of [`LANES`] outputs, each panel one [`Lanes`] an input.
#[derive(Debug)]
pub(crate) struct Packed {
    wide: Wide,
    panels: Vec<Lanes>,
    /// One for each panel; zeros where there is none.
    bias: Vec<Lanes>,
    inputs: usize,
    outputs: usize,
}

impl Packed {
    /// Packs `weights` (outputs, inputs) and `bias` (outputs, or nothing).
    pub(crate) fn new(wide: Wide, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        if inputs == 0 || !weights.len().is_multiple_of(inputs) {
            return None;
        }
        let outputs = weights.len() / inputs;
        if outputs == 0 || !(bias.is_empty() || bias.len() == outputs) {
            return None;
        }
        let count = outputs.div_ceil(LANES);
        let mut panels = vec![[0.0; LANES]; count * inputs];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let panel = &mut panels[output / LANES * inputs..][..inputs];
            for (lanes, weight) in panel.iter_mut().zip(row) {
                lanes[output % LANES] = *weight;
            }
        }
        let mut padded = vec![[0.0; LANES]; count];
        for (output, number) in bias.iter().enumerate() {
            padded[output / LANES][output % LANES] = *number;
        }
        Some(Self { wide, panels, bias: padded, inputs, outputs })
    }

    /// Numbers in a row of results.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The proof it was made with.
    pub(crate) fn wide(&self) -> Wide {
        self.wide
    }

    /// `x` (rows, inputs) → `y` (rows, outputs); `scratch` is overwritten.
    pub(crate) fn apply(&self, x: &[f32], y: &mut Vec<f32>, scratch: &mut Vec<f32>) {
        y.clear();
        y.resize(x.len() / self.inputs * self.outputs, 0.0);
        // SAFETY: `wide` proves that the processor has AVX2 and FMA.
        #[allow(unused_unsafe, reason = "safe where there is nothing to prove")]
        unsafe {
            self.compute(x, y, scratch);
        }
    }

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    fn compute(&self, x: &[f32], y: &mut [f32], scratch: &mut Vec<f32>) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let many = x.len() / inputs / ROWS * ROWS;
        scratch.clear();
        scratch.resize(many * inputs, 0.0);
        for (to, rows) in scratch.chunks_exact_mut(ROWS * inputs).zip(x.chunks_exact(ROWS * inputs)) {
            interleave::<ROWS>(rows.chunks_exact(inputs), to.as_chunks_mut().0);
        }
        let (y_many, y_rest) = y.split_at_mut(many * outputs);
        for (index, (panel, bias)) in self.panels.chunks_exact(inputs).zip(&self.bias).enumerate() {
            let place = Place { first: index * LANES, count: LANES.min(outputs - index * LANES), outputs, bias };
            let tiles = scratch.chunks_exact(ROWS * inputs).zip(y_many.chunks_exact_mut(ROWS * outputs));
            for (x, y) in tiles {
                let mut sums = [[0.0; LANES]; ROWS];
                tile::<ROWS>(x.as_chunks().0, panel, &mut sums);
                place.put(&sums, y);
            }
            for (x, y) in x[many * inputs..].chunks_exact(inputs).zip(y_rest.chunks_exact_mut(outputs)) {
                let mut sums = [[0.0; LANES]; 1];
                tile::<1>(x.as_chunks().0, panel, &mut sums);
                place.put(&sums, y);
            }
        }
    }
}

/// The columns of a panel in rows of results.
struct Place<'a> {
    first: usize,
    count: usize,
    outputs: usize,
    bias: &'a Lanes,
}

impl Place<'_> {
    #[inline(always)]
    fn put(&self, sums: &[Lanes], y: &mut [f32]) {
        for (sums, y) in sums.iter().zip(y.chunks_exact_mut(self.outputs)) {
            let y = &mut y[self.first..][..self.count];
            for ((y, sum), bias) in y.iter_mut().zip(sums).zip(self.bias) {
                *y = sum + bias;
            }
        }
    }
}

impl CustomOp1 for Packed {
    fn name(&self) -> &'static str {
        "packed-linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let CpuStorage::F32(numbers) = storage else { bail!("packed linear: f32 only") };
        let (Some((start, end)), [rows, columns]) = (layout.contiguous_offsets(), layout.dims()) else {
            bail!("packed linear: contiguous rows only, not {:?}", layout.shape())
        };
        if *columns != self.inputs {
            bail!("packed linear: rows of {columns} numbers, the map takes {}", self.inputs)
        }
        let mut y = Vec::new();
        self.apply(&numbers[start..end], &mut y, &mut Vec::new());
        Ok((CpuStorage::F32(y), Shape::from((*rows, self.outputs))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_map_is_the_map_row_by_row() {
        let Some(wide) = Wide::detect() else { return };
        for (rows, inputs, outputs) in [(1, 1, 1), (2, 3, 31), (4, 16, 32), (7, 33, 65), (13, 128, 40)] {
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let x: Vec<f32> = (0..rows * inputs).map(number).collect();
            let weights: Vec<f32> = (0..outputs * inputs).map(|i| number(i + 5)).collect();
            let bias: Vec<f32> = (0..outputs).map(|i| number(i + 77)).collect();
            let packed = Packed::new(wide, &weights, &bias, inputs).unwrap();
            let (mut y, mut scratch) = (vec![9.0; 3], Vec::new());
            packed.apply(&x, &mut y, &mut scratch);
            for (row, y) in y.chunks_exact(outputs).enumerate() {
                let x = &x[row * inputs..][..inputs];
                for (output, y) in y.iter().enumerate() {
                    let weights = &weights[output * inputs..][..inputs];
                    let right = x.iter().zip(weights).fold(0.0_f32, |sum, (x, w)| x.mul_add(*w, sum)) + bias[output];
                    assert_eq!(y.to_bits(), right.to_bits(), "{rows} {inputs} {outputs}");
                }
                let mut alone = Vec::new();
                packed.apply(x, &mut alone, &mut scratch);
                assert_eq!(alone, y);
            }
            assert_eq!(y.len(), rows * outputs);
        }
        assert!(Packed::new(wide, &[1.0; 6], &[1.0; 3], 3).is_none(), "a bias for another map");
        assert!(Packed::new(wide, &[1.0; 7], &[], 3).is_none() && Packed::new(wide, &[], &[], 3).is_none());
    }
}
