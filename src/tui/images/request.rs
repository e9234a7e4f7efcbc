//! What a pane wants to show: pixels, the part of them that is seen, boxes.

use std::sync::Arc;

use image::RgbImage;

/// The places a picture can stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The page.
    Page,
    /// The crop.
    Crop,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Page, Self::Crop];
}

/// How a box is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// Drawn through.
    #[default]
    Solid,
    /// Dashed.
    Dashed,
    /// Drawn through, with handles at corners and edges: a person is changing it.
    Edit,
}

/// A box to paint.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// `x1, y1, x2, y2` in the request's [`Request::space`].
    pub corners: [f64; 4],
    /// Colour of the line.
    pub color: [u8; 3],
    /// Number or letters at its corner.
    pub label: String,
    /// How it is drawn.
    pub line: Line,
}

/// The part of a picture that is seen and the cells it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// `x1, y1, x2, y2` in the request's [`Request::space`].
    pub source: [f64; 4],
    /// Cells across and down.
    pub cells: (u16, u16),
}

/// The picture as the model's processor makes it, with the patches that become tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Width and height after processing, in pixels.
    pub size: (u32, u32),
    /// Pixels per side of a patch that becomes a token.
    pub patch: u32,
}

impl Seen {
    /// Patches per side of a window within which the vision tower attends (112 pixels of 28 each in Qwen2.5-VL).
    pub const WINDOW: u32 = 4;
}

/// A heat map laid over a whole picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wash {
    /// Cells across.
    pub columns: u32,
    /// Cells down.
    pub rows: u32,
    /// Row by row; 0 shows the picture as it is, 255 is the strongest colour.
    pub levels: Vec<u8>,
}

impl Wash {
    /// Colour of a level, and how much of it covers the picture.
    pub fn paint_of(level: u8) -> ([u8; 3], u8) {
        let cover = (f64::from(level) / 255.0).powf(0.6) * 200.0;
        (crate::probe::heat_colour(f64::from(level) / 255.0), cover.round() as u8)
    }

    /// The level at a place, in shares of width and height.
    pub fn level(&self, x: f64, y: f64) -> u8 {
        let place = |share: f64, count: u32| {
            let cell = (share * f64::from(count)).floor();
            (cell >= 0.0 && cell < f64::from(count)).then_some(cell as usize)
        };
        let (Some(column), Some(row)) = (place(x, self.columns), place(y, self.rows)) else { return 0 };
        row.checked_mul(self.columns as usize).and_then(|at| self.levels.get(at + column)).copied().unwrap_or(0)
    }
}

/// What a pane wants to show.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where.
    pub slot: Slot,
    /// The picture.
    pub pixels: Arc<RgbImage>,
    /// Room in cells.
    pub cells: (u16, u16),
    /// Width and height that the boxes' numbers refer to: the page's own size, also where its stand-in is smaller.
    pub space: (u32, u32),
    /// What of it is seen; `None` is all of it, as large as fits.
    pub view: Option<View>,
    /// Shown as the model sees it.
    pub seen: Option<Seen>,
    /// Laid over it, below the boxes.
    pub wash: Option<Arc<Wash>>,
    /// Boxes.
    pub marks: Vec<Mark>,
    /// Colour around the boxes' lines.
    pub halo: [u8; 3],
}

impl Request {
    /// A whole picture without boxes.
    pub fn new(slot: Slot, pixels: Arc<RgbImage>, cells: (u16, u16)) -> Self {
        let space = pixels.dimensions();
        Self { slot, pixels, cells, space, view: None, seen: None, wash: None, marks: Vec::new(), halo: [0; 3] }
    }
}

impl PartialEq for Request {
    /// The same picture (by identity), room, part and boxes.
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
            && Arc::ptr_eq(&self.pixels, &other.pixels)
            && self.cells == other.cells
            && self.space == other.space
            && self.view == other.view
            && self.seen == other.seen
            && self.wash == other.wash
            && self.marks == other.marks
            && self.halo == other.halo
    }
}
