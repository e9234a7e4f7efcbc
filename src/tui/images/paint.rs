//! From pixels and boxes to something a pane can draw.
//!
//! Boxes are painted after scaling, so that their lines are as thick on a small picture as on a large one and art under
//! them is not lost to cells.

use std::sync::Arc;

use image::imageops::FilterType;
use image::{DynamicImage, Rgb, RgbImage};
use ratatui::layout::Size;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;

use super::blocks::Blocks;
use super::caps::{Caps, Way};

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

/// A box to paint.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// `x1, y1, x2, y2` in the request's [`Request::space`].
    pub corners: [f64; 4],
    /// Colour of the line.
    pub color: [u8; 3],
    /// Number or letter at its corner.
    pub label: String,
    /// Dashed instead of drawn through.
    pub dashed: bool,
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
    /// Boxes.
    pub marks: Vec<Mark>,
    /// Colour around the boxes' lines.
    pub halo: [u8; 3],
}

impl PartialEq for Request {
    /// The same picture (by identity), room and boxes.
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
            && Arc::ptr_eq(&self.pixels, &other.pixels)
            && self.cells == other.cells
            && self.space == other.space
            && self.marks == other.marks
            && self.halo == other.halo
    }
}

/// A picture in the terminal's own terms.
#[derive(Clone)]
pub enum Art {
    /// Cells.
    Blocks(Blocks),
    /// Escape sequences.
    Protocol(Box<Protocol>),
}

/// A picture ready to be drawn.
#[derive(Clone)]
pub struct Painted {
    /// What it was made from.
    pub request: Request,
    /// Cells it takes.
    pub cells: (u16, u16),
    /// The picture, or why there is none.
    pub art: Result<Art, String>,
    /// Numbers to write over block characters: column, row, text, colour.
    pub labels: Vec<(u16, u16, String, [u8; 3])>,
}

/// Scales, paints and encodes. `id` names the picture to kitty.
pub fn paint(request: &Request, caps: &Caps, id: u32) -> Painted {
    let source = request.pixels.dimensions();
    let (cells, pixels) = fit(source, request.cells, caps);
    let mut painted = Painted { request: request.clone(), cells, art: Err(String::new()), labels: Vec::new() };
    if cells.0 == 0 || cells.1 == 0 || source.0 == 0 || source.1 == 0 || caps.way == Way::None {
        painted.art = Err("no room for a picture".to_owned());
        return painted;
    }
    let mut picture = scale(&request.pixels, pixels);
    let blocks = caps.way == Way::Blocks;
    for mark in &request.marks {
        paint_mark(&mut picture, request.space, mark, request.halo, caps);
    }
    if blocks {
        painted.labels = request.marks.iter().map(|m| text_label(m, request.space, cells)).collect();
        painted.art = Ok(Art::Blocks(Blocks::encode(&picture, cells.0, cells.1)));
        return painted;
    }
    painted.art = encode(picture, cells, caps, id).map(|p| Art::Protocol(Box::new(p)));
    painted
}

/// The picture as pixels, scaled and with its boxes, as a terminal with graphics would get it.
pub fn picture_of(request: &Request, caps: &Caps) -> RgbImage {
    let (_, pixels) = fit(request.pixels.dimensions(), request.cells, caps);
    let mut picture = scale(&request.pixels, pixels);
    for mark in &request.marks {
        paint_mark(&mut picture, request.space, mark, request.halo, caps);
    }
    picture
}

fn encode(picture: RgbImage, cells: (u16, u16), caps: &Caps, id: u32) -> Result<Protocol, String> {
    let (picture, size) = (DynamicImage::ImageRgb8(picture), Size::new(cells.0, cells.1));
    let made = match caps.way {
        Way::Kitty => Kitty::new(picture, size, id, caps.tmux, caps.compress, false).map(Protocol::Kitty),
        Way::Iterm2 => Iterm2::new(picture, size, caps.tmux).map(Protocol::ITerm2),
        Way::Sixel | Way::Blocks | Way::None => Sixel::new(picture, size, caps.tmux).map(Protocol::Sixel),
    };
    made.map_err(|e| e.to_string())
}

