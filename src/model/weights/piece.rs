//! Rows of a matrix in the format they are kept in.

use std::borrow::Cow;
use std::sync::OnceLock;

use candle_core::Device;
use candle_core::quantized::{QStorage, QTensor};

use super::entry::Stored;
use crate::model::error::ModelError;
use crate::model::kernels::Format;
use crate::model::threads::share_out;

/// Numbers that are converted at a time.
const BATCH: usize = 1 << 16;
/// Fewer numbers are converted by the calling thread alone.
const ALONE: usize = 1 << 18;

/// Rows of numbers.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) format: Format,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// `rows` rows, in the format's own layout.
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl Piece<'_> {
    /// The numbers, behind those of `out`.
    pub(crate) fn append(&self, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + self.rows * self.columns, 0.0);
        if let Some(out) = out.get_mut(start..) {
            self.format.dequantise(&self.bytes, out);
        }
    }
}

/// The bytes of so many rows in another format. They are converted a few rows at a time, on all cores.
///
/// # Errors
/// The library that reads rare formats failed, or rows are no whole blocks.
pub(super) fn converted(stored: Stored, bytes: &[u8], columns: usize, format: Format) -> Result<Vec<u8>, ModelError> {
    let wrong = || candle_core::Error::Msg(format!("rows of {columns} numbers are not written as {format}"));
    let (from, to) =
        stored.bytes(columns).zip(format.bytes(columns)).filter(|(from, to)| *from > 0 && *to > 0).ok_or_else(wrong)?;
    let rows = bytes.len() / from;
    let mut out = vec![0; rows * to];
    let threads = match rows * columns < ALONE {
        true => 1,
        false => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let share = rows.div_ceil(threads).max(1);
    let failed = OnceLock::new();
    let parts = bytes.chunks(share * from).zip(out.chunks_mut(share * to));
    share_out(threads, parts, |(bytes, out)| {
        if let Err(error) = convert(stored, bytes, from, format, out, to, columns) {
            // One is told; another says the same of another part.
            let _ = failed.set(error);
        }
    });
    failed.into_inner().map_or(Ok(out), Err)
}

fn convert(
    stored: Stored,
    bytes: &[u8],
    from: usize,
    format: Format,
    out: &mut [u8],
    to: usize,
    columns: usize,
) -> Result<(), ModelError> {
    let rows = (BATCH / columns).max(1);
    let mut numbers = Vec::new();
    for (bytes, out) in bytes.chunks(rows * from).zip(out.chunks_mut(rows * to)) {
        widen(stored, bytes, bytes.len() / from * columns, columns, &mut numbers)?;
        format.quantise(&numbers, out);
    }
    Ok(())
}

/// `count` numbers in rows of `columns`.
fn widen(stored: Stored, bytes: &[u8], count: usize, columns: usize, numbers: &mut Vec<f32>) -> Result<(), ModelError> {
    numbers.clear();
    match stored {
        Stored::Kept(format) => {
            numbers.resize(count, 0.0);
            format.dequantise(bytes, numbers);
        }
        Stored::F64 => {
            numbers.extend(bytes.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word) as f32));
        }
        Stored::Widened(_, dtype) => {
            let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, dtype)?;
            let tensor = QTensor::new(storage, (count / columns.max(1), columns))?.dequantize(&Device::Cpu)?;
            numbers.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
        }
        Stored::Other(name) => {
            let what = format!("numbers of type {name} cannot be read");
            return Err(candle_core::Error::Msg(what).into());
        }
    }
    Ok(())
}
