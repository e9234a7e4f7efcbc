//! The table: order, filters, the trash, and what a key costs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::action::{Action, Edit};
use super::super::app::{App, Screen, Verdict};
use super::super::effect::Effect;
use super::super::fixtures;
use super::super::library::FilterBy;
use super::*;
use crate::benchmark::Task;
use crate::session::{LogFile, SessionSummary};
use crate::trace::Parent;

/// Session `i` of a made-up folder.
fn made(i: usize) -> Row {
    let n = i as u32;
    let id = format!("2026010{}-{:06}-{i:06x}", 1 + i % 9, i % 100_000);
    let summary = SessionSummary {
        id: id.clone(),
        run: Some(format!("run-{}", i % 3)),
        started: format!("2026-01-{:02}T{:02}:{:02}:00Z", 28 - (i / 1440) % 28, 23 - (i / 60) % 24, 59 - i % 60),
        model: ["demo-rarl", "Qwen2.5-VL-3B", "base"][i % 3].to_owned(),
        question_id: format!("{i:04}-action"),
        task: [Some(Task::ActionRecognition), Some(Task::DepthComparison), None][i % 3],
        right: [Some(true), Some(false), None, Some(false)][i % 4],
        score: [Some(1.0), Some(0.0), None, Some(0.5)][i % 4],
        answer: (i % 5 != 4).then(|| format!("Answer {}", i % 7)),
        truth: Some("running".to_owned()),
        reason: (i % 4 != 2).then(|| "answered".to_owned()),
        label: "looked_elsewhere".to_owned(),
        zooms: n % 4,
        coverage: i.is_multiple_of(2).then(|| f64::from(n % 11) / 10.0),
        iou: Some(0.25),
        generated: 36,
        seconds: 0.74,
        parent: (i == 3).then(|| Parent {
            session: "20260102-030405-abcdef".to_owned(),
            position: 17,
            edit: "token 17: \" left\" → \" right\"".to_owned(),
            change: None,
        }),
        ..SessionSummary::default()
    };
    let path = format!("sessions/run-{}/{id}.jsonl.zst", i % 3).into();
    let log = LogFile { id, sub: format!("run-{}", i % 3), path, live: false };
    Row::of(log, &summary, &TimeZone::UTC)
}

pub fn rows(n: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..n).map(made).collect();
    rows.sort_by(|a, b| b.started.cmp(&a.started));
    rows
}

fn app(n: usize) -> App {
    let mut app = fixtures::app(120, 40);
    app.update(Action::InSessions(Deed::Show));
    app.update(Action::Sessions(rows(n)));
    app
}

fn press(app: &mut App, deed: Deed) -> Vec<Effect> {
    app.update(Action::InSessions(deed))
}

fn type_in(app: &mut App, text: &str) {
    press(app, Deed::Type);
    for c in text.chars() {
        app.update(Action::Edit(Edit::Insert(c.to_string())));
    }
}

fn cells(app: &App, column: Column) -> Vec<&str> {
    (0..app.sessions.len()).map(|i| app.sessions.row(i).unwrap().cell(column)).collect()
}

#[test]
fn it_is_opened_from_the_library_read_anew_and_left_again() {
    let mut app = fixtures::app(120, 40);
    let effects = press(&mut app, Deed::Show);
    assert_eq!(app.screen, Screen::Sessions);
    assert!(effects.contains(&Effect::OnSessions(Chore::List)) && app.sessions.loading);
    app.update(Action::Sessions(rows(5)));
    assert_eq!((app.sessions.len(), app.library.sessions().len()), (5, 5));
    app.update(Action::Back);
    assert_eq!(app.screen, Screen::Library);
}

