//! What an ink becomes in a page's style: a flat colour, or a small tile of strokes or dots.

use tiny_skia::{Color, FilterQuality, Paint, Pattern, Pixmap, Shader, SpreadMode, Transform};

use super::world::Style;

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

/// The outline colour of everything.
pub const DARK: Ink = Ink(34, 32, 40);
/// Balloons and page.
pub const PAPER: Ink = Ink(250, 247, 238);
/// Faces and hands; white in black and white.
pub const SKIN: Ink = Ink(248, 214, 178);

const BLACK: Ink = Ink(26, 26, 28);
const WHITE: Ink = Ink(250, 250, 248);

/// Tones between white and black.
const TONES: usize = 4;
/// An ink at least as light as this stays white in black and white, of 1.
const WHITE_FROM: f32 = 0.815;
/// Lower limits of the tones' lightness, from light to dark; darker still is black.
const LIMITS: [f32; TONES] = [0.69, 0.55, 0.40, 0.2];
/// Lines at least this wide are toned like shapes; thinner ones are ink or nothing.
const TONED_LINE: f32 = 3.6;

/// The tiles of a style.
pub struct Tones {
    style: Style,
    near: Vec<Pixmap>,
    /// Lighter, for what stands behind the figures.
    far: Vec<Pixmap>,
}

/// What a shape is filled with.
#[derive(Clone, Copy)]
pub enum Fill<'a> {
    /// One colour.
    Flat(Ink),
    /// A tile, repeated over the page.
    Tile(&'a Pixmap),
}

impl Tones {
    /// The tiles of this style; clear line has none.
    pub fn new(style: Style) -> Self {
        let (near, far) = match style {
            Style::ClearLine => (Vec::new(), Vec::new()),
            Style::Hatched => {
                let hatched = |kinds: [(u32, f32, bool); TONES]| {
                    let tiles = kinds.map(|(pitch, pen, x)| tile(pitch, |h, v| hatch(h, v, pitch as f32, pen, x)));
                    tiles.into_iter().flatten().collect()
                };
                (
                    hatched([(9, 1.0, false), (6, 1.1, false), (7, 1.2, true), (5, 1.6, true)]),
                    hatched([(14, 0.8, false), (10, 0.9, false), (7, 1.0, false), (8, 1.1, true)]),
                )
            }
            Style::Screentone => {
                let dotted =
                    |radii: [f32; TONES]| radii.iter().filter_map(|r| tile(6, |x, y| dot(x, y, 6.0, *r))).collect();
                (dotted([0.85, 1.2, 1.6, 2.1]), dotted([0.5, 0.7, 0.95, 1.3]))
            }
        };
        Self { style, near, far }
    }

    /// The style they belong to.
    pub const fn style(&self) -> Style {
        self.style
    }

    /// What this ink is inside a shape; `far` for what stands behind the figures.
    pub fn fill(&self, ink: Ink, far: bool) -> Fill<'_> {
        if self.style == Style::ClearLine {
            return Fill::Flat(ink);
        }
        let light = lightness(ink);
        if light >= WHITE_FROM || ink == SKIN {
            return Fill::Flat(WHITE);
        }
        let tone = LIMITS.iter().position(|limit| light >= *limit);
        let tiles = if far { &self.far } else { &self.near };
        tone.and_then(|t| tiles.get(t)).map_or(Fill::Flat(BLACK), Fill::Tile)
    }

    /// What this ink is along a line of this width.
    pub fn line(&self, ink: Ink, pen: f32, far: bool) -> Fill<'_> {
        match self.style {
            Style::ClearLine => Fill::Flat(ink),
            _ if pen >= TONED_LINE => self.fill(ink, far),
            _ if lightness(ink) < 0.78 => Fill::Flat(BLACK),
            _ => Fill::Flat(WHITE),
        }
    }
}

/// The brightness of an ink, 0 to 1 (Rec. 601).
fn lightness(Ink(r, g, b): Ink) -> f32 {
    (0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)) / 255.0
}

/// A square tile whose pixel at (x, y) is inked by a share of 1.
fn tile(side: u32, inked: impl Fn(f32, f32) -> f32) -> Option<Pixmap> {
    let mut tile = Pixmap::new(side, side)?;
    for (i, pixel) in (0..side * side).zip(tile.data_mut().chunks_exact_mut(4)) {
        let share = inked((i % side) as f32 + 0.5, (i / side) as f32 + 0.5).clamp(0.0, 1.0);
        let mix =
            |white: u8, black: u8| (f32::from(white) + share * (f32::from(black) - f32::from(white))).round() as u8;
        let color = [mix(WHITE.0, BLACK.0), mix(WHITE.1, BLACK.1), mix(WHITE.2, BLACK.2), 255];
        pixel.copy_from_slice(&color);
    }
    Some(tile)
}

/// Diagonal strokes, crossed or not.
fn hatch(x: f32, y: f32, pitch: f32, pen: f32, crossed: bool) -> f32 {
    let along = |v: f32| {
        let off = v.rem_euclid(pitch);
        pen / 2.0 - off.min(pitch - off) * std::f32::consts::FRAC_1_SQRT_2 + 0.5
    };
    let one = along(x + y);
    if crossed { one.max(along(x - y)) } else { one }
}

/// Dots on a lattice turned by 45°: two a tile.
fn dot(x: f32, y: f32, pitch: f32, radius: f32) -> f32 {
    let wrapped = |v: f32| {
        let off = v.rem_euclid(pitch);
        off.min(pitch - off)
    };
    let from = |cx: f32, cy: f32| wrapped(x - cx).hypot(wrapped(y - cy));
    radius - from(1.5, 1.5).min(from(4.5, 4.5)) + 0.5
}

impl Fill<'_> {
    /// As tiny-skia wants it; tiles are fixed to the page, not to the shape.
    pub fn paint(&self) -> Paint<'_> {
        let shader = match self {
            Self::Flat(ink) => Shader::SolidColor(Color::from_rgba8(ink.0, ink.1, ink.2, 255)),
            Self::Tile(tile) => {
                Pattern::new(tile.as_ref(), SpreadMode::Repeat, FilterQuality::Nearest, 1.0, Transform::identity())
            }
        };
        Paint { shader, anti_alias: true, ..Paint::default() }
    }
}
