//! Whether a file holds what would be written into it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Takes what would be written, and compares it with what a file holds. Writing fails at the first difference.
pub(super) struct Comparing {
    there: BufReader<File>,
    buffer: Vec<u8>,
    differs: bool,
}

impl Comparing {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { there: BufReader::with_capacity(1 << 20, File::open(path)?), buffer: Vec::new(), differs: false })
    }

    /// Whether a difference was found; nothing more need be written then.
    pub(super) fn differs(&self) -> bool {
        self.differs
    }

    /// Whether the file ends where what was written does.
    pub(super) fn ends_here(mut self) -> io::Result<bool> {
        Ok(self.there.read(&mut [0])? == 0)
    }

    fn other(&mut self) -> io::Error {
        self.differs = true;
        io::Error::other("the file holds something else")
    }
}

impl Write for Comparing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.resize(bytes.len(), 0);
        match self.there.read_exact(&mut self.buffer) {
            Ok(()) if self.buffer == bytes => Ok(bytes.len()),
            Ok(()) => Err(self.other()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.other()),
            Err(error) => Err(error),
        }
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
        // Whether it is the same, and how many parts were looked at.
        let same = |parts: &[&[u8]]| {
            let mut comparing = Comparing::open(&path).unwrap();
            let fine = parts.iter().take_while(|part| comparing.write_all(part).is_ok()).count();
            assert_eq!(comparing.differs(), fine < parts.len());
            (fine == parts.len() && comparing.ends_here().unwrap(), fine)
        };
        assert_eq!(same(&[b"abc", b"", b"def"]), (true, 3));
        for (other, fine) in [
            (&[&b"abc"[..]][..], 1),
            (&[b"abc", b"dex", b"more"], 1),
            (&[b"abcdefg", b"more"], 0),
            (&[b"abcdef", b"g", b"more"], 1),
            (&[], 0),
        ] {
            assert_eq!(same(other), (false, fine), "{other:?}: nothing is taken after the first difference");
        }
    }
}
