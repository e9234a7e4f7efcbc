//! What each place shows and what it waits for.

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;
use ratatui_image::Image;
use std::cell::RefCell;
use std::io::{self, Write};

use super::canvas::contrast;
use super::caps::{Caps, Way};
use super::paint::{Art, Painted};
use super::request::{Request, Slot};
use super::stage::{Stage, Wish};

#[derive(Default)]
struct Place {
    wanted: Option<Request>,
    shown: Option<Painted>,
}

/// The pictures on screen.
pub struct Gallery {
    caps: Caps,
    page: Place,
    crop: Place,
    /// Areas drawn by escape sequences in cells, in the last frame and in this one.
    drawn: RefCell<(Vec<Rect>, Vec<Rect>)>,
    direct: RefCell<Placed>,
}

/// Pictures that stand over the cells instead of in them.
#[derive(Default)]
struct Placed {
    /// This frame's.
    wishes: Vec<Wish>,
    stage: Stage,
    /// The screen of the last frame.
    screen: Option<Rect>,
}

impl Gallery {
    /// An empty gallery.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            page: Place::default(),
            crop: Place::default(),
            drawn: RefCell::default(),
            direct: RefCell::default(),
        }
    }

    /// What the terminal can show.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// The terminal's cells have this size in pixels now; a terminal that does not say keeps what it had.
    pub fn set_cell(&mut self, width: u16, height: u16) {
        if width > 0 && height > 0 {
            self.caps.cell = (width, height);
        }
    }

    /// Takes what the panes want now and gives what has to be painted for it: only what changed.
    pub fn want(&mut self, wanted: Vec<Request>) -> Vec<Request> {
        let mut fresh = Vec::new();
        for slot in Slot::ALL {
            let request = wanted.iter().find(|r| r.slot == slot).cloned();
            let none = self.caps.way == Way::None;
            let place = self.place_mut(slot);
            if place.wanted == request || none {
                continue;
            }
            match &request {
                Some(request) => fresh.push(request.clone()),
                None => place.shown = None,
            }
            place.wanted = request;
        }
        fresh
    }

    /// Takes a picture that is ready. True when it is shown from now on.
    pub fn ready(&mut self, painted: Painted) -> bool {
        let place = self.place_mut(painted.request.slot);
        // What nobody wants any more (the session was closed meanwhile) is dropped; an older size of it is better than none.
        let Some(wanted) = &place.wanted else { return false };
        let same_picture = std::sync::Arc::ptr_eq(&wanted.pixels, &painted.request.pixels);
        if !same_picture && place.shown.is_some() && *wanted != painted.request {
            return false;
        }
        place.shown = Some(painted);
        true
    }

    /// Forgets what is shown, so that it is painted and sent again: after the terminal was resized or cleared.
    pub fn refresh(&mut self) {
        if !matches!(self.caps.way, Way::Blocks | Way::None) {
            self.page.wanted = None;
            self.crop.wanted = None;
        }
    }

    /// Whether a place waits for a picture.
    pub fn waits(&self) -> bool {
        [&self.page, &self.crop].into_iter().any(|p| match (&p.wanted, &p.shown) {
            (Some(wanted), Some(shown)) => *wanted != shown.request,
            (wanted, _) => wanted.is_some(),
        })
    }

    fn place(&self, slot: Slot) -> &Place {
        match slot {
            Slot::Page => &self.page,
            Slot::Crop => &self.crop,
        }
    }

    fn place_mut(&mut self, slot: Slot) -> &mut Place {
        match slot {
            Slot::Page => &mut self.page,
            Slot::Crop => &mut self.crop,
        }
    }

    /// Draws a place's picture in the middle of an area; `covered` says that something else will stand over it, and that
    /// pictures that live outside the cells must stay away. False when there is no picture.
    pub fn draw(&self, slot: Slot, area: Rect, covered: bool, buf: &mut Buffer) -> bool {
        let area = area.intersection(buf.area);
        let Some(Painted { cells, art: Ok(art), labels, .. }) = &self.place(slot).shown else { return false };
        if area.is_empty() {
            return true;
        }
        let at = centred(*cells, area);
        match art {
            Art::Blocks(blocks) => {
                blocks.draw(at, self.caps.depth, buf);
                self.draw_labels(labels, at, buf);
            }
            Art::Protocol(_) if covered => {}
            Art::Direct(direct) => {
                // The cells under it are blank, so that nothing stays there when it goes.
                for position in at.positions() {
                    if let Some(cell) = buf.cell_mut(position) {
                        cell.reset();
                    }
                }
                if !covered {
                    let wish = Wish { slot, area: at, art: direct.clone() };
                    self.direct.borrow_mut().wishes.push(wish);
                }
            }
            Art::Protocol(protocol) => {
                if cells.0 <= area.width && cells.1 <= area.height {
                    self.drawn.borrow_mut().1.push(at);
                }
                Image::new(protocol).allow_clipping(true).render(at, buf);
            }
        }
        true
    }

    fn draw_labels(&self, labels: &[(u16, u16, String, [u8; 3])], at: Rect, buf: &mut Buffer) {
        for (x, y, text, color) in labels {
            if *x >= at.width || *y >= at.height {
                continue;
            }
            let depth = self.caps.depth;
            let style =
                Style::new().fg(depth.pixel(contrast(*color))).bg(depth.pixel(*color)).add_modifier(Modifier::BOLD);
            buf.set_stringn(at.x + x, at.y + y, text, usize::from(at.width - x), style);
        }
    }

    /// Pictures that stand over the cells of the frame drawn last, with what they were made from; until [`Gallery::flush`].
    pub fn placed(&self) -> Vec<(Rect, Request)> {
        let wishes = &self.direct.borrow().wishes;
        let request = |wish: &Wish| self.place(wish.slot).shown.as_ref().map(|shown| shown.request.clone());
        wishes.iter().filter_map(|wish| request(wish).map(|request| (wish.area, request))).collect()
    }

    /// Forgets the pictures of the frame drawn last, which nobody sends.
    pub fn discard(&self) {
        self.direct.borrow_mut().wishes.clear();
    }

    /// Writes what stands over the cells and has changed: after the frame's cells, in the same synchronised update. Writes
    /// nothing when nothing changed.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn flush(&self, out: &mut impl Write) -> io::Result<()> {
        let mut placed = self.direct.borrow_mut();
        let wishes = std::mem::take(&mut placed.wishes);
        let said = placed.stage.bring(&wishes, |slot| self.place(slot).shown.is_some());
        out.write_all(said.as_bytes())
    }

    /// Ends a frame: cells under a picture that went away are written again even where they look unchanged, because a sixel or
    /// iTerm2 picture stays on the screen until something is printed over it.
    pub fn settle(&self, buf: &mut Buffer) {
        let mut placed = self.direct.borrow_mut();
        if placed.screen.replace(buf.area).is_some_and(|before| before != buf.area) {
            // A screen of another size was cleared, and with it the terminal's pictures.
            placed.stage.forget();
        }
        drop(placed);
        let mut drawn = self.drawn.borrow_mut();
        let now = std::mem::take(&mut drawn.1);
        let before = std::mem::replace(&mut drawn.0, now);
        for gone in before.iter().filter(|r| !drawn.0.contains(r)) {
            for position in gone.intersection(buf.area).positions() {
                if let Some(cell) = buf.cell_mut(position)
                    && cell.diff_option == CellDiffOption::None
                {
                    cell.set_diff_option(CellDiffOption::AlwaysUpdate);
                }
            }
        }
    }
}

