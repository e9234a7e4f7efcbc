//! Whether a file of a snapshot is all there, as far as lengths can say.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A safetensors header is at most this long (the loader's own limit).
const MOST_HEADER: u64 = 100_000_000;
/// A longer header is not looked into; those of the largest models have less than 1 MB.
const MOST_READ: u64 = 16_000_000;

/// Says of a GGUF file whether it is cut short; whoever reads such files knows.
pub type Cut = fn(&Path) -> bool;

/// Bytes of a file, through a link; none where there is no file.
pub(super) fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len())
}

/// Whether a file is there and not cut short: an empty one is, and weights that end before their header says.
pub(super) fn is_whole(path: &Path, is_cut: Cut) -> bool {
    let Some(length) = length(path).filter(|length| *length > 0) else { return false };
    match path.extension().and_then(|end| end.to_str()) {
        Some("safetensors") => announced(path, length).is_none_or(|announced| announced <= length),
        Some("gguf") => !is_cut(path),
        _ => true,
    }
}

/// Where the bytes of one tensor lie.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lies {
    data_offsets: [u64; 2],
}

/// Where the last tensor ends. Nothing else of a header is kept: it may name millions.
struct End(u64);

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Largest;

        impl<'de> Visitor<'de> for Largest {
            type Value = End;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a safetensors header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<End, A::Error> {
                let mut end = 0;
                while let Some((IgnoredAny, tensor)) = map.next_entry::<IgnoredAny, Lies>()? {
                    end = end.max(tensor.data_offsets[1]);
                }
                Ok(End(end))
            }
        }

        deserializer.deserialize_map(Largest)
    }
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
    if begin > length || header > MOST_READ {
        return Some(begin);
    }
    let mut text = vec![0; usize::try_from(header).ok()?];
    file.read_exact(&mut text).ok()?;
    let End(end) = serde_json::from_slice(&text).ok()?;
    Some(begin.saturating_add(end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use super::*;

    /// Of no file.
    pub(in crate::hub) fn never(_: &Path) -> bool {
        false
    }

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
        assert!(is_whole(&path, never));
        for cut in [0, 3, 8, 30, file.len() - 1] {
            fs::write(&path, &file[..cut]).unwrap();
            assert!(!is_whole(&path, never), "{cut} of {}", file.len());
        }
        // What is no header at all is the loader's to complain about.
        fs::write(&path, [&7_u64.to_le_bytes()[..], b"nonsense"].concat()).unwrap();
        assert!(is_whole(&path, never));
        fs::write(&path, [0xff; 64]).unwrap();
        assert!(is_whole(&path, never));
    }

    #[test]
    fn of_a_header_the_largest_end_counts_and_nothing_is_kept() {
        let end = |text: &str| serde_json::from_str(text).map(|End(end)| end).ok();
        assert_eq!(end(r#"{"b":{"data_offsets":[4,9]},"__metadata__":{"x":"y"},"a":{"data_offsets":[0,4]}}"#), Some(9));
        assert_eq!((end("{}"), end("[]"), end(r#"{"a":{"data_offsets":[0,-1]}}"#)), (Some(0), None, None));
        // A name that comes twice, and one of another text, are as good as any.
        assert_eq!(end(r#"{"a":{"data_offsets":[0,7]},"a":{"data_offsets":[0,3]},"\u00e9":{}}"#), Some(7));

        // Longer than any model's: what it says is the loader's to read, and to complain about.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let mut header = br#"{"a":{"data_offsets":[0,99999999]}}"#.to_vec();
        header.resize(MOST_READ as usize + 1, b' ');
        let file = [&(header.len() as u64).to_le_bytes()[..], &header].concat();
        fs::write(&path, &file).unwrap();
        assert!(is_whole(&path, never));
        fs::write(&path, &file[..file.len() - 1]).unwrap();
        assert!(!is_whole(&path, never), "it ends within its header");
    }

    #[test]
    fn gguf_files_are_left_to_who_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let [model, other] = ["m.gguf", "m.json"].map(|name| dir.path().join(name));
        [&model, &other].iter().for_each(|path| fs::write(path, "GGUF").unwrap());
        assert!(is_whole(&model, never) && !is_whole(&model, |_| true) && is_whole(&other, |_| true));
        fs::write(&model, "").unwrap();
        assert!(!is_whole(&model, never));
    }

    #[test]
    fn other_files_are_cut_where_they_are_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        assert!(!is_whole(&path, never) && !is_whole(dir.path(), never));
        fs::write(&path, "").unwrap();
        assert!(!is_whole(&path, never));
        fs::write(&path, "{}").unwrap();
        assert!(is_whole(&path, never));
    }
}
