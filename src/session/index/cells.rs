//! The values of sessions, column by column: a blob for each field and [`CHUNK`] rows, so that a condition reads the columns it
//! asks for and no others, a few megabytes for a million sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension, params};

use super::number_of;
use crate::session::filter::{Field, Kind};

/// Rows of a chunk.
pub(super) const CHUNK: i64 = 4096;
const ROWS: usize = 4096;

/// What a column is made of. What is not known is NaN, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Column {
    /// Whether there is a session: 1 or 0, a byte.
    There,
    /// Microseconds since 1970, eight bytes.
    At,
    /// A field: numbers of eight bytes, numbers of words of four, flags (1 no, 2 yes) of one.
    Of(&'static Field),
}

impl std::hash::Hash for Field {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Eq for Field {}

impl Column {
    /// Bytes of a cell.
    pub const fn width(self) -> usize {
        match self {
            Self::There => 1,
            Self::At => 8,
            Self::Of(field) => match field.kind {
                Kind::Number => 8,
                Kind::Flag => 1,
                _ => 4,
            },
        }
    }

    /// The key of a chunk of it.
    fn key(self, chunk: i64) -> i64 {
        let column = match self {
            Self::There => 0,
            Self::At => 1,
            Self::Of(field) => number_of(field) + 2,
        };
        (column << 40) | chunk
    }

    /// A cell of which nothing is known.
    fn unknown(self) -> [u8; 8] {
        match self {
            Self::Of(field) if field.kind == Kind::Number => f64::NAN.to_le_bytes(),
            _ => [0; 8],
        }
    }
}

/// Does something with the cells of a chunk: one for every row, or one for all where they are alike. Nothing of a chunk that is
/// not there.
pub(super) fn with_cells<T>(
    db: &Connection,
    column: Column,
    chunk: i64,
    work: impl FnOnce(&[u8]) -> T,
) -> rusqlite::Result<Option<T>> {
    let mut statement = db.prepare_cached("SELECT data FROM cells WHERE key = ?1")?;
    statement.query_row([column.key(chunk)], |row| Ok(work(row.get_ref(0)?.as_blob()?))).optional()
}

/// The cell of a row of a chunk.
pub(super) fn cell(cells: &[u8], width: usize, row: usize) -> &[u8] {
    let at = if cells.len() == width { 0 } else { row * width };
    cells.get(at..at + width).unwrap_or_default()
}

/// Chunks that are being written.
#[derive(Default)]
pub(super) struct Cells {
    open: HashMap<(Column, i64), Vec<u8>>,
}

impl Cells {
    /// Puts a value into a row's cell; none is what is not known.
    pub fn set(&mut self, db: &Connection, column: Column, row: i64, value: Option<[u8; 8]>) -> rusqlite::Result<()> {
        let chunk = row / CHUNK;
        let width = column.width();
        let open = match self.open.entry((column, chunk)) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let before = with_cells(db, column, chunk, <[u8]>::to_vec)?;
                let cells = match before {
                    Some(cells) if cells.len() == width * ROWS => cells,
                    Some(one) if one.len() == width => one.repeat(ROWS),
                    _ => column.unknown().get(..width).unwrap_or_default().repeat(ROWS),
                };
                place.insert(cells)
            }
        };
        let at = usize::try_from(row % CHUNK).unwrap_or(0) * width;
        let value = value.unwrap_or_else(|| column.unknown());
        if let Some(cell) = open.get_mut(at..at + width) {
            cell.copy_from_slice(value.get(..width).unwrap_or_default());
        }
        Ok(())
    }

    /// Writes what was changed.
    pub fn flush(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached("INSERT OR REPLACE INTO cells(key, data) VALUES(?1, ?2)")?;
        for ((column, chunk), cells) in self.open.drain() {
            let width = column.width();
            let first = cells.get(..width).unwrap_or_default();
            let alike = cells.chunks_exact(width).all(|cell| cell == first);
            statement.execute(params![column.key(chunk), if alike { first } else { &cells }])?;
        }
        Ok(())
    }
}
