//! From a request to something a pane can draw: scaling, boxes, encoding.

use std::sync::Arc;

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage, RgbaImage};
use ratatui::layout::Size;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;

use super::blocks::Blocks;
use super::canvas::{Canvas, Ground};
use super::caps::{Caps, Way};
use super::kitty::{Direct, Effort, Sheet};
use super::request::{Mark, Request};
use super::sheets::Sheets;
use crate::model::processor::try_resize_bicubic;

/// A picture in the terminal's own terms.
#[derive(Clone)]
pub enum Art {
    /// Cells.
    Blocks(Blocks),
    /// Escape sequences in cells.
    Protocol(Box<Protocol>),
    /// Pixels the terminal keeps, and where they are placed.
    Direct(Direct),
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

/// The page as the processor makes it, and what it was made from.
struct Processed {
    of: Arc<RgbImage>,
    size: (u32, u32),
    made: Arc<RgbImage>,
}

/// Paints and remembers what the next picture may need again: the processed page, and pages in a terminal's form.
#[derive(Default)]
pub struct Painter {
    sheets: Sheets,
    processed: Option<Processed>,
}

/// Scales, paints and encodes once. `id` names the picture where kitty shows it through placeholders.
pub fn paint(request: &Request, caps: &Caps, id: u32) -> Painted {
    Painter::default().paint(request, caps, id)
}

/// The picture as pixels, scaled and with its boxes, as a terminal with graphics would get it.
pub fn picture_of(request: &Request, caps: &Caps) -> RgbImage {
    let plan = Plan::of(request, caps);
    let mut picture = plan.region(&Painter::default().base(request));
    plan.dress(request, caps, &mut picture);
    picture
}

/// The same in two layers: the picture without boxes, and the boxes, where there are some.
pub fn layers_of(request: &Request, caps: &Caps) -> (RgbImage, Option<RgbaImage>) {
    let plan = Plan::of(request, caps);
    let picture = plan.region(&Painter::default().base(request));
    let mut lines = RgbaImage::new(plan.pixels.0, plan.pixels.1);
    plan.dress(request, caps, &mut lines);
    let drawn = lines.pixels().any(|pixel| pixel.0 != [0; 4]);
    (picture, drawn.then_some(lines))
}

impl Painter {
    /// Scales, paints and encodes.
    pub fn paint(&mut self, request: &Request, caps: &Caps, id: u32) -> Painted {
        let source = request.pixels.dimensions();
        let plan = Plan::of(request, caps);
        let cells = plan.cells;
        let mut painted = Painted { request: request.clone(), cells, art: Err(String::new()), labels: Vec::new() };
        if cells.0 == 0 || cells.1 == 0 || source.0 == 0 || source.1 == 0 || caps.way == Way::None {
            painted.art = Err("no room for a picture".to_owned());
            return painted;
        }
        let base = self.base(request);
        if caps.way == Way::Kitty {
            painted.art = self.direct(request, caps, &plan, &base).map(Art::Direct);
            return painted;
        }
        let mut picture = plan.region(&base);
        plan.dress(request, caps, &mut picture);
        if caps.way == Way::Blocks {
            painted.labels = request.marks.iter().filter_map(|m| plan.text_label(m, request, caps)).collect();
            painted.art = Ok(Art::Blocks(Blocks::encode(&picture, cells.0, cells.1)));
            return painted;
        }
        painted.art = encode(picture, cells, caps, id).map(|p| Art::Protocol(Box::new(p)));
        painted
    }

    /// The picture that is shown: as it is, or as the processor makes it.
    fn base(&mut self, request: &Request) -> Base {
        let plain = Base { pixels: Arc::clone(&request.pixels), crisp: false };
        let Some(seen) = request.seen else { return plain };
        if let Some(Processed { of, size, made }) = &self.processed
            && Arc::ptr_eq(of, &request.pixels)
            && *size == seen.size
        {
            return Base { pixels: Arc::clone(made), crisp: true };
        }
        // A log may say any size; one that is too large is not made.
        let Ok(made) = try_resize_bicubic(&request.pixels, seen.size.0, seen.size.1) else { return plain };
        let made = Arc::new(made);
        self.processed = Some(Processed { of: Arc::clone(&request.pixels), size: seen.size, made: Arc::clone(&made) });
        Base { pixels: made, crisp: true }
    }

