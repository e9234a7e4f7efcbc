//! Themes, palette and mouse: what they do to the state, and their screens.

use std::sync::Arc;

use super::super::action::{Action, Edit, Scrub};
use super::super::app::{App, Choice, Screen};
use super::super::effect::Effect;
use super::super::fixtures;
use super::super::images::{Caps, Gallery, Way};
use super::super::keys::Keymap;
use super::super::mouse::{MouseAction, MouseKind};
use super::super::sessions::tests::{act, shown};
use super::super::theme::{ColorDepth, Shelf, Theme};
use super::super::view::layout;
use super::{screen, screen_with, text};
use crate::config::KeyTable;

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

fn snapshots(name: &str, state: impl Fn(u16, u16) -> App) {
    for (w, h) in SIZES {
        let app = state(w, h);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

fn with_themes(mut app: App) -> App {
    app.themes = Arc::new(Shelf::open(None, ColorDepth::True).themes().to_vec());
    app
}

fn picker(w: u16, h: u16) -> App {
    let mut app = with_themes(fixtures::replay_at_end(w, h, true));
    app.update(Action::Themes);
    app.update(Action::Down);
    app
}

fn palette(w: u16, h: u16) -> App {
    let mut app = fixtures::replay_at_end(w, h, true);
    app.update(Action::Palette);
    app
}

fn palette_typed(w: u16, h: u16) -> App {
    let mut app = palette(w, h);
    app.update(Action::Edit(Edit::Insert("seg".to_owned())));
    app.update(Action::Down);
    app
}

#[test]
fn screens() {
    snapshots("themes", picker);
    snapshots("palette", palette);
    snapshots("palette_typed", palette_typed);
}

#[test]
fn they_draw_at_every_small_size() {
    let states: [fn(u16, u16) -> App; 3] = [picker, palette, palette_typed];
    for state in states {
        for w in 0..=40 {
            for h in 0..=20 {
                let app = state(w, h);
                let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
                screen_with(&app, &gallery, w, h);
            }
        }
    }
}

#[test]
fn every_theme_says_the_same_words_in_every_depth() {
    let words = |app: &App| {
        let none = Gallery::new(Caps { way: Way::None, ..Caps::blocks(ColorDepth::True) });
        text(&screen_with(app, &none, 120, 40))
    };
    let mut app = fixtures::replay_at_end(120, 40, true);
    app.update(Action::Scrub(Scrub::PrevSegment));
    let dark = words(&app);
    for depth in [ColorDepth::True, ColorDepth::Indexed, ColorDepth::None] {
        for theme in Shelf::open(None, depth).themes() {
            app.theme = theme.clone();
            assert_eq!(words(&app), dark, "{} {depth:?}", theme.name);
        }
    }
}

#[test]
fn a_theme_that_fills_leaves_no_cell_to_the_terminal() {
    let mut app = picker(120, 40);
    app.theme = Theme::named("blueprint", ColorDepth::True).unwrap();
    app.update(Action::Help);
    let buffer = screen(&app, 120, 40);
    assert!(buffer.content().iter().all(|c| c.bg != ratatui::style::Color::Reset));
    app.theme = Theme::named("dark", ColorDepth::True).unwrap();
    assert!(screen(&app, 120, 40).content().iter().any(|c| c.bg == ratatui::style::Color::Reset));
}

#[test]
fn themes_are_shown_at_once_and_come_back_or_stay() {
    let mut app = with_themes(fixtures::app(120, 40));
    app.update(Action::Themes);
    app.update(Action::Down);
    app.update(Action::Down);
    assert_eq!(app.theme.name, app.themes[2].name);
    app.update(Action::Close);
    assert_eq!((app.theme.name.as_str(), app.picker.is_none()), ("dark", true));
    app.update(Action::Themes);
    app.update(Action::Up);
    let last = app.themes.last().unwrap().name.clone();
    assert_eq!(app.theme.name, last, "from the first to the last");
    app.update(Action::Open);
    assert_eq!((app.theme.name.clone(), app.picker.is_none()), (last.clone(), true));
    assert!(app.toast.as_ref().unwrap().contains(&format!("theme = \"{last}\"")));
    app.update(Action::Themes);
    assert_eq!(app.picker.as_ref().unwrap().selected, app.themes.len() - 1, "it begins where one is");
}

#[test]
fn the_palette_does_what_is_chosen_where_it_was_opened() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    app.update(Action::Palette);
    app.update(Action::Edit(Edit::Insert("start".to_owned())));
    app.update(Action::Open);
    assert!(app.palette.is_none());
    assert_eq!(app.explorer.as_ref().unwrap().head.shown(), 0, "to the start");
    app.update(Action::Palette);
    app.update(Action::Edit(Edit::Insert("choose a theme".to_owned())));
    app.update(Action::Open);
    assert!(app.picker.is_some());
    app.update(Action::Close);
    app.update(Action::Palette);
    app.update(Action::Edit(Edit::Insert("qqqq".to_owned())));
    assert_eq!(app.update(Action::Open), []);
    assert!(app.palette.is_some(), "nothing is called so, and it stays open");
    app.update(Action::Close);
    assert!(app.palette.is_none() && app.screen == Screen::Explorer);
}

#[test]
fn the_palette_shows_a_persons_own_keys() {
    let mut app = palette(120, 40);
    let table: KeyTable = toml::from_str("[explorer]\nstep_token = ['f7']\nask_own = []").unwrap();
    app.keymap = Arc::new(Keymap::with(&table).0);
    let mut row = |words: &str| {
        app.update(Action::Edit(Edit::DeleteToStart));
        app.update(Action::Edit(Edit::Insert(words.to_owned())));
        let seen = text(&screen(&app, 120, 40));
        seen.lines().find(|l| l.contains(words) && l.contains('▸')).unwrap().to_owned()
    };
    assert!(row("step by one token").contains("F7 │"));
    assert!(row("type a question about this page").contains("page          "), "unbound, and still there");
}

fn mouse(app: &mut App, kind: MouseKind, column: u16, row: u16) -> Vec<Effect> {
    app.update(Action::Mouse(MouseAction { kind, column, row }))
}

/// Where a text stands on the screen.
fn find(app: &App, words: &str, w: u16, h: u16) -> (u16, u16) {
    let seen = text(&screen(app, w, h));
    let (row, line) = seen.lines().enumerate().find(|(_, l)| l.contains(words)).unwrap();
    let column = unicode_width::UnicodeWidthStr::width(&line[..line.find(words).unwrap()]);
    (column as u16, row as u16)
}

#[test]
fn a_click_selects_a_row_and_the_wheel_moves() {
    let mut app = fixtures::app(120, 40);
    let (x, y) = find(&app, "ar-0007", 120, 40);
    mouse(&mut app, MouseKind::Press, x, y);
    assert_eq!(app.library.current().unwrap().id, "ar-0007");
    mouse(&mut app, MouseKind::WheelDown, x, y);
    assert_eq!(app.library.current().unwrap().id, "ar-0008");
    mouse(&mut app, MouseKind::WheelUp, x, y);
    mouse(&mut app, MouseKind::Press, 119, 39);
    assert_eq!(app.library.current().unwrap().id, "ar-0007", "a click beside the list does nothing");
    // Scrolled, a click still means the row under it.
    app.update(Action::Bottom);
    let (x, y) = find(&app, "ar-0028", 120, 40);
    mouse(&mut app, MouseKind::Press, x, y);
    assert_eq!(app.library.current().unwrap().id, "ar-0028");
}

#[test]
fn a_click_selects_a_session() {
    let (mut app, mut desk) = shown(fixtures::app(120, 40), 40);
    act(&mut app, &mut desk, Action::Bottom);
    let wanted = app.sessions.row(app.sessions.len() - 5).unwrap().choice();
    let (x, y) = find(&app, "▸", 120, 40);
    mouse(&mut app, MouseKind::Press, x + 4, y - 4);
    assert_eq!(app.sessions.current().unwrap().choice(), wanted);
    mouse(&mut app, MouseKind::Press, x + 4, 2);
    assert_eq!(app.sessions.current().unwrap().choice(), wanted, "headings are no rows");
}

#[test]
fn a_click_on_a_page_chooses_it() {
    let mut app = fixtures::app(120, 40);
    app.open_form(vec![Choice::Page("one.png".into()), Choice::Page("two.png".into())]);
    let (x, y) = find(&app, "two.png", 120, 40);
    assert_eq!(mouse(&mut app, MouseKind::Press, x, y), [Effect::LoadPreview(Choice::Page("two.png".into()))]);
}

#[test]
fn a_click_on_the_entropy_line_puts_the_cursor_there_and_a_drag_takes_it_along() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let (_, y) = find(&app, "entropy ▅", 120, 40);
    let cursor = |app: &App| app.explorer.as_ref().unwrap().head.shown();
    let all = cursor(&app);
    mouse(&mut app, MouseKind::Press, 9, y);
    assert_eq!(cursor(&app), 1, "the first column is the first token");
    mouse(&mut app, MouseKind::Drag, 9 + 10, y);
    assert_eq!(cursor(&app), 11);
    let seen = text(&screen(&app, 120, 40));
    let marks = seen.lines().nth(usize::from(y) + 1).unwrap();
    assert_eq!(marks.chars().rev().position(|c| c == '●').map(|n| marks.chars().count() - 1 - n), Some(19), "{marks}");
    mouse(&mut app, MouseKind::Drag, 119, y);
    assert_eq!(cursor(&app), all, "right of the line is its end");
    mouse(&mut app, MouseKind::Release, 30, y);
    assert_eq!(cursor(&app), all);
}

