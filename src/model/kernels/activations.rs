//! Rows as the kernels of [`super::Matrix`] take them: tiles of a few rows side by side, as numbers or as 8-bit steps.

#![allow(clippy::indexing_slicing, reason = "lengths are made here")]

use super::team::{Shared, Team};
use super::{Level, Wide};

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 32;
/// Numbers with a sum of their own.
const PART: usize = 16;
/// Bits of infinity: those of a number that is not finite, without its sign, are no less.
const INFINITE: u32 = 0x7F80_0000;
/// Blocks of smaller numbers only are zeros: the inverse of their scale could be infinite.
const LEAST: f32 = 1e-30;
/// Adding it rounds to a whole number, whose low byte is then the number's own.
const ROUND: f32 = 12_582_912.0;

/// Which forms of the rows are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) numbers: bool,
    /// Rounded to bfloat16, two in a word: for `BF16`.
    pub(super) pairs: bool,
    pub(super) steps: bool,
}

/// Prepared rows; buffers are kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    rows: usize,
    inputs: usize,
    tall: usize,
    numbers: Vec<f32>,
    pairs: Vec<u32>,
    words: Vec<i32>,
    scales: Vec<f32>,
    sums: Vec<f32>,
    eights: Vec<i32>,
    sixes: Vec<i32>,
}

/// Rows of a tile side by side as steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps<'a> {
    /// Four steps (inputs 4 i to 4 i + 3) of each row, for each i.
    pub(super) words: &'a [i32],
    /// Scale of each row, for each block of 32.
    pub(super) scales: &'a [f32],
    /// Sum of the numbers of a block, as rounded.
    pub(super) sums: &'a [f32],
    /// -128 times the sum of a block's steps.
    pub(super) eights: &'a [i32],
    /// -32 times the sum of the steps of each half of a block.
    pub(super) sixes: &'a [i32],
}

impl Activations {
    /// Prepares `x` (rows, inputs).
    pub(super) fn prepare(&mut self, team: &Team, wide: Wide, x: &[f32], inputs: usize, wanted: Wanted) {
        let rows = x.len().checked_div(inputs).unwrap_or(0);
        (self.rows, self.inputs, self.tall) = (rows, inputs, wide.tall());
        let (all, blocks) = (rows * inputs, rows * (inputs / BLOCK));
        let sizes = |wanted: bool, size: usize| if wanted { size } else { 0 };
        self.numbers.resize(sizes(wanted.numbers, all), 0.0);
        self.pairs.resize(sizes(wanted.pairs, rows * inputs.div_ceil(2)), 0);
        self.words.resize(sizes(wanted.steps, all / 4), 0);
        self.scales.resize(sizes(wanted.steps, blocks), 0.0);
        self.sums.resize(sizes(wanted.steps, blocks), 0.0);
        self.eights.resize(sizes(wanted.steps, blocks), 0);
        self.sixes.resize(sizes(wanted.steps, 2 * blocks), 0);
        let tiles = self.tiles();
        let (tall, blocks) = (self.tall, inputs / BLOCK);
        let numbers = Shared::new(&mut self.numbers);
        let (pairs, words) = (Shared::new(&mut self.pairs), Shared::new(&mut self.words));
        let (scales, sums) = (Shared::new(&mut self.scales), Shared::new(&mut self.sums));
        let (eights, sixes) = (Shared::new(&mut self.eights), Shared::new(&mut self.sixes));
        team.pieces(tiles, 2, |range| {
            for (first, height) in range.map(|tile| tile_at(tile, rows, tall)) {
                let x = &x[first * inputs..][..height * inputs];
                // SAFETY: tiles are disjoint rows, and each tile is in one piece.
                #[allow(unsafe_code, reason = "see there")]
                unsafe {
                    if wanted.numbers {
                        wide.interleave(x, height, inputs, numbers.part(first * inputs, height * inputs));
                    }
                    if wanted.pairs {
                        let count = inputs.div_ceil(2);
                        wide.pair(x, height, inputs, pairs.part(first * count, height * count));
                    }
                    if wanted.steps {
                        let part = |size: usize| (first * size, height * size);
                        let ((w, wn), (b, bn), (s, sn)) = (part(inputs / 4), part(blocks), part(2 * blocks));
                        let to = Written {
                            words: words.part(w, wn),
                            scales: scales.part(b, bn),
                            sums: sums.part(b, bn),
                            eights: eights.part(b, bn),
                            sixes: sixes.part(s, sn),
                        };
                        wide.round(x, height, inputs, to);
                    }
                }
            }
        });
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Tiles there are.
    pub(super) fn tiles(&self) -> usize {
        let (high, rest) = (self.rows / self.tall, self.rows % self.tall);
        high + rest / 4 + rest % 4
    }

    /// First row and height of a tile.
    pub(super) fn tile(&self, index: usize) -> (usize, usize) {
        tile_at(index, self.rows, self.tall)
    }

    /// A tile as numbers, from input `from` on, at most `count` of them: height numbers for each input.
    pub(super) fn numbers(&self, first: usize, height: usize, from: usize, count: usize) -> &[f32] {
        &self.numbers[first * self.inputs + from * height..][..count * height]
    }

    /// A tile as pairs of rounded numbers, from input `from` (an even one) on, of at most `count` inputs: height words for
    /// each pair.
    pub(super) fn pairs(&self, first: usize, height: usize, from: usize, count: usize) -> &[u32] {
        let from = first * self.inputs.div_ceil(2) + from / 2 * height;
        &self.pairs[from..][..count.div_ceil(2) * height]
    }

    pub(super) fn steps(&self, first: usize, height: usize) -> Steps<'_> {
        let (inputs, blocks) = (self.inputs, self.inputs / BLOCK);
        Steps {
            words: &self.words[first * (inputs / 4)..][..height * (inputs / 4)],
            scales: &self.scales[first * blocks..][..height * blocks],
            sums: &self.sums[first * blocks..][..height * blocks],
            eights: &self.eights[first * blocks..][..height * blocks],
            sixes: &self.sixes[first * 2 * blocks..][..height * 2 * blocks],
        }
    }
}

