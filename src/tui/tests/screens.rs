//! Every screen at several sizes, as snapshots; and every view at every small size, for panics.

use super::super::action::{Action, Edit, Preview, Scrub, Unit};
use super::super::app::{App, Choice, Screen};
use super::super::export_svg::{Ground, buffer_to_svg};
use super::super::images::{Caps, Gallery, Way};
use super::super::theme::{ColorDepth, Theme};
use super::super::{fixtures, view};
use super::{screen, screen_with, text};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

fn snapshots(name: &str, state: impl Fn(u16, u16) -> App) {
    for (w, h) in SIZES {
        let app = state(w, h);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

fn library(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    app.update(Action::Down);
    let of = Choice::Question(1);
    app.update(Action::Preview(Preview { of, pixels: Ok(fixtures::page()) }));
    app
}

fn at_zoom(w: u16, h: u16) -> App {
    let mut app = fixtures::replay_at_end(w, h, true);
    app.update(Action::Scrub(Scrub::Start));
    for _ in 0..2 {
        app.update(Action::Scrub(Scrub::NextSegment));
    }
    app
}

fn ask(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    app.open_form(vec![Choice::Page("comics/page one.png".into()), Choice::Page("comics/two.png".into())]);
    app.update(Action::Edit(Edit::Insert("Who is nearer? | Pip | Bo".to_owned())));
    app.update(Action::Edit(Edit::Left));
    app
}

fn help(w: u16, h: u16) -> App {
    let mut app = fixtures::replay_at_end(w, h, true);
    app.update(Action::Help);
    app
}

fn target(w: u16, h: u16) -> App {
    let mut app = fixtures::replay_at_end(w, h, false);
    app.update(Action::ToggleTarget);
    app
}

#[test]
fn screens() {
    snapshots("library", library);
    snapshots("explorer_right", |w, h| fixtures::replay_at_end(w, h, true));
    snapshots("explorer_wrong_target", target);
    snapshots("explorer_scrubbed_to_zoom", at_zoom);
    snapshots("ask", ask);
    snapshots("help", help);
}

#[test]
fn a_live_session_before_its_first_token() {
    let mut app = fixtures::app(100, 30);
    app.update(Action::Open);
    let seen = text(&screen(&app, 100, 30));
    assert!(seen.contains("loading the model"), "{seen}");
    assert!(seen.contains("q 1/30") && seen.contains("nothing written yet"), "{seen}");
}

#[test]
fn what_is_fetched_is_told_until_it_is_there() {
    let mut app = fixtures::app(100, 30);
    app.fetching = Some("a/b: fetching, 3 % of 7.51 GB".to_owned());
    for action in [Action::Down, Action::Open] {
        app.update(action);
        let seen = text(&screen(&app, 100, 30));
        let last = seen.trim_end().lines().last().unwrap();
        assert!(last.trim_end().ends_with("3 % of 7.51 GB") && last.contains("help"), "{seen}");
    }
    let seen = text(&screen(&app, 24, 12));
    assert!(seen.contains("a/b: fetchi…"), "{seen}");
}

#[test]
fn every_view_at_every_small_size_draws_without_panic() {
    let states: [fn(u16, u16) -> App; 5] = [library, target, at_zoom, ask, help];
    for state in states {
        for w in 0..=40 {
            for h in 0..=20 {
                let app = state(w, h);
                // Painting is the slow part; pictures of every shape are painted all the same.
                if (w * 21 + h) % 11 == 0 {
                    screen(&app, w, h);
                } else {
                    screen_with(&app, &Gallery::new(Caps::blocks(ColorDepth::True)), w, h);
                }
            }
        }
    }
}

#[test]
fn a_frame_of_another_size_than_the_state_knows_is_drawn() {
    let app = fixtures::replay_at_end(120, 40, true);
    for (w, h) in [(0, 0), (1, 1), (30, 9), (61, 20), (240, 80)] {
        screen(&app, w, h);
    }
}

#[test]
fn without_pictures_boxes_are_a_list() {
    let app = target(100, 30);
    let gallery = Gallery::new(Caps { way: Way::None, ..Caps::blocks(ColorDepth::True) });
    let seen = text(&screen_with(&app, &gallery, 100, 30));
    assert!(seen.contains("page 200×280 px"), "{seen}");
    assert!(seen.contains("1 [12, 150, 100, 236] panel 3"), "{seen}");
    assert!(seen.contains("T [10, 150, 100, 270]"), "{seen}");
}

#[test]
fn boxes_are_painted_into_the_page_as_they_come() {
    let orange = Theme::builtin(true, ColorDepth::True).unwrap().zoom_color(1);
    let has_box = |app: &App| {
        let buffer = screen(app, 120, 40);
        let [r, g, b] = orange;
        let color = ratatui::style::Color::Rgb(r, g, b);
        buffer.content().iter().filter(|c| c.bg == color || (c.fg == color && "▀▌▘▝▖▗▚".contains(c.symbol()))).count()
    };
    let mut app = at_zoom(120, 40);
    assert!(has_box(&app) > 20, "the box is there once the call is complete");
    app.update(Action::Scrub(Scrub::PrevToken));
    assert_eq!(has_box(&app), 0, "and not one token before");
    app.update(Action::Scrub(Scrub::NextToken));
    assert!(has_box(&app) > 20);
}

#[test]
fn page_boxes_crop_and_answer_follow_the_cursor() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let seen = |app: &App| text(&screen(app, 120, 40));
    assert!(seen(&app).contains("✓ right · running") && seen(&app).contains("Zoom 1 of 1 · panel 3"));
    app.update(Action::Scrub(Scrub::Start));
    app.update(Action::Step(Unit::Token));
    let early = seen(&app);
    assert!(early.contains("no zoom yet") && !early.contains("right · running"), "{early}");
    assert!(early.contains("token 1/36"), "{early}");
}

#[test]
fn hostile_text_reaches_no_cell() {
    let mut question = fixtures::question();
    question.text = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\nline".to_owned();
    question.choices = vec!["\u{1b}[31mred".to_owned(), "x".repeat(5000)];
    question.id = "a\u{9b}31m\nb".to_owned();
    let mut script = fixtures::Script::new(question);
    script.says(&[
        "<think>",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{0}",
        "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "日本",
        "👩\u{200d}👧",
        "</thi",
    ]);
    for (w, h) in [(120, 40), (60, 20), (21, 6)] {
        let mut app = fixtures::app(w, h);
        let records = script_records(&script);
        app.update(Action::Replay { path: "\u{1b}[2J.jsonl".into(), records, problems: vec!["\u{1b}[2J".to_owned()] });
        app.update(Action::Scrub(Scrub::End));
        let buffer = screen(&app, w, h);
        for cell in buffer.content() {
            assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
        }
    }
}

fn script_records(script: &fixtures::Script) -> Vec<super::super::action::Arrival> {
    script.clone().done()
}

#[test]
fn an_empty_recording_and_one_without_pixels_are_shown() {
    let mut app = fixtures::app(100, 30);
    app.update(Action::Replay { path: "x".into(), records: Vec::new(), problems: vec!["line 1: not JSON".to_owned()] });
    let seen = text(&screen(&app, 100, 30));
    assert!(seen.contains("line 1: not JSON"), "{seen}");

    let mut records = fixtures::session(true);
    for arrival in &mut records {
        arrival.pixels = None;
    }
    app.update(Action::Replay { path: "x".into(), records, problems: Vec::new() });
    app.update(Action::Scrub(Scrub::End));
    let seen = text(&screen(&app, 100, 30));
    assert!(seen.contains("crop 88×86 px") && seen.contains("1 [12, 150, 100, 236] panel 3"), "{seen}");
}

#[test]
fn the_light_theme_and_no_color_draw_the_same_words() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let dark = text(&screen(&app, 120, 40));
    app.theme = Theme::builtin(false, ColorDepth::True).unwrap();
    assert!(!app.theme.dark);
    let words =
        |s: &str| s.lines().map(|l| l.chars().filter(|c| c.is_alphanumeric()).collect::<String>()).collect::<Vec<_>>();
    assert_eq!(words(&text(&screen(&app, 120, 40))), words(&dark));
    app.theme = Theme::builtin(true, ColorDepth::None).unwrap();
    assert_eq!(words(&text(&screen(&app, 120, 40))), words(&dark));
}

#[test]
fn the_explorer_is_exported_as_svg() {
    let app = at_zoom(120, 40);
    assert_eq!(app.screen, Screen::Explorer);
    let svg = buffer_to_svg(&screen(&app, 120, 40), Ground { ink: [216, 219, 226], paper: [20, 22, 28] }, &[]);
    assert!(svg.starts_with("<svg") && svg.contains("Reasoning") && svg.matches("<rect").count() > 200);
    assert!(!view::layout::explorer(ratatui::layout::Rect::new(0, 0, 120, 40), 0.7, 2.0).crop.is_empty());
}
