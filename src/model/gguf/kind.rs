//! Types of tensors, by the numbers that files give them (`enum ggml_type`).

use crate::model::kernels::Format;

/// How a tensor's numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    number: u32,
    /// GGML's name.
    pub(crate) name: &'static str,
    /// Numbers in a block; rows are multiples of it.
    pub(crate) block: usize,
    /// Bytes of a block.
    pub(crate) bytes: usize,
}

/// `GGML_QUANT_SIZES` of `gguf-py/gguf/constants.py`: number, name, block, bytes.
const KINDS: [(u32, &str, usize, usize); 35] = [
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
    (42, "Q2_0", 64, 18),
];

impl Kind {
    /// The type of a number.
    pub(crate) fn of(number: u32) -> Option<Self> {
        let found = KINDS.iter().find(|(known, ..)| *known == number);
        found.map(|&(number, name, block, bytes)| Self { number, name, block, bytes })
    }

    /// The format this program computes with, where it does.
    pub(crate) fn format(self) -> Option<Format> {
        Format::from_ggml_type(self.number)
    }

    /// Bytes of a tensor of so many numbers in rows of so many; `None` where they are no whole blocks or too many.
    pub(crate) fn bytes_of(self, row: u64, numbers: u64) -> Option<u64> {
        let block = self.block as u64;
        row.is_multiple_of(block).then(|| (numbers / block).checked_mul(self.bytes as u64)).flatten()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_the_same_sizes_here_and_there() {
        for format in Format::ALL {
            let kind = Kind::of(format.ggml_type()).unwrap();
            assert_eq!((kind.name, kind.block, kind.bytes), (format.name(), format.block(), format.block_bytes()));
            assert_eq!(kind.format(), Some(format));
        }
        assert_eq!(Kind::of(12).unwrap().bytes_of(512, 1024), Some(4 * 144));
        assert_eq!(Kind::of(12).unwrap().bytes_of(128, 1024), None);
        assert_eq!(Kind::of(0).unwrap().bytes_of(1, u64::MAX), None);
    }
}
