//! Charts as a picture.

use image::{ImageFormat, RgbImage};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use super::board::{Anchor, At, Board, Colour, Frame, Lettering, Pen};
use super::letters::{Part, letter, width};

/// How far the four arms of a quarter circle's curve reach, in radii.
const ROUND: f32 = 0.552;

/// A picture that is being drawn.
#[derive(Debug)]
pub struct PngBoard {
    pixmap: Pixmap,
    scale: f32,
}

impl PngBoard {
    /// A page of this size, each of its pixels drawn as `scale` by `scale`; none where there is no memory for it.
    pub fn new(width: f32, height: f32, scale: f32) -> Option<Self> {
        let pixmap = Pixmap::new((width * scale).ceil() as u32, (height * scale).ceil() as u32)?;
        Some(Self { pixmap, scale })
    }

    /// Puts a picture into a box, scaled to it.
    pub fn image(&mut self, frame: Frame, pixels: &RgbImage) {
        let side = |length: f32| (length * self.scale).round().max(1.0) as u32;
        let scaled =
            image::imageops::resize(pixels, side(frame.w), side(frame.h), image::imageops::FilterType::CatmullRom);
        let Some(size) = tiny_skia::IntSize::from_wh(scaled.width(), scaled.height()) else { return };
        let data = scaled.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2], 255]).collect();
        let Some(source) = Pixmap::from_vec(data, size) else { return };
        let at = |edge: f32| (edge * self.scale).round() as i32;
        let paint = tiny_skia::PixmapPaint::default();
        self.pixmap.draw_pixmap(at(frame.x), at(frame.y), source.as_ref(), &paint, Transform::identity(), None);
    }

    /// The picture as pixels.
    pub fn pixels(&self) -> RgbImage {
        let (w, h) = (self.pixmap.width(), self.pixmap.height());
        let pixels = self.pixmap.pixels();
        RgbImage::from_fn(w, h, |x, y| {
            let pixel = pixels.get((y * w + x) as usize).map(|pixel| pixel.demultiply());
            image::Rgb(pixel.map_or([255; 3], |p| [p.red(), p.green(), p.blue()]))
        })
    }

    /// The picture as a PNG file.
    pub fn finish(&self) -> Option<Vec<u8>> {
        let mut file = std::io::Cursor::new(Vec::new());
        self.pixels().write_to(&mut file, ImageFormat::Png).ok()?;
        Some(file.into_inner())
    }

    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour, opacity: f32) {
        let transform = self.transform();
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(colour, opacity), FillRule::Winding, transform, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, pen: Pen) {
        let transform = self.transform();
        let line_cap = if pen.dash.is_some() { LineCap::Butt } else { LineCap::Round };
        let dash = pen.dash.and_then(|(dash, gap)| StrokeDash::new(vec![dash, gap], 0.0));
        let stroke = Stroke { width: pen.width, line_cap, line_join: LineJoin::Round, dash, ..Stroke::default() };
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(pen.colour, pen.opacity), &stroke, transform, None);
        }
    }
}

impl Board for PngBoard {
    fn rect(&mut self, frame: Frame, fill: Colour, edge: Option<Colour>, radius: f32) {
        self.fill(rounded(frame, radius), fill, 1.0);
        if let Some(edge) = edge {
            self.stroke(rounded(frame, radius), Pen::new(edge, 1.0));
        }
    }

    fn line(&mut self, points: &[At], pen: Pen) {
        self.stroke(through(points, false), pen);
    }

    fn area(&mut self, points: &[At], colour: Colour, opacity: f32) {
        self.fill(through(points, true), colour, opacity);
    }

    fn dot(&mut self, at: At, radius: f32, colour: Colour) {
        self.fill(PathBuilder::from_circle(at.0, at.1, radius), colour, 1.0);
    }

    fn text(&mut self, at: At, text: &str, how: Lettering) {
        let text = crate::text::one_line(text);
        let back = match how.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
        let mut x = at.0 - back * width(&text, how.size, how.bold);
        let mut path = PathBuilder::new();
        for letter in text.chars().filter_map(|c| letter(c, how.bold)) {
            outline(&mut path, &letter.outline, (x, at.1), how.size);
            x += letter.advance * how.size;
        }
        self.fill(path.finish(), how.colour, 1.0);
    }
}

fn paint(colour: Colour, opacity: f32) -> Paint<'static> {
    let [r, g, b] = colour;
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let alpha = (opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
    paint.set_color(Color::from_rgba8(r, g, b, alpha));
    paint
}

fn through(points: &[At], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first.0, first.1);
    rest.iter().for_each(|point| path.line_to(point.0, point.1));
    if closed {
        path.close();
    }
    path.finish()
}

fn outline(path: &mut PathBuilder, parts: &[Part], at: At, size: f32) {
    let place = |x: f32, y: f32| (at.0 + x * size, at.1 + y * size);
    for part in parts {
        match *part {
            Part::Move([x, y]) => {
                let (x, y) = place(x, y);
                path.move_to(x, y);
            }
            Part::Line([x, y]) => {
                let (x, y) = place(x, y);
                path.line_to(x, y);
            }
            Part::Bend([a, b, x, y]) => {
                let ((a, b), (x, y)) = (place(a, b), place(x, y));
                path.quad_to(a, b, x, y);
            }
            Part::Close => path.close(),
        }
    }
}

fn rounded(Frame { x, y, w, h }: Frame, radius: f32) -> Option<Path> {
    let r = radius.min(w / 2.0).min(h / 2.0);
    let (right, low, k) = (x + w, y + h, r * (1.0 - ROUND));
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - k, y, right, y + k, right, y + r);
    path.line_to(right, low - r);
    path.cubic_to(right, low - k, right - k, low, right - r, low);
    path.line_to(x + r, low);
    path.cubic_to(x + k, low, x, low - k, x, low - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + k, x + k, y, x + r, y);
    path.close();
    path.finish()
}
