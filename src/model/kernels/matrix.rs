//! A linear map whose weights stay in the format they came in.

#![allow(clippy::indexing_slicing, reason = "lengths are checked where a matrix is made")]

use super::Wide;
use super::blocks::Format;
use super::bytes::Bytes;
use super::pack::Layout;
use crate::model::threads::share_out;

/// Matrices of fewer bytes are packed by the calling thread alone.
const ALONE: usize = 1 << 20;

/// Weights (outputs, inputs) in panels (see [`super::pack`]) with a bias.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(super) wide: Wide,
    pub(super) layout: Layout,
    panels: Bytes,
    /// One for each lane of each panel; zeros where there is none.
    bias: Vec<f32>,
    outputs: usize,
}

impl Matrix {
    /// Writes `weights` (outputs, inputs) in a format; `bias` (outputs, or nothing).
    ///
    /// `None` where lengths do not fit each other or the format's blocks, and where memory is refused.
    pub(crate) fn from_f32(wide: Wide, format: Format, weights: &[f32], bias: &[f32], inputs: usize) -> Option<Self> {
        if inputs == 0 || !weights.len().is_multiple_of(inputs) {
            return None;
        }
        let outputs = weights.len() / inputs;
        let bytes = format.bytes(inputs)?;
        Self::build(wide, format, bias, outputs, inputs, |first, rows, raw: &mut Vec<u8>| {
            raw.resize(rows * bytes, 0);
            for (row, raw) in weights[first * inputs..].chunks_exact(inputs).zip(raw.chunks_exact_mut(bytes)) {
                format.quantise(row, raw);
            }
        })
    }

    /// Takes rows as they lie in a file: `bytes` of `outputs` rows of `inputs` numbers each.
    ///
    /// `None` where lengths do not fit each other or the format's blocks, and where memory is refused.
    pub(crate) fn from_raw(
        wide: Wide,
        format: Format,
        bytes: &[u8],
        bias: &[f32],
        outputs: usize,
        inputs: usize,
    ) -> Option<Self> {
        let row = format.bytes(inputs)?;
        if row.checked_mul(outputs) != Some(bytes.len()) {
            return None;
        }
        Self::build(wide, format, bias, outputs, inputs, |first, rows, raw: &mut Vec<u8>| {
            raw.clear();
            raw.extend_from_slice(&bytes[first * row..][..rows * row]);
        })
    }

    /// `fill` gives raw rows, `(first, count, into)`.
    fn build(
        wide: Wide,
        format: Format,
        bias: &[f32],
        outputs: usize,
        inputs: usize,
        fill: impl Fn(usize, usize, &mut Vec<u8>) + Sync,
    ) -> Option<Self> {
        let layout = Layout::new(format, inputs)?;
        if outputs == 0 || !(bias.is_empty() || bias.len() == outputs) {
            return None;
        }
        let count = outputs.div_ceil(layout.lanes);
        let mut panels = Bytes::new(count.checked_mul(layout.stride)?)?;
        let pack = |first: usize, panels: &mut [u8]| {
            let mut raw = Vec::new();
            for (panel, index) in panels.chunks_exact_mut(layout.stride).zip(first..) {
                let row = index * layout.lanes;
                fill(row, layout.lanes.min(outputs - row), &mut raw);
                layout.interleave(raw.chunks_exact(layout.row_bytes()), panel);
            }
        };
        let all = panels.as_mut_slice();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if all.len() < ALONE || threads == 1 {
            pack(0, all);
        } else {
            let share = count.div_ceil(threads);
            let parts = all.chunks_mut(share * layout.stride).enumerate();
            share_out(threads, parts, |(part, panels)| pack(part * share, panels));
        }
        let mut padded = vec![0.0; count * layout.lanes];
        padded[..bias.len()].copy_from_slice(bias);
        Some(Self { wide, layout, panels, bias: padded, outputs })
    }

    /// How its weights are written.
    pub(crate) fn format(&self) -> Format {
        self.layout.format
    }

    /// Numbers in a row it takes.
    pub(crate) fn inputs(&self) -> usize {
        self.layout.inputs
    }

    /// Numbers in a row of results.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes of its weights in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.panels.as_slice().len()
    }

    /// The weights of output `index` as numbers; `out` is left alone where there is no such output or it has another
    /// length than a row.
    pub(crate) fn row(&self, index: usize, out: &mut [f32]) {
        if index < self.outputs && out.len() == self.layout.inputs {
            let (panel, _) = self.panel(index / self.layout.lanes);
            self.layout.read(panel, index % self.layout.lanes, out);
        }
    }

    /// Panels there are.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(self.layout.lanes)
    }

    /// A panel and its part of the bias.
    #[inline(always)]
    pub(super) fn panel(&self, index: usize) -> (&[u8], &[f32]) {
        let Layout { stride, lanes, .. } = self.layout;
        (&self.panels.as_slice()[index * stride..][..stride], &self.bias[index * lanes..][..lanes])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let Some(wide) = Wide::detect() else { return };
        for format in Format::ALL {
            for (outputs, inputs) in [(1, 256), (16, 512), (37, 768), (70, 256)] {
                let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
                let weights: Vec<f32> = (0..outputs * inputs).map(number).collect();
                let matrix = Matrix::from_f32(wide, format, &weights, &[], inputs).unwrap();
                let mut raw = vec![0; format.bytes(inputs).unwrap() * outputs];
                format.quantise(&weights, &mut raw);
                let same = Matrix::from_raw(wide, format, &raw, &[], outputs, inputs).unwrap();
                let (mut expected, mut row) = (vec![0.0; weights.len()], vec![0.0; inputs]);
                format.dequantise(&raw, &mut expected);
                for index in 0..outputs {
                    for matrix in [&matrix, &same] {
                        matrix.row(index, &mut row);
                        assert_eq!(row, expected[index * inputs..][..inputs], "{format} {index}");
                    }
                }
                row.fill(7.0);
                matrix.row(outputs, &mut row);
                assert!(row.iter().all(|number| *number == 7.0));
            }
        }
        assert!(Matrix::from_f32(wide, Format::Q8_0, &[0.0; 40], &[], 40).is_none());
        assert!(Matrix::from_f32(wide, Format::F32, &[0.0; 40], &[0.0; 3], 10).is_none());
        assert!(Matrix::from_raw(wide, Format::F16, &[0; 40], &[], 3, 10).is_none());
    }
}
