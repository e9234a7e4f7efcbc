//! The table: order, filters, the trash, and what a key costs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::action::{Action, Edit};
use super::super::app::{App, Screen, Verdict};
use super::super::effect::Effect;
use super::super::fixtures;
use super::super::library::FilterBy;
use std::collections::HashSet;

use super::finder::Finder;
use super::*;
use crate::benchmark::Task;
use crate::session::index::Index;
use crate::session::{LogFile, SessionStore, SessionSummary};
use crate::trace::Parent;

/// Session `i` of a made-up folder.
fn made(i: usize) -> (LogFile, SessionSummary) {
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
    (LogFile { id, sub: format!("run-{}", i % 3), path, live: false }, summary)
}

pub fn rows(n: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..n).map(made).map(|(log, s)| Row::of(log, &s, &TimeZone::UTC)).collect();
    rows.sort_by(|a, b| b.started.cmp(&a.started));
    rows
}

/// The thread behind the screen, which answers at once.
pub fn desk(n: usize) -> Finder {
    let store = SessionStore::open("sessions").unwrap();
    let all: Vec<_> = (0..n).map(made).collect();
    Finder::of(Index::filled(&store, &all).unwrap(), TimeZone::UTC)
}

/// Does something, and lets the thread answer what is asked.
pub fn act(app: &mut App, desk: &mut Finder, action: Action) -> Vec<Effect> {
    let first = app.update(action);
    let mut waiting: std::collections::VecDeque<Effect> = first.iter().cloned().collect();
    while let Some(effect) = waiting.pop_front() {
        if let Effect::OnSessions(chore @ (Chore::Find(_) | Chore::Window { .. } | Chore::List)) = effect {
            let mut told = Vec::new();
            desk.work(chore, &mut |action| told.push(action));
            told.into_iter().for_each(|action| waiting.extend(app.update(action)));
        }
    }
    first
}

/// The screen with so many sessions, and who answers it.
pub fn shown(mut app: App, n: usize) -> (App, Finder) {
    let mut desk = desk(n);
    act(&mut app, &mut desk, Action::InSessions(Deed::Show));
    (app, desk)
}

struct Table {
    app: App,
    desk: Finder,
}

impl Table {
    fn new(n: usize) -> Self {
        let (app, desk) = shown(fixtures::app(120, 40), n);
        Self { app, desk }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        act(&mut self.app, &mut self.desk, action)
    }

    fn press(&mut self, deed: Deed) -> Vec<Effect> {
        self.act(Action::InSessions(deed))
    }

    fn type_in(&mut self, text: &str) {
        self.press(Deed::Type);
        for c in text.chars() {
            self.act(Action::Edit(Edit::Insert(c.to_string())));
        }
    }

    fn cells(&self, column: Column) -> Vec<&str> {
        (0..self.app.sessions.len()).map(|i| self.app.sessions.row(i).unwrap().cell(column)).collect()
    }

    fn key(&self) -> Key {
        self.app.sessions.current().unwrap().key()
    }
}

#[test]
fn it_is_opened_from_the_library_read_anew_and_left_again() {
    let mut app = fixtures::app(120, 40);
    let effects = app.update(Action::InSessions(Deed::Show));
    assert_eq!(app.screen, Screen::Sessions);
    assert!(effects.contains(&Effect::OnSessions(Chore::List)) && app.sessions.loading);
    let (mut app, _) = shown(app, 5);
    assert_eq!((app.sessions.len(), app.library.sessions().len(), app.sessions.loading), (5, 5, false));
    app.update(Action::Back);
    assert_eq!(app.screen, Screen::Library);
}

