//! Reading a file's beginning without believing it.

use super::error::GgufError;

type Result<T> = std::result::Result<T, GgufError>;

/// Longest beginning (values and tensor list) that is read, in bytes; that of a vocabulary of 152,000 has 6 MB.
const MOST_HEADER: usize = 128 << 20;

/// A place in the beginning of a file.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.get(..MOST_HEADER).unwrap_or(bytes), at: 0 }
    }

    /// Bytes read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(GgufError::Ends { what, at: self.at })?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn word<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N]> {
        let at = self.at;
        self.take(N, what)?.first_chunk().copied().ok_or(GgufError::Ends { what, at })
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32> {
        self.word(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64> {
        self.word(what).map(u64::from_le_bytes)
    }

    /// A count of things of at least `least` bytes each; more than can follow, or than `most`, is refused.
    pub(super) fn count(&mut self, what: &'static str, least: usize, most: u64) -> Result<usize> {
        let at = self.at;
        let count = self.u64(what)?;
        let fits = (self.bytes.len() - self.at) as u64 / least.max(1) as u64;
        let most = most.min(fits);
        match usize::try_from(count) {
            Ok(number) if count <= most => Ok(number),
            _ => Err(GgufError::TooMany { what, count, most, at }),
        }
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str> {
        let length = self.count(what, 1, u64::MAX)?;
        let at = self.at;
        std::str::from_utf8(self.take(length, what)?).map_err(|_| GgufError::Utf8 { what, at })
    }
}
