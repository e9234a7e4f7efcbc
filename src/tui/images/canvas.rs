//! Boxes, labels and the patch grid, painted onto pixels.
//!
//! Everything is painted after scaling, so that lines are as thick on a small picture as on a large one. What lies outside
//! the part that is seen is cut, not pushed to its edge: a box that goes on beyond the pane is open there.

use image::{Rgb, RgbImage, Rgba, RgbaImage};

use super::request::{Line, Mark, Seen, Wash};

/// Pixels that can be painted on.
pub(super) trait Canvas {
    /// Width and height.
    fn size(&self) -> (u32, u32);
    /// Paints a pixel that lies inside; `alpha` 255 covers what is there.
    fn put(&mut self, x: u32, y: u32, color: [u8; 3], alpha: u8);
}

fn mixed(under: [u8; 3], over: [u8; 3], alpha: u8) -> [u8; 3] {
    let a = u32::from(alpha);
    let mix = |u: u8, o: u8| ((u32::from(u) * (255 - a) + u32::from(o) * a + 127) / 255) as u8;
    let ([a, b, c], [x, y, z]) = (under, over);
    [mix(a, x), mix(b, y), mix(c, z)]
}

impl Canvas for RgbImage {
    fn size(&self) -> (u32, u32) {
        self.dimensions()
    }

    fn put(&mut self, x: u32, y: u32, color: [u8; 3], alpha: u8) {
        if let Some(pixel) = self.get_pixel_mut_checked(x, y) {
            *pixel = Rgb(mixed(pixel.0, color, alpha));
        }
    }
}

impl Canvas for RgbaImage {
    fn size(&self) -> (u32, u32) {
        self.dimensions()
    }

    fn put(&mut self, x: u32, y: u32, color: [u8; 3], alpha: u8) {
        if let Some(pixel) = self.get_pixel_mut_checked(x, y) {
            let [r, g, b, there] = pixel.0;
            // Lines cross, they do not add up: over a line that is there, the stronger one wins.
            let [r, g, b] = if there == 0 { color } else { mixed([r, g, b], color, alpha) };
            *pixel = Rgba([r, g, b, there.max(alpha)]);
        }
    }
}

/// The part of a picture that is seen, and what one line is on these pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    /// `x1, y1, x2, y2` of what is seen, in the boxes' numbers.
    pub source: [f64; 4],
    /// Whole width and height in the boxes' numbers.
    pub space: (u32, u32),
    /// Quarters of a cell instead of pixels of the screen.
    pub coarse: bool,
    /// Side of a dot of a label, in pixels.
    pub dot: i64,
    /// Colour around lines.
    pub halo: [u8; 3],
}

/// Farther out than this no line is drawn; keeps hostile numbers small.
const FAR: f64 = 1e6;

impl Ground {
    /// A box's first and last pixels across and down, also outside the canvas; `None` when none of it is on it.
    pub fn edges(&self, corners: [f64; 4], (w, h): (u32, u32)) -> Option<[i64; 4]> {
        let [x1, y1, x2, y2] = self.source;
        let place = |v: f64, from: f64, to: f64, pixels: u32| {
            let at = (v - from) / (to - from) * f64::from(pixels);
            if at.is_finite() { at.round().clamp(-FAR, FAR) as i64 } else { 0 }
        };
        let across = [corners[0], corners[2]].map(|v| place(v, x1, x2, w));
        let down = [corners[1], corners[3]].map(|v| place(v, y1, y2, h));
        let ends = |[a, b]: [i64; 2]| (a.min(b), (a.max(b) - 1).max(a.min(b)));
        let ((left, right), (top, bottom)) = (ends(across), ends(down));
        let on = right >= 0 && bottom >= 0 && left < i64::from(w) && top < i64::from(h);
        on.then_some([left, top, right, bottom])
    }

    /// Where a label of this size stands: at the box's corner, or at the edge of what is seen.
    pub fn label_at(&self, edges: [i64; 4], (w, h): (u32, u32), label: (i64, i64)) -> (i64, i64) {
        let keep = |at: i64, side: u32, length: i64| at.min(i64::from(side) - length).max(0);
        (keep(edges[0], w, label.0), keep(edges[1], h, label.1))
    }