#[test]
fn newest_come_first_and_every_column_sorts_both_ways() {
    let mut table = Table::new(30);
    let started = table.cells(Column::Started);
    assert!(started.is_sorted_by(|a, b| a >= b), "{started:?}");
    for _ in 0..Column::ALL.len() {
        table.press(Deed::NextColumn);
        let (column, reversed) = table.app.sessions.sorting();
        assert_eq!(reversed, column.falls_first());
        for _ in 0..2 {
            let (_, reversed) = table.app.sessions.sorting();
            let key = |cell: &&str| match column {
                Column::Zooms | Column::Coverage => format!("{cell:>9}"),
                // Questions without a task are typed ones.
                Column::Task if *cell == "typed" => String::new(),
                _ => cell.to_lowercase(),
            };
            let keys: Vec<String> = table.cells(column).iter().map(key).collect();
            let present: Vec<&String> = keys.iter().filter(|k| !k.trim().is_empty()).collect();
            let glyphs = column == Column::Verdict;
            let sorted = if reversed { present.is_sorted_by(|a, b| a >= b) } else { present.is_sorted() };
            assert!(glyphs || sorted, "{column:?} {reversed}: {keys:?}");
            let empty = keys.iter().position(|k| k.trim().is_empty()).unwrap_or(30);
            assert!(keys[empty..].iter().all(|k| k.trim().is_empty()), "{column:?}: what is missing comes last");
            table.press(Deed::Reverse);
        }
    }
    assert_eq!(table.app.sessions.sorting().0, Column::Started, "once around");
    table.press(Deed::PrevColumn);
    assert_eq!(table.app.sessions.sorting().0, Column::Model);
}

#[test]
fn words_and_fields_are_looked_for_and_all_must_fit() {
    let mut table = Table::new(60);
    table.type_in("QWEN  depth");
    assert!(table.app.sessions.typing);
    let found = table.app.sessions.len();
    assert!(found > 0 && found < 60);
    assert!(table.cells(Column::Model).iter().all(|cell| *cell == "Qwen2.5-VL-3B"));
    assert!(table.cells(Column::Task).iter().all(|cell| *cell == "depth-comparison"));
    table.act(Action::Edit(Edit::Insert(" zooms:>=2".to_owned())));
    assert!((1..found).contains(&table.app.sessions.len()));
    table.act(Action::Edit(Edit::Insert(" nowhere".to_owned())));
    assert!(table.app.sessions.is_empty() && table.app.sessions.current().is_none());
    assert_eq!(table.act(Action::Open), [], "Enter ends the typing");
    assert!(!table.app.sessions.typing);
    assert_eq!(table.act(Action::Open), [], "and nothing opens where nothing is");
    table.act(Action::Close);
    assert_eq!((table.app.sessions.len(), table.app.screen), (60, Screen::Sessions));
    table.act(Action::Close);
    assert_eq!(table.app.screen, Screen::Library);
}

#[test]
fn a_wrong_filter_is_told_and_what_was_shown_stays() {
    let mut table = Table::new(20);
    table.type_in("zooms:3");
    let before = table.app.sessions.len();
    assert!(before > 0 && before < 20 && table.app.sessions.fault().is_none());
    table.act(Action::Edit(Edit::Insert(" lable:x".to_owned())));
    let fault = table.app.sessions.fault().unwrap();
    assert!(fault.column == 9 && fault.message.contains("did you mean label?"), "{fault}");
    assert_eq!(table.app.sessions.len(), before);
    for _ in 0..8 {
        table.act(Action::Edit(Edit::Backspace));
    }
    assert!(table.app.sessions.fault().is_none());
}

#[test]
fn tab_finishes_words_one_way_after_another() {
    let mut table = Table::new(20);
    table.type_in("verd");
    assert_eq!(table.app.sessions.completing().ways().0.len(), 1);
    table.press(Deed::Complete);
    assert_eq!(table.app.sessions.filter.text(), "verdict:");
    table.act(Action::Edit(Edit::Insert("w".to_owned())));
    table.press(Deed::Complete);
    assert_eq!(table.app.sessions.filter.text(), "verdict:wrong");
    assert!(table.cells(Column::Verdict).iter().all(|cell| *cell == "✗ wrong"));
    table.press(Deed::Complete);
    assert_eq!(table.app.sessions.filter.text(), "verdict:no-answer", "the next way, and in the end the first again");
    table.press(Deed::Complete);
    table.press(Deed::Complete);
    assert_eq!(table.app.sessions.filter.text(), "verdict:wrong");
    table.act(Action::Edit(Edit::DeleteToStart));
    table.act(Action::Edit(Edit::Insert("run:".to_owned())));
    table.press(Deed::Complete);
    assert_eq!(table.app.sessions.filter.text(), "run:run-0", "values that are here");
}

#[test]
fn verdicts_filter_and_the_selection_stays_where_it_can() {
    let mut table = Table::new(40);
    table.act(Action::Filter(FilterBy::Verdict));
    assert!(table.cells(Column::Verdict).iter().all(|v| *v == "✓ right"));
    assert_eq!(table.app.sessions.count(Verdict::Right), table.app.sessions.len());
    table.act(Action::Bottom);
    let key = table.key();
    table.press(Deed::Reverse);
    assert_eq!(table.key(), key);
    table.act(Action::Close);
    assert_eq!(table.key(), key);
    table.desk = desk(45);
    table.act(Action::Sessions(rows(45)));
    assert_eq!((table.key(), table.app.sessions.len()), (key, 45), "a new list keeps it, too");
}

