//! Reading a file's beginning without believing it.

use super::error::GgufError;

type Result<T> = std::result::Result<T, GgufError>;

/// Longest beginning (values and tensor list) that is read, in bytes; that of a vocabulary of 152,000 has 6 MB.
pub(super) const MOST_HEADER: usize = 128 << 20;

/// Most elements of all lists together: each takes several times its bytes in memory. Honest files have a few for each
/// token of a vocabulary.
const MOST_ELEMENTS: u64 = 1 << 22;

/// A place in the beginning of a file.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Elements that lists may still have.
    elements: u64,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.get(..MOST_HEADER).unwrap_or(bytes), at: 0, elements: MOST_ELEMENTS }
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

    /// A count of elements of a list of at least `least` bytes each; more than can follow, or than lists may still have,
    /// is refused.
    pub(super) fn elements(&mut self, least: usize) -> Result<usize> {
        let count = self.count("list elements", least, self.elements)?;
        self.elements = self.elements.saturating_sub(count as u64);
        Ok(count)
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str> {
        let length = self.count(what, 1, u64::MAX)?;
        let at = self.at;
        std::str::from_utf8(self.take(length, what)?).map_err(|_| GgufError::Utf8 { what, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_share_what_they_may_have() {
        // Three lists of bytes, each of half as many as all may have.
        let half = MOST_ELEMENTS / 2;
        let list = [&half.to_le_bytes()[..], &vec![0; half as usize]].concat();
        let bytes = list.repeat(3);
        let mut cursor = Cursor::new(&bytes);
        for _ in 0..2 {
            assert_eq!(cursor.elements(1), Ok(half as usize));
            assert!(cursor.take(half as usize, "bytes").is_ok());
        }
        assert!(matches!(cursor.elements(1), Err(GgufError::TooMany { what: "list elements", most: 0, .. })));
        // An empty one may follow all the same.
        assert_eq!(Cursor { elements: 0, ..Cursor::new(&[0; 8]) }.elements(1), Ok(0));
    }
}
