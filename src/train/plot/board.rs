//! What charts are drawn on: a handful of shapes, so that a picture and a vector file come from the same drawing.

/// Red, green, blue.
pub type Colour = [u8; 3];
/// Right, down, in pixels of the page.
pub type At = (f32, f32);

/// A box on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// Colour.
    pub colour: Colour,
    /// Width.
    pub width: f32,
    /// 0 to 1.
    pub opacity: f32,
    /// Lengths of dash and gap.
    pub dash: Option<(f32, f32)>,
}

impl Pen {
    /// A full line.
    pub const fn new(colour: Colour, width: f32) -> Self {
        Self { colour, width, opacity: 1.0, dash: None }
    }

    /// The same, partly transparent.
    pub const fn faint(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }

    /// The same with gaps.
    pub const fn dashed(self, dash: f32, gap: f32) -> Self {
        Self { dash: Some((dash, gap)), ..self }
    }
}

/// Which point of a text is put at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// How a text is lettered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lettering {
    /// Letter size.
    pub size: f32,
    /// Bold.
    pub bold: bool,
    /// Colour.
    pub colour: Colour,
    /// What is put at the place.
    pub anchor: Anchor,
}

/// Something to draw on.
pub trait Board {
    /// A filled box with round corners and perhaps an edge.
    fn rect(&mut self, frame: Frame, fill: Colour, edge: Option<Colour>, radius: f32);
    /// A line through points.
    fn line(&mut self, points: &[At], pen: Pen);
    /// A filled shape.
    fn area(&mut self, points: &[At], colour: Colour, opacity: f32);
    /// A filled disc.
    fn dot(&mut self, at: At, radius: f32, colour: Colour);
    /// A line of text; the place is on its base line.
    fn text(&mut self, at: At, text: &str, how: Lettering);
}
