//! A small drawing board over tiny-skia: outlined shapes with a pen, clipped to a panel.
//!
//! A board without pixels measures: it knows the extent of what would have been drawn, so that the same code that draws a
//! page can tell what is true of it without drawing.

use std::rc::Rc;

use image::RgbImage;
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

pub use super::area::{Area, Point};
pub use super::tone::{DARK, Ink, PAPER, SKIN};
use super::tone::{Fill, Tones};
use super::world::Style;
use crate::geometry::Size;

/// The board: a window onto the page, in page coordinates.
pub struct Canvas {
    /// None where the board only measures.
    pixmap: Option<Pixmap>,
    tones: Rc<Tones>,
    origin: (i32, i32),
    bounds: Option<Area>,
    far: bool,
}

impl Canvas {
    /// A blank page.
    pub fn page(size: Size, ground: Ink, style: Style) -> Self {
        let tones = Rc::new(Tones::new(style));
        let mut board = Self { pixmap: Pixmap::new(size.w, size.h), tones, origin: (0, 0), bounds: None, far: false };
        board.rect(0.0, 0.0, size.w as f32, size.h as f32, ground, 0.0);
        board
    }

    /// A board that measures what would be drawn on it.
    pub fn measuring() -> Self {
        Self { pixmap: None, tones: Rc::new(Tones::new(Style::ClearLine)), origin: (0, 0), bounds: None, far: false }
    }

    /// A board that shows only this part of the page: nothing drawn on it can leave the panel.
    pub fn window(&self, panel: &Area) -> Self {
        let blank = |_| {
            let mut board = Pixmap::new(panel.w() as u32, panel.h() as u32)?;
            board.fill(Color::from_rgba8(PAPER.0, PAPER.1, PAPER.2, 255));
            Some(board)
        };
        Self {
            pixmap: self.pixmap.as_ref().and_then(blank),
            tones: Rc::clone(&self.tones),
            origin: (panel.x1 as i32, panel.y1 as i32),
            bounds: None,
            far: false,
        }
    }

