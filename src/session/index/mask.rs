//! Which rows of a chunk fit a filter: what [`Node`] says of one session, said of four thousand at once.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::cells::{CHUNK, Column, with_cells};
use super::number_of;
use crate::session::filter::{Field, Kind, LAST, Node, Relation, Test, Want, Words, fields};

/// A bit for every row of a chunk.
pub(super) type Mask = [u64; 64];

/// A filter whose words have been looked up.
pub(super) enum Ready {
    All(Vec<Ready>),
    Any(Vec<Ready>),
    Not(Box<Ready>),
    Cells(Column, Vec<CellTest>),
    /// Rows that were found otherwise, by chunk.
    Rows(HashMap<i64, Box<Mask>>),
}

/// What a cell must be.
pub(super) enum CellTest {
    Known,
    Unknown,
    Flag(u8),
    Number(Relation, f64),
    Between(f64, f64),
    Word(u32),
    /// One of these, a bit for every word.
    Words(Vec<u64>),
}

impl Ready {
    /// Looks the words of a filter up.
    pub fn of(db: &Connection, node: &Node) -> rusqlite::Result<Self> {
        let all = |parts: &[Node]| parts.iter().map(|part| Self::of(db, part)).collect::<rusqlite::Result<Vec<_>>>();
        Ok(match node {
            Node::All(parts) => Self::All(all(parts)?),
            Node::Any(parts) => Self::Any(all(parts)?),
            Node::Not(inner) => Self::Not(Box::new(Self::of(db, inner)?)),
            Node::Test(test) if test.field.kind == Kind::Many => Self::Rows(many(db, test)?),
            Node::Test(test) => {
                let wants = test.wants.iter().map(|want| on_cell(db, test.field, want));
                Self::Cells(Column::Of(test.field), wants.collect::<rusqlite::Result<_>>()?)
            }
            Node::Words(words) => written(db, words)?,
        })
    }

    /// Rows of a chunk that fit, whether or not there is a session.
    pub fn mask(&self, db: &Connection, chunk: i64) -> rusqlite::Result<Mask> {
        Ok(match self {
            Self::All(parts) => {
                let mut mask = [u64::MAX; 64];
                for part in parts {
                    if mask.iter().all(|bits| *bits == 0) {
                        break;
                    }
                    let other = part.mask(db, chunk)?;
                    mask.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
                }
                mask
            }
            Self::Any(parts) => {
                let mut mask = [0; 64];
                for part in parts {
                    let other = part.mask(db, chunk)?;
                    mask.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
                }
                mask
            }
            Self::Not(inner) => inner.mask(db, chunk)?.map(|bits| !bits),
            Self::Cells(column, tests) => {
                let found = with_cells(db, *column, chunk, |cells| {
                    let mut mask = [0; 64];
                    tests.iter().for_each(|test| test.add(cells, &mut mask));
                    mask
                });
                found?.unwrap_or([0; 64])
            }
            Self::Rows(rows) => rows.get(&chunk).map_or([0; 64], |mask| **mask),
        })
    }
}

impl CellTest {
    /// Adds the rows whose cell is such.
    fn add(&self, cells: &[u8], mask: &mut Mask) {
        match self {
            // Which width cells have follows from the test but for these two.
            Self::Known | Self::Unknown => {
                let want = matches!(self, Self::Known);
                match cells.len() {
                    1 | 4096 => each(cells, mask, |[c]: [u8; 1]| (c != 0) == want),
                    4 | 16384 => each(cells, mask, |c: [u8; 4]| (c != [0; 4]) == want),
                    _ => each(cells, mask, |c: [u8; 8]| f64::from_le_bytes(c).is_nan() != want),
                }
            }
            Self::Flag(flag) => each(cells, mask, |[c]: [u8; 1]| c == *flag),
            Self::Number(relation, value) => {
                let number = f64::from_le_bytes;
                match relation {
                    Relation::Less => each(cells, mask, |c| number(c) < *value),
                    Relation::LessOrEqual => each(cells, mask, |c| number(c) <= *value),
                    Relation::Greater => each(cells, mask, |c| number(c) > *value),
                    Relation::GreaterOrEqual => each(cells, mask, |c| number(c) >= *value),
                    Relation::Equal => each(cells, mask, |c| number(c) == *value),
                }
            }
            Self::Between(low, high) => each(cells, mask, |c| (*low..=*high).contains(&f64::from_le_bytes(c))),
            Self::Word(word) => each(cells, mask, |c| u32::from_le_bytes(c) == *word),
            Self::Words(words) => each(cells, mask, |c| {
                let word = u32::from_le_bytes(c) as usize;
                words.get(word / 64).is_some_and(|bits| bits >> (word % 64) & 1 == 1)
            }),
        }
    }
}

/// Adds the rows of cells that fit.
fn each<const W: usize>(cells: &[u8], mask: &mut Mask, fits: impl Fn([u8; W]) -> bool) {
    let (cells, _) = cells.as_chunks::<W>();
    if let [one] = cells {
        if fits(*one) {
            *mask = [u64::MAX; 64];
        }
        return;
    }
    for (bits, cells) in mask.iter_mut().zip(cells.chunks(64)) {
        *bits |= cells.iter().enumerate().fold(0, |bits, (i, cell)| bits | (u64::from(fits(*cell)) << i));
    }
}

