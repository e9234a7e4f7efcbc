//! Whether a file of a snapshot is all there, as far as lengths can say.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

/// A safetensors header is at most this long (the loader's own limit).
const MOST_HEADER: u64 = 100_000_000;

/// Bytes of a file, through a link; none where there is no file.
pub(super) fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len())
}

/// Whether a file is there and not cut short: an empty one is, and weights that end before their header says.
pub(super) fn is_whole(path: &Path) -> bool {
    let Some(length) = length(path).filter(|length| *length > 0) else { return false };
    let is_weights = path.extension().is_some_and(|end| end == "safetensors");
    !is_weights || announced(path, length).is_none_or(|announced| announced <= length)
}

/// Where the bytes of one tensor lie.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lies {
    data_offsets: [u64; 2],
}

/// Bytes that a safetensors file's header says it has; none where the header says nothing, which is the loader's to
/// complain about.
fn announced(path: &Path, length: u64) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let mut size = [0; 8];
    if length < size.len() as u64 {
        return Some(size.len() as u64);
    }
    file.read_exact(&mut size).ok()?;
    let header = Some(u64::from_le_bytes(size)).filter(|header| *header <= MOST_HEADER)?;
    let begin = header.saturating_add(size.len() as u64);
    if begin > length {
        return Some(begin);
    }
    let mut text = vec![0; usize::try_from(header).ok()?];
    file.read_exact(&mut text).ok()?;
    let tensors: HashMap<String, Lies> = serde_json::from_slice(&text).ok()?;
    let end = tensors.values().map(|tensor| tensor.data_offsets[1]).max().unwrap_or(0);
    Some(begin.saturating_add(end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

    /// A safetensors file with one tensor of so many bytes.
    pub(in crate::hub) fn weights(bytes: usize) -> Vec<u8> {
        let header = format!(
            r#"{{"__metadata__":{{"format":"pt"}},"a":{{"dtype":"U8","shape":[{bytes}],"data_offsets":[0,{bytes}]}}}}"#
        );
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        file.extend(std::iter::repeat_n(7, bytes));
        file
    }

    #[test]
    fn weights_that_end_before_their_header_says_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let file = weights(50);
        fs::write(&path, &file).unwrap();
        assert!(is_whole(&path));
        for cut in [0, 3, 8, 30, file.len() - 1] {
            fs::write(&path, &file[..cut]).unwrap();
            assert!(!is_whole(&path), "{cut} of {}", file.len());
        }
        // What is no header at all is the loader's to complain about.
        fs::write(&path, [&7_u64.to_le_bytes()[..], b"nonsense"].concat()).unwrap();
        assert!(is_whole(&path));
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(is_whole(&path));
    }

    #[test]
    fn other_files_are_cut_where_they_are_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        assert!(!is_whole(&path) && !is_whole(dir.path()));
        fs::write(&path, "").unwrap();
        assert!(!is_whole(&path));
        fs::write(&path, "{}").unwrap();
        assert!(is_whole(&path));
    }
}
