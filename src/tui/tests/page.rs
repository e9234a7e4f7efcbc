//! The page looked at closely, as the model sees it, with a box in the making and with a warning.

use proptest::prelude::*;
use ratatui::buffer::Buffer;

use super::super::action::{Action, PageMove};
use super::super::app::App;
use super::super::fixtures;
use super::super::images::{Line, Slot};
use super::super::viewport::Look;
use super::{screen, text};
use crate::geometry::PageBox;
use crate::trace::Body;

const SIZES: [(u16, u16); 5] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5)];

fn snapshots(name: &str, state: impl Fn(&mut App)) {
    for (w, h) in SIZES {
        let mut app = fixtures::replay_at_end(w, h, true);
        state(&mut app);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("page_{name}_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

fn go(app: &mut App, steps: &[PageMove]) {
    for step in steps {
        app.update(Action::Page(*step));
    }
}

#[test]
fn pages() {
    snapshots("close_to_the_zoom", |app| go(app, &[PageMove::Reset]));
    snapshots("closer_and_moved", |app| {
        go(app, &[PageMove::In, PageMove::In, PageMove::In, PageMove::Left, PageMove::Down])
    });
    snapshots("seen_by_the_model", |app| go(app, &[PageMove::Seen]));
    snapshots("draft_and_warning", |app| {
        let mut records = fixtures::session(true);
        for arrival in &mut records {
            if let Body::Zoom(zoom) = &mut arrival.record.body {
                zoom.warning = Some("read as relative1000 the box would\u{1b}[2J hit the target\nby far".to_owned());
            }
        }
        app.update(Action::Replay { path: "x".into(), records, problems: Vec::new() });
        app.update(Action::Bottom);
        app.explorer.as_mut().unwrap().draft = Some(PageBox::new(110.0, 20.0, 180.0, 120.0));
    });
}

fn colors(buffer: &Buffer, area: ratatui::layout::Rect) -> usize {
    let mut seen: Vec<_> = area.positions().map(|p| buffer.cell(p).unwrap().bg).collect();
    seen.sort_by_key(|c| format!("{c:?}"));
    seen.dedup();
    seen.len()
}

#[test]
fn keys_of_the_page_move_it_and_the_title_says_how_close() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let title = |app: &App| text(&screen(app, 120, 40)).lines().nth(1).unwrap().to_owned();
    assert!(title(&app).contains("╭ Page ─"));
    go(&mut app, &[PageMove::In, PageMove::In]);
    assert!(title(&app).contains("Page · ×1.6"), "{}", title(&app));
    let before = app.page_viewport().unwrap().source;
    go(&mut app, &[PageMove::Right, PageMove::Down]);
    let after = app.page_viewport().unwrap().source;
    assert!(after.x1 > before.x1 && after.y1 > before.y1);
    go(&mut app, &[PageMove::Reset]);
    assert_eq!(app.explorer.as_ref().unwrap().look, Look::default());
    go(&mut app, &[PageMove::Reset]);
    let zoom = app.page_viewport().unwrap();
    assert!(zoom.scale > 1.5 && zoom.source.x1 < 12.0 && zoom.source.y2 > 236.0, "{zoom:?}");
    go(&mut app, &[PageMove::Seen]);
    assert!(title(&app).contains("140×196 · 35 tokens"), "{}", title(&app));
}

#[test]
fn the_request_says_what_is_seen() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    let page = |app: &App| app.wants().into_iter().find(|r| r.slot == Slot::Page).unwrap();
    assert_eq!(page(&app).view.unwrap().source, [0.0, 0.0, 200.0, 280.0]);
    assert_eq!(page(&app).seen, None);
    app.explorer.as_mut().unwrap().draft = Some(PageBox::new(1.0, 2.0, 30.0, 40.0));
    go(&mut app, &[PageMove::Seen, PageMove::In]);
    let request = page(&app);
    assert_eq!(request.seen.unwrap().size, (140, 196));
    assert_eq!(request.seen.unwrap().patch, 28);
    assert_eq!(request.view.unwrap().source, app.page_viewport().unwrap().source.corners());
    let draft = request.marks.last().unwrap();
    assert_eq!((draft.line, draft.label.as_str(), draft.corners), (Line::Edit, "EDIT", [1.0, 2.0, 30.0, 40.0]));
}

#[test]
fn a_click_in_the_middle_of_the_picture_is_the_middle_of_what_is_seen() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    go(&mut app, &[PageMove::In, PageMove::In, PageMove::In, PageMove::In]);
    let view = app.page_viewport().unwrap();
    let middle = (
        f64::from(view.area.x) + f64::from(view.area.width) / 2.0,
        f64::from(view.area.y) + f64::from(view.area.height) / 2.0,
    );
    let (x, y) = view.page_of(middle);
    assert!((x - (view.source.x1 + view.source.x2) / 2.0).abs() < 1e-9);
    assert!((y - (view.source.y1 + view.source.y2) / 2.0).abs() < 1e-9);
    // What is drawn there is what is there: a flat panel close up has few colours.
    let flat = PageBox::new(130.0, 30.0, 170.0, 120.0);
    app.explorer.as_mut().unwrap().look = view.around(&flat);
    let close = colors(&screen(&app, 120, 40), app.page_viewport().unwrap().area);
    assert!(close < 30, "{close}");
}

#[test]
fn without_a_page_or_room_the_keys_say_so() {
    let mut app = fixtures::replay_at_end(20, 5, true);
    go(&mut app, &[PageMove::In]);
    assert!(app.toast.as_deref().is_some_and(|t| t.contains("no room")));
    let mut app = fixtures::app(120, 40);
    app.update(Action::Open);
    app.update(Action::Arrived(Vec::new()));
    go(&mut app, &[PageMove::In, PageMove::Seen, PageMove::Reset]);
    screen(&app, 120, 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_moves_at_any_size_leave_a_page_that_is_drawn(
        steps in prop::collection::vec(0usize..9, 0..40), w in 0u16..130, h in 0u16..50, next in (0u16..130, 0u16..50),
    ) {
        let all = [
            PageMove::In, PageMove::Out, PageMove::Left, PageMove::Down, PageMove::Up, PageMove::Right, PageMove::Reset,
            PageMove::ToZoom, PageMove::Seen,
        ];
        let mut app = fixtures::replay_at_end(w, h, true);
        for step in steps {
            app.update(Action::Page(all[step]));
        }
        app.update(Action::Resize(next.0, next.1));
        if let Some(view) = app.page_viewport() {
            prop_assert!(view.source.x1 >= 0.0 && view.source.x2 <= 200.0 && view.source.y2 <= 280.0);
        }
        screen(&app, next.0, next.1);
    }
}
