//! The order of weights in memory: panels of several outputs, so that one vector register holds one number of each.
//!
//! Plain formats: panels of [`LANES`] outputs, for each input the numbers of all of them, `BF16` for each pair of inputs the
//! pairs of all of them (a last one is paired with zero). Quantised formats: panels of
//! [`GROUP`] outputs, for each block the same fields as in GGML, every field's bytes in pieces of 1, 2 or 4 with the
//! pieces of all outputs side by side; fields that would spoil the alignment lie together behind the blocks. Nothing is
//! added and nothing lost, so a row can be put together again.

#![allow(clippy::indexing_slicing, reason = "offsets follow from the format's own constants")]

use super::LANES;
use super::blocks::Format;

/// Outputs of a panel of quantised weights.
pub(super) const GROUP: usize = 16;
/// Cache lines; panels are multiples.
const LINE: usize = 64;
/// Most bytes of a block.
pub(super) const MOST: usize = 210;

/// Some bytes of a block and where they go.
struct Field {
    from: usize,
    length: usize,
    piece: usize,
    /// Within the blocks' part, or, if `behind`, within what lies behind the blocks: where pieces begin.
    to: usize,
    /// Where the pieces of all outputs lie, in pieces of all outputs from `to`, for each piece of one output.
    order: fn(usize) -> usize,
    behind: bool,
    /// What is flipped in every byte.
    flip: u8,
}

const fn field(from: usize, length: usize, piece: usize, to: usize) -> Field {
    Field { from, length, piece, to, order: |piece| piece, behind: false, flip: 0 }
}

/// The lower four bits of `Q6_K`, in two of three lines: those of inputs i and i + 32 of a half before the two upper bits of
/// both, so that memory is read from end to end.
fn lower(piece: usize) -> usize {
    let (half, upper, group) = (piece / 16, piece / 8 % 2, piece % 8);
    (half * 8 + group) * 3 + upper
}

/// The two upper bits of `Q6_K`, in every third line.
fn upper(piece: usize) -> usize {
    piece * 3
}

/// Signed bytes are kept with their sign flipped: then they are unsigned ones, 128 too large.
const Q8_0: [Field; 2] = [Field { flip: 0x80, ..field(2, 32, 4, 0) }, Field { behind: true, ..field(0, 2, 2, 0) }];
const Q4K: [Field; 4] = [field(0, 2, 2, 0), field(2, 2, 2, 32), field(4, 12, 1, 64), field(16, 128, 4, 256)];
const Q5K: [Field; 5] =
    [field(0, 2, 2, 0), field(2, 2, 2, 32), field(4, 12, 1, 64), field(16, 32, 4, 256), field(48, 128, 4, 768)];
const Q6K: [Field; 4] = [
    Field { order: lower, ..field(0, 128, 4, 0) },
    Field { order: upper, ..field(128, 64, 4, 128) },
    field(192, 16, 1, 3072),
    Field { behind: true, ..field(208, 2, 2, 0) },
];

fn fields(format: Format) -> &'static [Field] {
    match format {
        Format::Q8_0 => &Q8_0,
        Format::Q4K => &Q4K,
        Format::Q5K => &Q5K,
        Format::Q6K => &Q6K,
        Format::F32 | Format::F16 | Format::BF16 => &[],
    }
}

/// Sizes of the panels of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) inputs: usize,
    /// Outputs of a panel.
    pub(super) lanes: usize,
    /// Blocks of a row.
    pub(super) blocks: usize,
    /// Bytes of a block of a whole panel.
    pub(super) body: usize,
    /// Bytes of a block that lie behind all blocks.
    pub(super) tail: usize,
    /// Bytes of a panel.
    pub(super) stride: usize,
}

impl Layout {
    /// `None` where rows of so many numbers cannot be written in the format.
    pub(super) fn new(format: Format, inputs: usize) -> Option<Self> {
        if inputs == 0 || !format.fits(inputs) {
            return None;
        }
        let blocks = inputs / format.block();
        let lanes = if format.is_quantised() { GROUP } else { LANES };
        let (body, tail) = match format {
            Format::Q8_0 => (512, 32),
            Format::Q4K => (2304, 0),
            Format::Q5K => (2816, 0),
            Format::Q6K => (3328, 32),
            Format::F32 | Format::F16 | Format::BF16 => (LANES * format.block_bytes(), 0),
        };
        let whole = if format == Format::BF16 { blocks.checked_next_multiple_of(2)? } else { blocks };
        let stride = whole.checked_mul(body + tail)?.checked_next_multiple_of(LINE)?;
        Some(Self { format, inputs, lanes, blocks, body, tail, stride })
    }

