//! Computed contexts that others begin like, kept for a batch.

use super::LocalEngine;
use super::local::Beginning;
use crate::model::Sequence;

/// Most contexts that are kept.
const MOST: usize = 24;
/// Most bytes of their keys and values.
const MOST_BYTES: u64 = 256 << 20;

/// Computed contexts that others begin like: the system's words, and those with a page. Only for models whose numbers do
/// not depend on how a context is cut into passes; for others nothing is kept.
#[derive(Debug)]
pub(super) struct Beginnings {
    /// Most recently used last.
    kept: Vec<Kept>,
    most_bytes: u64,
}

#[derive(Debug)]
struct Kept {
    hash: blake3::Hash,
    sequence: Sequence,
    bytes: u64,
}

impl Default for Beginnings {
    fn default() -> Self {
        Self { kept: Vec::new(), most_bytes: MOST_BYTES }
    }
}

impl Beginnings {
    /// None, and never more than so many bytes.
    #[cfg(test)]
    pub(super) fn of_at_most(most_bytes: u64) -> Self {
        Self { most_bytes, ..Self::default() }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Bytes of what is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.kept.iter().map(|kept| kept.bytes).sum()
    }

    /// Gives a new session's engine what is kept of its beginning. Gives what is missing of it, up to the longest that
    /// may be kept: to be handed to [`Beginnings::keep`] once it is computed.
    pub(super) fn lend(&mut self, engine: &mut LocalEngine) -> Vec<Beginning> {
        let mut wanted = engine.beginnings();
        wanted.retain(|beginning| self.may_keep(engine, beginning).is_some());
        for index in (0..wanted.len()).rev() {
            let found = wanted.get(index).and_then(|beginning| Some((self.find(&beginning.hash)?, beginning)));
            if let Some((sequence, beginning)) = found {
                engine.adopt(sequence, beginning);
                return wanted.split_off(index + 1);
            }
        }
        wanted
    }

    /// Keeps copies of what an engine has computed of its beginning; what was not used for longest makes room.
    pub(super) fn keep(&mut self, engine: &LocalEngine, missing: &[Beginning]) {
        for beginning in missing {
            let Some(bytes) = self.may_keep(engine, beginning) else { continue };
            // It may be there, where no memory was left to lend a copy.
            self.kept.retain(|kept| kept.hash != beginning.hash);
            while self.kept.len() >= MOST || self.bytes() > self.most_bytes - bytes {
                self.kept.remove(0);
            }
            if let Some(sequence) = engine.copied(beginning.rows) {
                self.kept.push(Kept { hash: beginning.hash, sequence, bytes });
            }
        }
    }

    /// Bytes of a copy of a beginning, where so many may be kept.
    fn may_keep(&self, engine: &LocalEngine, beginning: &Beginning) -> Option<u64> {
        engine.copied_bytes(beginning.rows).filter(|bytes| *bytes <= self.most_bytes)
    }

    fn find(&mut self, hash: &blake3::Hash) -> Option<Sequence> {
        let at = self.kept.iter().position(|kept| kept.hash == *hash)?;
        let found = self.kept.remove(at);
        let copy = found.sequence.prefix(found.sequence.len());
        self.kept.push(found);
        copy
    }
}