#[test]
fn newest_come_first_and_every_column_sorts_both_ways() {
    let mut app = app(30);
    let started = cells(&app, Column::Started);
    assert!(started.is_sorted_by(|a, b| a >= b), "{started:?}");
    for _ in 0..Column::ALL.len() {
        press(&mut app, Deed::NextColumn);
        let (column, reversed) = app.sessions.sorting();
        assert_eq!(reversed, column.falls_first());
        for _ in 0..2 {
            let (_, reversed) = app.sessions.sorting();
            let key = |i: usize| {
                let row = app.sessions.row(i).unwrap();
                match column {
                    Column::Zooms | Column::Coverage => format!("{:>9}", row.cell(column)),
                    _ => row.cell(column).to_lowercase(),
                }
            };
            let keys: Vec<String> = (0..30).map(key).collect();
            let present: Vec<&String> = keys.iter().filter(|k| !k.trim().is_empty()).collect();
            let glyphs = column == Column::Verdict;
            let sorted = if reversed { present.is_sorted_by(|a, b| a >= b) } else { present.is_sorted() };
            assert!(glyphs || sorted, "{column:?} {reversed}: {keys:?}");
            let empty = keys.iter().position(|k| k.trim().is_empty()).unwrap_or(30);
            assert!(keys[empty..].iter().all(|k| k.trim().is_empty()), "{column:?}: what is missing comes last");
            press(&mut app, Deed::Reverse);
        }
    }
    assert_eq!(app.sessions.sorting().0, Column::Started, "once around");
    press(&mut app, Deed::PrevColumn);
    assert_eq!(app.sessions.sorting().0, Column::Model);
}

#[test]
fn words_are_looked_for_in_every_column_and_all_must_be_there() {
    let mut app = app(60);
    type_in(&mut app, "QWEN  depth");
    assert!(app.sessions.typing);
    let found = app.sessions.len();
    assert!(found > 0 && found < 60);
    for i in 0..found {
        let row = app.sessions.row(i).unwrap();
        assert_eq!((row.cell(Column::Model), row.cell(Column::Task)), ("Qwen2.5-VL-3B", "depth-comparison"));
    }
    app.update(Action::Edit(Edit::Insert(" nowhere".to_owned())));
    assert!(app.sessions.is_empty() && app.sessions.current().is_none());
    assert_eq!(app.update(Action::Open), [], "Enter ends the typing");
    assert!(!app.sessions.typing);
    assert_eq!(app.update(Action::Open), [], "and nothing opens where nothing is");
    app.update(Action::Close);
    assert_eq!((app.sessions.len(), app.screen), (60, Screen::Sessions));
    app.update(Action::Close);
    assert_eq!(app.screen, Screen::Library);
}

#[test]
fn verdicts_filter_and_the_selection_stays_where_it_can() {
    let mut app = app(40);
    app.update(Action::Filter(FilterBy::Verdict));
    assert!(cells(&app, Column::Verdict).iter().all(|v| *v == "✓ right"));
    assert_eq!(app.sessions.count(Verdict::Right), app.sessions.len());
    app.update(Action::Bottom);
    let id = app.sessions.current().unwrap().id.clone();
    press(&mut app, Deed::Reverse);
    assert_eq!(app.sessions.current().unwrap().id, id);
    app.update(Action::Close);
    assert_eq!(app.sessions.current().unwrap().id, id);
    app.update(Action::Sessions(rows(45)));
    assert_eq!(app.sessions.current().unwrap().id, id, "a new list keeps it, too");
}

#[test]
fn a_session_opens_and_leaving_it_comes_back_to_its_row() {
    let mut app = app(20);
    for _ in 0..4 {
        app.update(Action::Down);
    }
    let path = app.sessions.current().unwrap().path.clone();
    assert_eq!(app.update(Action::Open), [Effect::OpenLog(path.clone())]);
    app.update(Action::Replay { path, records: fixtures::session(true), problems: Vec::new() });
    assert_eq!(app.screen, Screen::Explorer);
    app.update(Action::Back);
    assert_eq!((app.screen, app.sessions.selected()), (Screen::Sessions, 4));
    app.update(Action::Back);
    app.update(Action::Open);
    assert_eq!(app.screen, Screen::Explorer);
    app.update(Action::Back);
    assert_eq!(app.screen, Screen::Library, "a session from the library goes back there");
}

fn in_trash(key: &(String, String)) -> Trashed {
    Trashed { id: key.1.clone(), sub: key.0.clone(), deleted: String::new(), dir: "t".into() }
}

