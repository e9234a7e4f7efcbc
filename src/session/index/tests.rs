#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::put::{Prepared, Writer};
use super::scan::{Found, Stamp};
use super::*;
use crate::config::Thresholds;
#[cfg(unix)]
use crate::session::SessionError;
use crate::session::filter::Filter;
use crate::session::filter::tests::{any_filter_text, any_summary};
use crate::session::samples::{session, with_crc};
use crate::session::{
    Note, Recorder, Remark, SUMMARY_VERSION, SessionStore, SessionSummary, add_note, append_summary, full_text, listed,
    restore, trash,
};

fn record(store: &SessionStore, sub: &str, id: &str) {
    let mut recorder = Recorder::create(store, sub, id).unwrap();
    session(id).iter().for_each(|record| recorder.write(record, None).unwrap());
    recorder.finish().unwrap();
}

fn folder() -> (tempfile::TempDir, SessionStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::open(dir.path()).unwrap();
    for (sub, id) in [("run-1", "a"), ("run-1", "b"), ("run-2", "c"), ("", "d")] {
        record(&store, sub, id);
    }
    (dir, store)
}

/// An index that sees changes within the clock's tick.
fn open(store: &SessionStore) -> Index {
    let mut index = Index::open(store, Thresholds::default()).unwrap();
    index.settled = Duration::ZERO;
    index
}

fn refreshed(index: &mut Index) -> Refreshed {
    let done = index.refresh(&mut |_| true).unwrap();
    // What changes next is another tick of the file system's clock.
    std::thread::sleep(Duration::from_millis(30));
    done
}

fn ids(index: &Index, filter: &str) -> Vec<String> {
    let hits = index.find(&Filter::parse(filter).unwrap(), Order::default(), usize::MAX).unwrap();
    let rows = index.rows(&hits.rows).unwrap();
    assert_eq!(hits.count, rows.len());
    let mut ids: Vec<String> = rows.into_iter().map(|(_, log, _)| log.id).collect();
    ids.sort();
    ids
}

/// The index says what the lists say that are made without it.
fn agrees(index: &Index, store: &SessionStore) {
    let hits = index.find(&Filter::default(), Order::default(), usize::MAX).unwrap();
    let mut found: Vec<_> = index.rows(&hits.rows).unwrap().into_iter().map(|(_, log, s)| (log, s)).collect();
    let mut wanted = listed(store);
    wanted.iter_mut().for_each(|(_, summary)| summary.relabel(&Thresholds::default()));
    found.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    wanted.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let differs = found.iter().zip(&wanted).find(|(a, b)| a != b);
    assert!(differs.is_none() && found.len() == wanted.len(), "{differs:?} {} {}", found.len(), wanted.len());
    assert_eq!(index.total().unwrap(), wanted.len());
}

#[test]
fn it_follows_the_folder() {
    let (dir, store) = folder();
    let mut index = open(&store);
    let first = refreshed(&mut index);
    assert_eq!((first.added, first.read), (4, 0));
    agrees(&index, &store);
    assert_eq!(refreshed(&mut index), Refreshed::default());
    record(&store, "run-3", "e");
    let note = |remark| add_note(&store, "run-1", "a", &Note::now("Ann", remark)).unwrap();
    note(Remark::Tag { tag: "hats".into() });
    let gone = trash(&store, "run-1", "b").unwrap();
    let again = refreshed(&mut index);
    assert_eq!((again.added, again.changed, again.removed), (1, 1, 1));
    agrees(&index, &store);
    assert_eq!(ids(&index, "tag:hats"), ["a"]);
    note(Remark::Label { label: Some("truth-doubtful".into()), reason: "two hats".into() });
    restore(&store, &gone).unwrap();
    fs::remove_dir_all(dir.path().join("run-2")).unwrap();
    let again = refreshed(&mut index);
    assert_eq!((again.added, again.changed, again.removed), (1, 1, 1));
    agrees(&index, &store);
    // Another program finds it as it was left.
    let mut other = open(&store);
    assert_eq!(refreshed(&mut other), Refreshed::default());
    assert_eq!(ids(&other, "label:truth-doubtful"), ["a"]);
}

#[test]
fn a_live_session_is_seen_to_grow_and_to_end() {
    let (_dir, store) = folder();
    let mut index = open(&store);
    let records = session("live");
    let mut recorder = Recorder::create(&store, "run-1", "live").unwrap();
    records[..5].iter().for_each(|record| recorder.write(record, None).unwrap());
    refreshed(&mut index);
    agrees(&index, &store);
    assert_eq!(ids(&index, "verdict:unfinished"), ["live"]);
    records[5..14].iter().for_each(|record| recorder.write(record, None).unwrap());
    assert_eq!(refreshed(&mut index).changed, 1);
    agrees(&index, &store);
    records[14..].iter().for_each(|record| recorder.write(record, None).unwrap());
    recorder.finish().unwrap();
    assert_eq!(refreshed(&mut index).changed, 1);
    agrees(&index, &store);
    assert_eq!(ids(&index, "verdict:unfinished"), Vec::<String>::new());
}

