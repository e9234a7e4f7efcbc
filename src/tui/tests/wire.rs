//! What reaches the terminal: bytes only where something changed, pictures only once.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::{TerminalOptions, Viewport};

use super::super::action::{Action, Scrub};
use super::super::images::{Caps, Gallery, Way, paint};
use super::super::keys::Keymap;
use super::super::theme::ColorDepth;
use super::super::{fixtures, view};

#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Vec<u8>>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    wire: Wire,
    terminal: Terminal<CrosstermBackend<Wire>>,
    gallery: Gallery,
    app: super::super::app::App,
}

impl Desk {
    fn new(way: Way) -> Self {
        let wire = Wire::default();
        let area = ratatui::layout::Rect::new(0, 0, 120, 40);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal = Terminal::with_options(CrosstermBackend::new(wire.clone()), options).unwrap();
        let caps = Caps { way, ..Caps::blocks(ColorDepth::True) };
        Self { wire, terminal, gallery: Gallery::new(caps), app: fixtures::replay_at_end(120, 40, true) }
    }

    /// Paints what is wanted, draws a frame, gives its bytes.
    fn frame(&mut self) -> String {
        for request in self.gallery.want(self.app.wants()) {
            let id = if request.slot == super::super::images::Slot::Page { 1 } else { 2 };
            self.gallery.ready(paint(&request, &self.gallery.caps().clone(), id));
        }
        self.wire.0.borrow_mut().clear();
        self.terminal
            .draw(|frame| {
                view::draw(&self.app, &self.gallery, &Keymap::default(), frame);
                self.gallery.settle(frame.buffer_mut());
            })
            .unwrap();
        String::from_utf8_lossy(&self.wire.0.borrow()).into_owned()
    }
}

#[test]
fn a_frame_in_which_nothing_changed_sends_no_cells() {
    for way in [Way::Blocks, Way::Kitty, Way::Sixel, Way::Iterm2, Way::None] {
        let mut desk = Desk::new(way);
        let first = desk.frame().len();
        // kitty's transmission is taken out of its cell in the frame after it.
        desk.frame();
        let again = desk.frame();
        assert!(first > 2000, "{way:?}: {first}");
        assert!(again.len() < 40, "{way:?}: {again:?}");
    }
}

#[test]
fn a_step_of_the_cursor_is_a_few_hundred_bytes() {
    let mut desk = Desk::new(Way::Blocks);
    desk.frame();
    desk.app.update(Action::Scrub(Scrub::PrevToken));
    desk.app.update(Action::Scrub(Scrub::PrevToken));
    desk.frame();
    desk.app.update(Action::Scrub(Scrub::PrevToken));
    let step = desk.frame().len();
    assert!(step < 2500, "{step}");
}

#[test]
fn kitty_gets_each_picture_once() {
    let mut desk = Desk::new(Way::Kitty);
    let sent = |bytes: &str| bytes.matches("a=T").count();
    assert_eq!(sent(&desk.frame()), 2, "page and crop");
    assert_eq!(sent(&desk.frame()), 0);
    desk.app.update(Action::Scrub(Scrub::PrevToken));
    assert_eq!(sent(&desk.frame()), 0, "the same page with the same boxes");
    desk.app.update(Action::Scrub(Scrub::Start));
    assert_eq!(sent(&desk.frame()), 1, "the page without its box");
}

#[test]
fn a_popup_takes_pictures_away_and_brings_them_back() {
    for way in [Way::Kitty, Way::Sixel, Way::Iterm2] {
        let mut desk = Desk::new(way);
        desk.frame();
        desk.app.update(Action::Help);
        let covered = desk.frame();
        assert!(!covered.contains('\u{10EEEE}') && !covered.contains("a=T") && !covered.contains("1337"), "{way:?}");
        desk.app.update(Action::Help);
        desk.app.update(Action::Close);
        let back = desk.frame();
        let drawn = match way {
            Way::Kitty => back.contains('\u{10EEEE}'),
            Way::Iterm2 => back.contains("]1337;File"),
            _ => back.contains("\u{1b}P"),
        };
        assert!(drawn, "{way:?}");
    }
}
