//! Numbers that no weight should have.

/// What a tensor's numbers are like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Numbers.
    pub(super) count: u64,
    /// Of these, no numbers.
    pub(super) nan: u64,
    /// Of these, infinite.
    pub(super) infinite: u64,
    /// Of these, zero.
    pub(super) zero: u64,
    /// The largest absolute value.
    pub(super) largest: f32,
}

impl Tally {
    /// Of numbers in 32 bits.
    pub(super) fn of_f32(bytes: &[u8]) -> Self {
        Self::of(words(bytes).map(f32::from_le_bytes))
    }

    /// Of bfloat16 numbers.
    pub(super) fn of_bf16(bytes: &[u8]) -> Self {
        Self::of(words(bytes).map(|word| f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16)))
    }

    /// Of 16-bit floating point numbers.
    pub(super) fn of_f16(bytes: &[u8]) -> Self {
        Self::of(words(bytes).map(|word| half::f16::from_le_bytes(word).to_f32()))
    }

    /// Together with others.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.zero += other.zero;
        self.largest = self.largest.max(other.largest);
    }

    /// Of any numbers.
    pub(super) fn of(numbers: impl Iterator<Item = f32>) -> Self {
        let mut tally = Self::default();
        for x in numbers {
            tally.count += 1;
            tally.zero += u64::from(x == 0.0);
            // Everything with all exponent bits set: rare, so it costs one comparison a number.
            if x.is_finite() {
                tally.largest = tally.largest.max(x.abs());
            } else {
                tally.nan += u64::from(x.is_nan());
                tally.infinite += u64::from(x.is_infinite());
            }
        }
        tally
    }
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_counted() {
        let numbers = [1.5_f32, -3.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let expected = Tally { count: 6, nan: 1, infinite: 2, zero: 1, largest: 3.0 };
        let bytes = |f: &dyn Fn(f32) -> Vec<u8>| numbers.iter().flat_map(|x| f(*x)).collect::<Vec<u8>>();
        assert_eq!(Tally::of_f32(&bytes(&|x| x.to_le_bytes().to_vec())), expected);
        assert_eq!(Tally::of_f16(&bytes(&|x| half::f16::from_f32(x).to_le_bytes().to_vec())), expected);
        assert_eq!(Tally::of_bf16(&bytes(&|x| half::bf16::from_f32(x).to_le_bytes().to_vec())), expected);
    }
}