#[test]
fn deleting_takes_the_row_away_and_undo_brings_it_back_to_its_place() {
    let mut app = app(10);
    app.update(Action::Down);
    let key = app.sessions.current().unwrap().key();
    let effects = press(&mut app, Deed::Delete);
    assert_eq!(effects[0], Effect::OnSessions(Chore::Trash { sub: key.0.clone(), id: key.1.clone() }));
    assert!(app.toast.as_ref().unwrap().contains("u brings it back"), "{:?}", app.toast);
    assert_eq!((app.sessions.len(), app.sessions.selected()), (9, 1));
    press(&mut app, Deed::Undo);
    assert!(app.toast.as_ref().unwrap().contains("on its way"), "{:?}", app.toast);
    // A list that was read before it was gone does not bring it back.
    app.update(Action::Sessions(rows(10)));
    assert_eq!(app.sessions.len(), 9);
    let (sub, id) = key.clone();
    app.update(Action::SessionDone(Outcome::Trashed { sub, id, result: Ok(in_trash(&key)) }));
    assert_eq!(app.library.sessions().len(), 9);
    let effects = press(&mut app, Deed::Undo);
    assert_eq!(effects[0], Effect::OnSessions(Chore::Restore(in_trash(&key))));
    app.update(Action::SessionDone(Outcome::Restored(in_trash(&key), Ok(()))));
    assert_eq!((app.sessions.len(), app.sessions.selected()), (10, 1));
    assert_eq!((app.sessions.current().unwrap().key(), app.library.sessions().len()), (key, 10));
    press(&mut app, Deed::Undo);
    assert!(app.toast.as_ref().unwrap().contains("nothing was deleted"), "{:?}", app.toast);
}

#[test]
fn what_cannot_be_deleted_or_brought_back_is_said_and_kept() {
    let mut app = app(3);
    let key = app.sessions.current().unwrap().key();
    press(&mut app, Deed::Delete);
    let (sub, id) = key.clone();
    let result = Err("it is being\u{1b}[2J written".to_owned());
    app.update(Action::SessionDone(Outcome::Trashed { sub, id, result }));
    assert_eq!((app.sessions.len(), app.sessions.current().unwrap().key()), (3, key.clone()));
    let toast = app.toast.clone().unwrap();
    assert!(toast.contains("not deleted") && !toast.contains('\u{1b}'), "{toast}");
    press(&mut app, Deed::Delete);
    let (sub, id) = key.clone();
    app.update(Action::SessionDone(Outcome::Trashed { sub, id, result: Ok(in_trash(&key)) }));
    press(&mut app, Deed::Undo);
    app.update(Action::SessionDone(Outcome::Restored(in_trash(&key), Err("no room".to_owned()))));
    assert_eq!(app.sessions.len(), 2);
    let again = press(&mut app, Deed::Undo);
    assert_eq!(again[0], Effect::OnSessions(Chore::Restore(in_trash(&key))), "it can be tried again");
}

#[test]
fn five_thousand_sessions_cost_a_key_no_more_than_it_changes() {
    let mut app = app(5000);
    let cost = |app: &mut App, act: &mut dyn FnMut(&mut App)| {
        let before = app.sessions.looked_at;
        act(app);
        app.sessions.looked_at - before
    };
    for action in [Action::Down, Action::PageDown, Action::Bottom, Action::Up, Action::Top, Action::Resize(200, 60)] {
        let n = cost(&mut app, &mut |app| drop(app.update(action.clone())));
        assert_eq!(n, 0, "{action:?} computes nothing");
    }
    assert_eq!(cost(&mut app, &mut |app| drop(press(app, Deed::Reverse))), 10_000, "sorted and narrowed once");
    press(&mut app, Deed::Type);
    let letter = |app: &mut App| drop(app.update(Action::Edit(Edit::Insert("q".to_owned()))));
    assert_eq!(cost(&mut app, &mut { letter }), 5000, "a letter narrows once and sorts nothing");
    // Far above what it takes (see the benches), far below what re-making the rows every time would.
    let clock = std::time::Instant::now();
    for _ in 0..10 {
        press(&mut app, Deed::NextColumn);
    }
    assert!(clock.elapsed().as_secs_f64() < 2.0, "{:?}", clock.elapsed());
}

