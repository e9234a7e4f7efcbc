//! Checksums as a hub names them: sha256 of large files, git's object id of small ones.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A checksum in the making.
pub(super) enum Checksum {
    /// sha256 of the contents, as for files in Git LFS or Xet storage.
    Sha256(Sha256),
    /// git's object id: sha1 of `blob SIZE\0` and the contents.
    Git(Sha1),
    /// The server named none.
    None,
}

/// Whether an entity tag is a checksum.
pub(super) fn is_checksum(tag: &str) -> bool {
    !matches!(Checksum::for_tag(tag, 0), Checksum::None)
}

/// A blob's name for a tag that is no checksum: such tags may be those of other files, too.
pub(super) fn name_of(tag: &str, file: &str) -> String {
    let hash = Sha256::digest(file.as_bytes());
    format!("{tag}-{}", hex(hash.get(..8).unwrap_or_default()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Checksum {
    /// The kind that an entity tag is, for a file of so many bytes.
    pub(super) fn for_tag(tag: &str, size: u64) -> Self {
        let hexadecimal = tag.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match tag.len() {
            64 if hexadecimal => Self::Sha256(Sha256::new()),
            40 if hexadecimal => Self::Git(Sha1::new_with_prefix(format!("blob {size}\0"))),
            _ => Self::None,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Git(hash) => hash.update(bytes),
            Self::None => {}
        }
    }

    /// Whether the contents are those of the tag; a tag that is no checksum fits everything.
    pub(super) fn fits(self, tag: &str) -> bool {
        match self {
            Self::Sha256(hash) => hex(&hash.finalize()) == tag,
            Self::Git(hash) => hex(&hash.finalize()) == tag,
            Self::None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(tag: &str, bytes: &[u8]) -> bool {
        let mut checksum = Checksum::for_tag(tag, bytes.len() as u64);
        let (a, b) = bytes.split_at(bytes.len() / 2);
        checksum.update(a);
        checksum.update(b);
        checksum.fits(tag)
    }

    #[test]
    fn both_kinds_are_compared() {
        // `printf hello | sha256sum`, `printf hello | git hash-object --stdin`.
        let (long, short) = (
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0",
        );
        assert!(fits(long, b"hello") && !fits(long, b"hellp"));
        assert!(fits(short, b"hello") && !fits(short, b"hellp"));
        assert!(fits("5f3-anything", b"hello"), "no checksum");
        assert!(is_checksum(long) && is_checksum(short) && !is_checksum("5f3-anything"));
    }

    #[test]
    fn tags_that_are_no_checksums_belong_to_one_file() {
        let (a, b) = (name_of("5f3-1c", "a.json"), name_of("5f3-1c", "b.json"));
        assert!(a != b && a.starts_with("5f3-1c-") && a == name_of("5f3-1c", "a.json"));
        assert!(!is_checksum(&name_of("5f3-1c", "a.json")));
    }
}
