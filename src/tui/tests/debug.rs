//! The debugger: lists, lines, boxes, forks, search; and any row of actions on any of its states.

use proptest::prelude::*;

use super::super::action::{Action, Arrival, Edit as Typing, Scrub, Unit};
use super::super::app::{App, EngineState, Screen};
use super::super::debug::{DebugAction, Order, Otherwise};
use super::super::effect::Effect;
use super::super::explorer::{Explorer, Kind};
use super::super::keys::names::ROWS;
use super::super::{fixtures, view};
use super::{screen, text};
use crate::engine::{At, Edit, OtherCrop, Setting};
use crate::geometry::PageBox;
use crate::trace::{Body, Change, ForkEvent, Parent, ZoomOutcome};

const SIZES: [(u16, u16); 6] = [(200, 60), (120, 40), (80, 24), (60, 20), (20, 5), (0, 0)];

/// The fixture's session with the hashes its pixels have.
fn kept(mut records: Vec<Arrival>) -> Vec<Arrival> {
    for arrival in &mut records {
        if let (Body::Image(event), Some(pixels)) = (&mut arrival.record.body, &arrival.pixels) {
            event.hash = crate::page::pixel_hash(pixels);
        }
        if let Body::Zoom(zoom) = &mut arrival.record.body
            && let ZoomOutcome::Cropped { crop, .. } = &mut zoom.outcome
        {
            *crop = crate::page::pixel_hash(&fixtures::crop());
        }
    }
    records
}

fn at_zoom(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    let records = kept(fixtures::session(true));
    app.update(Action::Replay { path: "a.jsonl".into(), records, problems: Vec::new() });
    app.update(Action::Scrub(Scrub::Start));
    for _ in 0..2 {
        app.update(Action::Scrub(Scrub::NextSegment));
    }
    app
}

fn debug(app: &mut App, action: DebugAction) -> Vec<Effect> {
    app.update(Action::Debug(action))
}

fn types(app: &mut App, text: &str) -> Vec<Effect> {
    app.update(Action::Edit(Typing::Insert(text.to_owned())));
    app.update(Action::Open)
}

/// Chooses the row whose text begins so.
fn choose(app: &mut App, text: &str) -> Vec<Effect> {
    let menu = app.debug.menu.as_mut().unwrap();
    menu.selected =
        menu.rows.iter().position(|row| row.text.starts_with(text)).unwrap_or_else(|| {
            panic!("no row {text}: {:?}", menu.rows.iter().map(|row| &row.text).collect::<Vec<_>>())
        });
    app.update(Action::Open)
}

fn order(effects: &[Effect]) -> &Order {
    match effects {
        [Effect::Fork(order)] => order,
        other => panic!("no fork: {other:?}"),
    }
}

/// The session as a fork of another, with its tokens told apart by what they say.
fn forked(right: bool) -> Vec<Arrival> {
    let mut records = kept(fixtures::session(right));
    for arrival in &mut records {
        match &mut arrival.record.body {
            Body::SessionStart(start) => {
                start.id = "20260102-040506-fedcba".into();
                let page_box = PageBox::new(10.0, 150.0, 100.0, 270.0);
                let change = Some(Change::Box { zoom: 1, page_box });
                let (session, edit) = ("20260102-030405-abcdef".into(), "zoom 1: box → [10, 150, 100, 270]".into());
                start.parent = Some(Parent { session, position: 24, edit, change });
            }
            Body::Tokens(tokens) => {
                let id = |piece: &crate::trace::Piece| {
                    piece.bytes().iter().fold(7u32, |sum, b| sum * 31 % 9973 + u32::from(*b))
                };
                tokens.ids = tokens.pieces.iter().map(id).collect();
            }
            _ => {}
        }
    }
    let fork = ForkEvent { position: 24, kept: 23, exact: true, moved: Some(0.0) };
    let at = records.len() - 4;
    let record = crate::trace::Record { seq: 0, t: 0.5, body: Body::Fork(fork) };
    records.insert(at, Arrival { record, pixels: None });
    records
}

