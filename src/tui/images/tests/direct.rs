//! Direct placements.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::*;
use super::terminal::Terminal;
use crate::geometry::Size;
use crate::tui::theme::ColorDepth;
use crate::tui::viewport::{Look, STEP, Viewport};

const ROOM: Rect = Rect { x: 1, y: 2, width: 40, height: 30 };
const SCREEN: Rect = Rect { x: 0, y: 0, width: 100, height: 40 };
const PAGE: Size = Size::new(800, 1200);

fn caps() -> Caps {
    Caps { way: Way::Kitty, ..Caps::blocks(ColorDepth::True) }
}

/// A gallery, a worker's painter and the terminal they draw on.
struct Desk {
    gallery: Gallery,
    painter: Painter,
    terminal: Terminal,
    page: Arc<RgbImage>,
    crop: Arc<RgbImage>,
    look: Look,
    boxes: Vec<[f64; 4]>,
    seen: Option<Seen>,
    screen: Rect,
    bytes: usize,
}

impl Desk {
    fn new() -> Self {
        let page = RgbImage::from_fn(PAGE.w, PAGE.h, |x, y| Rgb([(x / 3) as u8, (y / 5) as u8, (x ^ y) as u8]));
        Self {
            gallery: Gallery::new(caps()),
            painter: Painter::default(),
            terminal: Terminal::default(),
            crop: Arc::new(image::imageops::crop_imm(&page, 0, 0, 60, 60).to_image()),
            page: Arc::new(page),
            look: Look::default(),
            boxes: Vec::new(),
            seen: None,
            screen: SCREEN,
            bytes: 0,
        }
    }

    fn view(&self) -> Viewport {
        Viewport::new(PAGE, ROOM, 2.0, self.look).unwrap()
    }

    fn request(&self) -> Request {
        let view = self.view();
        let mark =
            |corners: &[f64; 4]| Mark { corners: *corners, color: [255, 0, 0], label: "1".into(), line: Line::Solid };
        Request {
            view: Some(View { source: view.source.corners(), cells: (view.area.width, view.area.height) }),
            marks: self.boxes.iter().map(mark).collect(),
            seen: self.seen,
            ..Request::new(Slot::Page, Arc::clone(&self.page), (ROOM.width, ROOM.height))
        }
    }

    /// Paints, draws, sends a frame; gives what was sent.
    fn frame(&mut self, page: bool, crop: bool, covered: bool) -> String {
        let mut wanted = if page { vec![self.request()] } else { Vec::new() };
        if crop {
            wanted.push(Request::new(Slot::Crop, Arc::clone(&self.crop), (20, 10)));
        }
        for request in self.gallery.want(wanted) {
            let painted = self.painter.paint(&request, &caps(), 1);
            self.gallery.ready(painted);
        }
        self.draw(crop, covered)
    }

