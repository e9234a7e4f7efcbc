//! How close and where the page is looked at, and the way between cells of the screen and pixels of the page.
//!
//! Pure. A [`Look`] is what a person chose and lives in the state; a [`Viewport`] is what follows from it for a page in a
//! pane of some size. What is painted, what a click means and where a label stands all come from the same viewport.

use ratatui::layout::Rect;

use crate::geometry::{PageBox, Size};

/// Closer or farther in one step.
pub const STEP: f64 = 1.25;
/// The closest view has this many pixels of the page in a cell.
const CELL_PIXELS: f64 = 16.0;
/// A page so small that it is as close as that already can still be looked at this many times closer.
const LEAST_REACH: f64 = 4.0;

/// How a person looks at the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// How many times closer than the whole page; 1 is the whole page.
    pub scale: f64,
    /// The middle of what is seen, in pixels of the page; the page's own middle until someone moves.
    pub centre: Option<(f64, f64)>,
}

impl Default for Look {
    fn default() -> Self {
        Self { scale: 1.0, centre: None }
    }
}

impl Look {
    /// Whether the whole page is seen.
    pub fn is_whole(&self) -> bool {
        self.scale <= 1.0
    }
}

/// A page in a pane: what of it is seen and where on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// The cells of the screen that the picture takes.
    pub area: Rect,
    /// The part of the page that is seen, in whole pixels of the page.
    pub source: PageBox,
    /// How many times closer than the whole page.
    pub scale: f64,
    page: Size,
    /// Closest scale in this pane.
    most: f64,
}

impl Viewport {
    /// The view of a page in the cells of `room`, whose cells are `cell_aspect` times as high as wide. `None` where there is
    /// nothing to see. The picture keeps the page's shape up to half a cell and stands in the middle of the room.
    pub fn new(page: Size, room: Rect, cell_aspect: f64, look: Look) -> Option<Self> {
        if room.is_empty() || page.w == 0 || page.h == 0 {
            return None;
        }
        let aspect = if cell_aspect.is_finite() { cell_aspect.clamp(0.1, 10.0) } else { 2.0 };
        // Everything in widths of a cell: a row is `aspect` of them.
        let (pw, ph) = (f64::from(page.w), f64::from(page.h));
        let (rw, rh) = (f64::from(room.width), f64::from(room.height) * aspect);
        let whole = (rw / pw).min(rh / ph);
        let most = ((aspect / CELL_PIXELS).sqrt() / whole).max(LEAST_REACH);
        let scale = if look.scale.is_finite() { look.scale.clamp(1.0, most) } else { 1.0 };
        let (columns, width) = side(pw, whole * scale, room.width);
        let (rows, height) = side(ph, whole * scale / aspect, room.height);
        let (cx, cy) = look.centre.unwrap_or((pw / 2.0, ph / 2.0));
        let (left, top) = (start(cx, width, pw), start(cy, height, ph));
        Some(Self {
            area: Rect {
                x: room.x + (room.width - columns) / 2,
                y: room.y + (room.height - rows) / 2,
                width: columns,
                height: rows,
            },
            source: PageBox::new(left, top, left + width, top + height),
            scale,
            page,
            most,
        })
    }

    /// Pixels of the page in a cell, across and down.
    pub fn cell_pixels(&self) -> (f64, f64) {
        (self.source.width() / f64::from(self.area.width), self.source.height() / f64::from(self.area.height))
    }

    /// The point of the page at a point of the screen, both fractional: column 4 reaches from 4.0 to 5.0, so that the middle
    /// of a clicked cell is `(column + 0.5, row + 0.5)`. Not clamped.
    pub fn page_of(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (across, down) = self.cell_pixels();
        (self.source.x1 + (x - f64::from(self.area.x)) * across, self.source.y1 + (y - f64::from(self.area.y)) * down)
    }

    /// The point of the screen, in cells, at a point of the page: the other way of [`Viewport::page_of`].
    pub fn cell_of(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (across, down) = self.cell_pixels();
        (f64::from(self.area.x) + (x - self.source.x1) / across, f64::from(self.area.y) + (y - self.source.y1) / down)
    }

    /// The part of the page that a cell of the screen shows; `None` outside the picture.
    pub fn box_of(&self, column: u16, row: u16) -> Option<PageBox> {
        if !self.area.contains((column, row).into()) {
            return None;
        }
        let (x1, y1) = self.page_of((f64::from(column), f64::from(row)));
        let (x2, y2) = self.page_of((f64::from(column) + 1.0, f64::from(row) + 1.0));
        Some(PageBox::new(x1, y1, x2, y2).clamped(self.page))
    }