fn centred((w, h): (u16, u16), area: Rect) -> Rect {
    let (w, h) = (w.min(area.width), h.min(area.height));
    Rect { x: area.x + (area.width - w) / 2, y: area.y + (area.height - h) / 2, width: w, height: h }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::paint::paint;
    use super::super::request::{Line, Mark};
    use super::*;
    use crate::tui::theme::ColorDepth;
    use image::RgbImage;
    use std::sync::Arc;

    fn request(pixels: &Arc<RgbImage>, cells: (u16, u16), boxes: usize) -> Request {
        let mark = Mark { corners: [1.0, 1.0, 9.0, 9.0], color: [255, 0, 0], label: "1".into(), line: Line::Solid };
        Request { marks: vec![mark; boxes], ..Request::new(Slot::Page, Arc::clone(pixels), cells) }
    }

    #[test]
    fn nothing_is_painted_twice_and_nothing_goes_blank() {
        let caps = Caps::blocks(ColorDepth::True);
        let pixels = Arc::new(RgbImage::from_pixel(32, 32, image::Rgb([10, 200, 10])));
        let mut gallery = Gallery::new(caps.clone());
        let fresh = gallery.want(vec![request(&pixels, (10, 5), 0)]);
        assert_eq!(fresh.len(), 1);
        assert!(gallery.want(vec![request(&pixels, (10, 5), 0)]).is_empty(), "the same again is not painted again");
        assert!(gallery.waits());
        assert!(gallery.ready(paint(fresh.first().unwrap(), &caps, 1)));
        assert!(!gallery.waits());

        // A new box: until it is painted the old picture is drawn.
        let fresh = gallery.want(vec![request(&pixels, (10, 5), 1)]);
        assert_eq!(fresh.len(), 1);
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 5));
        assert!(gallery.draw(Slot::Page, buf.area, false, &mut buf));
        assert!(buf.content().iter().any(|c| c.bg == ratatui::style::Color::Rgb(10, 200, 10)));

        assert!(gallery.want(Vec::new()).is_empty());
        assert!(!gallery.draw(Slot::Page, buf.area, false, &mut buf), "a closed session's page is gone");
    }

    #[test]
    fn sixel_leaves_no_remains_under_a_popup() {
        let caps = Caps { way: Way::Sixel, ..Caps::blocks(ColorDepth::True) };
        let pixels = Arc::new(RgbImage::from_pixel(40, 40, image::Rgb([10, 200, 10])));
        let mut gallery = Gallery::new(caps.clone());
        let fresh = gallery.want(vec![request(&pixels, (8, 4), 0)]);
        gallery.ready(paint(fresh.first().unwrap(), &caps, 1));
        let area = Rect::new(0, 0, 12, 6);
        let mut first = Buffer::empty(area);
        gallery.draw(Slot::Page, area, false, &mut first);
        gallery.settle(&mut first);
        let mut second = Buffer::empty(area);
        gallery.draw(Slot::Page, area, true, &mut second);
        gallery.settle(&mut second);
        let rewritten = first.diff(&second).len();
        assert_eq!(rewritten, 8 * 4, "every cell under the picture is printed over");
        let mut third = Buffer::empty(area);
        gallery.draw(Slot::Page, area, true, &mut third);
        gallery.settle(&mut third);
        let mut fourth = Buffer::empty(area);
        gallery.draw(Slot::Page, area, true, &mut fourth);
        gallery.settle(&mut fourth);
        assert!(third.diff(&fourth).is_empty(), "and not for ever");
    }
}