#[test]
fn a_click_on_a_token_puts_the_cursor_on_it() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let (x, y) = find(&app, "bbox_2d", 120, 40);
    mouse(&mut app, MouseKind::Press, x + 2, y);
    let token = app.explorer.as_ref().unwrap().current().unwrap().clone();
    assert!(format!("{:?}", token.piece).contains("box"), "{token:?}");
    let before = app.explorer.as_ref().unwrap().head.shown();
    let panes = layout::explorer(ratatui::layout::Rect::new(0, 0, 120, 40), 200.0 / 280.0, 2.0);
    mouse(&mut app, MouseKind::Press, panes.reasoning.x + 1, panes.reasoning.y + 1);
    assert_eq!(app.explorer.as_ref().unwrap().head.shown(), before, "the question is no token");
}

#[test]
fn clicks_go_to_what_is_on_top() {
    let mut app = with_themes(fixtures::replay_at_end(120, 40, true));
    let shown = app.explorer.as_ref().unwrap().head.shown();
    app.update(Action::Palette);
    let (x, y) = find(&app, "step to the end of the turn", 120, 40);
    app.update(Action::Close);
    app.update(Action::Scrub(Scrub::Start));
    app.update(Action::Palette);
    mouse(&mut app, MouseKind::Press, x, y);
    assert!(app.palette.is_none() && app.explorer.as_ref().unwrap().head.shown() > 0, "it was done");
    app.update(Action::Palette);
    mouse(&mut app, MouseKind::Press, 0, 39);
    assert!(app.palette.is_none(), "a click beside it closes it");
    app.update(Action::Themes);
    let (x, y) = find(&app, "newsprint", 120, 40);
    mouse(&mut app, MouseKind::Press, x, y);
    assert_eq!(app.theme.name, "newsprint");
    app.update(Action::Close);
    app.update(Action::Help);
    mouse(&mut app, MouseKind::WheelDown, 5, 5);
    assert!(app.help.is_some());
    mouse(&mut app, MouseKind::Press, 5, 5);
    assert!(app.help.is_none());
    assert!(shown > 0);
}

