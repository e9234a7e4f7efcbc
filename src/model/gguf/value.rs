//! Values of a file's beginning, typed.

use super::cursor::Cursor;
use super::error::GgufError;

type Result<T> = std::result::Result<T, GgufError>;

/// A value. Whole numbers are kept wide: the format's readers are expected to take any width.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Whole(i128),
    /// A number of 32 bits, which is written shorter than one of 64.
    Single(f32),
    /// A number of 64 bits.
    Real(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of whole numbers.
    Wholes(Vec<i64>),
    /// A list of other numbers.
    Reals(Vec<f64>),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of truth values.
    Bools(Vec<bool>),
}

/// Numbers of the format's types.
pub(super) mod tag {
    pub(crate) const U8: u32 = 0;
    pub(crate) const I8: u32 = 1;
    pub(crate) const U16: u32 = 2;
    pub(crate) const I16: u32 = 3;
    pub(crate) const U32: u32 = 4;
    pub(crate) const I32: u32 = 5;
    pub(crate) const F32: u32 = 6;
    pub(crate) const BOOL: u32 = 7;
    pub(crate) const TEXT: u32 = 8;
    pub(crate) const LIST: u32 = 9;
    pub(crate) const U64: u32 = 10;
    pub(crate) const I64: u32 = 11;
    pub(crate) const F64: u32 = 12;
}

const WHAT: &str = "a value";

impl Value {
    /// Reads a type and the value behind it.
    pub(super) fn read(cursor: &mut Cursor<'_>, key: &str) -> Result<Self> {
        let kind = cursor.u32(WHAT)?;
        match kind {
            tag::F32 => Ok(Self::Single(f32::from_le_bytes(cursor.word(WHAT)?))),
            tag::F64 => Ok(Self::Real(f64::from_le_bytes(cursor.word(WHAT)?))),
            tag::BOOL => truth(cursor, key).map(Self::Bool),
            tag::TEXT => cursor.text(WHAT).map(|text| Self::Text(text.to_owned())),
            tag::LIST => list(cursor, key),
            _ => whole(cursor, key, kind).map(Self::Whole),
        }
    }
}

fn truth(cursor: &mut Cursor<'_>, key: &str) -> Result<bool> {
    match cursor.word(WHAT)? {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(GgufError::Bool { key: key.to_owned() }),
    }
}

fn whole(cursor: &mut Cursor<'_>, key: &str, kind: u32) -> Result<i128> {
    Ok(match kind {
        tag::U8 => u8::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::I8 => i8::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::U16 => u16::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::I16 => i16::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::U32 => u32::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::I32 => i32::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::U64 => u64::from_le_bytes(cursor.word(WHAT)?).into(),
        tag::I64 => i64::from_le_bytes(cursor.word(WHAT)?).into(),
        _ => return Err(GgufError::ValueType { key: key.to_owned(), kind }),
    })
}

fn list(cursor: &mut Cursor<'_>, key: &str) -> Result<Value> {
    let kind = cursor.u32(WHAT)?;
    let least = match kind {
        tag::U8 | tag::I8 | tag::BOOL => 1,
        tag::U16 | tag::I16 => 2,
        tag::U32 | tag::I32 | tag::F32 => 4,
        tag::U64 | tag::I64 | tag::F64 | tag::TEXT => 8,
        _ => return Err(GgufError::ValueType { key: key.to_owned(), kind }),
    };
    let count = cursor.elements(least)?;
    match kind {
        tag::BOOL => (0..count).map(|_| truth(cursor, key)).collect::<Result<_>>().map(Value::Bools),
        tag::TEXT => {
            let texts = (0..count).map(|_| cursor.text("a text of a list").map(str::to_owned));
            texts.collect::<Result<_>>().map(Value::Texts)
        }
        tag::F32 => {
            let numbers = (0..count).map(|_| cursor.word(WHAT).map(|word| f32::from_le_bytes(word).into()));
            numbers.collect::<Result<_>>().map(Value::Reals)
        }
        tag::F64 => {
            let numbers = (0..count).map(|_| cursor.word(WHAT).map(f64::from_le_bytes));
            numbers.collect::<Result<_>>().map(Value::Reals)
        }
        _ => {
            let wide = |number: i128| {
                let reason = || format!("{number} is too large");
                i64::try_from(number).map_err(|_| GgufError::Value { key: key.to_owned(), reason: reason() })
            };
            (0..count).map(|_| whole(cursor, key, kind).and_then(wide)).collect::<Result<_>>().map(Value::Wholes)
        }
    }
}
