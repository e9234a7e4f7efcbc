//! Writing GGUF files: values, the list of tensors, then their bytes one after another.

use std::io::{self, Write};

use super::value::{Value, tag};
use crate::model::kernels::Format;

const VERSION: u32 = 3;
const ALIGNMENT: usize = 32;

/// A tensor that is to be written.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// llama.cpp's name.
    pub(super) name: String,
    /// Sizes as `PyTorch` has them.
    pub(super) shape: Vec<usize>,
    pub(super) format: Format,
    /// Bytes its data will have.
    pub(super) bytes: usize,
}

/// What stands before the data.
pub(super) fn beginning(values: &[(String, Value)], tensors: &[Planned]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(VERSION.to_le_bytes());
    length(&mut out, tensors.len());
    length(&mut out, values.len());
    for (key, value) in values {
        text(&mut out, key);
        put(&mut out, value);
    }
    let mut offset = 0;
    for tensor in tensors {
        text(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().rev().for_each(|size| length(&mut out, *size));
        out.extend(tensor.format.ggml_type().to_le_bytes());
        length(&mut out, offset);
        offset += tensor.bytes.next_multiple_of(ALIGNMENT);
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    out
}

/// A tensor's bytes, with zeros up to where the next may begin.
///
/// # Errors
/// What the file says.
pub(super) fn data(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    let gap = bytes.len().next_multiple_of(ALIGNMENT) - bytes.len();
    out.write_all([0; ALIGNMENT].get(..gap).unwrap_or_default())
}

fn length(out: &mut Vec<u8>, number: usize) {
    out.extend((number as u64).to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend(text.as_bytes());
}

/// A value with its type. Whole numbers are written as llama.cpp writes sizes and ids, in 32 bits where they fit.
fn put(out: &mut Vec<u8>, value: &Value) {
    let mut kind = |number: u32| out.extend(number.to_le_bytes());
    match value {
        Value::Whole(number) => match u32::try_from(*number) {
            Ok(small) => {
                kind(tag::U32);
                out.extend(small.to_le_bytes());
            }
            Err(_) => {
                kind(tag::I64);
                out.extend(i64::try_from(*number).unwrap_or(i64::MAX).to_le_bytes());
            }
        },
        Value::Single(number) => {
            kind(tag::F32);
            out.extend(number.to_le_bytes());
        }
        Value::Real(number) => {
            kind(tag::F64);
            out.extend(number.to_le_bytes());
        }
        Value::Bool(truth) => {
            kind(tag::BOOL);
            out.push(u8::from(*truth));
        }
        Value::Text(content) => {
            kind(tag::TEXT);
            text(out, content);
        }
        Value::Wholes(numbers) => list(out, tag::I32, numbers, |out, n| {
            out.extend(i32::try_from(*n).unwrap_or(i32::MAX).to_le_bytes());
        }),
        Value::Reals(numbers) => list(out, tag::F32, numbers, |out, n| out.extend((*n as f32).to_le_bytes())),
        Value::Texts(texts) => list(out, tag::TEXT, texts, |out, content| text(out, content)),
        Value::Bools(truths) => list(out, tag::BOOL, truths, |out, truth| out.push(u8::from(*truth))),
    }
}

fn list<T>(out: &mut Vec<u8>, kind: u32, items: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    out.extend(tag::LIST.to_le_bytes());
    out.extend(kind.to_le_bytes());
    length(out, items.len());
    items.iter().for_each(|item| each(out, item));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gguf::Gguf;

    #[test]
    fn what_is_written_is_read() {
        let values = vec![
            ("a.whole".to_owned(), Value::Whole(7)),
            ("a.large".to_owned(), Value::Whole(1 << 40)),
            ("a.single".to_owned(), Value::Single(1e-6)),
            ("a.real".to_owned(), Value::Real(0.1)),
            ("a.truth".to_owned(), Value::Bool(true)),
            ("a.text".to_owned(), Value::Text("grün".to_owned())),
            ("a.wholes".to_owned(), Value::Wholes(vec![3, -4])),
            ("a.reals".to_owned(), Value::Reals(vec![0.5, 2.0])),
            ("a.texts".to_owned(), Value::Texts(vec![String::new(), "b".to_owned()])),
            ("a.truths".to_owned(), Value::Bools(vec![false, true])),
        ];
        let tensor = |name: &str, shape: &[usize], format: Format| Planned {
            name: name.to_owned(),
            shape: shape.to_vec(),
            format,
            bytes: format.bytes(shape.iter().product()).unwrap(),
        };
        let tensors = [tensor("x", &[3], Format::F32), tensor("y", &[2, 64], Format::Q8_0)];
        let mut file = beginning(&values, &tensors);
        for tensor in &tensors {
            data(&mut file, &vec![9; tensor.bytes]).unwrap();
        }
        let read = Gguf::read(&file).unwrap();
        for (key, value) in &values {
            assert_eq!(read.get(key), Some(value));
        }
        let y = read.tensors().get("y").unwrap();
        assert_eq!((y.shape.as_slice(), y.kind.format(), y.bytes.len()), ([2, 64].as_slice(), Some(Format::Q8_0), 136));
        assert_eq!(file.get(y.bytes.clone()), Some([9; 136].as_slice()));
    }
}