#[test]
fn a_session_opens_and_leaving_it_comes_back_to_its_row() {
    let mut table = Table::new(20);
    for _ in 0..4 {
        table.act(Action::Down);
    }
    let path = table.app.sessions.current().unwrap().path.clone();
    assert_eq!(table.act(Action::Open), [Effect::OpenLog(path.clone())]);
    table.act(Action::Replay { path, records: fixtures::session(true), problems: Vec::new() });
    assert_eq!(table.app.screen, Screen::Explorer);
    table.act(Action::Back);
    assert_eq!((table.app.screen, table.app.sessions.selected()), (Screen::Sessions, 4));
    table.act(Action::Back);
    table.act(Action::Open);
    assert_eq!(table.app.screen, Screen::Explorer);
    table.act(Action::Back);
    assert_eq!(table.app.screen, Screen::Library, "a session from the library goes back there");
}

fn in_trash(key: &(String, String)) -> Trashed {
    Trashed { id: key.1.clone(), sub: key.0.clone(), deleted: String::new(), dir: "t".into() }
}

/// The table once a session is in the trash, and the index knows it.
fn gone(table: &mut Table, key: &Key) -> Vec<Effect> {
    let all: Vec<_> = (0..10).map(made).filter(|(log, _)| (&log.sub, &log.id) != (&key.0, &key.1)).collect();
    table.desk = Finder::of(Index::filled(&SessionStore::open("sessions").unwrap(), &all).unwrap(), TimeZone::UTC);
    let (sub, id) = key.clone();
    table.act(Action::SessionDone(Outcome::Trashed { sub, id, result: Ok(in_trash(key)) }))
}

#[test]
fn deleting_takes_the_row_away_and_undo_brings_it_back_to_its_place() {
    let mut table = Table::new(10);
    table.act(Action::Down);
    let key = table.key();
    let effects = table.press(Deed::Delete);
    assert_eq!(effects[0], Effect::OnSessions(Chore::Trash { sub: key.0.clone(), id: key.1.clone() }));
    let toast = |table: &Table| table.app.toast.clone().unwrap();
    assert!(toast(&table).contains("u brings it back"), "{}", toast(&table));
    assert_eq!((table.app.sessions.len(), table.app.sessions.selected()), (9, 1));
    table.press(Deed::Undo);
    assert!(toast(&table).contains("as soon as it is there"), "{}", toast(&table));
    // A list that was read before it was gone does not bring it back.
    table.act(Action::Sessions(rows(10)));
    assert_eq!((table.app.sessions.len(), table.app.library.sessions().len()), (9, 9));
    let effects = gone(&mut table, &key);
    assert_eq!((table.app.sessions.len(), table.app.library.sessions().len()), (9, 9));
    assert!(effects.contains(&Effect::OnSessions(Chore::Restore(in_trash(&key)))), "the undo had waited: {effects:?}");
    table.desk = desk(10);
    table.act(Action::SessionDone(Outcome::Restored(in_trash(&key), Ok(()))));
    assert_eq!((table.app.sessions.len(), table.app.sessions.selected()), (10, 1));
    assert_eq!((table.key(), table.app.library.sessions().len()), (key, 10));
    table.press(Deed::Undo);
    assert!(toast(&table).contains("nothing was deleted"), "{}", toast(&table));
}

#[test]
fn what_cannot_be_deleted_or_brought_back_is_said_and_kept() {
    let mut table = Table::new(10);
    let key = table.key();
    table.press(Deed::Delete);
    let (sub, id) = key.clone();
    let result = Err("it is being\u{1b}[2J written".to_owned());
    table.act(Action::SessionDone(Outcome::Trashed { sub, id, result }));
    assert_eq!((table.app.sessions.len(), table.key()), (10, key.clone()));
    let toast = table.app.toast.clone().unwrap();
    assert!(toast.contains("not deleted") && !toast.contains('\u{1b}'), "{toast}");
    table.press(Deed::Delete);
    gone(&mut table, &key);
    table.press(Deed::Undo);
    table.act(Action::SessionDone(Outcome::Restored(in_trash(&key), Err("no room".to_owned()))));
    assert_eq!(table.app.sessions.len(), 9);
    let again = table.press(Deed::Undo);
    assert_eq!(again[0], Effect::OnSessions(Chore::Restore(in_trash(&key))), "it can be tried again");
}