    /// Paints a box with its label.
    pub fn mark(&self, canvas: &mut impl Canvas, mark: &Mark) {
        let Some(edges) = self.edges(mark.corners, canvas.size()) else { return };
        let dash = |length: i64| (mark.line == Line::Dashed).then_some(length);
        if self.coarse {
            // A quarter of a cell is already a thick line; labels are written as text.
            frame(canvas, edges, 0, 1, mark.color, dash(3));
        } else {
            let thick = if mark.line == Line::Edit { 3 } else { 2 };
            frame(canvas, edges, -1, thick + 2, self.halo, dash(12));
            frame(canvas, edges, 0, thick, mark.color, dash(12));
        }
        if mark.line == Line::Edit {
            self.handles(canvas, edges, mark.color);
        }
        if !self.coarse {
            let size = badge_size(&mark.label, self.dot);
            badge(canvas, self.label_at(edges, canvas.size(), size), mark, self.dot);
        }
    }

    /// Lays a heat map over what is seen.
    pub fn wash(&self, canvas: &mut impl Canvas, wash: &Wash) {
        let (w, h) = canvas.size();
        let [x1, y1, x2, y2] = self.source;
        let share = |i: u32, pixels: u32, from: f64, to: f64, all: u32| {
            (from + (f64::from(i) + 0.5) / f64::from(pixels.max(1)) * (to - from)) / f64::from(all.max(1))
        };
        for y in 0..h {
            let down = share(y, h, y1, y2, self.space.1);
            for x in 0..w {
                let (color, alpha) = Wash::paint_of(wash.level(share(x, w, x1, x2, self.space.0), down));
                if alpha > 0 {
                    canvas.put(x, y, color, alpha);
                }
            }
        }
    }

    /// Little squares at the corners and in the middle of the edges.
    fn handles(&self, canvas: &mut impl Canvas, [x1, y1, x2, y2]: [i64; 4], color: [u8; 3]) {
        let (mx, my) = (i64::midpoint(x1, x2), i64::midpoint(y1, y2));
        let places = [(x1, y1), (mx, y1), (x2, y1), (x1, my), (x2, my), (x1, y2), (mx, y2), (x2, y2)];
        let half = if self.coarse { 0 } else { 2 * self.dot };
        for (x, y) in places {
            if !self.coarse {
                fill(canvas, (x - half - 1, y - half - 1), 2 * half + 3, 2 * half + 3, self.halo);
            }
            fill(canvas, (x - half, y - half), 2 * half + 1, 2 * half + 1, contrast(color));
        }
    }

    /// Paints the patches' grid, the windows' lines stronger; lines that would stand closer than can be told apart are left
    /// out.
    pub fn grid(&self, canvas: &mut impl Canvas, seen: Seen) {
        let (w, h) = canvas.size();
        let [x1, y1, x2, y2] = self.source;
        let unit = |all: u32, of: u32| f64::from(seen.patch) / f64::from(of.max(1)) * f64::from(all);
        let (px, py) = (unit(self.space.0, seen.size.0), unit(self.space.1, seen.size.1));
        let apart = (px / (x2 - x1) * f64::from(w)).min(py / (y2 - y1) * f64::from(h));
        // Small cells mean few pixels to the inch.
        let thin = if self.dot >= 5 { 2 } else { 1 };
        let (thin, thick) = if self.coarse { (1, 1) } else { (thin, thin + 1) };
        let passes = [(1.0, FINE, thin), (f64::from(Seen::WINDOW), STRONG, thick)];
        for (patches, alpha, thick) in passes {
            if apart.is_nan() || apart * patches < LEGIBLE {
                continue;
            }
            for x in lines(x1, x2, px * patches, w) {
                fill_mixed(canvas, (x, 0), thick, i64::from(h), alpha);
            }
            for y in lines(y1, y2, py * patches, h) {
                fill_mixed(canvas, (0, y), i64::from(w), thick, alpha);
            }
        }
    }
}

/// Pixels that grid lines must be apart.
const LEGIBLE: f64 = 4.0;
/// How strong a patch's line is, and a window's.
const FINE: u8 = 130;
const STRONG: u8 = 230;
/// Colour of the grid: rare in print, and seen on white and on black.
const GRID: [u8; 3] = [0, 150, 255];

/// Pixels at which multiples of `step` between `from` and `to` lie; both ends of the picture itself are left to its edge.
fn lines(from: f64, to: f64, step: f64, pixels: u32) -> impl Iterator<Item = i64> {
    let first = (from / step).floor().max(0.0) as i64 + 1;
    (first..).map(move |k| k as f64 * step).take_while(move |at| *at < to).take(pixels as usize).map(move |at| {
        let at = (at - from) / (to - from) * f64::from(pixels);
        at.round().clamp(-FAR, FAR) as i64
    })
}

/// The cells of `from..=to` that lie on a side of this length.
fn visible(from: i64, to: i64, side: u32) -> impl Iterator<Item = i64> {
    from.max(0)..=to.min(i64::from(side) - 1)
}

fn set(canvas: &mut impl Canvas, x: i64, y: i64, color: [u8; 3]) {
    blend(canvas, x, y, color, 255);
}

