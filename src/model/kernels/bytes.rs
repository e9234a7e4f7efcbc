//! Memory for weights: aligned to cache lines, in large pages where the system has them.

use memmap2::MmapMut;

/// Zeroed bytes at an address that is a multiple of a memory page.
#[derive(Debug)]
pub(super) struct Bytes(Option<MmapMut>);

impl Bytes {
    /// So many zeros; `None` where the system refuses.
    pub(super) fn new(length: usize) -> Option<Self> {
        if length == 0 {
            return Some(Self(None));
        }
        let map = MmapMut::map_anon(length).ok()?;
        // Weights are read from end to end: small pages would cost a look-up every 4 KiB. Only advice, so no error.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(Self(Some(map)))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or(&mut [])
    }
}