#[test]
fn words_are_found_once_they_are_read_and_reading_can_be_stopped() {
    let (_dir, store) = folder();
    let mut index = open(&store);
    refreshed(&mut index);
    assert_eq!(ids(&index, "run-1"), ["a", "b"], "what summaries say is found at once");
    assert_eq!((ids(&index, "text:nearer").len(), index.unread().unwrap()), (0, 4));
    let stopped = index.read_texts(&mut |progress| progress.done > 0).unwrap();
    assert_eq!((stopped.done, index.unread().unwrap()), (0, 4));
    let whole = index.read_texts(&mut |_| true).unwrap();
    assert_eq!((whole.done, whole.of, index.unread().unwrap()), (4, 4, 0));
    assert_eq!(ids(&index, "text:\"who is nearer\" -text:\"is who\"").len(), 4);
    add_note(&store, "", "d", &Note::now("Ann", Remark::Note { text: "Behind the cliff.".into() })).unwrap();
    refreshed(&mut index);
    assert_eq!(index.unread().unwrap(), 0, "a log that is read again is read whole");
    assert_eq!(
        (ids(&index, "cliff notes:1"), ids(&index, "clif"), ids(&index, "\"clif\"").len()),
        (vec!["d".to_owned()], vec!["d".to_owned()], 0)
    );
}

#[test]
fn without_summaries_the_logs_are_read_and_broken_ones_hide_nothing() {
    let (dir, store) = folder();
    for sub in ["", "run-1", "run-2"] {
        fs::remove_file(dir.path().join(sub).join("summary.jsonl")).unwrap();
    }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/logs");
    for entry in fs::read_dir(corpus).unwrap().flatten() {
        fs::copy(entry.path(), dir.path().join("run-2").join(entry.file_name())).unwrap();
    }
    fs::create_dir(dir.path().join("run-2/folder.jsonl")).unwrap();
    fs::write(dir.path().join("run-1/summary.jsonl"), "{\"id\":\"a\",\nnothing\0\n{}\n[1]\n").unwrap();
    let mut index = open(&store);
    assert!(refreshed(&mut index).read > 20);
    agrees(&index, &store);
    assert_eq!(index.unread().unwrap(), 0, "what is read is read whole");
    assert!(ids(&index, "text:nearer").len() > 4);
}