fn blend(canvas: &mut impl Canvas, x: i64, y: i64, color: [u8; 3], alpha: u8) {
    if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) {
        canvas.put(x, y, color, alpha);
    }
}

fn fill(canvas: &mut impl Canvas, (x, y): (i64, i64), w: i64, h: i64, color: [u8; 3]) {
    for dy in 0..h {
        for dx in 0..w {
            set(canvas, x + dx, y + dy, color);
        }
    }
}

fn fill_mixed(canvas: &mut impl Canvas, (x, y): (i64, i64), w: i64, h: i64, alpha: u8) {
    for dy in 0..h {
        for dx in 0..w {
            blend(canvas, x + dx, y + dy, GRID, alpha);
        }
    }
}

/// Paints `thickness` lines around a box, from `inset` pixels inside its edges on inwards.
pub(super) fn frame(
    canvas: &mut impl Canvas,
    [x1, y1, x2, y2]: [i64; 4],
    inset: i64,
    thickness: i64,
    color: [u8; 3],
    dash: Option<i64>,
) {
    let (w, h) = canvas.size();
    let on = |along: i64| dash.is_none_or(|length| along.rem_euclid(2 * length) < length);
    for i in inset..inset + thickness {
        for x in visible(x1 + inset, x2 - inset, w).filter(|x| on(x - x1)) {
            set(canvas, x, y1 + i, color);
            set(canvas, x, y2 - i, color);
        }
        for y in visible(y1 + inset, y2 - inset, h).filter(|y| on(y - y1)) {
            set(canvas, x1 + i, y, color);
            set(canvas, x2 - i, y, color);
        }
    }
}

/// Digits and the letters of labels, three bits a row, top to bottom.
const FONT: [(char, [u8; 5]); 14] = [
    ('0', [7, 5, 5, 5, 7]),
    ('1', [2, 6, 2, 2, 7]),
    ('2', [7, 1, 7, 4, 7]),
    ('3', [7, 1, 3, 1, 7]),
    ('4', [5, 5, 7, 1, 1]),
    ('5', [7, 4, 7, 1, 7]),
    ('6', [7, 4, 7, 5, 7]),
    ('7', [7, 1, 2, 2, 2]),
    ('8', [7, 5, 7, 5, 7]),
    ('9', [7, 5, 7, 1, 7]),
    ('D', [6, 5, 5, 5, 6]),
    ('E', [7, 4, 7, 4, 7]),
    ('I', [7, 2, 2, 2, 7]),
    ('T', [7, 2, 2, 2, 2]),
];

fn badge_size(label: &str, dot: i64) -> (i64, i64) {
    ((4 * label.chars().count() as i64 + 1) * dot, 7 * dot)
}

/// Paints the label on a patch of the box's colour.
fn badge(canvas: &mut impl Canvas, (x, y): (i64, i64), mark: &Mark, dot: i64) {
    if mark.label.is_empty() {
        return;
    }
    let (w, h) = badge_size(&mark.label, dot);
    fill(canvas, (x, y), w, h, mark.color);
    let ink = contrast(mark.color);
    for (i, c) in mark.label.chars().enumerate() {
        let Some((_, rows)) = FONT.iter().find(|(known, _)| *known == c) else { continue };
        let left = x + (4 * i as i64 + 1) * dot;
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..3i64).filter(|column| bits >> (2 - column) & 1 == 1) {
                fill(canvas, (left + column * dot, y + (row as i64 + 1) * dot), dot, dot, ink);
            }
        }
    }
}