#[test]
fn the_mouse_is_given_back_and_taken_again() {
    let mut app = fixtures::app(80, 24);
    assert_eq!(app.update(Action::ToggleMouse), [Effect::Mouse(false)]);
    assert!(app.toast.as_ref().unwrap().contains("the terminal's"));
    assert_eq!(app.update(Action::ToggleMouse), [Effect::Mouse(true)]);
}

proptest::proptest! {
    #[test]
    fn no_click_anywhere_panics(
        clicks in proptest::collection::vec((0_usize..5, 0_u16..140, 0_u16..50), 1..30),
        w in 0_u16..130, h in 0_u16..45, open in 0_usize..5,
    ) {
        let mut app = with_themes(if open % 2 == 0 { fixtures::replay_at_end(w, h, true) } else { fixtures::app(w, h) });
        let on_top = [Action::Palette, Action::Themes, Action::Help, Action::Up, Action::AskOwn];
        app.update(on_top[open].clone());
        let kinds = [MouseKind::Press, MouseKind::Drag, MouseKind::Release, MouseKind::WheelUp, MouseKind::WheelDown];
        for (kind, x, y) in clicks {
            mouse(&mut app, kinds[kind], x, y);
        }
        screen_with(&app, &Gallery::new(Caps::blocks(ColorDepth::True)), w, h);
    }
}