fn beside(w: u16, h: u16) -> App {
    let mut app = fixtures::app(w, h);
    let records = forked(true);
    app.update(Action::Replay { path: "b.jsonl".into(), records, problems: Vec::new() });
    app.update(Action::Scrub(Scrub::End));
    app.update(Action::Beside { path: "a.jsonl".into(), records: forked(false) });
    app
}

fn snapshots(name: &str, state: impl Fn(u16, u16) -> App) {
    for (w, h) in SIZES {
        let app = state(w, h);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("debug_{name}_{w}x{h}"), text(&screen(&app, w, h)));
        });
    }
}

#[test]
fn screens() {
    snapshots("edit", |w, h| {
        let mut app = at_zoom(w, h);
        debug(&mut app, DebugAction::Edit);
        app
    });
    snapshots("breakpoints", |w, h| {
        let mut app = at_zoom(w, h);
        debug(&mut app, DebugAction::Breakpoints);
        app.update(Action::Debug(DebugAction::Add));
        types(&mut app, "zoom and iou<.3");
        app
    });
    snapshots("prompt", |w, h| {
        let mut app = at_zoom(w, h);
        debug(&mut app, DebugAction::Breakpoints);
        app.update(Action::Debug(DebugAction::Add));
        types(&mut app, "zoom and");
        app
    });
    snapshots("box", |w, h| {
        let mut app = at_zoom(w, h);
        debug(&mut app, DebugAction::Edit);
        choose(&mut app, "the box of zoom 1");
        app.update(Action::Debug(DebugAction::MoveBox(3, -2)));
        app
    });
    snapshots("sides", beside);
    snapshots("family", |w, h| {
        let mut app = fixtures::app(w, h);
        app.update(Action::Replay { path: "b.jsonl".into(), records: forked(true), problems: Vec::new() });
        app.update(Action::Scrub(Scrub::End));
        debug(&mut app, DebugAction::Family);
        app
    });
    snapshots("folded", |w, h| {
        let mut app = fixtures::replay_at_end(w, h, true);
        debug(&mut app, DebugAction::FoldAll);
        app
    });
}

#[test]
fn breakpoints_are_typed_listed_turned_off_and_removed() {
    let mut app = at_zoom(100, 30);
    debug(&mut app, DebugAction::Breakpoints);
    app.update(Action::Debug(DebugAction::Add));
    assert!(types(&mut app, "zoom and").is_empty());
    let wrong = app.debug.prompt.as_ref().unwrap().wrong.clone().unwrap();
    assert!(wrong.starts_with("column 9: expected a condition"), "{wrong}");
    let effects = types(&mut app, " iou<.9");
    assert!(matches!(effects.as_slice(), [Effect::Breakpoints(points)] if points[0].text() == "zoom and iou<.9"));
    assert!(app.debug.prompt.is_none() && app.debug.menu.is_some());
    assert_eq!(choose(&mut app, "[x] zoom"), [Effect::Breakpoints(Vec::new())]);
    assert!(matches!(choose(&mut app, "[ ] zoom").as_slice(), [Effect::Breakpoints(points)] if points.len() == 1));
    assert_eq!(app.update(Action::Debug(DebugAction::Remove)), [Effect::Breakpoints(Vec::new())]);
    assert!(app.debug.points.on().is_empty());
}

#[test]
fn a_playback_stops_where_a_breakpoint_fires() {
    let mut app = fixtures::replay_at_end(100, 30, true);
    debug(&mut app, DebugAction::Breakpoints);
    app.update(Action::Debug(DebugAction::Add));
    types(&mut app, "zoom or answer:right");
    app.update(Action::Close);
    app.update(Action::Scrub(Scrub::Start));
    app.update(Action::ToggleRun);
    let play = |app: &mut App, from: u32| {
        for tick in from..from + 200 {
            app.update(Action::Now(f64::from(tick) * 0.05));
        }
    };
    play(&mut app, 0);
    let explorer = app.explorer.as_ref().unwrap();
    assert_eq!(explorer.broke(), Some(("zoom or answer:right", "zoom 1 [12, 150, 100, 236]")));
    assert!(!explorer.head.moving && text(&screen(&app, 100, 30)).contains("break zoom or answer"));
    app.update(Action::ToggleRun);
    play(&mut app, 300);
    assert_eq!(app.explorer.as_ref().unwrap().broke().unwrap().1, "answer \"running\" (right)");
}

