//! A small drawing board over tiny-skia: outlined shapes with a pen, clipped to a panel.

use image::RgbImage;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, Shader, Stroke, Transform,
};

use crate::geometry::PageBox;

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

/// The outline colour of everything.
pub const DARK: Ink = Ink(34, 32, 40);
/// Balloons and page.
pub const PAPER: Ink = Ink(250, 247, 238);

/// A point in page pixels.
pub type Point = (f32, f32);

/// The board: a window onto the page, in page coordinates.
pub struct Canvas {
    pixmap: Pixmap,
    origin: (i32, i32),
    bounds: Option<[f32; 4]>,
}

impl Canvas {
    /// A blank board; `None` only for an empty size.
    pub fn new(w: u32, h: u32, ground: Ink) -> Option<Self> {
        let mut pixmap = Pixmap::new(w, h)?;
        pixmap.fill(color(ground));
        Some(Self { pixmap, origin: (0, 0), bounds: None })
    }

    /// A board that shows only this part of the page: nothing drawn on it can leave the panel.
    pub fn window(panel: &PageBox) -> Option<Self> {
        let mut board = Self::new(panel.width() as u32, panel.height() as u32, PAPER)?;
        board.origin = (panel.x1 as i32, panel.y1 as i32);
        Some(board)
    }

    /// Puts a window back where it belongs.
    pub fn place(&mut self, window: &Self) {
        let (x, y) = (window.origin.0 - self.origin.0, window.origin.1 - self.origin.1);
        let plain = PixmapPaint::default();
        self.pixmap.draw_pixmap(x, y, window.pixmap.as_ref(), &plain, Transform::identity(), None);
    }

    /// Starts to remember the extent of what is drawn.
    pub fn start_bounds(&mut self) {
        self.bounds = Some([f32::MAX, f32::MAX, f32::MIN, f32::MIN]);
    }

    /// The extent drawn since [`Canvas::start_bounds`], unclipped.
    pub fn take_bounds(&mut self) -> PageBox {
        let [x1, y1, x2, y2] = self.bounds.take().unwrap_or([0.0; 4]);
        PageBox::new(x1.into(), y1.into(), x2.into(), y2.into())
    }

    /// A filled shape with an outline; `pen` 0 draws none.
    pub fn shape(&mut self, path: Option<Path>, fill: Ink, pen: f32) {
        let Some(path) = path else { return };
        self.extend(&path, pen);
        let transform = self.transform();
        self.pixmap.fill_path(&path, &paint(fill), FillRule::Winding, transform, None);
        if pen > 0.0 {
            self.stroke(&path, DARK, pen);
        }
    }

    /// An open or closed line.
    pub fn line(&mut self, points: &[Point], ink: Ink, pen: f32) {
        if let Some(path) = polyline(points, false) {
            self.extend(&path, pen);
            self.stroke(&path, ink, pen);
        }
    }

    /// A line along a path.
    pub fn trace(&mut self, path: Option<Path>, ink: Ink, pen: f32) {
        if let Some(path) = path {
            self.extend(&path, pen);
            self.stroke(&path, ink, pen);
        }
    }

    /// An axis-parallel ellipse around a centre.
    pub fn ellipse(&mut self, c: Point, rx: f32, ry: f32, fill: Ink, pen: f32) {
        self.shape(ellipse(c, rx, ry), fill, pen);
    }

    /// A filled polygon.
    pub fn polygon(&mut self, points: &[Point], fill: Ink, pen: f32) {
        self.shape(polyline(points, true), fill, pen);
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, fill: Ink, pen: f32) {
        self.polygon(&[(x1, y1), (x2, y1), (x2, y2), (x1, y2)], fill, pen);
    }

    /// The picture.
    pub fn into_image(self) -> RgbImage {
        let (w, h) = (self.pixmap.width(), self.pixmap.height());
        let rgb = self.pixmap.data().chunks_exact(4).flat_map(|p| p.iter().take(3).copied()).collect();
        RgbImage::from_raw(w, h, rgb).unwrap_or_else(|| RgbImage::new(w, h))
    }

    fn transform(&self) -> Transform {
        Transform::from_translate(-self.origin.0 as f32, -self.origin.1 as f32)
    }

    fn stroke(&mut self, path: &Path, ink: Ink, pen: f32) {
        let stroke = Stroke { width: pen, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        let transform = self.transform();
        self.pixmap.stroke_path(path, &paint(ink), &stroke, transform, None);
    }

    fn extend(&mut self, path: &Path, pen: f32) {
        if let Some([x1, y1, x2, y2]) = &mut self.bounds {
            let (b, half) = (path.bounds(), pen / 2.0);
            *x1 = x1.min(b.left() - half);
            *y1 = y1.min(b.top() - half);
            *x2 = x2.max(b.right() + half);
            *y2 = y2.max(b.bottom() + half);
        }
    }
}

fn color(ink: Ink) -> Color {
    Color::from_rgba8(ink.0, ink.1, ink.2, 255)
}

fn paint(ink: Ink) -> Paint<'static> {
    Paint { shader: Shader::SolidColor(color(ink)), anti_alias: true, ..Paint::default() }
}

/// A line through the points, closed or not.
pub fn polyline(points: &[Point], closed: bool) -> Option<Path> {
    let (&first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    for &(x, y) in rest {
        path.line_to(x, y);
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// An ellipse around a centre.
pub fn ellipse((x, y): Point, rx: f32, ry: f32) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_ltrb(x - rx, y - ry, x + rx, y + ry)?)
}

/// A smooth curve from `a` over the control points `b`, `c` to `d`.
pub fn curve(a: Point, b: Point, c: Point, d: Point) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(a.0, a.1);
    path.cubic_to(b.0, b.1, c.0, c.1, d.0, d.1);
    path.finish()
}
