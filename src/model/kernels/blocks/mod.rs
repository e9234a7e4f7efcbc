//! How numbers of a weight lie in a file and in memory: GGML's formats, quantised and plain.
//!
//! Bit layouts are those of GGML (`ggml-common.h`, and `gguf-py/gguf/quants.py` for the arithmetic of dequantisation,
//! which this reproduces to the bit). Finding scales is this project's own work.

mod affine;
mod k4;
mod k6;
mod plain;
mod q8;

/// Numbers in a block of the K formats.
pub(crate) const SUPER: usize = 256;

/// A format of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// 32-bit floating point.
    F32,
    /// 16-bit IEEE floating point.
    F16,
    /// 16-bit brain floating point.
    BF16,
    /// Blocks of 32 with one scale: 8.5 bits a number.
    Q8_0,
    /// Blocks of 256 in 8 parts, each with scale and minimum: 4.5 bits a number.
    Q4K,
    /// As [`Format::Q4K`] with one more bit: 5.5 bits a number.
    Q5K,
    /// Blocks of 256 in 16 parts, each with a scale: 6.5625 bits a number.
    Q6K,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [Self::F32, Self::F16, Self::BF16, Self::Q8_0, Self::Q4K, Self::Q5K, Self::Q6K];

    /// GGML's name, such as `Q4_K`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// The format of a name, upper or lower case, with or without the underscore.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |name: &str| name.replace('_', "").to_ascii_uppercase();
        Self::ALL.into_iter().find(|format| plain(format.name()) == plain(name))
    }

    /// The number GGUF files give the format (`ggml_type`).
    pub fn ggml_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
            Self::BF16 => 30,
        }
    }

    /// The format a GGUF file means by a number.
    pub fn from_ggml_type(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.ggml_type() == number)
    }

    /// Numbers in a block; rows are multiples of it.
    pub fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q8_0 => q8::BLOCK,
            Self::Q4K | Self::Q5K | Self::Q6K => SUPER,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q8_0 => q8::BYTES,
            Self::Q4K => k4::BYTES_4,
            Self::Q5K => k4::BYTES_5,
            Self::Q6K => k6::BYTES,
        }
    }

    /// Whether the numbers are rounded to a few steps with common scales.
    pub fn is_quantised(self) -> bool {
        self.block() > 1
    }

    /// Whether rows of so many numbers can be written in this format.
    pub fn fits(self, numbers: usize) -> bool {
        numbers.is_multiple_of(self.block())
    }

    /// Bytes of a row of so many numbers; `None` where they are no whole blocks or too many.
    pub fn bytes(self, numbers: usize) -> Option<usize> {
        self.fits(numbers).then(|| (numbers / self.block()).checked_mul(self.block_bytes())).flatten()
    }

    /// Writes `row` into `out`, as many blocks as both hold. A number that is not finite makes all of a quantised block
    /// numbers that are none: what is broken stays so.
    pub fn quantise(self, row: &[f32], out: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn wide(format: Format, row: &[f32], out: &mut [u8]) {
                format.quantise_here(row, out);
            }
            // SAFETY: the processor was just asked.
            #[allow(unsafe_code, reason = "the same code for wider registers")]
            return unsafe { wide(self, row, out) };
        }
        self.quantise_here(row, out);
    }

    /// Reads `bytes` into `out`, as many blocks as both hold.
    pub fn dequantise(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => plain::read(bytes, out, f32::from_le_bytes),
            Self::F16 => plain::read(bytes, out, |word| half::f16::from_le_bytes(word).to_f32()),
            Self::BF16 => plain::read(bytes, out, |word| half::bf16::from_le_bytes(word).to_f32()),
            Self::Q8_0 => blocks(bytes, out, q8::read),
            Self::Q4K => blocks(bytes, out, k4::read_4),
            Self::Q5K => blocks(bytes, out, k4::read_5),
            Self::Q6K => blocks(bytes, out, k6::read),
        }
    }

    // Loops, not functions that are handed over: those would not be compiled for the wider registers.
    #[inline(always)]
    fn quantise_here(self, row: &[f32], out: &mut [u8]) {
        match self {
            Self::F32 => plain::write(row, out, f32::to_le_bytes),
            Self::F16 => plain::write(row, out, |number| half::f16::from_f32(number).to_le_bytes()),
            Self::BF16 => plain::write(row, out, |number| half::bf16::from_f32(number).to_le_bytes()),
            Self::Q8_0 => {
                for (row, out) in blocks_mut(row, out) {
                    if sound(row, out, q8::SCALE) {
                        q8::write(row, out);
                    }
                }
            }
            Self::Q4K => {
                for (row, out) in blocks_mut(row, out) {
                    if sound(row, out, k4::SCALE) {
                        k4::write_4(row, out);
                    }
                }
            }
            Self::Q5K => {
                for (row, out) in blocks_mut(row, out) {
                    if sound(row, out, k4::SCALE) {
                        k4::write_5(row, out);
                    }
                }
            }
            Self::Q6K => {
                for (row, out) in blocks_mut(row, out) {
                    if sound(row, out, k6::SCALE) {
                        k6::write(row, out);
                    }
                }
            }
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

fn blocks<const B: usize, const N: usize>(bytes: &[u8], out: &mut [f32], read: impl Fn(&[u8; B], &mut [f32; N])) {
    for (bytes, out) in bytes.as_chunks::<B>().0.iter().zip(out.as_chunks_mut::<N>().0) {
        read(bytes, out);
    }
}

/// Blocks of numbers and of bytes beside each other.
#[inline(always)]
fn blocks_mut<'a, const B: usize, const N: usize>(
    row: &'a [f32],
    out: &'a mut [u8],
) -> impl Iterator<Item = (&'a [f32; N], &'a mut [u8; B])> {
    row.as_chunks::<N>().0.iter().zip(out.as_chunks_mut::<B>().0)
}

/// Whether all are finite; if not, the block gets a scale that is no number, whose 16 bits begin at `scale`.
#[inline(always)]
fn sound(row: &[f32], out: &mut [u8], scale: usize) -> bool {
    let finite = row.iter().fold(true, |finite, number| finite & number.is_finite());
    if !finite {
        out.fill(0);
        for (out, byte) in out.iter_mut().skip(scale).zip(half::f16::NAN.to_le_bytes()) {
            *out = byte;
        }
    }
    finite
}

/// The 16-bit number at the beginning of `bytes`; 0 where there is none.
fn half_at(bytes: &[u8]) -> f32 {
    bytes.first_chunk().map_or(0.0, |word| half::f16::from_le_bytes(*word).to_f32())
}

#[cfg(test)]
mod tests;