    /// The same page, closer (`factor` above 1) or farther, around the middle of what is seen now.
    pub fn scaled(&self, factor: f64) -> Look {
        let scale = (self.scale * factor).clamp(1.0, self.most);
        // A whole page has no place to remember; a step that nearly ends there ends there.
        if scale < 1.0 + 1e-6 { Look::default() } else { Look { scale, centre: Some(self.centre()) } }
    }

    /// The same scale, moved by these shares of what is seen; never beyond the page.
    pub fn moved(&self, across: f64, down: f64) -> Look {
        if self.scale <= 1.0 {
            return Look::default();
        }
        let (x, y) = self.centre();
        let (w, h) = (self.source.width(), self.source.height());
        let to = |at: f64, by: f64, seen: f64, all: u32| start(at + by * seen, seen, f64::from(all)) + seen / 2.0;
        Look { scale: self.scale, centre: Some((to(x, across, w, self.page.w), to(y, down, h, self.page.h))) }
    }

    /// A look that has a box in its middle, filling some two thirds of it.
    pub fn around(&self, target: &PageBox) -> Look {
        let target = target.clamped(self.page);
        let share = (target.width() / self.source.width()).max(target.height() / self.source.height()) * 1.5;
        let scale = if share > 0.0 { (self.scale / share).clamp(1.0, self.most) } else { self.most };
        Look { scale, centre: Some(((target.x1 + target.x2) / 2.0, (target.y1 + target.y2) / 2.0)) }
    }

    fn centre(&self) -> (f64, f64) {
        ((self.source.x1 + self.source.x2) / 2.0, (self.source.y1 + self.source.y2) / 2.0)
    }
}

/// Cells and whole pixels of one side of what is seen: `length` pixels of a page at `scale` cells each in `room` cells.
fn side(length: f64, scale: f64, room: u16) -> (u16, f64) {
    let cells = length * scale;
    if cells < f64::from(room) + 0.5 {
        return ((cells.round() as u16).clamp(1, room), length);
    }
    (room, (f64::from(room) / scale).round().clamp(1.0, length))
}

