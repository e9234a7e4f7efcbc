//! What the trash promises: nothing leaves the sessions folder, nothing is overwritten, nothing that is written is moved.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::samples::session;
use super::*;

const ID: &str = "20260102-030405-abcdef";

fn store() -> (TempDir, SessionStore) {
    let dir = TempDir::new().unwrap();
    let store = SessionStore::open(dir.path().join("sessions")).unwrap();
    (dir, store)
}

fn record(store: &SessionStore, sub: &str, id: &str) -> PathBuf {
    let mut recorder = Recorder::create(store, sub, id).unwrap();
    session(id).iter().for_each(|record| recorder.write(record, None).unwrap());
    recorder.finish().unwrap()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

#[test]
fn a_session_goes_with_its_notes_is_not_listed_and_comes_back_as_it_was() {
    let (_dir, store) = store();
    let log = record(&store, "run-1", ID);
    let notes = log.with_file_name(format!("{ID}.notes.jsonl"));
    fs::write(&notes, "{}\n").unwrap();
    let (before, bytes) = (files(store.dir()), fs::read(&log).unwrap());
    let gone = trash(&store, "run-1", ID).unwrap();
    assert!(!log.exists() && !notes.exists());
    assert!(gone.dir.starts_with(store.dir().join(".trash")));
    assert_eq!(read_summaries(&store.dir().join("run-1")).len(), 1, "the summary stays append-only");
    assert!(list(&store).is_empty(), "a summary without a log is not listed");
    assert!(store.logs().is_empty() && store.resolve(ID).is_err());
    assert_eq!(trashed(&store), std::slice::from_ref(&gone));
    assert_eq!(restore(&store, &gone).unwrap(), log);
    assert_eq!((files(store.dir()), fs::read(&log).unwrap()), (before, bytes));
    assert_eq!(list(&store).len(), 1);
    assert!(trashed(&store).is_empty());
}

#[test]
fn a_live_log_and_one_in_the_sessions_folder_itself_can_be_deleted() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "", ID).unwrap();
    recorder.write(&session(ID)[0], None).unwrap();
    let path = recorder.finish().unwrap();
    assert!(path.ends_with(format!("sessions/{ID}.jsonl")));
    let gone = trash(&store, "", ID).unwrap();
    assert!(!path.exists());
    assert_eq!(restore(&store, &gone).unwrap(), path);
}

#[test]
#[cfg(unix)]
fn what_is_being_written_stays() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    recorder.write(&session(ID)[0], None).unwrap();
    assert!(matches!(trash(&store, "d", ID), Err(SessionError::Busy { .. })));
    for record in &session(ID)[1..] {
        recorder.write(record, None).unwrap();
    }
    recorder.finish().unwrap();
    assert!(trashed(&store).is_empty(), "a refusal leaves nothing behind");
    trash(&store, "d", ID).unwrap();
}

#[test]
fn nothing_is_overwritten_on_the_way_there_or_back() {
    let (_dir, store) = store();
    record(&store, "d", ID);
    let first = trash(&store, "d", ID).unwrap();
    record(&store, "d", ID);
    let second = trash(&store, "d", ID).unwrap();
    assert_ne!(first.dir, second.dir);
    assert_eq!(trashed(&store).len(), 2);
    restore(&store, &second).unwrap();
    assert!(matches!(restore(&store, &first), Err(SessionError::Exists { .. })));
    assert_eq!(trashed(&store), [first]);
}

#[test]
fn names_and_links_lead_nowhere() {
    let (dir, store) = store();
    record(&store, "d", ID);
    for (sub, id) in [("..", ID), ("../d", ID), ("d", "../x"), ("d", "x/../../y"), ("blobs", ID), (".trash", ID)] {
        assert!(trash(&store, sub, id).is_err(), "{sub} {id}");
    }
    assert!(matches!(trash(&store, "d", "nobody"), Err(SessionError::NotFound { .. })));
    assert!(matches!(trash(&store, "no-such-run", ID), Err(SessionError::NotFound { .. })));
    let mut gone = trash(&store, "d", ID).unwrap();
    let good = gone.clone();
    gone.sub = "../elsewhere".to_owned();
    assert!(matches!(restore(&store, &gone), Err(SessionError::BadName { .. })));
    gone = Trashed { dir: dir.path().to_owned(), ..good.clone() };
    assert!(matches!(restore(&store, &gone), Err(SessionError::Outside { .. })));
    #[cfg(unix)]
    {
        // The run's folder is a link to a place outside by now.
        fs::remove_dir_all(store.dir().join("d")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("outside"), store.dir().join("d")).unwrap();
        assert!(matches!(restore(&store, &good), Err(SessionError::Outside { .. })));
        // And so is a log.
        fs::create_dir(store.dir().join("e")).unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), store.dir().join("e").join("a.jsonl")).unwrap();
        assert!(matches!(trash(&store, "e", "a"), Err(SessionError::Outside { .. })));
    }
    assert_eq!(trashed(&store), [good]);
}

#[test]
fn one_session_is_named_by_its_folder_where_several_have_the_id() {
    let (_dir, store) = store();
    record(&store, "a", ID);
    assert_eq!(store.one(ID).unwrap().sub, "a");
    record(&store, "b", ID);
    assert!(matches!(store.one(ID), Err(SessionError::Ambiguous { .. })));
    assert_eq!(store.one(&format!("b/{ID}")).unwrap().sub, "b");
    assert!(matches!(store.one("c"), Err(SessionError::NotFound { .. })));
}

#[test]
fn a_summary_line_names_the_parent_of_a_fork() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    for mut record in session(ID) {
        if let crate::trace::Body::SessionStart(start) = &mut record.body {
            let edit = format!("token 7: \" left\" → \" right\"{}", "x".repeat(5000));
            start.parent = Some(crate::trace::Parent { session: "parent".into(), position: 7, edit, change: None });
        }
        recorder.write(&record, None).unwrap();
    }
    recorder.finish().unwrap();
    let parent = list(&store)[0].parent.clone().unwrap();
    assert_eq!((parent.session.as_str(), parent.position), ("parent", 7));
    assert!(parent.edit.starts_with("token 7") && parent.edit.len() < 1000);
}