#[test]
fn every_edit_becomes_one_order() {
    let zoom_end = |app: &App| app.explorer.as_ref().unwrap().current().unwrap().position;
    let with = |rows: &[&str]| {
        let mut app = at_zoom(120, 40);
        let mut effects = debug(&mut app, DebugAction::Edit);
        for row in rows {
            effects = choose(&mut app, row);
        }
        (zoom_end(&app), app, effects)
    };
    let edit = |at, edit| Order { at, what: Otherwise::Edit(edit) };
    let (position, _, effects) = with(&["another token", "\"␣standing\""]);
    assert_eq!(order(&effects), &edit(At::Token(position), Edit::Token(8)));
    let (_, mut app, _) = with(&["a typed text"]);
    let effects = types(&mut app, "</think>");
    assert_eq!(order(&effects), &edit(At::Token(position), Edit::Text("</think>".into())));
    let (_, _, effects) = with(&["the crop of zoom 1", "blank"]);
    assert_eq!(order(&effects), &edit(At::Zoom(1), Edit::Crop(OtherCrop::Blank)));
    let (_, _, effects) = with(&["the crop of zoom 1", "the true region"]);
    let target = PageBox::new(10.0, 150.0, 100.0, 270.0);
    assert_eq!(order(&effects), &edit(At::Zoom(1), Edit::Crop(OtherCrop::Region(target))));
    let (_, mut app, _) = with(&["the crop of zoom 1", "another region"]);
    assert!(types(&mut app, "5,5,2,9").is_empty());
    assert!(app.debug.prompt.as_ref().unwrap().wrong.as_ref().unwrap().contains("x1 < x2"));
    let (_, mut app, _) = with(&["the crop of zoom 1", "an image file"]);
    let effects = types(&mut app, "a.png");
    assert_eq!(order(&effects), &Order { at: At::Zoom(1), what: Otherwise::CropFile("a.png".into()) });
    let (_, _, effects) = with(&["a setting", "without the zoom tool"]);
    let setting = |setting| Order { at: At::Token(position), what: Otherwise::Setting(setting) };
    assert_eq!(order(&effects), &setting(Setting::Tool(false)));
    let (_, mut app, _) = with(&["a setting", "another question"]);
    let effects = types(&mut app, "temperature 0.5");
    assert_eq!(order(&effects), &setting(Setting::Temperature(0.5)));
    let (_, app, effects) = with(&["a setting", "another seed"]);
    assert!(effects.is_empty() && app.toast.unwrap().contains("greedy"), "greyed with its reason");
    let (_, _, effects) = with(&["nothing: once more"]);
    assert_eq!(order(&effects), &edit(At::Token(position), Edit::Nothing));
    let mut app = at_zoom(120, 40);
    assert_eq!(order(&debug(&mut app, DebugAction::Again)), &edit(At::Token(position), Edit::Nothing));
}

#[test]
fn what_cannot_be_computed_again_is_greyed_with_the_reason() {
    let mut app = fixtures::replay_at_end(120, 40, true);
    debug(&mut app, DebugAction::Edit);
    assert!(app.debug.menu.as_ref().unwrap().rows.iter().all(|row| row.why_not.is_some()));
    assert!(text(&screen(&app, 120, 40)).contains("(the page is not kept here)"));
    assert!(app.update(Action::Open).is_empty() && app.toast.unwrap().contains("not kept"));
}