/// Where a stretch of this length begins that has `centre` in its middle, in whole pixels and on the page.
fn start(centre: f64, seen: f64, length: f64) -> f64 {
    let at = (centre - seen / 2.0).round();
    if at.is_finite() { at.clamp(0.0, (length - seen).max(0.0)) } else { 0.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(page: (u32, u32), room: (u16, u16)) -> Viewport {
        let room = Rect::new(1, 2, room.0, room.1);
        Viewport::new(Size::new(page.0, page.1), room, 2.0, Look::default()).unwrap()
    }

    #[test]
    fn the_whole_page_keeps_its_shape_in_the_middle() {
        assert_eq!(whole((400, 400), (40, 40)).area, Rect::new(1, 12, 40, 20));
        assert_eq!(whole((200, 400), (40, 20)).area, Rect::new(11, 2, 20, 20));
        let view = whole((840, 1176), (40, 36));
        assert_eq!(view.source, PageBox::new(0.0, 0.0, 840.0, 1176.0));
        assert_eq!(view.cell_pixels(), (21.0, 42.0));
        assert_eq!(view.page_of((21.0, 2.0 + 4.0 + 14.0)), (420.0, 588.0));
    }

    #[test]
    fn steps_reach_the_closest_view_and_come_back_to_the_whole() {
        let room = Rect::new(0, 0, 40, 36);
        let page = Size::new(840, 1176);
        let mut look = Look::default();
        for _ in 0..40 {
            look = Viewport::new(page, room, 2.0, look).unwrap().scaled(STEP);
        }
        let view = Viewport::new(page, room, 2.0, look).unwrap();
        let (across, down) = view.cell_pixels();
        assert!((across * down - 16.0).abs() < 1.5, "{across} × {down}");
        assert_eq!(view.area, room);
        for _ in 0..40 {
            look = Viewport::new(page, room, 2.0, look).unwrap().scaled(1.0 / STEP);
        }
        assert_eq!(look, Look::default());
    }

    #[test]
    fn moving_stops_at_the_edge_and_comes_back_at_once() {
        let (page, room) = (Size::new(840, 1176), Rect::new(0, 0, 40, 36));
        let view = |look| Viewport::new(page, room, 2.0, look).unwrap();
        let mut look = view(view(Look::default()).scaled(4.0)).moved(0.0, 0.0);
        for _ in 0..50 {
            look = view(look).moved(-0.2, 0.2);
        }
        let corner = view(look);
        assert_eq!((corner.source.x1, corner.source.y2), (0.0, 1176.0));
        assert!(view(corner.moved(0.2, 0.0)).source.x1 > 0.0, "nothing was saved up beyond the edge");
        assert_eq!(view(Look::default()).moved(0.2, 0.2), Look::default());
    }

    #[test]
    fn a_box_is_looked_at_closely() {
        let (page, room) = (Size::new(840, 1176), Rect::new(0, 0, 40, 36));
        let target = PageBox::new(600.0, 900.0, 700.0, 1000.0);
        let view = Viewport::new(page, room, 2.0, Look::default()).unwrap();
        let close = Viewport::new(page, room, 2.0, view.around(&target)).unwrap();
        assert!(close.source.x1 < 600.0 && close.source.x2 > 700.0 && close.source.width() < 350.0, "{close:?}");
        assert!(close.source.y1 < 900.0 && close.source.y2 > 1000.0, "{close:?}");
        let nothing = PageBox::new(5.0, 5.0, 5.0, 5.0);
        assert!(Viewport::new(page, room, 2.0, view.around(&nothing)).is_some());
    }

    proptest! {
        #[test]
        fn any_look_shows_a_part_of_the_page_in_the_room(
            w in 1u32..5000, h in 1u32..5000, x in 0u16..50, y in 0u16..50, cols in 0u16..200, rows in 0u16..80,
            aspect in prop::num::f64::ANY, scale in prop::num::f64::ANY, cx in prop::num::f64::ANY, cy in -9e9f64..9e9,
        ) {
            let room = Rect::new(x, y, cols, rows);
            let look = Look { scale, centre: Some((cx, cy)) };
            let view = Viewport::new(Size::new(w, h), room, aspect, look);
            prop_assert_eq!(view.is_none(), room.is_empty());
            let Some(view) = view else { return Ok(()) };
            prop_assert_eq!(view.area.intersection(room), view.area);
            prop_assert!(!view.area.is_empty());
            let s = view.source;
            prop_assert!(s.x1 >= 0.0 && s.y1 >= 0.0 && s.x2 <= f64::from(w) && s.y2 <= f64::from(h), "{:?}", s);
            prop_assert!(s.width() >= 1.0 && s.height() >= 1.0);
            prop_assert!([s.x1, s.y1, s.x2, s.y2].iter().all(|v| v.fract() == 0.0));
        }

        #[test]
        fn cells_and_pages_lead_back_to_each_other(
            w in 8u32..4000, h in 8u32..4000, cols in 1u16..200, rows in 1u16..80, scale in 1.0f64..40.0,
            cx in 0.0f64..4000.0, cy in 0.0f64..4000.0, px in 0.0f64..4000.0, py in 0.0f64..4000.0,
        ) {
            let look = Look { scale, centre: Some((cx, cy)) };
            let view = Viewport::new(Size::new(w, h), Rect::new(3, 4, cols, rows), 2.0, look).unwrap();
            let (x, y) = view.page_of(view.cell_of((px, py)));
            prop_assert!((x - px).abs() < 1e-6 && (y - py).abs() < 1e-6);
            // Every cell of the picture is a place of the page, and its middle lies in that cell.
            let (column, row) = (view.area.x + view.area.width / 2, view.area.y + view.area.height / 2);
            let seen = view.box_of(column, row).unwrap();
            let middle = view.cell_of(((seen.x1 + seen.x2) / 2.0, (seen.y1 + seen.y2) / 2.0));
            prop_assert!((middle.0.floor(), middle.1.floor()) == (f64::from(column), f64::from(row)));
            prop_assert!(view.box_of(view.area.right(), row).is_none());
        }

        #[test]
        fn closer_keeps_the_middle(w in 200u32..3000, h in 200u32..3000, steps in 1usize..8, cx in 0.3f64..0.7) {
            let (page, room) = (Size::new(w, h), Rect::new(0, 0, 60, 40));
            let middle = (f64::from(w) * cx, f64::from(h) * cx);
            let mut look = Look { scale: 3.0, centre: Some(middle) };
            let first = Viewport::new(page, room, 2.0, look).unwrap();
            for _ in 0..steps {
                look = Viewport::new(page, room, 2.0, look).unwrap().scaled(STEP);
            }
            let last = Viewport::new(page, room, 2.0, look).unwrap();
            let (a, b) = (first.centre(), last.centre());
            prop_assert!((a.0 - b.0).abs() <= steps as f64 + 1.0 && (a.1 - b.1).abs() <= steps as f64 + 1.0);
        }
    }
}
