//! The Sessions screen at several sizes.

use ratatui::layout::Rect;

use super::super::action::{Action, Edit, Preview};
use super::super::app::{App, Choice};
use super::super::images::{Caps, Gallery};
use super::super::sessions::tests::rows;
use super::super::sessions::{Deed, Row};
use super::super::theme::ColorDepth;
use super::super::{fixtures, view};
use super::{screen, screen_with, text};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

fn table(w: u16, h: u16, rows: Vec<Row>) -> App {
    let mut app = fixtures::app(w, h);
    app.update(Action::InSessions(Deed::Show));
    app.update(Action::Sessions(rows));
    for _ in 0..3 {
        app.update(Action::Down);
    }
    let of = app.sessions.current().map_or(Choice::Question(0), Row::choice);
    app.update(Action::Preview(Preview { of, pixels: Ok(fixtures::page()) }));
    app
}

fn narrowed(w: u16, h: u16) -> App {
    let mut app = table(w, h, rows(40));
    app.update(Action::InSessions(Deed::PrevColumn));
    app.update(Action::InSessions(Deed::PrevColumn));
    app.update(Action::Filter(super::super::library::FilterBy::Verdict));
    app.update(Action::InSessions(Deed::Type));
    app.update(Action::Edit(Edit::Insert("demo".to_owned())));
    app.update(Action::Edit(Edit::Left));
    app
}

#[test]
fn the_table_of_sessions() {
    for (w, h) in SIZES {
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            let app = table(w, h, rows(40));
            insta::assert_snapshot!(format!("sessions_{w}x{h}"), text(&screen(&app, w, h)));
            let app = narrowed(w, h);
            insta::assert_snapshot!(format!("sessions_narrowed_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

#[test]
fn every_small_size_draws_without_panic() {
    for w in 0..=40 {
        for h in 0..=20 {
            let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
            screen_with(&table(w, h, rows(9)), &gallery, w, h);
            screen_with(&table(w, h, Vec::new()), &gallery, w, h);
            screen_with(&narrowed(w, h), &gallery, w, h);
        }
    }
}

#[test]
fn empty_loading_and_nothing_found_are_told_apart() {
    let seen = |app: &App| text(&screen(app, 100, 30));
    let mut app = fixtures::app(100, 30);
    app.update(Action::InSessions(Deed::Show));
    assert!(seen(&app).contains("looking for sessions"));
    app.update(Action::Sessions(Vec::new()));
    assert!(seen(&app).contains("no sessions are recorded yet"));
    let mut app = table(100, 30, rows(10));
    app.update(Action::InSessions(Deed::Type));
    app.update(Action::Edit(Edit::Insert("zebra".to_owned())));
    let text = seen(&app);
    assert!(text.contains("nothing of this kind") && text.contains("0 of 10 sessions"), "{text}");
}

/// The column that the table is sorted by is always there to be seen, with its direction.
#[test]
fn the_heading_shows_what_it_is_sorted_by() {
    for width in [30, 60, 80, 120, 200] {
        let mut app = table(width, 30, rows(40));
        for _ in 0..super::super::sessions::Column::ALL.len() {
            app.update(Action::InSessions(Deed::NextColumn));
            for _ in 0..2 {
                app.update(Action::InSessions(Deed::Reverse));
                let mark = if app.sessions.sorting().1 { '▼' } else { '▲' };
                let seen = text(&screen(&app, width, 30));
                assert!(seen.contains(mark), "{width}: {:?}\n{seen}", app.sessions.sorting());
            }
        }
    }
}

#[test]
fn only_rows_in_sight_are_drawn() {
    // As many rows as in a million years: were all of them visited, this would take minutes.
    let app = table(120, 40, rows(5000));
    let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
    let clock = std::time::Instant::now();
    for _ in 0..20 {
        screen_with(&app, &gallery, 120, 40);
    }
    let many = clock.elapsed();
    let app = table(120, 40, rows(50));
    let clock = std::time::Instant::now();
    for _ in 0..20 {
        screen_with(&app, &gallery, 120, 40);
    }
    let few = clock.elapsed();
    assert!(many < few * 8, "5000 rows {many:?}, 50 rows {few:?}");
    assert!(!view::sessions::panes(Rect::new(0, 0, 120, 40)).preview.is_empty());
}