    /// Puts a window back where it belongs.
    pub fn place(&mut self, window: &Self) {
        let (Some(page), Some(part)) = (&mut self.pixmap, &window.pixmap) else { return };
        let (x, y) = (window.origin.0 - self.origin.0, window.origin.1 - self.origin.1);
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let (stride, width) = (page.width() as usize * 4, part.width() as usize * 4);
        let rows = page.data_mut().chunks_exact_mut(stride).skip(y);
        for (row, from) in rows.zip(part.data().chunks_exact(width)) {
            if let Some(to) = row.get_mut(x * 4..x * 4 + width) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Starts to remember the extent of what is drawn.
    pub fn start_bounds(&mut self) {
        self.bounds = Some(Area::new(f32::MAX, f32::MAX, f32::MIN, f32::MIN));
    }

    /// The extent drawn since [`Canvas::start_bounds`], unclipped.
    pub fn take_bounds(&mut self) -> Area {
        self.bounds.take().unwrap_or(Area::new(0.0, 0.0, 0.0, 0.0))
    }

    /// Whether drawing has no effect at all.
    pub const fn is_idle(&self) -> bool {
        self.pixmap.is_none() && self.bounds.is_none()
    }

    /// Whether what is drawn next stands behind the figures: black and white styles tone it lighter.
    pub const fn set_far(&mut self, far: bool) {
        self.far = far;
    }

    /// Whether inks keep their colours.
    pub fn is_coloured(&self) -> bool {
        self.tones.style() == Style::ClearLine
    }

    /// An open line.
    pub fn line(&mut self, points: &[Point], ink: Ink, pen: f32) {
        self.extend(points, pen);
        if self.pixmap.is_some() {
            self.stroke(polyline(points, false), ink, pen);
        }
    }

    /// Several open lines with one pen: much faster than one by one.
    pub fn lines<L: AsRef<[Point]>>(&mut self, lines: &[L], ink: Ink, pen: f32) {
        lines.iter().for_each(|line| self.extend(line.as_ref(), pen));
        if self.pixmap.is_some() {
            let mut path = PathBuilder::new();
            lines.iter().for_each(|line| push_line(&mut path, line.as_ref()));
            self.stroke(path.finish(), ink, pen);
        }
    }

    /// Several smooth lines with one pen, each from its first point over two control points to its last.
    pub fn curves(&mut self, curves: &[[Point; 4]], ink: Ink, pen: f32) {
        curves.iter().for_each(|curve| self.extend(curve, pen));
        if self.pixmap.is_some() {
            let mut path = PathBuilder::new();
            for [a, b, c, d] in curves {
                path.move_to(a.0, a.1);
                path.cubic_to(b.0, b.1, c.0, c.1, d.0, d.1);
            }
            self.stroke(path.finish(), ink, pen);
        }
    }

    /// Several filled polygons that do not cover each other.
    pub fn polygons<P: AsRef<[Point]>>(&mut self, polygons: &[P], fill: Ink, pen: f32) {
        polygons.iter().for_each(|polygon| self.extend(polygon.as_ref(), pen));
        if self.pixmap.is_some() {
            let mut path = PathBuilder::new();
            for polygon in polygons {
                push_line(&mut path, polygon.as_ref());
                path.close();
            }
            self.fill(path.finish(), fill, pen);
        }
    }

    /// A smooth line from `a` over the control points `b`, `c` to `d`.
    pub fn curve(&mut self, curve: [Point; 4], ink: Ink, pen: f32) {
        self.curves(&[curve], ink, pen);
    }

    /// An axis-parallel ellipse around a centre; `pen` 0 draws no outline.
    pub fn ellipse(&mut self, c: Point, rx: f32, ry: f32, fill: Ink, pen: f32) {
        self.extend(&[(c.0 - rx, c.1 - ry), (c.0 + rx, c.1 + ry)], pen);
        if self.pixmap.is_some() {
            // A dark ellipse with a smaller one on it is what an outlined one looks like, at half the cost.
            let half = pen / 2.0;
            if pen > 0.0 {
                self.fill(oval(c, rx + half, ry + half), DARK, 0.0);
            }
            self.fill(oval(c, rx - half, ry - half), fill, 0.0);
        }
    }

    /// A filled polygon; `pen` 0 draws no outline.
    pub fn polygon(&mut self, points: &[Point], fill: Ink, pen: f32) {
        self.extend(points, pen);
        if self.pixmap.is_some() {
            self.fill(polyline(points, true), fill, pen);
        }
    }

    /// A filled round shape through the points; `pen` 0 draws no outline.
    pub fn blob(&mut self, points: &[Point], fill: Ink, pen: f32) {
        self.extend(points, pen);
        if self.pixmap.is_some() {
            self.fill(smooth(points), fill, pen);
        }
    }

    /// A filled rectangle with round ends; `pen` 0 draws no outline.
    pub fn capsule(&mut self, a: &Area, fill: Ink, pen: f32) {
        self.extend(&[(a.x1, a.y1), (a.x2, a.y2)], pen);
        if self.pixmap.is_some() {
            self.fill(round_ends(a), fill, pen);
        }
    }

    /// A filled rectangle; `pen` 0 draws no outline.
    pub fn rect(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, fill: Ink, pen: f32) {
        self.extend(&[(x1, y1), (x2, y2)], pen);
        let Some(board) = &mut self.pixmap else { return };
        if let (Fill::Tile(tile), true) = (self.tones.fill(fill, self.far), pen == 0.0) {
            tile_rect(board, self.origin, &Area::new(x1, y1, x2, y2), tile);
            return;
        }
        self.fill(polyline(&[(x1, y1), (x2, y1), (x2, y2), (x1, y2)], true), fill, pen);
    }

    /// The picture; blank where the board only measured.
    pub fn into_image(self, size: Size) -> RgbImage {
        let rgba = self.pixmap.map(Pixmap::take).unwrap_or_default();
        let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
        for pixel in rgba.chunks_exact(4) {
            if let [r, g, b, _] = pixel {
                rgb.extend_from_slice(&[*r, *g, *b]);
            }
        }
        RgbImage::from_raw(size.w, size.h, rgb).unwrap_or_else(|| RgbImage::new(size.w, size.h))
    }

    fn transform(&self) -> Transform {
        Transform::from_translate(-self.origin.0 as f32, -self.origin.1 as f32)
    }

    fn fill(&mut self, path: Option<Path>, fill: Ink, pen: f32) {
        let (transform, Some(path)) = (self.transform(), path) else { return };
        if let Some(board) = &mut self.pixmap {
            board.fill_path(&path, &self.tones.fill(fill, self.far).paint(), FillRule::Winding, transform, None);
        }
        if pen > 0.0 {
            self.stroke(Some(path), DARK, pen);
        }
    }

    fn stroke(&mut self, path: Option<Path>, ink: Ink, pen: f32) {
        let stroke = Stroke { width: pen, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        let transform = self.transform();
        if let (Some(board), Some(path)) = (&mut self.pixmap, path) {
            board.stroke_path(&path, &self.tones.line(ink, pen, self.far).paint(), &stroke, transform, None);
        }
    }

    fn extend(&mut self, points: &[Point], pen: f32) {
        if let Some(b) = &mut self.bounds {
            let half = pen / 2.0;
            for &(x, y) in points {
                b.x1 = b.x1.min(x - half);
                b.y1 = b.y1.min(y - half);
                b.x2 = b.x2.max(x + half);
                b.y2 = b.y2.max(y + half);
            }
        }
    }
}

/// Repeats a tile over whole pixels of the board: what a pattern shader does, but by copying.
fn tile_rect(board: &mut Pixmap, origin: (i32, i32), rect: &Area, tile: &Pixmap) {
    let (width, side) = (board.width() as usize, tile.width() as usize);
    let inside = |v: f32, from: i32, most: usize| ((v.round() as i32 - from).max(0) as usize).min(most);
    let (x1, x2) = (inside(rect.x1, origin.0, width), inside(rect.x2, origin.0, width));
    let height = board.height() as usize;
    let (y1, y2) = (inside(rect.y1, origin.1, height), inside(rect.y2, origin.1, height));
    let phase = |at: usize, from: i32| (at as i64 + i64::from(from)).rem_euclid(side as i64) as usize;
    let rows = board.data_mut().chunks_exact_mut(width * 4).enumerate();
    for (y, row) in rows.take(y2).skip(y1) {
        let inks =
            tile.data().chunks_exact(4).skip(phase(y, origin.1) * side).take(side).cycle().skip(phase(x1, origin.0));
        for (pixel, ink) in row.chunks_exact_mut(4).take(x2).skip(x1).zip(inks) {
            pixel.copy_from_slice(ink);
        }
    }
}

/// An ellipse; `None` where a radius is not positive.
fn oval(c: Point, rx: f32, ry: f32) -> Option<Path> {
    let positive = rx > 0.0 && ry > 0.0;
    let bounds = positive.then(|| Rect::from_ltrb(c.0 - rx, c.1 - ry, c.0 + rx, c.1 + ry)).flatten()?;
    PathBuilder::from_oval(bounds)
}

/// A line through the points, closed or not.
fn polyline(points: &[Point], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    push_line(&mut path, points);
    if closed {
        path.close();
    }
    path.finish()
}

fn push_line(path: &mut PathBuilder, points: &[Point]) {
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
}

/// A rectangle whose short sides are half circles.
fn round_ends(a: &Area) -> Option<Path> {
    // The share of the radius at which control points of a quarter circle lie.
    const QUARTER: f32 = 0.552_284_8;
    let r = (a.h() / 2.0).min(a.w() / 2.0);
    let k = r * QUARTER;
    let mut path = PathBuilder::new();
    path.move_to(a.x1 + r, a.y1);
    path.line_to(a.x2 - r, a.y1);
    path.cubic_to(a.x2 - r + k, a.y1, a.x2, a.y1 + r - k, a.x2, a.y1 + r);
    path.cubic_to(a.x2, a.y2 - r + k, a.x2 - r + k, a.y2, a.x2 - r, a.y2);
    path.line_to(a.x1 + r, a.y2);
    path.cubic_to(a.x1 + r - k, a.y2, a.x1, a.y2 - r + k, a.x1, a.y2 - r);
    path.cubic_to(a.x1, a.y1 + r - k, a.x1 + r - k, a.y1, a.x1 + r, a.y1);
    path.close();
    path.finish()
}

/// A closed smooth line through the points (Catmull-Rom).
fn smooth(points: &[Point]) -> Option<Path> {
    let n = points.len();
    let at = |i: usize| points.get(i % n.max(1)).copied();
    let mut path = PathBuilder::new();
    let first = at(0)?;
    path.move_to(first.0, first.1);
    for i in 0..n {
        let (a, b, c, d) = (at(i + n - 1)?, at(i)?, at(i + 1)?, at(i + 2)?);
        let (u, v) = ((c.0 - a.0, c.1 - a.1), (d.0 - b.0, d.1 - b.1));
        path.cubic_to(b.0 + u.0 / 6.0, b.1 + u.1 / 6.0, c.0 - v.0 / 6.0, c.1 - v.1 / 6.0, c.0, c.1);
    }
    path.close();
    path.finish()
}