/// Black or white, whichever is easier to read on a colour.
pub fn contrast([r, g, b]: [u8; 3]) -> [u8; 3] {
    let luma = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    if luma > 140_000 { [0; 3] } else { [255; 3] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY: [u8; 3] = [200; 3];
    const RED: [u8; 3] = [255, 0, 0];

    fn picture() -> RgbImage {
        RgbImage::from_pixel(200, 200, Rgb(GREY))
    }

    fn ground(source: [f64; 4]) -> Ground {
        Ground { source, space: (200, 200), coarse: false, dot: 4, halo: [0; 3] }
    }

    fn mark(corners: [f64; 4], label: &str, line: Line) -> Mark {
        Mark { corners, color: RED, label: label.to_owned(), line }
    }

    #[test]
    fn lines_are_two_pixels_with_a_halo_and_a_number() {
        let mut picture = picture();
        ground([0.0, 0.0, 200.0, 200.0]).mark(&mut picture, &mark([20.0, 40.0, 180.0, 160.0], "7", Line::Solid));
        let column: Vec<[u8; 3]> = (38..45).map(|y| picture.get_pixel(100, y).0).collect();
        let halo = [0; 3];
        assert_eq!(column, [GREY, halo, RED, RED, halo, GREY, GREY]);
        // The badge: a patch of the box's colour with dark or light strokes on it.
        assert_eq!(picture.get_pixel(20, 40).0, RED);
        assert_eq!(picture.get_pixel(20 + 5, 40 + 5).0, contrast(RED));
        // The last pixels of the box are the last ones inside.
        assert_eq!([picture.get_pixel(179, 100).0, picture.get_pixel(180, 100).0], [RED, halo]);
    }

    #[test]
    fn dashes_leave_gaps() {
        let mut picture = picture();
        ground([0.0, 0.0, 200.0, 200.0]).mark(&mut picture, &mark([0.0, 100.0, 200.0, 199.0], "", Line::Dashed));
        let red = (20..180).filter(|x| picture.get_pixel(*x, 100).0 == RED).count();
        assert!((60..110).contains(&red), "{red}");
    }

    #[test]
    fn a_box_that_goes_on_beyond_what_is_seen_is_open_there() {
        let mut picture = picture();
        // The middle quarter of the page is seen, twice as large; the box begins in it and ends outside.
        ground([50.0, 50.0, 150.0, 150.0]).mark(&mut picture, &mark([100.0, 20.0, 190.0, 100.0], "7", Line::Solid));
        assert_eq!(picture.get_pixel(100, 60).0, RED, "its left edge");
        assert_eq!(picture.get_pixel(150, 99).0, RED, "its lower edge");
        assert_eq!(picture.get_pixel(199, 60).0, GREY, "nothing at the right end of what is seen");
        assert_eq!(picture.get_pixel(170, 0).0, GREY, "nor at the upper one");
        assert_eq!(picture.get_pixel(102, 1).0, RED, "the number stands where the box is first seen");
        let before = picture.clone();
        ground([50.0, 50.0, 150.0, 150.0]).mark(&mut picture, &mark([0.0, 0.0, 40.0, 40.0], "7", Line::Solid));
        assert_eq!(picture, before, "a box elsewhere leaves no trace");
    }

    #[test]
    fn a_box_in_the_making_has_handles() {
        let (mut solid, mut edited) = (picture(), picture());
        let whole = ground([0.0, 0.0, 200.0, 200.0]);
        whole.mark(&mut solid, &mark([60.0, 60.0, 160.0, 160.0], "", Line::Solid));
        whole.mark(&mut edited, &mark([60.0, 60.0, 160.0, 160.0], "", Line::Edit));
        let white = |p: &RgbImage| p.pixels().filter(|p| p.0 == contrast(RED)).count();
        assert_eq!(white(&solid), 0);
        assert_eq!(white(&edited), 8 * 17 * 17);
    }

    #[test]
    fn the_grid_has_patches_and_stronger_windows_and_none_when_too_small() {
        let seen = Seen { size: (112, 112), patch: 14 };
        let mut picture = picture();
        ground([0.0, 0.0, 200.0, 200.0]).grid(&mut picture, seen);
        let line = |x: u32| picture.get_pixel(x, 3).0;
        assert_eq!(line(25), mixed(GREY, GRID, FINE), "a patch is 25 pixels here");
        assert_eq!(line(100), mixed(mixed(GREY, GRID, FINE), GRID, STRONG), "a window is four patches");
        assert_eq!(line(12), GREY);
        let dense = Seen { size: (2000, 2000), patch: 14 };
        let mut tiny = RgbImage::from_pixel(200, 200, Rgb(GREY));
        ground([0.0, 0.0, 200.0, 200.0]).grid(&mut tiny, dense);
        assert_eq!(tiny.get_pixel(1, 3).0, GREY);
        assert_ne!(tiny.get_pixel(6, 3).0, GREY, "windows are left: 5.6 pixels");
        for seen in [Seen { size: (0, 0), patch: 0 }, Seen { size: (u32::MAX, 1), patch: 1 }] {
            let mut any = RgbImage::from_pixel(20, 20, Rgb(GREY));
            ground([0.0; 4]).grid(&mut any, seen);
            ground([0.0, 0.0, 200.0, 200.0]).grid(&mut any, seen);
        }
    }

    #[test]
    fn on_a_transparent_ground_only_lines_are_there() {
        let mut sheet = RgbaImage::new(200, 200);
        ground([0.0, 0.0, 200.0, 200.0]).mark(&mut sheet, &mark([20.0, 40.0, 180.0, 160.0], "", Line::Solid));
        assert_eq!(sheet.get_pixel(100, 41).0, [255, 0, 0, 255]);
        assert_eq!(sheet.get_pixel(100, 100).0, [0; 4]);
    }
}