    /// Bytes of a row in the format itself.
    pub(super) fn row_bytes(self) -> usize {
        self.blocks * self.format.block_bytes()
    }

    /// Writes raw rows (at most a panel's lanes) into a panel that is zero.
    pub(super) fn interleave<'a>(self, rows: impl Iterator<Item = &'a [u8]>, panel: &mut [u8]) {
        for (lane, row) in rows.take(self.lanes).enumerate() {
            match self.format {
                Format::F32 => words::<4>(row, lane, panel),
                Format::F16 => words::<2>(row, lane, panel),
                // A row of an odd number of inputs has half a pair at its end.
                Format::BF16 => halves(row, lane, panel),
                Format::Q8_0 | Format::Q4K | Format::Q5K | Format::Q6K => self.scatter(row, lane, panel),
            }
        }
    }

    fn scatter(self, row: &[u8], lane: usize, panel: &mut [u8]) {
        for (block, raw) in row.chunks_exact(self.format.block_bytes()).enumerate() {
            for field in fields(self.format) {
                let to = &mut panel[self.place(field, block)..];
                let from = &raw[field.from..][..field.length];
                match field.piece {
                    4 => pieces::<4>(from, lane, field, to),
                    2 => pieces::<2>(from, lane, field, to),
                    _ => pieces::<1>(from, lane, field, to),
                }
            }
        }
    }

    fn place(self, field: &Field, block: usize) -> usize {
        match field.behind {
            false => block * self.body + field.to,
            true => self.blocks * self.body + block * self.tail + field.to,
        }
    }

    /// Puts the row of one lane together again, as numbers; `out` holds as many as there are inputs.
    pub(super) fn read(self, panel: &[u8], lane: usize, out: &mut [f32]) {
        if self.format == Format::BF16 {
            for (pair, lanes) in out.chunks_mut(2).zip(panel.chunks_exact(LANES * 4)) {
                self.format.dequantise(&lanes[lane * 4..][..pair.len() * 2], pair);
            }
            return;
        }
        if !self.format.is_quantised() {
            let size = self.format.block_bytes();
            for (number, lanes) in out.iter_mut().zip(panel.chunks_exact(self.body)) {
                self.format.dequantise(&lanes[lane * size..][..size], std::slice::from_mut(number));
            }
            return;
        }
        let mut raw = [0; MOST];
        for (block, out) in out.chunks_exact_mut(self.format.block()).enumerate() {
            for field in fields(self.format) {
                let from = &panel[self.place(field, block)..];
                for (index, to) in raw[field.from..][..field.length].iter_mut().enumerate() {
                    let piece = (field.order)(index / field.piece) * GROUP + lane;
                    let place = piece * field.piece + index % field.piece;
                    *to = from[place] ^ field.flip;
                }
            }
            self.format.dequantise(&raw[..self.format.block_bytes()], out);
        }
    }
}

fn words<const B: usize>(row: &[u8], lane: usize, panel: &mut [u8]) {
    let words = row.as_chunks::<B>().0;
    for (word, lanes) in words.iter().zip(panel.chunks_exact_mut(LANES * B)) {
        lanes[lane * B..][..B].copy_from_slice(word);
    }
}

fn halves(row: &[u8], lane: usize, panel: &mut [u8]) {
    for (pair, lanes) in row.chunks(4).zip(panel.chunks_exact_mut(LANES * 4)) {
        lanes[lane * 4..][..pair.len()].copy_from_slice(pair);
    }
}

fn pieces<const B: usize>(from: &[u8], lane: usize, field: &Field, to: &mut [u8]) {
    for (index, piece) in from.as_chunks::<B>().0.iter().enumerate() {
        let place = ((field.order)(index) * GROUP + lane) * B;
        to[place..][..B].copy_from_slice(&piece.map(|byte| byte ^ field.flip));
    }
}