    fn draw(&mut self, crop: bool, covered: bool) -> String {
        let mut buf = Buffer::empty(self.screen);
        self.gallery.draw(Slot::Page, ROOM, covered, &mut buf);
        if crop {
            self.gallery.draw(Slot::Crop, Rect::new(60, 20, 20, 10), covered, &mut buf);
        }
        self.gallery.settle(&mut buf);
        let mut out = Vec::new();
        self.gallery.flush(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        self.bytes += out.len();
        self.terminal.obey(&out);
        out
    }
}

#[test]
fn the_page_is_placed_where_the_viewport_says() {
    let mut desk = Desk::new();
    desk.frame(true, false, false);
    let area = desk.view().area;
    let placement = desk.terminal.placements.values().next().unwrap().clone();
    assert_eq!(placement.at, (u32::from(area.x), u32::from(area.y)));
    assert_eq!(placement.cells, (u32::from(area.width), u32::from(area.height)));
    assert_eq!(placement.source, Some([0, 0, 800, 1200]));
    assert_eq!(desk.terminal.placements.len(), 1, "no boxes, no second picture");

    desk.look = desk.view().scaled(4.0);
    desk.frame(true, false, false);
    let source = desk.view().source;
    let placement = desk.terminal.placements.values().next().unwrap();
    let [x, y, w, h] = placement.source.unwrap().map(f64::from);
    assert_eq!([x, y, x + w, y + h], source.corners());
}

/// How far two pictures are apart, a mean of all values.
fn apart(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.as_raw().len() as f64
}

#[test]
fn what_is_seen_is_what_other_ways_paint() {
    let mut desk = Desk::new();
    desk.page =
        Arc::new(crate::benchmark::synthetic::draw_page(7, crate::benchmark::synthetic::Difficulty::Easy).pixels);
    desk.page = Arc::new(image::imageops::thumbnail(&*desk.page, PAGE.w, PAGE.h));
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0], [10.0, 10.0, 790.0, 600.0]];
    let other = Caps { way: Way::Sixel, ..caps() };
    for (look, seen) in [
        (Look::default(), None),
        (desk.view().scaled(3.0), None),
        (Look { scale: 2.0, centre: Some((100.0, 900.0)) }, None),
        (Look { scale: 2.0, centre: Some((100.0, 900.0)) }, Some(Seen { size: (140, 196), patch: 28 })),
    ] {
        (desk.look, desk.seen) = (look, seen);
        desk.frame(true, false, false);
        let area = desk.view().area;
        let shown = desk.terminal.seen(area, (10, 20));
        let wanted = picture_of(&desk.request(), &other);
        let off = apart(&shown, &wanted);
        // A page moved by three pixels is told from it.
        let moved = image::imageops::crop_imm(&wanted, 3, 3, wanted.width() - 3, wanted.height() - 3).to_image();
        let there = image::imageops::crop_imm(&shown, 0, 0, wanted.width() - 3, wanted.height() - 3).to_image();
        assert!(off < 3.0 && apart(&there, &moved) > 2.0 * off, "{look:?}: {off}, moved {}", apart(&there, &moved));
    }
}

#[test]
fn a_hundred_moves_over_the_page_send_it_once() {
    let mut desk = Desk::new();
    desk.frame(true, false, false);
    let sent = desk.terminal.images.values().map(String::len).sum::<usize>();
    desk.bytes = 0;
    desk.look = desk.view().scaled(3.0);
    for i in 0..100 {
        let (dx, dy) = [(0.2, 0.0), (0.0, 0.2), (-0.2, 0.1), (0.1, -0.2)][i % 4];
        desk.look = desk.view().moved(dx, dy);
        desk.frame(true, false, false);
    }
    assert_eq!(desk.terminal.transmitted.len(), 1);
    assert!(desk.bytes < 100 * 120, "{} bytes for a hundred moves; the page is {sent}", desk.bytes);
}

#[test]
fn with_boxes_only_the_lines_are_sent_again() {
    let mut desk = Desk::new();
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0], [0.0, 0.0, 800.0, 1200.0]];
    desk.frame(true, false, false);
    assert_eq!(desk.terminal.placements.len(), 2);
    let page = desk.terminal.transmitted[0];
    let heaviest = desk.terminal.images[&page].len();
    desk.look = desk.view().scaled(3.0);
    desk.bytes = 0;
    for i in 0..20 {
        desk.look = desk.view().moved(if i % 2 == 0 { 0.2 } else { -0.2 }, 0.05);
        desk.frame(true, false, false);
    }
    assert_eq!(desk.terminal.transmitted.iter().filter(|id| **id == page).count(), 1);
    assert!(
        desk.bytes / 20 < 8192 && desk.bytes / 20 < heaviest / 10,
        "{} bytes a move of {heaviest}",
        desk.bytes / 20
    );
    assert_eq!(desk.terminal.images.len(), 2, "old lines are let go");
    let zs: Vec<i32> = desk.terminal.placements.values().map(|p| p.z).collect();
    assert!(zs.contains(&1) && zs.contains(&2), "boxes lie above the page");
}

#[test]
fn a_new_box_is_placed_before_the_old_ones_go() {
    let mut desk = Desk::new();
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0]];
    desk.frame(true, false, false);
    desk.boxes.push([100.0, 100.0, 200.0, 200.0]);
    let said = desk.frame(true, false, false);
    let (placed, freed) = (said.find("a=p").unwrap(), said.find("a=d").unwrap());
    assert!(placed < freed && !said.contains("f=100,t=d,i=7361312"), "{said:?}");
    // Without boxes their picture goes, too.
    desk.boxes.clear();
    desk.frame(true, false, false);
    assert_eq!((desk.terminal.images.len(), desk.terminal.placements.len()), (1, 1));
}