    /// Pixels for the terminal to keep, and boxes as a second picture above them.
    fn direct(&mut self, request: &Request, caps: &Caps, plan: &Plan, base: &Base) -> Result<Direct, String> {
        let [x1, y1, x2, y2] = plan.source;
        let shown = ((x2 - x1) / f64::from(request.space.0.max(1)), (y2 - y1) / f64::from(request.space.1.max(1)));
        let screen = (f64::from(plan.pixels.0) / shown.0, f64::from(plan.pixels.1) / shown.1);
        let sheet = self.sheets.get(&base.pixels, base.crisp, screen)?;
        let source = sheet.part(plan.source, request.space);
        let bare = request.seen.is_none()
            && request.wash.is_none()
            && request.marks.iter().all(|m| plan.ground(request, caps).edges(m.corners, plan.pixels).is_none());
        let overlay = if bare {
            None
        } else {
            let mut lines = RgbaImage::new(plan.pixels.0, plan.pixels.1);
            plan.dress(request, caps, &mut lines);
            Some(Arc::new(Sheet::new(&DynamicImage::ImageRgba8(lines), Effort::Much)?))
        };
        Ok(Direct { sheet, source, overlay })
    }
}

/// A picture and how it is enlarged.
struct Base {
    pixels: Arc<RgbImage>,
    /// Pixels of it stay squares.
    crisp: bool,
}

/// What part goes where.
struct Plan {
    /// In the boxes' numbers.
    source: [f64; 4],
    cells: (u16, u16),
    /// Pixels of the picture on the screen.
    pixels: (u32, u32),
    space: (u32, u32),
}

impl Plan {
    fn of(request: &Request, caps: &Caps) -> Self {
        let (w, h) = (f64::from(request.space.0), f64::from(request.space.1));
        let (source, cells) = match request.view {
            Some(view) => (view.source, (view.cells.0.min(request.cells.0), view.cells.1.min(request.cells.1))),
            None => ([0.0, 0.0, w, h], fit(request.pixels.dimensions(), request.cells, caps)),
        };
        let unit = if caps.way == Way::Blocks { (2, 2) } else { (caps.cell.0.max(1), caps.cell.1.max(1)) };
        let pixels = (u32::from(cells.0) * u32::from(unit.0), u32::from(cells.1) * u32::from(unit.1));
        Self { source, cells, pixels, space: request.space }
    }

    /// The part that is seen, in the picture's own pixels.
    fn within(&self, picture: &RgbImage) -> [f64; 4] {
        let (sx, sy) = (
            f64::from(picture.width()) / f64::from(self.space.0.max(1)),
            f64::from(picture.height()) / f64::from(self.space.1.max(1)),
        );
        let [x1, y1, x2, y2] = self.source;
        [x1 * sx, y1 * sy, x2 * sx, y2 * sy]
    }

    /// The part that is seen, at the size of the screen.
    fn region(&self, base: &Base) -> RgbImage {
        let picture = &*base.pixels;
        let [x1, y1, x2, y2] = self.within(picture);
        let (tw, th) = self.pixels;
        if base.crisp && f64::from(tw) >= 2.0 * (x2 - x1) {
            return squares(picture, [x1, y1, x2, y2], (tw, th));
        }
        let whole = |v: f64, most: u32| if v.is_finite() { v.round().clamp(0.0, f64::from(most)) as u32 } else { 0 };
        let (x, y) = (whole(x1, picture.width()), whole(y1, picture.height()));
        let (w, h) = (whole(x2, picture.width()).saturating_sub(x), whole(y2, picture.height()).saturating_sub(y));
        if (x, y, w, h) == (0, 0, picture.width(), picture.height()) {
            return scale(picture, (tw, th));
        }
        scale(&image::imageops::crop_imm(picture, x, y, w, h).to_image(), (tw, th))
    }

    fn ground(&self, request: &Request, caps: &Caps) -> Ground {
        let coarse = caps.way == Way::Blocks;
        let dot = i64::from(caps.cell.1 / 5).clamp(2, 5);
        Ground { source: self.source, space: self.space, coarse, dot, halo: request.halo }
    }

    /// Paints grid and boxes.
    fn dress(&self, request: &Request, caps: &Caps, canvas: &mut impl Canvas) {
        let ground = self.ground(request, caps);
        if let Some(wash) = &request.wash {
            ground.wash(canvas, wash);
        }
        if let Some(seen) = request.seen {
            ground.grid(canvas, seen);
        }
        for mark in &request.marks {
            ground.mark(canvas, mark);
        }
    }

