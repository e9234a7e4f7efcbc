//! What reaches the terminal: bytes only where something changed, pictures only once.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::{TerminalOptions, Viewport};

use super::super::action::{Action, PageMove, Scrub};
use super::super::images::{Caps, Gallery, Painter, Way};
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
    painter: Painter,
    app: super::super::app::App,
}

impl Desk {
    fn new(way: Way) -> Self {
        let wire = Wire::default();
        let area = ratatui::layout::Rect::new(0, 0, 120, 40);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal = Terminal::with_options(CrosstermBackend::new(wire.clone()), options).unwrap();
        let caps = Caps { way, ..Caps::blocks(ColorDepth::True) };
        Self {
            wire,
            terminal,
            gallery: Gallery::new(caps),
            painter: Painter::default(),
            app: fixtures::replay_at_end(120, 40, true),
        }
    }

    /// The bytes of a frame with nothing in it after one with nothing in it.
    fn empty_frame() -> String {
        let mut desk = Self::new(Way::None);
        desk.frame();
        desk.frame()
    }

    /// Paints what is wanted, draws a frame, gives its bytes.
    fn frame(&mut self) -> String {
        for request in self.gallery.want(self.app.wants()) {
            let id = if request.slot == super::super::images::Slot::Page { 1 } else { 2 };
            let painted = self.painter.paint(&request, &self.gallery.caps().clone(), id);
            self.gallery.ready(painted);
        }
        self.wire.0.borrow_mut().clear();
        self.terminal
            .draw(|frame| {
                view::draw(&self.app, &self.gallery, &Keymap::default(), frame);
                self.gallery.settle(frame.buffer_mut());
            })
            .unwrap();
        self.gallery.flush(self.terminal.backend_mut()).unwrap();
        String::from_utf8_lossy(&self.wire.0.borrow()).into_owned()
    }
}

#[test]
fn a_frame_in_which_nothing_changed_sends_no_cells() {
    for way in [Way::Blocks, Way::Kitty, Way::KittyPlaceholders, Way::Sixel, Way::Iterm2, Way::None] {
        let mut desk = Desk::new(way);
        let first = desk.frame().len();
        // kitty's transmission is taken out of its cell in the frame after it.
        desk.frame();
        let again = desk.frame();
        assert!(first > 2000, "{way:?}: {first}");
        // What ratatui says in every frame: the cursor stays hidden.
        assert!(!again.contains("\x1b_G") && !again.contains("\x1bP") && !again.contains("\x1b]"), "{way:?}");
        assert_eq!(again, Desk::empty_frame(), "{way:?}");
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
    let mut desk = Desk::new(Way::KittyPlaceholders);
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
    for way in [Way::KittyPlaceholders, Way::Sixel, Way::Iterm2] {
        let mut desk = Desk::new(way);
        desk.frame();
        desk.app.update(Action::Help);
        let covered = desk.frame();
        assert!(!covered.contains('\u{10EEEE}') && !covered.contains("a=T") && !covered.contains("1337"), "{way:?}");
        desk.app.update(Action::Help);
        desk.app.update(Action::Close);
        let back = desk.frame();
        let drawn = match way {
            Way::KittyPlaceholders => back.contains('\u{10EEEE}'),
            Way::Iterm2 => back.contains("]1337;File"),
            _ => back.contains("\u{1b}P"),
        };
        assert!(drawn, "{way:?}");
    }
}

#[test]
fn a_picture_is_not_sent_again_when_something_else_changes() {
    for way in [Way::Kitty, Way::KittyPlaceholders, Way::Sixel, Way::Iterm2] {
        let mut desk = Desk::new(way);
        desk.frame();
        desk.frame();
        for _ in 0..5 {
            desk.app.update(Action::Scrub(Scrub::PrevToken));
            let step = desk.frame();
            let picture = ["\x1b_G", "\x1bP", "\x1b]1337"].iter().any(|start| step.contains(start));
            assert!(!picture && step.len() < 4000, "{way:?}: {}", step.len());
        }
    }
}

#[test]
fn kitty_gets_a_page_once_however_it_is_looked_at() {
    let mut desk = Desk::new(Way::Kitty);
    let sent = |bytes: &str| bytes.matches("a=t,").count();
    let pages = |bytes: &str| bytes.matches("a=t,f=100,t=d,i=7361312,").count();
    let first = desk.frame();
    assert_eq!(sent(&first), 3, "page, its boxes, crop");
    assert_eq!(pages(&first), 1);
    let mut again = 0;
    for step in [PageMove::In, PageMove::In, PageMove::In, PageMove::Left, PageMove::Down, PageMove::Reset] {
        desk.app.update(Action::Page(step));
        let said = desk.frame();
        assert!(said.len() < 12_000 && sent(&said) <= 1, "{step:?}: {}", said.len());
        again += pages(&said);
    }
    assert_eq!(again, 0);
    desk.app.update(Action::Help);
    let covered = desk.frame();
    assert!(covered.contains("a=d,d=i") && !covered.contains("a=p"));
    desk.app.update(Action::Close);
    let back = desk.frame();
    assert!(back.contains("a=p") && sent(&back) == 0);
}