#[test]
fn a_box_is_moved_sized_put_on_the_target_and_given_up() {
    let mut app = at_zoom(120, 40);
    debug(&mut app, DebugAction::Edit);
    choose(&mut app, "the box of zoom 1");
    let draft = |app: &App| app.explorer.as_ref().unwrap().draft.unwrap().corners();
    let [x1, y1, x2, y2] = fixtures::ZOOM;
    assert_eq!(draft(&app), [x1, y1, x2, y2]);
    app.update(Action::Debug(DebugAction::MoveBox(1, 0)));
    app.update(Action::Debug(DebugAction::SizeBox(0, -1)));
    let step = 2.8;
    assert_eq!(draft(&app), [x1 + step, y1, x2 + step, y2 - step]);
    app.update(Action::Debug(DebugAction::TrueBox));
    assert_eq!(draft(&app), [10.0, 150.0, 100.0, 270.0]);
    assert!(app.draft_words().unwrap().contains("coverage 1.00 · IoU 1.00"));
    let effects = app.update(Action::Open);
    let want = Otherwise::Edit(Edit::Box(PageBox::new(10.0, 150.0, 100.0, 270.0)));
    assert_eq!(order(&effects), &Order { at: At::Zoom(1), what: want });
    assert!(app.debug.boxing.is_none() && app.explorer.as_ref().unwrap().draft.is_none());
    debug(&mut app, DebugAction::Edit);
    choose(&mut app, "the box of zoom 1");
    assert!(app.update(Action::Close).is_empty());
    assert!(!app.debug.is_open() && app.explorer.as_ref().unwrap().draft.is_none());
}

#[test]
fn a_fork_takes_the_screen_and_begins_where_it_departs() {
    let mut app = fixtures::replay_at_end(120, 40, false);
    app.update(Action::ToggleTarget);
    app.update(Action::Forked);
    let explorer = app.explorer.as_ref().unwrap();
    assert!(explorer.kind == Kind::Live && explorer.written() == 0 && explorer.show_target);
    assert!(explorer.early_page.is_some(), "the page stays in sight");
    app.update(Action::Engine(EngineState::Running));
    app.update(Action::Arrived(forked(true)));
    let explorer = app.explorer.as_ref().unwrap();
    assert_eq!(explorer.head.shown(), explorer.count_until(23), "what the parent said is not played again");
    app.update(Action::Scrub(Scrub::End));
    let shown = text(&screen(&app, 120, 40));
    assert!(shown.contains("⑂ zoom 1: box → [10, 150, 100, 270] (exact)"), "{shown}");
    debug(&mut app, DebugAction::Sides);
    assert!(app.debug.sides.is_some(), "the parent is still in memory");
}

#[test]
fn two_sessions_are_aligned_and_what_differs_is_marked() {
    let app = beside(120, 40);
    let sides = app.debug.sides.as_ref().unwrap();
    assert_eq!([sides.differing[0].len(), sides.differing[1].len()], [1, 1]);
    let shown = text(&screen(&app, 120, 40));
    let row = shown.lines().find(|line| line.contains("⟨waving⟩")).unwrap();
    assert!(row.contains("⟨running⟩") && row.matches('≠').count() == 2, "{shown}");
    let same = shown.lines().find(|line| line.contains("The legs are apart")).unwrap();
    assert!(!same.contains('≠') && same.matches("The legs").count() == 2, "{shown}");
}

#[test]
fn a_search_moves_the_cursor_and_wraps_around() {
    let mut app = fixtures::replay_at_end(100, 30, true);
    debug(&mut app, DebugAction::Search);
    types(&mut app, "PANEL 3");
    let place = |app: &App| app.explorer.as_ref().unwrap().head.shown();
    let first = place(&app);
    debug(&mut app, DebugAction::NextMatch);
    let second = place(&app);
    assert_ne!(first, second);
    debug(&mut app, DebugAction::NextMatch);
    assert_eq!(place(&app), first);
    debug(&mut app, DebugAction::PrevMatch);
    assert_eq!(place(&app), second);
    debug(&mut app, DebugAction::Search);
    types(&mut app, "nowhere");
    assert!(app.toast.as_ref().unwrap().contains("not found"));
    debug(&mut app, DebugAction::Search);
    types(&mut app, "/(/");
    assert!(app.debug.prompt.as_ref().unwrap().wrong.as_ref().unwrap().contains("regular expression"));
}