/// Cells and pixels of a picture that keeps its shape inside so many cells. Small pictures grow, at most eightfold.
fn fit(source: (u32, u32), room: (u16, u16), caps: &Caps) -> ((u16, u16), (u32, u32)) {
    let (cw, chh) = (f64::from(caps.cell.0.max(1)), f64::from(caps.cell.1.max(1)));
    let (sw, sh) = (f64::from(source.0.max(1)), f64::from(source.1.max(1)));
    let scale = (f64::from(room.0) * cw / sw).min(f64::from(room.1) * chh / sh);
    let scale = if caps.way == Way::Blocks { scale } else { scale.min(8.0) };
    let (w, h) = (sw * scale, sh * scale);
    if caps.way == Way::Blocks {
        let columns = ((w / cw).round() as u16).clamp(room.0.min(1), room.0);
        let rows = ((h / chh).round() as u16).clamp(room.1.min(1), room.1);
        return ((columns, rows), (u32::from(columns) * 2, u32::from(rows) * 2));
    }
    let (w, h) = ((w.floor() as u32).max(1), (h.floor() as u32).max(1));
    let columns = (f64::from(w) / cw).ceil() as u16;
    let rows = (f64::from(h) / chh).ceil() as u16;
    ((columns.min(room.0), rows.min(room.1)), (w, h))
}

/// Scales with a bicubic filter; a very large picture is first averaged down, which costs a fraction and shows no difference.
fn scale(source: &RgbImage, (w, h): (u32, u32)) -> RgbImage {
    let (sw, sh) = source.dimensions();
    if sw / w.max(1) >= 6 && sh / h.max(1) >= 6 {
        let small = image::imageops::thumbnail(source, w * 3, h * 3);
        return image::imageops::resize(&small, w, h, FilterType::CatmullRom);
    }
    image::imageops::resize(source, w, h, FilterType::CatmullRom)
}

/// A box's edges in the scaled picture, clamped to it and never empty.
fn scaled(mark: &Mark, source: (u32, u32), target: (u32, u32)) -> [i64; 4] {
    let [x1, y1, x2, y2] = mark.corners;
    let place = |v: f64, from: u32, to: u32| {
        let v = v / f64::from(from.max(1)) * f64::from(to);
        if v.is_finite() { (v.round().clamp(0.0, f64::from(to)) as i64).min(i64::from(to) - 1) } else { 0 }
    };
    let (a, b) = (place(x1, source.0, target.0), place(y1, source.1, target.1));
    let (c, d) = (place(x2, source.0, target.0), place(y2, source.1, target.1));
    [a.min(c), b.min(d), a.max(c), b.max(d)]
}

fn paint_mark(picture: &mut RgbImage, source: (u32, u32), mark: &Mark, halo: [u8; 3], caps: &Caps) {
    let edges = scaled(mark, source, picture.dimensions());
    if caps.way == Way::Blocks {
        // A quarter of a cell is already a thick line.
        frame(picture, edges, 0, 1, mark.color, dash(mark, 3));
        return;
    }
    frame(picture, edges, -1, 4, halo, dash(mark, 12));
    frame(picture, edges, 0, 2, mark.color, dash(mark, 12));
    let size = i64::from(caps.cell.1 / 5).clamp(2, 5);
    badge(picture, (edges[0], edges[1]), mark, size);
}

fn dash(mark: &Mark, length: i64) -> Option<i64> {
    mark.dashed.then_some(length)
}

fn set(picture: &mut RgbImage, x: i64, y: i64, color: [u8; 3]) {
    if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
        && let Some(pixel) = picture.get_pixel_mut_checked(x, y)
    {
        *pixel = Rgb(color);
    }
}

/// Paints `thickness` lines around a box, from `inset` pixels inside its edges on inwards.
fn frame(
    picture: &mut RgbImage,
    [x1, y1, x2, y2]: [i64; 4],
    inset: i64,
    thickness: i64,
    color: [u8; 3],
    dash: Option<i64>,
) {
    let on = |along: i64| dash.is_none_or(|length| along.rem_euclid(2 * length) < length);
    for i in inset..inset + thickness {
        for x in x1 + inset..=x2 - inset {
            if on(x - x1) {
                set(picture, x, y1 + i, color);
                set(picture, x, y2 - i, color);
            }
        }
        for y in y1 + inset..=y2 - inset {
            if on(y - y1) {
                set(picture, x1 + i, y, color);
                set(picture, x2 - i, y, color);
            }
        }
    }
}

/// Digits and the letter T, three bits a row, top to bottom.
const FONT: [(char, [u8; 5]); 11] = [
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
    ('T', [7, 2, 2, 2, 2]),
];

/// Paints the label on a patch of the box's colour at its corner.
fn badge(picture: &mut RgbImage, (x, y): (i64, i64), mark: &Mark, size: i64) {
    let count = mark.label.chars().count() as i64;
    for dy in 0..7 * size {
        for dx in 0..(4 * count + 1) * size {
            set(picture, x + dx, y + dy, mark.color);
        }
    }
    let ink = contrast(mark.color);
    for (i, c) in mark.label.chars().enumerate() {
        let Some((_, rows)) = FONT.iter().find(|(known, _)| *known == c) else { continue };
        let left = x + (4 * i as i64 + 1) * size;
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..3i64).filter(|column| bits >> (2 - column) & 1 == 1) {
                for (dx, dy) in (0..size * size).map(|k| (k % size, k / size)) {
                    set(picture, left + column * size + dx, y + (row as i64 + 1) * size + dy, ink);
                }
            }
        }
    }
}

