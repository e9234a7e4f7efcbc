//! Sessions in one file, to be sent to someone.
//!
//! # Format (version 1)
//! A ZIP archive whose entries are *stored*, not compressed (logs and pages are compressed themselves), with these names and
//! no others:
//!
//! ```text
//! panelscope-pack.json         what is in it: {"v":1,"program","sessions":[id…],"images":bool,
//!                                             "files":[{"name","bytes","blake3"}…]}
//! logs/<id>.jsonl.zst          a log as it lies in the sessions folder (`.jsonl` for one that has not ended)
//! notes/<id>.notes.jsonl       its notes, where there are any
//! blobs/<hash>                 a page or crop as PNG, named by the hash of its pixels
//! ```
//!
//! `sessions` are those that were asked for; the logs they are forks of (and theirs, up to the root) are in `logs/` too. `files`
//! lists every entry but itself. With `images` false there are no blobs: replay draws blank pages with the boxes. The same
//! sessions give the same bytes.
//!
//! # Reading
//! A pack may come from anyone. Nothing of it is written before all of it has been checked:
//! - names are those above (ids and hashes have a form; no `..`, no absolute path), entries are regular files, none comes twice,
//!   none is encrypted, and the list in `panelscope-pack.json` names exactly these;
//! - sizes are bounded before anything is allocated: the file, the number of entries, each entry; stored entries that together
//!   claim more than the file has (two that share bytes, or lie) are refused, and so is every compressed one, so that a small
//!   pack cannot unfold into a large one. What logs and pages unfold into is bounded one by one and in sum;
//! - each file has the blake3 that is listed, each blob's pixels have the hash it is named by, each log begins with the start of
//!   the session it is named after.
//!
//! Unpacking puts logs into the folder `unpacked`. A session that is there already (anywhere in the sessions folder) is left
//! alone where its log says the same, and is an error where it does not. Files are made in a hidden folder and then moved, never
//! over others; when one cannot be, those that were are taken back.

mod read;
#[cfg(test)]
mod tests;
mod unpack;
mod write;

pub use read::{Pack, is_pack};
pub use unpack::{UnpackReport, unpack};
pub use write::{PackReport, pack};

use serde::{Deserialize, Serialize};

use super::store::check_id;
use super::verify::is_hash;

/// The version this program reads and writes.
const VERSION: u32 = 1;
/// The entry that says what is in it.
const MANIFEST: &str = "panelscope-pack.json";
/// Most bytes of that entry.
const MAX_MANIFEST: u64 = 8 << 20;
/// Most bytes of a pack. More would need ZIP64.
pub const MAX_PACK: u64 = 2 << 30;
/// Most bytes of an entry.
const MAX_ENTRY: u64 = 256 << 20;
/// Most entries.
const MAX_ENTRIES: usize = 20_000;
/// Most bytes of all logs together, decompressed.
const MAX_UNFOLDED: u64 = 4 << 30;
/// Most pixels of all blobs together.
const MAX_PIXELS: u64 = 1 << 30;
/// The folder of the sessions folder that sessions are unpacked into.
pub const UNPACKED: &str = "unpacked";

/// What is in a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    v: u32,
    program: String,
    sessions: Vec<String>,
    images: bool,
    files: Vec<Listed>,
}

/// One file of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    name: String,
    bytes: u64,
    blake3: String,
}

/// What an entry is, told by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Manifest,
    Log { id: String, file: String },
    Notes { id: String, file: String },
    Blob { hash: String },
}

impl Kind {
    /// None for a name that no entry may have.
    fn of(name: &str) -> Option<Self> {
        if name == MANIFEST {
            return Some(Self::Manifest);
        }
        let (folder, file) = name.split_once('/')?;
        let id = |suffix: &str| file.strip_suffix(suffix).filter(|id| check_id(id).is_ok()).map(str::to_owned);
        match folder {
            "logs" => id(".jsonl.zst").or_else(|| id(".jsonl")).map(|id| Self::Log { id, file: file.to_owned() }),
            "notes" => id(".notes.jsonl").map(|id| Self::Notes { id, file: file.to_owned() }),
            "blobs" => is_hash(file).then(|| Self::Blob { hash: file.to_owned() }),
            _ => None,
        }
    }
}
