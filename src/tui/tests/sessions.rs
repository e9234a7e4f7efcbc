//! The Sessions screen at several sizes.

use ratatui::layout::Rect;

use super::super::action::{Action, Edit, Preview};
use super::super::app::{App, Choice};
use super::super::images::{Caps, Gallery};
use super::super::sessions::finder::Finder;
use super::super::sessions::tests::{act, shown};
use super::super::sessions::{Deed, Row};
use super::super::theme::ColorDepth;
use super::super::{fixtures, view};
use super::{screen, screen_with, text};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

fn table(w: u16, h: u16, n: usize) -> (App, Finder) {
    let (mut app, mut desk) = shown(fixtures::app(w, h), n);
    for _ in 0..3 {
        act(&mut app, &mut desk, Action::Down);
    }
    let of = app.sessions.current().map_or(Choice::Question(0), Row::choice);
    app.update(Action::Preview(Preview { of, pixels: Ok(fixtures::page()) }));
    (app, desk)
}

fn narrowed(w: u16, h: u16) -> App {
    let (mut app, mut desk) = table(w, h, 40);
    let mut act = |action| drop(act(&mut app, &mut desk, action));
    act(Action::InSessions(Deed::PrevColumn));
    act(Action::InSessions(Deed::PrevColumn));
    act(Action::Filter(super::super::library::FilterBy::Verdict));
    act(Action::InSessions(Deed::Type));
    act(Action::Edit(Edit::Insert("demo".to_owned())));
    act(Action::Edit(Edit::Left));
    app
}

/// A filter that is typed: with ways to finish it, and with something wrong.
#[test]
fn what_is_typed_is_completed_and_faults_are_shown() {
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        for (name, typed, tabs) in [("complete", "zooms:>0 label:looked", 1), ("fault", "zooms:>0 lable:right", 0)] {
            let (mut app, mut desk) = table(100, 30, 40);
            let mut act = |action| drop(act(&mut app, &mut desk, action));
            act(Action::InSessions(Deed::Type));
            act(Action::Edit(Edit::Insert(typed.to_owned())));
            (0..tabs).for_each(|_| act(Action::InSessions(Deed::Complete)));
            insta::assert_snapshot!(format!("sessions_{name}_100x30"), text(&screen(&app, 100, 30)));
        }
    });
}

#[test]
fn the_table_of_sessions() {
    for (w, h) in SIZES {
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            let app = table(w, h, 40).0;
            insta::assert_snapshot!(format!("sessions_{w}x{h}"), text(&screen(&app, w, h)));
            let app = narrowed(w, h);
            insta::assert_snapshot!(format!("sessions_narrowed_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

#[test]
fn every_small_size_draws_without_panic() {
    let mut apps = [table(40, 20, 9).0, table(40, 20, 0).0, narrowed(40, 20)];
    for w in 0..=40 {
        for h in 0..=20 {
            let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
            for app in &mut apps {
                app.update(Action::Resize(w, h));
                screen_with(app, &gallery, w, h);
            }
        }
    }
}

#[test]
fn empty_loading_and_nothing_found_are_told_apart() {
    let seen = |app: &App| text(&screen(app, 100, 30));
    let mut app = fixtures::app(100, 30);
    app.update(Action::InSessions(Deed::Show));
    assert!(seen(&app).contains("looking for sessions"));
    assert!(seen(&shown(app, 0).0).contains("no sessions are recorded yet"));
    let (mut app, mut desk) = table(100, 30, 10);
    act(&mut app, &mut desk, Action::InSessions(Deed::Type));
    act(&mut app, &mut desk, Action::Edit(Edit::Insert("zebra".to_owned())));
    let text = seen(&app);
    assert!(text.contains("nothing of this kind") && text.contains("0 of 10 sessions"), "{text}");
}

/// The column that the table is sorted by is always there to be seen, with its direction.
#[test]
fn the_heading_shows_what_it_is_sorted_by() {
    for width in [30, 60, 80, 120, 200] {
        let (mut app, mut desk) = table(width, 30, 40);
        for _ in 0..super::super::sessions::Column::ALL.len() {
            act(&mut app, &mut desk, Action::InSessions(Deed::NextColumn));
            for _ in 0..2 {
                act(&mut app, &mut desk, Action::InSessions(Deed::Reverse));
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
    let app = table(120, 40, 5000).0;
    let gallery = Gallery::new(Caps::blocks(ColorDepth::True));
    let clock = std::time::Instant::now();
    for _ in 0..20 {
        screen_with(&app, &gallery, 120, 40);
    }
    let many = clock.elapsed();
    let app = table(120, 40, 50).0;
    let clock = std::time::Instant::now();
    for _ in 0..20 {
        screen_with(&app, &gallery, 120, 40);
    }
    let few = clock.elapsed();
    assert!(many < few * 8, "5000 rows {many:?}, 50 rows {few:?}");
    assert!(!view::sessions::panes(Rect::new(0, 0, 120, 40)).preview.is_empty());
}