/// Tiles are of the greatest height as long as there are rows for it, then of 4, then of 1.
fn tile_at(index: usize, rows: usize, tall: usize) -> (usize, usize) {
    let high = rows / tall;
    if index < high {
        return (index * tall, tall);
    }
    let (first, index, rest) = (high * tall, index - high, rows % tall);
    if index < rest / 4 { (first + index * 4, 4) } else { (first + rest / 4 * 4 + index - rest / 4, 1) }
}

/// Where the steps of a tile are written.
struct Written<'a> {
    words: &'a mut [i32],
    scales: &'a mut [f32],
    sums: &'a mut [f32],
    eights: &'a mut [i32],
    sixes: &'a mut [i32],
}

impl Wide {
    /// Rows of a tile of the greatest height.
    pub(super) fn tall(self) -> usize {
        match self.level {
            Level::Avx2 => 4,
            Level::Avx512 => super::TALL,
        }
    }

    fn interleave(self, x: &[f32], height: usize, inputs: usize, to: &mut [f32]) {
        let rows = x.chunks_exact(inputs);
        match height {
            4 => super::tile::interleave::<4>(rows, to.as_chunks_mut().0),
            super::TALL => super::tile::interleave::<{ super::TALL }>(rows, to.as_chunks_mut().0),
            _ => to.copy_from_slice(x), // Tiles are of no other height than 1.
        }
    }

    fn pair(self, x: &[f32], height: usize, inputs: usize, to: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn wide(x: &[f32], height: usize, inputs: usize, to: &mut [u32]) {
                pair(x, height, inputs, to);
            }
            // SAFETY: `self` proves that the processor has AVX2.
            #[allow(unsafe_code, reason = "the same code for wider registers")]
            unsafe {
                wide(x, height, inputs, to);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        pair(x, height, inputs, to);
    }

    fn round(self, x: &[f32], height: usize, inputs: usize, to: Written<'_>) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn wide(x: &[f32], height: usize, inputs: usize, to: Written<'_>) {
                round(x, height, inputs, to);
            }
            // SAFETY: `self` proves that the processor has AVX2.
            #[allow(unsafe_code, reason = "the same code for wider registers")]
            unsafe {
                wide(x, height, inputs, to);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        round(x, height, inputs, to);
    }
}

#[inline(always)]
fn pair(x: &[f32], height: usize, inputs: usize, to: &mut [u32]) {
    for (r, row) in x.chunks_exact(inputs).enumerate() {
        let (pairs, last) = row.as_chunks::<2>();
        for (to, pair) in to.chunks_exact_mut(height).zip(pairs) {
            to[r] = brain(pair[0]) | brain(pair[1]) << 16;
        }
        if let ([last], Some(to)) = (last, to.chunks_exact_mut(height).next_back()) {
            to[r] = brain(*last);
        }
    }
}

/// The nearest bfloat16 number, even ones first; what is too small for a normal number is zero.
#[inline(always)]
fn brain(x: f32) -> u32 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7FFF_FFFF;
    let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16;
    let normal = if magnitude < 0x0080_0000 { bits >> 16 & 0x8000 } else { rounded };
    if magnitude > 0x7F80_0000 { bits >> 16 | 0x40 } else { normal }
}

/// A block that holds what is no number, or an infinite one, has no steps and a scale that is no number: so is every
/// product with it, as without rounding, on every processor.
#[inline(always)]
fn round(x: &[f32], height: usize, inputs: usize, to: Written<'_>) {
    for (r, row) in x.chunks_exact(inputs).enumerate() {
        for (block, x) in row.as_chunks::<BLOCK>().0.iter().enumerate() {
            // Numbers without their sign are in the order of their bits, with what is not finite at the end.
            let mut most = [0_u32; 8];
            for x in x.as_chunks::<8>().0 {
                for (most, x) in most.iter_mut().zip(x) {
                    *most = (*most).max(x.to_bits() & !(1 << 31));
                }
            }
            let most = most.iter().fold(0, |a, b| a.max(*b));
            let finite = most < INFINITE;
            let most = if finite { f32::from_bits(most) } else { f32::NAN };
            let inverse = if most >= LEAST { 127.0 / most } else { 0.0 };
            let mut steps = [0_i32; BLOCK];
            for (step, x) in steps.iter_mut().zip(x) {
                let shifted = (x * inverse + ROUND).to_bits();
                *step = shifted as i32 - ROUND.to_bits() as i32;
            }
            if !finite {
                steps = [0; BLOCK];
            }
            let sums = [0, PART].map(|from| steps[from..from + PART].iter().sum::<i32>());
            for (group, steps) in steps.as_chunks::<4>().0.iter().enumerate() {
                to.words[(block * 8 + group) * height + r] = i32::from_le_bytes(steps.map(|step| step as u8));
            }
            let (place, sum, scale) = (block * height + r, sums[0] + sums[1], most / 127.0);
            to.scales[place] = scale;
            to.sums[place] = scale * sum as f32;
            to.eights[place] = -128 * sum;
            to.sixes[2 * block * height + r] = -32 * sums[0];
            to.sixes[(2 * block + 1) * height + r] = -32 * sums[1];
        }
    }
}

#[cfg(test)]
mod tests;