/// Black or white, whichever is easier to read on a colour.
pub fn contrast([r, g, b]: [u8; 3]) -> [u8; 3] {
    let luma = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    if luma > 140_000 { [0; 3] } else { [255; 3] }
}

/// Where a label is written over block characters.
fn text_label(mark: &Mark, source: (u32, u32), cells: (u16, u16)) -> (u16, u16, String, [u8; 3]) {
    let [x, y, ..] = scaled(mark, source, (u32::from(cells.0) * 2, u32::from(cells.1) * 2));
    let cell = |v: i64, most: u16| u16::try_from(v / 2).unwrap_or(0).min(most.saturating_sub(1));
    (cell(x, cells.0), cell(y, cells.1), mark.label.clone(), mark.color)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::tui::theme::ColorDepth;
    use proptest::prelude::*;

    fn request(w: u32, h: u32, cells: (u16, u16), corners: [f64; 4], dashed: bool) -> Request {
        let mark = Mark { corners, color: [255, 0, 0], label: "1".to_owned(), dashed };
        let pixels = Arc::new(RgbImage::from_pixel(w, h, Rgb([200, 200, 200])));
        Request { slot: Slot::Page, pixels, cells, space: (w, h), marks: vec![mark], halo: [0, 0, 0] }
    }

    fn caps(way: Way) -> Caps {
        Caps { way, ..Caps::blocks(ColorDepth::True) }
    }

    #[test]
    fn a_picture_keeps_its_shape() {
        let blocks = caps(Way::Blocks);
        assert_eq!(fit((400, 400), (40, 40), &blocks).0, (40, 20));
        assert_eq!(fit((200, 400), (40, 20), &blocks), ((20, 20), (40, 40)));
        let kitty = caps(Way::Kitty);
        assert_eq!(fit((400, 400), (40, 40), &kitty), ((40, 20), (400, 400)));
        assert_eq!(fit((10, 10), (40, 40), &kitty).1, (80, 80));
    }

    #[test]
    fn lines_are_two_pixels_with_a_halo_and_a_number() {
        let mut picture = RgbImage::from_pixel(200, 200, Rgb([200, 200, 200]));
        let mark = Mark { corners: [20.0, 40.0, 180.0, 160.0], color: [255, 0, 0], label: "7".into(), dashed: false };
        paint_mark(&mut picture, (200, 200), &mark, [0, 0, 0], &caps(Way::Kitty));
        let column: Vec<[u8; 3]> = (38..45).map(|y| picture.get_pixel(100, y).0).collect();
        let (grey, halo, red) = ([200; 3], [0; 3], [255, 0, 0]);
        assert_eq!(column, [grey, halo, red, red, halo, grey, grey]);
        // The badge: a patch of the box's colour with dark or light strokes on it.
        assert_eq!(picture.get_pixel(20, 40).0, red);
        assert_eq!(picture.get_pixel(20 + 5, 40 + 5).0, contrast(red));
    }

    #[test]
    fn dashes_leave_gaps() {
        let mut picture = RgbImage::from_pixel(200, 200, Rgb([200, 200, 200]));
        let mark = Mark { corners: [0.0, 100.0, 200.0, 199.0], color: [0, 255, 0], label: String::new(), dashed: true };
        paint_mark(&mut picture, (200, 200), &mark, [0, 0, 0], &caps(Way::Kitty));
        let green = (20..180).filter(|x| picture.get_pixel(*x, 100).0 == [0, 255, 0]).count();
        assert!((60..110).contains(&green), "{green}");
    }

    proptest! {
        #[test]
        fn any_box_and_any_room_is_painted(
            w in 1u32..60, h in 1u32..60, cw in 0u16..30, ch in 0u16..30,
            a in prop::num::f64::ANY, b in -50f64..90.0, c in -1e300f64..1e300, d in 0f64..60.0, dashed: bool,
            way in prop::sample::select(vec![Way::Blocks, Way::Kitty, Way::Sixel, Way::Iterm2, Way::None]),
        ) {
            let painted = paint(&request(w, h, (cw, ch), [a, b, c, d], dashed), &caps(way), 7);
            prop_assert!(painted.cells.0 <= cw && painted.cells.1 <= ch);
            for (x, y, ..) in &painted.labels {
                prop_assert!(*x < painted.cells.0 && *y < painted.cells.1);
            }
        }
    }
}