    /// Where a label is written over block characters.
    fn text_label(&self, mark: &Mark, request: &Request, caps: &Caps) -> Option<(u16, u16, String, [u8; 3])> {
        let ground = self.ground(request, caps);
        let edges = ground.edges(mark.corners, self.pixels)?;
        let size = (2 * mark.label.chars().count() as i64, 2);
        let (x, y) = ground.label_at(edges, self.pixels, size);
        let cell = |v: i64, most: u16| u16::try_from(v / 2).unwrap_or(0).min(most.saturating_sub(1));
        Some((cell(x, self.cells.0), cell(y, self.cells.1), mark.label.clone(), mark.color))
    }
}

fn encode(picture: RgbImage, cells: (u16, u16), caps: &Caps, id: u32) -> Result<Protocol, String> {
    let (picture, size) = (DynamicImage::ImageRgb8(picture), Size::new(cells.0, cells.1));
    let made = match caps.way {
        Way::Kitty | Way::KittyPlaceholders => {
            Kitty::new(picture, size, id, caps.tmux, caps.compress, false).map(Protocol::Kitty)
        }
        Way::Iterm2 => Iterm2::new(picture, size, caps.tmux).map(|mut image| {
            image.data = drawn_at_once(image.data, "\x1b]1337");
            Protocol::ITerm2(image)
        }),
        Way::Sixel | Way::Blocks | Way::None => Sixel::new(picture, size, caps.tmux).map(|mut image| {
            image.data = drawn_at_once(image.data, "\x1bP");
            Protocol::Sixel(image)
        }),
    };
    made.map_err(|e| e.to_string())
}

/// Leaves out the clearing of the cells that comes before the picture: a picture fills its cells, so that nothing shows
/// through, and a new box would make the page flash. tmux's wrapping stays as it is.
fn drawn_at_once(data: String, picture: &str) -> String {
    match data.find(picture).filter(|_| !data.starts_with("\x1bPtmux;")) {
        Some(at) => data.get(at..).map(str::to_owned).unwrap_or(data),
        None => data,
    }
}

/// Cells of a picture that keeps its shape, up to half a cell, inside so many cells. Small pictures grow, at most eightfold
/// where pixels are pixels.
fn fit(source: (u32, u32), room: (u16, u16), caps: &Caps) -> (u16, u16) {
    let (cw, chh) = (f64::from(caps.cell.0.max(1)), f64::from(caps.cell.1.max(1)));
    let (sw, sh) = (f64::from(source.0.max(1)), f64::from(source.1.max(1)));
    let scale = (f64::from(room.0) * cw / sw).min(f64::from(room.1) * chh / sh);
    let scale = if caps.way == Way::Blocks { scale } else { scale.min(8.0) };
    let cells = |length: f64, cell: f64, room: u16| ((length * scale / cell).round() as u16).clamp(room.min(1), room);
    (cells(sw, cw, room.0), cells(sh, chh, room.1))
}

/// Scales with a bicubic filter; a very large picture is first averaged down, which costs a fraction and shows no difference.
pub(super) fn scale(source: &RgbImage, (w, h): (u32, u32)) -> RgbImage {
    let (sw, sh) = source.dimensions();
    if (sw, sh) == (w, h) {
        return source.clone();
    }
    if sw / w.max(1) >= 6 && sh / h.max(1) >= 6 {
        let small = image::imageops::thumbnail(source, w * 3, h * 3);
        return image::imageops::resize(&small, w, h, FilterType::CatmullRom);
    }
    image::imageops::resize(source, w, h, FilterType::CatmullRom)
}

/// Enlarges a part, its pixels as squares.
fn squares(picture: &RgbImage, [x1, y1, x2, y2]: [f64; 4], (w, h): (u32, u32)) -> RgbImage {
    let nearest = |i: u32, from: f64, to: f64, pixels: u32, most: u32| {
        let at = from + (f64::from(i) + 0.5) / f64::from(pixels) * (to - from);
        if at.is_finite() { at.clamp(0.0, f64::from(most.saturating_sub(1))) as u32 } else { 0 }
    };
    RgbImage::from_fn(w, h, |x, y| {
        let x = nearest(x, x1, x2, w, picture.width());
        let y = nearest(y, y1, y2, h, picture.height());
        picture.get_pixel_checked(x, y).copied().unwrap_or(image::Rgb([0; 3]))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::request::{Line, Seen, Slot, View};
    use super::*;
    use crate::tui::theme::ColorDepth;
    use image::Rgb;
    use proptest::prelude::*;

    fn request(w: u32, h: u32, cells: (u16, u16), corners: [f64; 4], line: Line) -> Request {
        let mark = Mark { corners, color: [255, 0, 0], label: "1".to_owned(), line };
        let pixels = Arc::new(RgbImage::from_pixel(w, h, Rgb([200, 200, 200])));
        Request { marks: vec![mark], ..Request::new(Slot::Page, pixels, cells) }
    }

    fn caps(way: Way) -> Caps {
        Caps { way, ..Caps::blocks(ColorDepth::True) }
    }

    #[test]
    fn a_picture_keeps_its_shape() {
        let blocks = caps(Way::Blocks);
        assert_eq!(fit((400, 400), (40, 40), &blocks), (40, 20));
        assert_eq!(fit((200, 400), (40, 20), &blocks), (20, 20));
        let sixel = caps(Way::Sixel);
        assert_eq!(fit((400, 400), (40, 40), &sixel), (40, 20));
        assert_eq!(fit((10, 10), (40, 40), &sixel), (8, 4), "eightfold: 80 pixels");
    }

    #[test]
    fn a_picture_is_drawn_over_the_one_before_without_clearing_it() {
        let request = request(40, 40, (4, 2), [1.0, 1.0, 9.0, 9.0], Line::Solid);
        for (way, start) in [(Way::Sixel, "\x1bP"), (Way::Iterm2, "\x1b]1337;")] {
            let data = match paint(&request, &caps(way), 1).art {
                Ok(Art::Protocol(protocol)) => match *protocol {
                    Protocol::Sixel(sixel) => sixel.data,
                    Protocol::ITerm2(image) => image.data,
                    _ => String::new(),
                },
                _ => String::new(),
            };
            assert!(data.starts_with(start) && !data.contains("X\x1b"), "{way:?}");
        }
        assert_eq!(
            drawn_at_once("\x1bPtmux;\x1b\x1b[3X\x1b\x1bPq".to_owned(), "\x1bP"),
            "\x1bPtmux;\x1b\x1b[3X\x1b\x1bPq"
        );
    }

    #[test]
    fn only_the_part_that_is_seen_is_painted() {
        let mut page = RgbImage::from_pixel(100, 100, Rgb([10; 3]));
        for (x, y) in (50..100).flat_map(|x| (0..50).map(move |y| (x, y))) {
            page.put_pixel(x, y, Rgb([250, 0, 0]));
        }
        let whole = Request::new(Slot::Page, Arc::new(page), (20, 10));
        let view = View { source: [50.0, 0.0, 100.0, 50.0], cells: (20, 10) };
        let part = picture_of(&Request { view: Some(view), ..whole.clone() }, &caps(Way::Sixel));
        assert_eq!(part.dimensions(), (200, 200));
        assert!(part.pixels().all(|p| p.0 == [250, 0, 0]));
        // A stand-in half as large as the page it stands for shows the same part.
        let halved = Request {
            pixels: Arc::new(scale(&whole.pixels, (50, 50))),
            space: (100, 100),
            view: Some(View { source: [60.0, 0.0, 100.0, 40.0], ..view }),
            ..whole
        };
        assert!(picture_of(&halved, &caps(Way::Sixel)).pixels().all(|p| p.0 == [250, 0, 0]));
    }

    #[test]
    fn the_processed_page_is_resized_once_and_its_pixels_stay_squares() {
        let page = RgbImage::from_fn(80, 80, |x, y| Rgb([if (x / 20 + y / 20) % 2 == 0 { 255 } else { 0 }; 3]));
        let base = Request::new(Slot::Page, Arc::new(page), (16, 8));
        let request = Request { seen: Some(Seen { size: (4, 4), patch: 28 }), ..base };
        let mut painter = Painter::default();
        let first = painter.base(&request).pixels;
        assert!(Arc::ptr_eq(&first, &painter.base(&request).pixels));
        let shown = picture_of(&request, &caps(Way::Sixel));
        assert_eq!(shown.dimensions(), (160, 160));
        assert_eq!(shown.get_pixel(1, 1), shown.get_pixel(38, 38), "forty screen pixels of one page pixel");
        let absurd = Request { seen: Some(Seen { size: (u32::MAX, u32::MAX), patch: 0 }), ..request };
        assert!(Arc::ptr_eq(&painter.base(&absurd).pixels, &absurd.pixels));
        assert!(painter.paint(&absurd, &caps(Way::Blocks), 1).art.is_ok());
    }

    proptest! {
        #[test]
        fn any_box_and_any_room_is_painted(
            w in 1u32..60, h in 1u32..60, cw in 0u16..30, ch in 0u16..30,
            a in prop::num::f64::ANY, b in -50f64..90.0, c in -1e300f64..1e300, d in 0f64..60.0,
            line in prop::sample::select(vec![Line::Solid, Line::Dashed, Line::Edit]),
            way in prop::sample::select(vec![
                Way::Blocks, Way::Kitty, Way::KittyPlaceholders, Way::Sixel, Way::Iterm2, Way::None,
            ]),
            seen in prop::option::of((0u32..200, 0u32..200, 0u32..40)),
            part in prop::option::of((-10f64..60.0, 0f64..60.0, 0u16..40, 0u16..40)),
        ) {
            let mut request = request(w, h, (cw, ch), [a, b, c, d], line);
            request.seen = seen.map(|(w, h, patch)| Seen { size: (w, h), patch });
            request.view = part.map(|(x, size, cols, rows)| View { source: [x, x, x + size, x + size], cells: (cols, rows) });
            let painted = paint(&request, &caps(way), 7);
            prop_assert!(painted.cells.0 <= cw && painted.cells.1 <= ch);
            for (x, y, ..) in &painted.labels {
                prop_assert!(*x < painted.cells.0 && *y < painted.cells.1);
            }
        }
    }
}