#[test]
fn a_copy_is_what_the_model_wrote_and_hostile_labels_are_harmless() {
    let mut app = fixtures::replay_at_end(100, 30, true);
    debug(&mut app, DebugAction::Copy);
    assert_eq!(choose(&mut app, "the answer"), [Effect::Copy("running".into())]);
    debug(&mut app, DebugAction::Copy);
    assert_eq!(choose(&mut app, "the zoom's box"), [Effect::Copy("[12, 150, 100, 236]".into())]);
    app.update(Action::Failed("\x1b]52;c;aGk=\x07".into()));
    assert!(!app.toast.unwrap().contains('\x1b'));
}

#[test]
fn scrolling_does_not_move_the_cursor_and_the_end_follows_again() {
    let mut app = fixtures::replay_at_end(60, 14, true);
    let before = app.explorer.as_ref().unwrap().head.shown();
    for _ in 0..3 {
        app.update(Action::Up);
    }
    let explorer = app.explorer.as_ref().unwrap();
    assert!(explorer.scroll.is_some() && explorer.head.shown() == before);
    app.update(Action::Scrub(Scrub::End));
    assert_eq!(app.explorer.as_ref().unwrap().scroll, None);
}

/// Something a person can do, or something that arrives.
fn actions() -> impl Strategy<Value = Action> {
    let rows: Vec<Action> = ROWS.iter().map(|row| row.action.clone()).collect();
    let records = forked(true);
    prop_oneof![
        8 => proptest::sample::select(rows).prop_filter("leaving ends it", |a| !matches!(a, Action::Quit)),
        1 => (0u16..140, 0u16..50).prop_map(|(w, h)| Action::Resize(w, h)),
        1 => (0.0f64..9.0).prop_map(Action::Now),
        1 => "[a-z<>/(. 0-9]{0,6}".prop_map(|text| Action::Edit(Typing::Insert(text))),
        1 => (0..records.len(), 0usize..9).prop_map(move |(from, n)| {
            Action::Arrived(records.iter().skip(from).take(n).cloned().collect())
        }),
        1 => Just(Action::Forked),
        1 => Just(Action::Step(Unit::Segment)),
        1 => Just(Action::Debug(DebugAction::Edit)),
        1 => Just(Action::Beside { path: "a".into(), records: forked(false) }),
        1 => Just(Action::Engine(EngineState::Paused)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_row_of_actions_leaves_a_state_that_draws_the_same_again(row in proptest::collection::vec(actions(), 0..60)) {
        let mut app = at_zoom(100, 30);
        for action in row {
            app.update(action);
            if app.screen != Screen::Explorer || app.explorer.is_none() {
                let records = forked(true);
                app.update(Action::Replay { path: "b.jsonl".into(), records, problems: Vec::new() });
            }
        }
        let (w, h) = app.size;
        let first = screen(&app, w, h);
        prop_assert_eq!(&first, &screen(&app, w, h));
        // What was brought up to date step by step is what a fresh wrap gives.
        if let Some(explorer) = &mut app.explorer {
            let width = explorer.reasoning.width();
            let grown = explorer.reasoning.lines().to_vec();
            explorer.reasoning.forget();
            explorer.wrap(width);
            prop_assert_eq!(grown, explorer.reasoning.lines().to_vec());
        }
        let _ = view::context(&app);
    }
}

/// Nothing of the debugger needs an explorer that is not there.
#[test]
fn without_a_session_nothing_happens() {
    let mut app = fixtures::app(80, 24);
    for row in ROWS.iter().filter(|row| matches!(row.action, Action::Debug(_))) {
        app.screen = Screen::Explorer;
        app.explorer = None::<Explorer>;
        app.update(row.action.clone());
    }
    assert!(!app.debug.is_open());
}
