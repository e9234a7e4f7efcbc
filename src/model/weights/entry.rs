//! Where the bytes of a tensor lie, and how its numbers are written there.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::quantized::GgmlDType;
use safetensors::Dtype;

use crate::model::gguf::Kind;
use crate::model::kernels::Format;

/// How a file writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// A format this program computes with.
    Kept(Format),
    /// 64-bit floating point.
    F64,
    /// Blocks that are widened and kept in another format.
    Widened(Kind, GgmlDType),
    /// Anything else; its name.
    Other(&'static str),
}

impl Stored {
    /// How a safetensors file writes them.
    pub(crate) fn of_safetensors(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::Kept(Format::F32),
            Dtype::F16 => Self::Kept(Format::F16),
            Dtype::BF16 => Self::Kept(Format::BF16),
            Dtype::F64 => Self::F64,
            Dtype::BOOL => Self::Other("BOOL"),
            Dtype::U8 => Self::Other("U8"),
            Dtype::I8 => Self::Other("I8"),
            Dtype::F8_E5M2 => Self::Other("F8_E5M2"),
            Dtype::F8_E4M3 => Self::Other("F8_E4M3"),
            Dtype::I16 => Self::Other("I16"),
            Dtype::U16 => Self::Other("U16"),
            Dtype::I32 => Self::Other("I32"),
            Dtype::U32 => Self::Other("U32"),
            Dtype::I64 => Self::Other("I64"),
            Dtype::U64 => Self::Other("U64"),
            _ => Self::Other("of another type"),
        }
    }

    /// How a GGUF file writes them.
    pub(crate) fn of_gguf(kind: Kind) -> Self {
        if let Some(format) = kind.format() {
            return Self::Kept(format);
        }
        let widened = match kind.name {
            "F64" => return Self::F64,
            "Q4_0" => GgmlDType::Q4_0,
            "Q4_1" => GgmlDType::Q4_1,
            "Q5_0" => GgmlDType::Q5_0,
            "Q5_1" => GgmlDType::Q5_1,
            "Q2_K" => GgmlDType::Q2K,
            "Q3_K" => GgmlDType::Q3K,
            _ => return Self::Other(kind.name),
        };
        Self::Widened(kind, widened)
    }

    /// Whether numbers can be made of it.
    pub(crate) fn is_readable(self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Whether it is quantised.
    pub(crate) fn is_quantised(self) -> bool {
        match self {
            Self::Kept(format) => format.is_quantised(),
            Self::Widened(..) => true,
            Self::F64 | Self::Other(_) => false,
        }
    }

    /// As errors call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kept(format) => format.name(),
            Self::F64 => "F64",
            Self::Widened(kind, _) => kind.name,
            Self::Other(name) => name,
        }
    }

    /// Bytes of so many numbers, if they are whole blocks.
    pub(crate) fn bytes(self, numbers: usize) -> Option<usize> {
        match self {
            Self::Kept(format) => format.bytes(numbers),
            Self::F64 => numbers.checked_mul(8),
            Self::Widened(kind, _) => {
                let bytes = kind.bytes_of(numbers as u64, numbers as u64)?;
                usize::try_from(bytes).ok()
            }
            Self::Other(_) => None,
        }
    }
}

/// Bytes of a file.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) file: usize,
    pub(crate) bytes: Range<usize>,
}

/// One tensor, its name as written in the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) written: String,
    pub(crate) stored: Stored,
    pub(crate) shape: Vec<usize>,
    /// Its bytes, one part after the other; or, with `run`, in turns.
    pub(crate) parts: Vec<Part>,
    /// Bytes that are taken from each part in turn; 0 takes each whole.
    pub(crate) run: usize,
}

impl Entry {
    /// Numbers there are. No size is 0 and the bytes were found in the file, so the product is no fantasy.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Numbers in a row: everything behind the first size. A vector is one row.
    pub(crate) fn columns(&self) -> usize {
        match self.shape.as_slice() {
            [] => 1,
            [only] => *only,
            [_, sizes @ ..] => sizes.iter().product(),
        }
    }

    /// The tensor's bytes, given those of each part.
    pub(crate) fn gather<'a>(&self, part: impl Fn(&Part) -> &'a [u8]) -> Cow<'a, [u8]> {
        let parts: Vec<&[u8]> = self.parts.iter().map(part).collect();
        match parts.as_slice() {
            [only] => Cow::Borrowed(only),
            several if self.run == 0 => Cow::Owned(several.concat()),
            several => {
                let mut whole = Vec::with_capacity(several.iter().map(|part| part.len()).sum());
                let mut turns: Vec<_> = several.iter().map(|part| part.chunks(self.run)).collect();
                loop {
                    let before = whole.len();
                    turns.iter_mut().for_each(|turn| whole.extend_from_slice(turn.next().unwrap_or(&[])));
                    if whole.len() == before {
                        return Cow::Owned(whole);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_turns_and_one_after_the_other() {
        let files: [&[u8]; 2] = [b"aabbcc", b"xxyyzz"];
        let part = |file| Part { file, bytes: 0..6 };
        let entry = |parts, run| Entry { written: String::new(), stored: Stored::F64, shape: vec![3, 2], parts, run };
        let bytes = |entry: &Entry| entry.gather(|part| files.get(part.file).copied().unwrap_or(&[])).into_owned();
        assert_eq!(bytes(&entry(vec![part(1)], 0)), b"xxyyzz");
        assert_eq!(bytes(&entry(vec![part(0), part(1)], 0)), b"aabbccxxyyzz");
        assert_eq!(bytes(&entry(vec![part(0), part(1)], 2)), b"aaxxbbyycczz");
    }
}
