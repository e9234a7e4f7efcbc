//! Whether a file holds what would be written into it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Takes what would be written, and compares it with what a file holds.
pub(super) struct Comparing {
    there: BufReader<File>,
    buffer: Vec<u8>,
    same: bool,
}

impl Comparing {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { there: BufReader::with_capacity(1 << 20, File::open(path)?), buffer: Vec::new(), same: true })
    }

    /// Whether everything was the same and the file ends here.
    pub(super) fn ends_same(mut self) -> io::Result<bool> {
        Ok(self.same && self.there.read(&mut [0])? == 0)
    }
}

impl Write for Comparing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.same {
            self.buffer.resize(bytes.len(), 0);
            match self.there.read_exact(&mut self.buffer) {
                Ok(()) => self.same = self.buffer == bytes,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.same = false,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_end_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"abcdef").unwrap();
        let same = |parts: &[&[u8]]| {
            let mut comparing = Comparing::open(&path).unwrap();
            parts.iter().for_each(|part| comparing.write_all(part).unwrap());
            comparing.ends_same().unwrap()
        };
        assert!(same(&[b"abc", b"", b"def"]));
        for other in [&[&b"abc"[..]][..], &[b"abc", b"dex"], &[b"abcdefg"], &[b"abcdef", b"g"], &[]] {
            assert!(!same(other), "{other:?}");
        }
    }
}