#[test]
fn a_database_that_cannot_be_used_is_made_anew() {
    let (dir, store) = folder();
    let path = dir.path().join(INDEX_FILE);
    let fresh = || {
        let mut index = open(&store);
        refreshed(&mut index);
        agrees(&index, &store);
        assert!(index.path().is_some());
    };
    fresh();
    let whole = fs::read(&path).unwrap();
    let put = |bytes: &[u8]| {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(dir.path().join(format!("{INDEX_FILE}{end}")));
        }
        fs::write(&path, bytes).unwrap();
    };
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(newer);
    fresh();
    for bytes in [&b"no database at all, but a text of some length"[..], &[0u8; 5000], &whole[..whole.len() / 2], b"x"]
    {
        put(bytes);
        fresh();
    }
    // Broken in the middle: found out when it is used.
    let mut broken = whole.clone();
    broken.iter_mut().skip(4096).step_by(7).for_each(|b| *b ^= 0x5a);
    put(&broken);
    let mut index = open(&store);
    let counted = index.mending(|index| {
        index.refresh(&mut |_| true)?;
        index.read_texts(&mut |_| true)?;
        let hits = index.find(&Filter::parse("run-1").unwrap(), Order::default(), usize::MAX)?;
        index.rows(&hits.rows).map(|rows| rows.len())
    });
    assert_eq!(counted.unwrap(), 2);
    agrees(&index, &store);
    drop(index);
    // Someone else's database is kept.
    put(b"");
    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE letters(text); INSERT INTO letters VALUES('dear')").unwrap();
    drop(foreign);
    fresh();
    let kept: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.to_string_lossy().contains("aside"))
        .collect();
    let letters = |p: &std::path::PathBuf| {
        let db = rusqlite::Connection::open(p).ok()?;
        db.query_row("SELECT text FROM letters", [], |row| row.get::<_, String>(0)).ok()
    };
    assert!(kept.iter().filter_map(letters).any(|text| text == "dear"), "{kept:?}");
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_and_a_folder_that_cannot_be_written_is_listed_all_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, store) = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("x.db");
    std::os::unix::fs::symlink(&target, dir.path().join(INDEX_FILE)).unwrap();
    assert!(matches!(Index::open(&store, Thresholds::default()), Err(SessionError::Outside { .. })));
    assert!(!target.exists());
    fs::remove_file(dir.path().join(INDEX_FILE)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut index = open(&store);
    refreshed(&mut index);
    agrees(&index, &store);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn orders_are_those_of_the_values() {
    let (_dir, store) = folder();
    let mut index = open(&store);
    refreshed(&mut index);
    let coverage = [Some(0.5), None, Some(1.0), Some(-0.0), Some(0.25)];
    for (i, coverage) in coverage.into_iter().enumerate() {
        let id = format!("s{i}");
        let started = format!("2026-01-0{}T00:00:00Z", i + 1);
        put(
            &mut index,
            &SessionSummary { id, started, coverage, answer: coverage.map(|c| format!("x{c}")), ..Default::default() },
        );
    }
    let order = |sort: &str, falling| {
        let order = Order { sort: Sort::named(sort).unwrap(), falling };
        let hits = index.find(&Filter::parse("id:s").unwrap(), order, usize::MAX).unwrap();
        for most in [0, 1, 3] {
            let first = index.find(&Filter::parse("id:s").unwrap(), order, most).unwrap();
            assert_eq!((&first.rows[..], first.count), (&hits.rows[..most], 5));
        }
        index.rows(&hits.rows).unwrap().into_iter().map(|(_, log, _)| log.id).collect::<Vec<_>>()
    };
    assert_eq!(order("started", true), ["s4", "s3", "s2", "s1", "s0"]);
    assert_eq!(order("started", false), ["s0", "s1", "s2", "s3", "s4"]);
    assert_eq!(order("coverage", false), ["s3", "s4", "s0", "s2", "s1"]);
    assert_eq!(order("coverage", true), ["s2", "s0", "s4", "s3", "s1"]);
    assert_eq!(order("answer", true)[..2], ["s2", "s0"]);
    let counted = index.find(&Filter::parse("id:s coverage:*").unwrap(), Order::default(), 0).unwrap();
    assert_eq!((counted.count, counted.verdicts), (4, vec![("answered".to_owned(), 4)]));
    assert_eq!(index.values(fields().iter().find(|f| f.name == "run").unwrap(), 2).unwrap(), ["run-1", "run-2"]);
}

fn put(index: &mut Index, summary: &SessionSummary) {
    let found = Found { live: false, stamp: Stamp { size: 1, time: 1 }, notes: None };
    let prepared = Prepared::of(summary.id.clone(), found, summary, Some("who wears the red hat 帽 子".into()));
    index.db.execute("INSERT OR IGNORE INTO folders(id, name) VALUES(1, '')", []).unwrap();
    let mut writer = Writer::default();
    writer.put(&index.db, 1, None, prepared).unwrap();
    writer.flush(&index.db).unwrap();
}

#[test]
fn columns_and_summaries_find_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::open(dir.path()).unwrap();
    let index = RefCell::new(Index::in_memory(&store, Thresholds::default()).unwrap());
    let strategy =
        (proptest::collection::vec(any_summary(), 1..8), proptest::collection::vec(any_filter_text(), 1..12));
    TestRunner::new(Config { cases: 200, ..Config::default() })
        .run(&strategy, |(summaries, filters)| {
            let mut index = index.borrow_mut();
            index
                .db
                .execute_batch(
                    "DELETE FROM sessions; DELETE FROM cells; DELETE FROM bodies; DELETE FROM many; DELETE FROM wrote;",
                )
                .unwrap();
            for (i, summary) in summaries.iter().enumerate() {
                put(&mut index, &SessionSummary { id: format!("s{i}"), ..summary.clone() });
            }
            for text in filters {
                let Ok(filter) = Filter::parse(&text) else { continue };
                let found = ids(&index, &text);
                let fits = |(i, s): (usize, &SessionSummary)| {
                    let s = SessionSummary { id: format!("s{i}"), ..s.clone() };
                    filter.matches_with(&s, &|| Some("who wears the red hat 帽 子".into())).then_some(s.id)
                };
                let wanted: Vec<String> = summaries.iter().enumerate().filter_map(fits).collect();
                prop_assert_eq!(found, wanted, "{}", text);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn words_in_the_index_are_those_of_the_log() {
    let (_dir, store) = folder();
    let mut index = open(&store);
    refreshed(&mut index);
    index.read_texts(&mut |_| true).unwrap();
    let log = store.one("a").unwrap();
    let text = full_text(&log.path, "a").unwrap();
    for word in text.split(' ').filter(|word| word.chars().all(char::is_alphanumeric)) {
        assert!(ids(&index, &format!("text:\"{word}\"")).contains(&"a".to_owned()), "{word}");
    }
}

#[test]
fn two_programs_on_one_folder_do_no_harm() {
    let (dir, store) = folder();
    for i in 0..300 {
        let summary = SessionSummary {
            v: SUMMARY_VERSION,
            id: format!("x{i:03}"),
            started: "2026-01-01T00:00:00Z".into(),
            ..Default::default()
        };
        fs::write(dir.path().join(format!("run-1/{}.jsonl", summary.id)), with_crc("{\"v\":1")).unwrap();
        append_summary(&dir.path().join("run-1"), &summary).unwrap();
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let mut index = open(store);
                for i in 0..5 {
                    index.refresh_whole(&mut |_| true).unwrap();
                    index.read_texts(&mut |_| true).unwrap();
                    record(store, "run-9", &format!("t{n}-{i}"));
                    assert!(index.find(&Filter::default(), Order::default(), usize::MAX).unwrap().count >= 304);
                }
            });
        }
    });
    let mut index = open(&store);
    refreshed(&mut index);
    agrees(&index, &store);
    assert_eq!(index.total().unwrap(), 324);
    assert!(start.elapsed() < Duration::from_secs(60));
}