#[test]
fn hostile_summaries_make_harmless_rows() {
    let evil = "\u{1b}]0;x\u{7}\u{202e}a\nb".to_owned() + &"z".repeat(9000);
    let summary = SessionSummary {
        started: evil.clone(),
        model: evil.clone(),
        question_id: evil.clone(),
        answer: Some(evil.clone()),
        truth: Some(evil.clone()),
        run: Some(evil.clone()),
        label: evil.clone(),
        coverage: Some(f64::NAN),
        seconds: f64::INFINITY,
        parent: Some(Parent { session: evil.clone(), position: u64::MAX, edit: evil.clone(), change: None }),
        interventions: vec![evil],
        ..SessionSummary::default()
    };
    let log = LogFile { id: "a".into(), sub: String::new(), path: "a.jsonl".into(), live: true };
    let row = Row::of(log, &summary, &TimeZone::UTC);
    let texts = Column::ALL.iter().map(|c| row.cell(*c)).chain(row.detail.iter().map(String::as_str));
    for text in texts {
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        assert!(text.chars().count() < 2000);
    }
}

#[test]
fn times_are_shown_where_a_person_is() {
    let zone = TimeZone::fixed(jiff::tz::offset(9));
    let summary = SessionSummary { started: "2026-01-02T20:04:05Z".into(), ..SessionSummary::default() };
    let log = LogFile { id: "a".into(), sub: String::new(), path: "a.jsonl".into(), live: true };
    assert_eq!(Row::of(log, &summary, &zone).cell(Column::Started), "2026-01-03 05:04");
}

fn any_step() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0usize..30).prop_map(|n| Action::Sessions(rows(n))),
        Just(Action::Up),
        Just(Action::Down),
        Just(Action::PageDown),
        Just(Action::Top),
        Just(Action::Bottom),
        Just(Action::Filter(FilterBy::Verdict)),
        Just(Action::Close),
        "[a-e0-9 ]".prop_map(|s| Action::Edit(Edit::Insert(s))),
        Just(Action::Edit(Edit::Backspace)),
        prop_oneof![
            Just(Deed::Show),
            Just(Deed::NextColumn),
            Just(Deed::PrevColumn),
            Just(Deed::Reverse),
            Just(Deed::Type),
            Just(Deed::Delete),
            Just(Deed::Undo),
        ]
        .prop_map(Action::InSessions),
    ]
}

proptest! {
    /// Whatever is pressed: the rows shown are those that fit, each once, in order, and the selection is one of them.
    #[test]
    fn any_keys_leave_a_table_that_holds_together(steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut app = app(12);
        for step in steps {
            for effect in app.update(step) {
                // The background thread answers at once.
                if let Effect::OnSessions(Chore::Trash { sub, id }) = effect {
                    let result = Ok(in_trash(&(sub.clone(), id.clone())));
                    app.update(Action::SessionDone(Outcome::Trashed { sub, id, result }));
                } else if let Effect::OnSessions(Chore::Restore(trashed)) = effect {
                    app.update(Action::SessionDone(Outcome::Restored(trashed, Ok(()))));
                }
            }
            let table = &app.sessions;
            let keys: HashSet<_> = (0..table.len()).map(|i| table.row(i).unwrap().key()).collect();
            prop_assert_eq!(keys.len(), table.len());
            prop_assert!(table.is_empty() || table.current().is_some());
            let (column, reversed) = table.sorting();
            for i in 1..table.len() {
                let order = column.compare(table.row(i - 1).unwrap(), table.row(i).unwrap(), reversed);
                prop_assert!(order != std::cmp::Ordering::Greater);
            }
            let words = table.filter.text().to_lowercase();
            for i in 0..table.len() {
                prop_assert!(words.split_whitespace().all(|w| table.row(i).unwrap().contains(w)));
            }
        }
    }
}
