//! Seeded dice: one independent stream a purpose.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::world::WORLD_VERSION;

/// A stream of random choices.
pub struct Dice(ChaCha8Rng);

/// The dice of one purpose of one page.
pub fn dice(seed: u64, purpose: &str) -> Dice {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"panelscope synthetic");
    hasher.update(&WORLD_VERSION.to_le_bytes());
    hasher.update(&seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    Dice(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
}

impl Dice {
    /// Uniform in `[0, 1)`, with 24 bits.
    pub fn unit(&mut self) -> f32 {
        let bits = self.0.next_u32() >> 8;
        bits as f32 / 16_777_216.0
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = u64::from(self.0.next_u32()) * n as u64;
        (wide >> 32) as usize
    }

    /// True with this probability.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of the items.
    pub fn pick<T: Copy, const N: usize>(&mut self, items: [T; N]) -> T {
        const { assert!(N > 0, "nothing to pick from") };
        let i = self.below(N);
        items.into_iter().nth(i).unwrap_or(items[0])
    }

    /// Shuffles in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}
