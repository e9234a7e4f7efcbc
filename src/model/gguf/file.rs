//! A GGUF file's beginning: values and the list of tensors, checked before anything is believed.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little-endian.

use std::collections::{BTreeMap, btree_map};
use std::ops::Range;

use super::cursor::Cursor;
use super::error::GgufError;
use super::kind::Kind;
use super::value::Value;

type Result<T> = std::result::Result<T, GgufError>;

const MAGIC: [u8; 4] = *b"GGUF";
/// Most values; honest files have dozens.
const MOST_VALUES: u64 = 1 << 16;
/// Most tensors.
const MOST_TENSORS: u64 = 1 << 18;
/// Most sizes of a tensor.
const MOST_SIZES: u32 = 4;
const ALIGNMENT: u64 = 32;

/// One tensor: what it is and where its bytes lie in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    /// Sizes as `PyTorch` has them, the longest stride first.
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
}

/// What a file's beginning says.
#[derive(Debug, Default)]
pub(crate) struct Gguf {
    values: BTreeMap<String, Value>,
    tensors: BTreeMap<String, TensorInfo>,
}

impl Gguf {
    /// Reads the beginning of a file; `bytes` is the whole of it.
    ///
    /// # Errors
    /// [`GgufError`]: the first thing that cannot be.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.word("the magic number").ok() != Some(MAGIC) {
            return Err(GgufError::Magic);
        }
        match cursor.u32("the version")? {
            2 | 3 => {}
            other if other.swap_bytes() <= 3 => return Err(GgufError::BigEndian),
            other => return Err(GgufError::Version(other)),
        }
        // A tensor has at least a name's length, the number of sizes, a size, a type and an offset.
        let tensors = cursor.count("tensors", 8 + 4 + 8 + 4 + 8, MOST_TENSORS)?;
        let values = cursor.count("values", 8 + 4 + 1, MOST_VALUES)?;
        let mut file = Self::default();
        for _ in 0..values {
            let key = cursor.text("a value's name")?;
            let value = Value::read(&mut cursor, key)?;
            match file.values.entry(key.to_owned()) {
                btree_map::Entry::Occupied(_) => return Err(GgufError::Twice(key.to_owned())),
                btree_map::Entry::Vacant(place) => place.insert(value),
            };
        }
        if let Some(parts) = file.whole("split.count").ok().filter(|parts| *parts > 1) {
            return Err(GgufError::Split(parts));
        }
        let alignment = file.alignment()?;
        let listed = (0..tensors).map(|_| Listed::read(&mut cursor, alignment)).collect::<Result<Vec<_>>>()?;
        let start = (cursor.at() as u64).next_multiple_of(alignment);
        for tensor in listed {
            let (name, info) = tensor.place(start, bytes.len() as u64)?;
            match file.tensors.entry(name) {
                btree_map::Entry::Occupied(entry) => return Err(GgufError::Twice(entry.key().clone())),
                btree_map::Entry::Vacant(place) => place.insert(info),
            };
        }
        file.refuse_overlaps()?;
        Ok(file)
    }

    fn alignment(&self) -> Result<u64> {
        if !self.values.contains_key("general.alignment") {
            return Ok(ALIGNMENT);
        }
        let alignment = self.whole("general.alignment")?;
        let good = alignment.is_power_of_two() && (8..=1 << 16).contains(&alignment);
        if good { Ok(alignment) } else { Err(GgufError::Alignment(alignment)) }
    }

    fn refuse_overlaps(&self) -> Result<()> {
        let mut places: Vec<(&String, &Range<usize>)> = self.tensors.iter().map(|(name, t)| (name, &t.bytes)).collect();
        places.sort_by_key(|(_, bytes)| (bytes.start, bytes.end));
        for pair in places.windows(2) {
            if let [(first, before), (second, after)] = pair
                && after.start < before.end
            {
                return Err(GgufError::Overlap { first: (*first).clone(), second: (*second).clone() });
            }
        }
        Ok(())
    }

    /// The tensors by name.
    pub(crate) fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// A value.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// A value that must be there.
    pub(crate) fn need(&self, key: &str) -> Result<&Value> {
        self.get(key).ok_or_else(|| GgufError::Missing(key.to_owned()))
    }

    /// A whole number from 0 on.
    pub(crate) fn whole(&self, key: &str) -> Result<u64> {
        match self.need(key)? {
            Value::Whole(number) => u64::try_from(*number).map_err(|_| wrong(key, "a whole number from 0 on")),
            _ => Err(wrong(key, "a whole number")),
        }
    }

    /// A whole number from 0 on, if it is there.
    pub(crate) fn whole_or(&self, key: &str, usual: u64) -> Result<u64> {
        if self.get(key).is_some() { self.whole(key) } else { Ok(usual) }
    }

    /// A number, if it is there; one of 32 bits as the shortest decimal that is it.
    pub(crate) fn real(&self, key: &str) -> Result<Option<f64>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Single(number)) => Ok(number.to_string().parse().ok()),
            Some(Value::Real(number)) => Ok(Some(*number)),
            Some(Value::Whole(number)) => Ok(Some(*number as f64)),
            Some(_) => Err(wrong(key, "a number")),
        }
    }

    /// A text, if it is there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(key, "a text")),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<&[String]> {
        match self.need(key)? {
            Value::Texts(texts) => Ok(texts),
            _ => Err(wrong(key, "a list of texts")),
        }
    }

    /// A list of whole numbers.
    pub(crate) fn wholes(&self, key: &str) -> Result<&[i64]> {
        match self.need(key)? {
            Value::Wholes(numbers) => Ok(numbers),
            _ => Err(wrong(key, "a list of whole numbers")),
        }
    }

    /// A list of numbers, if it is there.
    pub(crate) fn reals(&self, key: &str) -> Result<Option<&[f64]>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Reals(numbers)) => Ok(Some(numbers)),
            Some(_) => Err(wrong(key, "a list of numbers")),
        }
    }
}

