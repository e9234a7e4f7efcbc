//! Tables of rotary angles, computed on the host in f32 as transformers does.

use candle_core::{Device, Tensor};

use super::error::Result;
use super::shape::TextShape;

/// Cosine and sine of every row, `(rows, head)` each, second half repeating the first.
#[derive(Clone, Debug)]
pub struct Rotary {
    /// Cosines.
    pub cos: Tensor,
    /// Sines.
    pub sin: Tensor,
}

impl Rotary {
    /// From the angles of the first half of a head, row after row.
    fn from_angles(angles: &[f32], half: usize, device: &Device) -> Result<Self> {
        let rows = angles.len() / half.max(1);
        let table = |f: fn(f32) -> f32| -> Result<Tensor> {
            let mut values = Vec::with_capacity(angles.len() * 2);
            for row in angles.chunks_exact(half) {
                for _ in 0..2 {
                    values.extend(row.iter().map(|&angle| f(angle)));
                }
            }
            Ok(Tensor::from_vec(values, (rows, 2 * half), device)?)
        };
        Ok(Self { cos: table(f32::cos)?, sin: table(f32::sin)? })
    }

    /// M-RoPE: each pair of channels follows time, row or column.
    ///
    /// # Errors
    /// A tensor operation that fails.
    pub fn text(shape: &TextShape, positions: &[Vec<u32>; 3], device: &Device) -> Result<Self> {
        let [time, rows, cols] = positions;
        let [a, b, _] = shape.mrope_section;
        let frequencies = frequencies(shape.rope_theta, shape.head_dim());
        let mut angles = Vec::with_capacity(time.len() * frequencies.len());
        for ((&time, &row), &col) in time.iter().zip(rows).zip(cols) {
            for (pair, &frequency) in frequencies.iter().enumerate() {
                let position = if pair < a {
                    time
                } else if pair < a + b {
                    row
                } else {
                    col
                };
                angles.push(position as f32 * frequency);
            }
        }
        Self::from_angles(&angles, frequencies.len(), device)
    }

    /// 2-D angles of patches: the first quarter of a head follows rows, the second columns.
    ///
    /// # Errors
    /// A tensor operation that fails.
    pub fn vision(head_dim: usize, patches: &[[u32; 2]], images: usize, device: &Device) -> Result<Self> {
        let frequencies = frequencies(10_000.0, head_dim / 2);
        let mut angles = Vec::with_capacity(images * patches.len() * frequencies.len() * 2);
        for [row, col] in std::iter::repeat_n(patches, images).flatten() {
            angles.extend(frequencies.iter().map(|f| *row as f32 * f));
            angles.extend(frequencies.iter().map(|f| *col as f32 * f));
        }
        Self::from_angles(&angles, head_dim / 2, device)
    }
}

fn frequencies(theta: f64, dims: usize) -> Vec<f32> {
    (0..dims / 2).map(|i| 1.0 / (theta as f32).powf((2 * i) as f32 / dims as f32)).collect()
}