#[test]
fn a_frame_without_changes_sends_nothing() {
    let mut desk = Desk::new();
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0]];
    assert!(!desk.frame(true, true, false).is_empty());
    for _ in 0..3 {
        assert_eq!(desk.frame(true, true, false), "");
    }
}

#[test]
fn a_popup_hides_pictures_and_brings_them_back_without_pixels() {
    let mut desk = Desk::new();
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0]];
    desk.frame(true, true, false);
    let kept = desk.terminal.images.len();
    desk.frame(true, true, true);
    assert_eq!((desk.terminal.placements.len(), desk.terminal.images.len()), (0, kept));
    let sent = desk.terminal.transmitted.len();
    let back = desk.frame(true, true, false);
    assert_eq!(desk.terminal.placements.len(), kept);
    assert_eq!(desk.terminal.transmitted.len(), sent);
    assert!(back.len() < 500, "{}", back.len());
}

#[test]
fn a_closed_page_is_freed_and_everything_at_the_end() {
    let mut desk = Desk::new();
    desk.boxes = vec![[300.0, 400.0, 500.0, 800.0]];
    desk.frame(true, true, false);
    desk.frame(true, false, false);
    assert_eq!(desk.terminal.placements.len(), 2, "the crop left the screen, page and boxes are there");
    desk.frame(false, false, false);
    assert!(desk.terminal.images.is_empty() && desk.terminal.placements.is_empty());
    desk.frame(true, true, false);
    assert!(!desk.terminal.images.is_empty());
    desk.terminal.obey(&free_sequence(&caps()));
    assert!(desk.terminal.images.is_empty() && desk.terminal.placements.is_empty());
}

#[test]
fn a_screen_that_was_cleared_gets_everything_again() {
    let mut desk = Desk::new();
    desk.frame(true, true, false);
    desk.screen = Rect::new(0, 0, 110, 45);
    desk.terminal.clear();
    // Nothing new is painted: what is there is sent in the very frame that cleared the screen.
    desk.draw(true, false);
    assert_eq!(desk.terminal.placements.len(), 2);
    assert_eq!(desk.terminal.transmitted.len(), 4);
}

#[test]
fn going_closer_sends_a_large_page_once_for_every_doubling() {
    let mut desk = Desk::new();
    desk.page = Arc::new(RgbImage::new(3200, 4800));
    // 400 pixels of the screen for 3200 of the page: three halvings.
    for round in 0..2 {
        for _ in 0..30 {
            desk.look = desk.view().scaled(if round == 0 { STEP } else { 1.0 / STEP });
            desk.frame(true, false, false);
        }
    }
    assert!(desk.terminal.transmitted.len() <= 6, "{:?}", desk.terminal.transmitted);
    assert!(desk.terminal.images.len() <= 3, "and keeps no more than three");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_shown_and_hidden_the_terminal_keeps_what_is_wanted(
        steps in prop::collection::vec((0u8..6, any::<bool>(), any::<bool>(), any::<bool>()), 1..25),
    ) {
        let mut desk = Desk::new();
        desk.page = Arc::new(image::imageops::thumbnail(&*desk.page, 80, 120));
        for (step, page, crop, covered) in steps {
            match step {
                0 => desk.look = desk.view().scaled(STEP),
                1 => desk.look = desk.view().moved(0.2, 0.1),
                2 => desk.boxes.push([10.0, 10.0, 400.0, 500.0]),
                3 => desk.boxes.clear(),
                4 => {
                    desk.screen.width += 1;
                    desk.terminal.clear();
                }
                _ => desk.page = Arc::new((*desk.page).clone()),
            }
            desk.frame(page, crop, covered);
            let lines = desk.terminal.placements.values().filter(|p| p.z == 2).count();
            let shown = usize::from(page && !covered) + usize::from(crop && !covered);
            prop_assert_eq!(desk.terminal.placements.len() - lines, shown);
            prop_assert!(lines <= 1 && (lines == 0 || !desk.boxes.is_empty()));
            prop_assert!(desk.terminal.images.len() <= 8);
        }
        desk.terminal.obey(&free_sequence(&caps()));
        prop_assert!(desk.terminal.images.is_empty());
    }
}