fn on_cell(db: &Connection, field: &Field, want: &Want) -> rusqlite::Result<CellTest> {
    Ok(match want {
        Want::Known => CellTest::Known,
        Want::Unknown => CellTest::Unknown,
        Want::Flag(flag) => CellTest::Flag(1 + u8::from(*flag)),
        Want::Number(relation, value) => CellTest::Number(*relation, *value),
        Want::Between(low, high) => CellTest::Between(low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)),
        Want::Is(_) | Want::Has(_) | Want::Starts(_) | Want::Like(_) | Want::Time(..) => {
            of_words(&words(db, field, want)?)
        }
    })
}

fn of_words(words: &[u32]) -> CellTest {
    if let [one] = words {
        return CellTest::Word(*one);
    }
    let most = words.iter().max().map_or(0, |word| *word as usize / 64 + 1);
    let mut bits = vec![0u64; most];
    for word in words {
        if let Some(bits) = bits.get_mut(*word as usize / 64) {
            *bits |= 1 << (word % 64);
        }
    }
    CellTest::Words(bits)
}

/// The numbers of a field's words that are wanted.
fn words(db: &Connection, field: &Field, want: &Want) -> rusqlite::Result<Vec<u32>> {
    let number = number_of(field);
    let (condition, value) = match want {
        Want::Is(value) => ("word = ?2".to_owned(), value.clone()),
        Want::Has(value) => ("instr(word, ?2) > 0".to_owned(), value.clone()),
        // The beginning as a range, which the index of words is made for.
        Want::Starts(value) => (format!("word >= ?2 AND word <= ?2 || '{LAST}'"), value.clone()),
        Want::Like(pattern) => {
            let mut like = String::new();
            for c in pattern.chars() {
                match c {
                    '*' => like.push('%'),
                    '%' | '_' | '\\' => like.extend(['\\', c]),
                    c => like.push(c),
                }
            }
            ("word LIKE ?2 ESCAPE '\\'".to_owned(), like)
        }
        Want::Time(relation @ (Relation::Greater | Relation::LessOrEqual), value) => {
            (format!("word {} ?2 || '{LAST}'", relation.sign()), value.clone())
        }
        Want::Time(relation, value) => (format!("word {} ?2", relation.sign()), value.clone()),
        _ => return Ok(Vec::new()),
    };
    let mut statement = db.prepare_cached(&format!("SELECT id FROM words WHERE field = ?1 AND {condition}"))?;
    let rows = statement.query_map(params![number, value], |row| row.get(0))?;
    rows.collect()
}

#[derive(Default)]
struct Rows(HashMap<i64, Box<Mask>>);

impl Rows {
    fn add(&mut self, row: i64) {
        let mask = self.0.entry(row / CHUNK).or_insert_with(|| Box::new([0; 64]));
        let at = usize::try_from(row % CHUNK).unwrap_or(0);
        if let Some(bits) = mask.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    /// Adds the rows that a question gives.
    fn ask(&mut self, db: &Connection, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            self.add(row.get(0)?);
        }
        Ok(())
    }
}

fn many(db: &Connection, test: &Test) -> rusqlite::Result<HashMap<i64, Box<Mask>>> {
    let number = number_of(test.field);
    let mut found = Rows::default();
    for want in &test.wants {
        match want {
            Want::Known => found.ask(db, "SELECT session FROM many WHERE field = ?1", [number])?,
            Want::Unknown => {
                let sql = "SELECT rowid FROM sessions WHERE rowid NOT IN (SELECT session FROM many WHERE field = ?1)";
                found.ask(db, sql, [number])?;
            }
            _ => {
                for word in words(db, test.field, want)? {
                    let sql = "SELECT session FROM many WHERE field = ?1 AND word = ?2";
                    found.ask(db, sql, params![number, word])?;
                }
            }
        }
    }
    Ok(found.0)
}

/// Where words stand: in what was written, and with `everywhere` in the words of fields.
fn written(db: &Connection, wanted: &Words) -> rusqlite::Result<Ready> {
    // Words are letters and digits; nothing in them has a meaning to FTS5 inside of quotes.
    let phrase = format!("\"{}\"{}", wanted.words.join(" "), if wanted.open { " *" } else { "" });
    let mut rows = Rows::default();
    rows.ask(db, "SELECT rowid FROM wrote WHERE wrote MATCH ?1", [&phrase])?;
    if !wanted.everywhere {
        return Ok(Ready::Rows(rows.0));
    }
    let mut by_field: HashMap<usize, Vec<u32>> = HashMap::new();
    let sql = "SELECT w.field, w.id FROM seek s JOIN words w ON w.id = s.rowid WHERE s.seek MATCH ?1";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query([&phrase])?;
    while let Some(row) = found.next()? {
        by_field.entry(row.get::<_, u32>(0)? as usize).or_default().push(row.get(1)?);
    }
    let mut any = Vec::new();
    for (number, words) in by_field {
        let Some(field) = fields().get(number) else { continue };
        if field.kind == Kind::Many {
            for word in words {
                rows.ask(
                    db,
                    "SELECT session FROM many WHERE field = ?1 AND word = ?2",
                    params![number_of(field), word],
                )?;
            }
        } else {
            any.push(Ready::Cells(Column::Of(field), vec![of_words(&words)]));
        }
    }
    any.push(Ready::Rows(rows.0));
    Ok(Ready::Any(any))
}