fn wrong(key: &str, expected: &str) -> GgufError {
    GgufError::Value { key: key.to_owned(), reason: format!("not {expected}") }
}

/// A tensor as the list has it.
struct Listed {
    name: String,
    sizes: Vec<u64>,
    kind: Kind,
    offset: u64,
}

impl Listed {
    fn read(cursor: &mut Cursor<'_>, alignment: u64) -> Result<Self> {
        let tensor = cursor.text("a tensor's name")?.to_owned();
        let count = cursor.u32("a tensor's sizes")?;
        if !(1..=MOST_SIZES).contains(&count) {
            return Err(GgufError::Sizes { tensor, sizes: Vec::new() });
        }
        let sizes = (0..count).map(|_| cursor.u64("a tensor's sizes")).collect::<Result<Vec<_>>>()?;
        let number = cursor.u32("a tensor's type")?;
        let Some(kind) = Kind::of(number) else { return Err(GgufError::Kind { tensor, kind: number }) };
        let offset = cursor.u64("a tensor's offset")?;
        if !offset.is_multiple_of(alignment) {
            return Err(GgufError::Offset { tensor, offset, alignment });
        }
        Ok(Self { name: tensor, sizes, kind, offset })
    }

    /// Its bytes in a file of `length` whose data begin at `start`.
    fn place(self, start: u64, length: u64) -> Result<(String, TensorInfo)> {
        let numbers = self.sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
        let row = self.sizes.first().copied().unwrap_or(0);
        let bytes = numbers.filter(|numbers| *numbers > 0).and_then(|numbers| self.kind.bytes_of(row, numbers));
        let shape = self.sizes.iter().rev().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>();
        let (Some(bytes), Some(shape)) = (bytes, shape) else {
            return Err(GgufError::Sizes { tensor: self.name, sizes: self.sizes });
        };
        let from = start.checked_add(self.offset);
        let to = from.and_then(|from| from.checked_add(bytes));
        let range = from.and_then(|from| usize::try_from(from).ok()).zip(to.and_then(|to| usize::try_from(to).ok()));
        match (range, to) {
            (Some((from, to)), _) if to as u64 <= length => {
                Ok((self.name, TensorInfo { shape, kind: self.kind, bytes: from..to }))
            }
            (_, to) => Err(GgufError::Beyond { tensor: self.name, by: to.unwrap_or(u64::MAX).saturating_sub(length) }),
        }
    }
}