#[test]
fn of_many_sessions_only_a_window_is_held_and_it_follows_the_selection() {
    let mut table = Table::new(3000);
    assert_eq!((table.app.sessions.len(), table.app.sessions.window.len()), (3000, WINDOW));
    let newest = rows(3000);
    for action in [Action::Bottom, Action::PageUp, Action::Up, Action::Top, Action::PageDown] {
        let before = table.app.sessions.ticket;
        table.act(action.clone());
        let place = table.app.sessions.selected();
        assert_eq!(table.key(), newest[place].key(), "{action:?}");
        assert_eq!(table.app.sessions.ticket, before, "{action:?} asks nothing new");
        assert!(table.app.sessions.window.len() <= WINDOW);
    }
    let mut windows = 0;
    for _ in 0..600 {
        let effects = table.act(Action::Down);
        windows += effects.iter().filter(|e| matches!(e, Effect::OnSessions(Chore::Window { .. }))).count();
        assert_eq!(table.key(), newest[table.app.sessions.selected()].key());
    }
    assert!((2..=8).contains(&windows), "{windows} windows for 600 rows");
    // Until it has come, rows that are not here are no one.
    table.app.update(Action::Bottom);
    assert!(table.app.sessions.current().is_none() && table.app.update(Action::Open).is_empty());
}

#[test]
fn answers_to_older_questions_are_dropped() {
    let mut table = Table::new(20);
    let effects = table.app.update(Action::InSessions(Deed::Reverse));
    let Some(Effect::OnSessions(old @ Chore::Find(_))) = effects.into_iter().next() else { unreachable!() };
    table.press(Deed::Reverse);
    let before = table.cells(Column::Started).iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    let mut told = Vec::new();
    table.desk.work(old, &mut |action| told.push(action));
    told.into_iter().for_each(|action| drop(table.app.update(action)));
    assert_eq!(table.cells(Column::Started), before);
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
        "[a-e0-9 :>(]".prop_map(|s| Action::Edit(Edit::Insert(s))),
        Just(Action::Edit(Edit::Insert("zooms:>1 ".to_owned()))),
        Just(Action::Edit(Edit::Backspace)),
        prop_oneof![
            Just(Deed::Show),
            Just(Deed::NextColumn),
            Just(Deed::PrevColumn),
            Just(Deed::Reverse),
            Just(Deed::Type),
            Just(Deed::Complete),
            Just(Deed::Delete),
            Just(Deed::Undo),
        ]
        .prop_map(Action::InSessions),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..Default::default() })]

    /// Whatever is pressed: the rows shown are those that fit, each once, and the selection is one of them.
    #[test]
    fn any_keys_leave_a_table_that_holds_together(steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut table = Table::new(12);
        let mut away: HashSet<Key> = HashSet::new();
        for step in steps {
            let mut waiting = vec![step];
            while let Some(step) = waiting.pop() {
                for effect in table.act(step) {
                    // The trash answers at once.
                    let done = match effect {
                        Effect::OnSessions(Chore::Trash { sub, id }) => {
                            let key = (sub.clone(), id.clone());
                            away.insert(key.clone());
                            Outcome::Trashed { sub, id, result: Ok(in_trash(&key)) }
                        }
                        Effect::OnSessions(Chore::Restore(trashed)) => {
                            away.remove(&(trashed.sub.clone(), trashed.id.clone()));
                            Outcome::Restored(trashed, Ok(()))
                        }
                        _ => continue,
                    };
                    let all: Vec<_> = (0..12).map(made).filter(|(log, _)| !away.contains(&(log.sub.clone(), log.id.clone()))).collect();
                    table.desk = Finder::of(Index::filled(&SessionStore::open("sessions").unwrap(), &all).unwrap(), TimeZone::UTC);
                    waiting.push(Action::SessionDone(done));
                }
            }
            let sessions = &table.app.sessions;
            let keys: HashSet<_> = (0..sessions.len()).map(|i| sessions.row(i).unwrap().key()).collect();
            prop_assert_eq!(keys.len(), sessions.len());
            prop_assert!(sessions.is_empty() || sessions.current().is_some());
            prop_assert!(keys.is_disjoint(&away));
        }
    }
}
