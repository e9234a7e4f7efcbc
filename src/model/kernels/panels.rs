//! Keys and values of one block for one sequence, as the products of attention read them.

#![allow(clippy::indexing_slicing, reason = "indices follow from the sizes a value was made with")]

use super::{LANES, Lanes};
use crate::model::memory;

/// Keys in panels of [`LANES`] tokens (a panel is one [`Lanes`] a dimension), values in panels of [`LANES`] dimensions (a
/// panel is one [`Lanes`] a token); panels of one head lie together.
#[derive(Debug)]
pub(crate) struct Panels {
    keys: Vec<Lanes>,
    values: Vec<Lanes>,
    heads: usize,
    width: usize,
    /// Tokens; a multiple of [`LANES`].
    capacity: usize,
}

impl Panels {
    /// Room for `capacity` tokens (a multiple of [`LANES`]) of `heads` heads of `width` numbers.
    pub(crate) fn new(heads: usize, width: usize, capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(LANES);
        Self {
            keys: vec![[0.0; LANES]; heads * width * (capacity / LANES)],
            values: vec![[0.0; LANES]; heads * width.div_ceil(LANES) * capacity],
            heads,
            width,
            capacity,
        }
    }

    /// Bytes of [`Panels::new`] of these sizes; saturates.
    pub(crate) fn bytes_of(heads: usize, width: usize, capacity: usize) -> u64 {
        let capacity = capacity.next_multiple_of(LANES);
        let lanes = width.saturating_add(width.next_multiple_of(LANES));
        memory::f32_bytes(memory::product(&[heads, lanes, capacity]))
    }

    /// The same tokens, as many as fit, with room for `capacity`.
    pub(crate) fn resized(&self, capacity: usize) -> Self {
        let mut resized = Self::new(self.heads, self.width, capacity);
        let copy = |from: &[Lanes], to: &mut [Lanes], runs: usize| {
            let (from_run, to_run) = (from.len() / runs.max(1), to.len() / runs.max(1));
            let both = from_run.min(to_run);
            if both > 0 {
                for (from, to) in from.chunks_exact(from_run).zip(to.chunks_exact_mut(to_run)) {
                    to[..both].copy_from_slice(&from[..both]);
                }
            }
        };
        copy(&self.keys, &mut resized.keys, self.heads);
        copy(&self.values, &mut resized.values, self.heads * self.width.div_ceil(LANES));
        resized
    }

    pub(super) fn heads(&self) -> usize {
        self.heads
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes the key and value (heads * width numbers each) of token `at`.
    pub(crate) fn write(&mut self, at: usize, key: &[f32], value: &[f32]) {
        let width = self.width;
        let (per_head, blocks) = (self.keys.len() / self.heads.max(1), width.div_ceil(LANES));
        for (head, key) in key.chunks_exact(width).enumerate() {
            let panel = &mut self.keys[head * per_head + at / LANES * width..][..width];
            for (lanes, number) in panel.iter_mut().zip(key) {
                lanes[at % LANES] = *number;
            }
        }
        for (head, value) in value.chunks_exact(width).enumerate() {
            for (block, numbers) in value.chunks(LANES).enumerate() {
                let place = (head * blocks + block) * self.capacity + at;
                self.values[place][..numbers.len()].copy_from_slice(numbers);
            }
        }
    }

    /// The key and value of token `at`, as [`Panels::write`] took them; zeros beyond the capacity.
    pub(crate) fn read(&self, at: usize) -> (Vec<f32>, Vec<f32>) {
        let (width, count) = (self.width, self.heads * self.width);
        let (mut key, mut value) = (vec![0.0; count], vec![0.0; count]);
        if at < self.capacity {
            let (per_head, blocks) = (self.keys.len() / self.heads.max(1), width.div_ceil(LANES));
            for (i, (key, value)) in key.iter_mut().zip(&mut value).enumerate() {
                let (head, d) = (i / width, i % width);
                *key = self.keys[head * per_head + at / LANES * width + d][at % LANES];
                *value = self.values[(head * blocks + d / LANES) * self.capacity + at][d % LANES];
            }
        }
        (key, value)
    }

    /// Panels of a head's keys, each `width` lanes.
    pub(super) fn keys_of(&self, head: usize) -> std::slice::ChunksExact<'_, Lanes> {
        let per_head = self.keys.len() / self.heads.max(1);
        self.keys[head * per_head..][..per_head].chunks_exact(self.width)
    }

    /// The lanes of one block of dimensions of a head's values, one a token.
    pub(super) fn values_of(&self, head: usize, block: usize) -> &[Lanes] {
        let blocks = self.width.div_ceil(LANES);
        &self.values[(head * blocks + block) * self.capacity..][..self.capacity]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_buffers() {
        for (heads, width, capacity) in [(1, 2, 0), (2, 32, 64), (3, 40, 32), (1, 128, 300)] {
            let panels = Panels::new(heads, width, capacity);
            let bytes = size_of_val(panels.keys.as_slice()) + size_of_val(panels.values.as_slice());
            assert_eq!(Panels::bytes_of(heads, width, capacity), bytes as u64, "{heads} {width} {capacity}");
        }
    }
}
