//! The header of a safetensors file, and what is wrong with a file that is no longer, or not yet, what its header says.

use safetensors::tensor::{Metadata, SafeTensorError, SafeTensors};

use crate::model::error::ModelError;

/// Bytes that say how long the header is.
const LENGTH: usize = 8;
/// How a file begins that stands for another one in a repository.
const POINTER: &[u8] = b"version https://git-lfs";

/// Where the numbers begin, and what lies where behind that. Offsets are checked against each other and the file's end.
/// Errors call the file by its `place` and `name`.
///
/// # Errors
/// [`ModelError::Cut`] for a file that ends too early, [`ModelError::WeightFile`] for anything else.
pub(crate) fn header(place: &str, name: &str, bytes: &[u8]) -> Result<(usize, Metadata), ModelError> {
    match SafeTensors::read_metadata(bytes) {
        Ok((header, metadata)) => Ok((header.saturating_add(LENGTH), metadata)),
        Err(error) => Err(told(error, place, name, bytes)),
    }
}

fn told(error: SafeTensorError, place: &str, name: &str, bytes: &[u8]) -> ModelError {
    let damaged = |reason: String| ModelError::WeightFile { file: name.to_owned(), reason };
    let has = bytes.len() as u64;
    let cut = |words, says| ModelError::Cut { file: format!("{place}/{name}"), has, words, says };
    let header = bytes.first_chunk::<LENGTH>().map(|size| u64::from_le_bytes(*size));
    let begin = header.unwrap_or(0).saturating_add(LENGTH as u64);
    match error {
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => cut("header alone has", begin),
        SafeTensorError::HeaderTooLarge if bytes.starts_with(POINTER) => {
            damaged("it only stands for the file (Git LFS); `git lfs pull` fetches that".to_owned())
        }
        SafeTensorError::HeaderTooLarge => damaged(format!(
            "its header would have {} bytes: this is no safetensors file, or a damaged one",
            header.unwrap_or(0)
        )),
        SafeTensorError::MetadataIncompleteBuffer => match begin.saturating_add(numbers(bytes, begin)) {
            says if says > has => cut("header says", says),
            says => damaged(format!("{has} bytes, its header says {says}: the file is damaged")),
        },
        other => damaged(other.to_string()),
    }
}

/// Bytes of all numbers, as a sound header says.
fn numbers(bytes: &[u8], begin: u64) -> u64 {
    let header = usize::try_from(begin).ok().and_then(|begin| bytes.get(LENGTH..begin));
    let metadata = header.and_then(|header| serde_json::from_slice::<Metadata>(header).ok());
    metadata.map_or(0, |metadata| metadata.data_len() as u64)
}
