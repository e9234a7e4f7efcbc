//! Recorder, blobs, lists, and what is left when the program is killed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::samples::{session, start};
use super::*;
use crate::geometry::{PageBox, Size};
use crate::page::{Page, pixel_hash};
use crate::trace::{Body, Control, ImageRole, Record, ZoomOutcome};

const ID: &str = "20260102-030405-abcdef";

fn store() -> (TempDir, SessionStore) {
    let dir = TempDir::new().unwrap();
    let store = SessionStore::open(dir.path().join("sessions")).unwrap();
    (dir, store)
}

fn record_all(store: &SessionStore, id: &str, records: &[Record]) -> std::path::PathBuf {
    let mut recorder = Recorder::create(store, "run-1", id).unwrap();
    records.iter().for_each(|record| recorder.write(record, None).unwrap());
    recorder.finish().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_finished_session_is_compressed_and_summarised() {
    let (_dir, store) = store();
    let path = record_all(&store, ID, &session(ID));
    let dir = store.dir().join("run-1");
    assert_eq!(names(&dir), [format!("{ID}.jsonl.zst"), "summary.jsonl".into()]);
    let log = read_log(&path).unwrap();
    assert_eq!(log.records, session(ID));
    assert_eq!(verify(&log).state, State::Whole);
    let listed = list(&store);
    assert_eq!(listed.len(), 1);
    let s = &listed[0];
    assert_eq!((s.id.as_str(), s.run.as_deref(), s.question_id.as_str()), (ID, Some("run-1"), "q1"));
    assert_eq!((s.right, s.zooms, s.coverage, s.label.as_str()), (Some(true), 1, Some(0.5), "right"));
    assert_eq!((s.model.as_str(), s.started.as_str()), ("demo-rarl", "2026-01-02T03:04:05Z"));
}

#[test]
fn the_log_is_there_after_every_write() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    for (n, record) in session(ID).iter().enumerate() {
        recorder.write(record, None).unwrap();
        // Read by another handle while it is written.
        let log = read_log(recorder.path()).unwrap();
        assert_eq!(log.records.len(), n + 1);
        assert!(!verify(&log).problems.iter().any(|p| p.kind != ProblemKind::Unfinished));
    }
}

#[test]
fn records_that_do_not_belong_are_refused_and_nothing_is_written() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    let all = session(ID);
    assert!(matches!(recorder.write(&all[1], None), Err(SessionError::OutOfOrder { .. })));
    let other = Record { seq: 0, t: 0.0, body: Body::SessionStart(Box::new(start("other"))) };
    assert!(matches!(recorder.write(&other, None), Err(SessionError::OutOfOrder { .. })));
    recorder.write(&all[0], None).unwrap();
    assert!(matches!(recorder.write(&all[2], None), Err(SessionError::OutOfOrder { .. })));
    let huge = Control { action: "x".repeat(MAX_LINE), position: 0 };
    let huge = Record { seq: 1, t: 0.0, body: Body::Control(huge) };
    assert!(matches!(recorder.write(&huge, None), Err(SessionError::LineTooLong { .. })));
    all[1..].iter().for_each(|record| recorder.write(record, None).unwrap());
    assert!(matches!(recorder.write(&all[1], None), Err(SessionError::Ended { .. })));
    assert_eq!(verify(&read_log(&recorder.finish().unwrap()).unwrap()).state, State::Whole);
}

#[test]
fn names_cannot_lead_out() {
    let (_dir, store) = store();
    for id in ["", ".", "..", "../x", "a/b", "a\\b", "a.b", "/etc/x", "summary", "-x", "é", "a\0", &"x".repeat(101)] {
        assert!(matches!(Recorder::create(&store, "d", id), Err(SessionError::BadName { .. })), "{id:?}");
    }
    for sub in [".", "..", "../x", "a/b", "blobs", ".hidden", "a\0b"] {
        assert!(matches!(Recorder::create(&store, sub, ID), Err(SessionError::BadName { .. })), "{sub:?}");
    }
    assert!(!store.dir().exists());
    assert!(Recorder::create(&store, "run.v1", ID).is_ok());
    // No name at all is the sessions folder itself: where a run's own folder is given.
    let own = Recorder::create(&store, "", ID).unwrap();
    assert_eq!(own.path().parent(), Some(store.dir()));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    let (dir, store) = store();
    let outside = dir.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(store.dir()).unwrap();
    std::os::unix::fs::symlink(&outside, store.dir().join("run-2")).unwrap();
    assert!(matches!(Recorder::create(&store, "run-2", ID), Err(SessionError::Outside { .. })));
    fs::create_dir_all(store.dir().join("run-1")).unwrap();
    std::os::unix::fs::symlink(outside.join("log"), store.dir().join(format!("run-1/{ID}.jsonl"))).unwrap();
    assert!(matches!(Recorder::create(&store, "run-1", ID), Err(SessionError::Exists { .. })));
    assert!(matches!(Recorder::reopen(&store, "run-1", ID), Err(SessionError::Outside { .. })));
    std::os::unix::fs::symlink(outside.join("s"), store.dir().join("run-1/summary.jsonl")).unwrap();
    let mut recorder = Recorder::create(&store, "run-1", "other").unwrap();
    session("other").iter().for_each(|record| recorder.write(record, None).unwrap());
    assert!(recorder.finish().is_err());
    assert!(names(&outside).is_empty());
}

#[test]
fn an_id_is_given_once() {
    let (_dir, store) = store();
    let recorder = Recorder::create(&store, "run-1", ID).unwrap();
    assert!(matches!(Recorder::create(&store, "run-1", ID), Err(SessionError::Exists { .. })));
    drop(recorder);
    fs::remove_file(store.dir().join(format!("run-1/{ID}.jsonl"))).unwrap();
    record_all(&store, ID, &session(ID));
    assert!(matches!(Recorder::create(&store, "run-1", ID), Err(SessionError::Exists { .. })));
    let ids: std::collections::HashSet<_> = (0..1000).map(|_| new_id()).collect();
    // 24 random bits within a second: two of a thousand are alike once in thirty times, and `Exists` says so.
    assert!(ids.len() >= 995, "{}", ids.len());
    assert!(ids.iter().all(|id| check_id(id).is_ok() && id.len() == 22), "{ids:?}");
}

#[test]
fn a_torn_tail_is_repaired_before_appending() {
    let all = session(ID);
    let text: Vec<u8> = all.iter().map(|r| encode_line(r) + "\n").collect::<String>().into_bytes();
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1)).collect();
    // Cuts all over the sixth line, the one before its line feed, the cut between lines, and rubbish after it.
    let cuts = (starts[5]..starts[6]).step_by(11).chain([starts[6] - 1, starts[6]]);
    let mut tails: Vec<Vec<u8>> = cuts.map(|cut| text[..cut].to_vec()).collect();
    tails.push([&text[..starts[6]], b"\0\0\0\0"].concat());
    tails.push([&text[..starts[6]], b"rubbish\nmore rubbish\n{"].concat());
    for tail in tails {
        let (_dir, store) = store();
        fs::create_dir_all(store.dir().join("d")).unwrap();
        let path = store.dir().join(format!("d/{ID}.jsonl"));
        fs::write(&path, &tail).unwrap();
        // Reading repairs nothing.
        let _ = read_log(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), tail);
        let (mut recorder, log) = Recorder::reopen(&store, "d", ID).unwrap();
        let good = log.records.len();
        assert!(good == 5 || good == 6);
        assert_eq!(recorder.next_seq(), good as u64);
        all[good..].iter().for_each(|record| recorder.write(record, None).unwrap());
        let log = read_log(&recorder.finish().unwrap()).unwrap();
        assert_eq!((verify(&log).state, log.records == all), (State::Whole, true));
    }
    // Ended: live or packed, never appended to.
    let (_dir, store) = store();
    fs::create_dir_all(store.dir().join("d")).unwrap();
    fs::write(store.dir().join(format!("d/{ID}.jsonl")), &text).unwrap();
    assert!(matches!(Recorder::reopen(&store, "d", ID), Err(SessionError::Ended { .. })));
    fs::write(store.dir().join("d/newer.jsonl"), super::samples::with_crc("{\"v\":2") + "\n").unwrap();
    assert!(matches!(Recorder::reopen(&store, "d", "newer"), Err(SessionError::NotContinuable { .. })));
}

#[cfg(unix)]
#[test]
fn a_log_has_one_writer() {
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    recorder.write(&session(ID)[0], None).unwrap();
    assert!(matches!(Recorder::reopen(&store, "d", ID), Err(SessionError::Busy { .. })));
    drop(recorder);
    assert!(Recorder::reopen(&store, "d", ID).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_recorder_and_nothing_else() {
    // A log that is the full device: every write fails as on a full disk.
    let (_dir, store) = store();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    let all = session(ID);
    recorder.write(&all[0], None).unwrap();
    recorder.set_file_for_test(fs::OpenOptions::new().append(true).open("/dev/full").unwrap());
    let failed = recorder.write(&all[1], None);
    assert!(matches!(&failed, Err(SessionError::Io { doing: "write", .. })), "{failed:?}");
    assert!(matches!(recorder.write(&all[1], None), Err(SessionError::Stopped { .. })));
    let log = read_log(&recorder.finish().unwrap()).unwrap();
    assert_eq!((log.records.len(), verify(&log).state), (1, State::CutOff));
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let (dir, _) = store();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(SessionStore::open(&file), Err(SessionError::NotAFolder { .. })));
    let below = SessionStore::open(file.join("sessions")).unwrap();
    assert!(matches!(Recorder::create(&below, "d", ID), Err(SessionError::Io { .. })));
    assert!(list(&below).is_empty());
    assert!(matches!(newest(&below), Err(SessionError::Empty { .. })));
    assert!(matches!(below.resolve("nothing"), Err(SessionError::NotFound { .. })));
}

/// A page, and the session's records with true hashes of it and of a crop that `alter` may change.
fn painted(alter: fn(&mut RgbImage)) -> (Arc<RgbImage>, Arc<RgbImage>, Vec<Record>) {
    let pixels = RgbImage::from_fn(60, 40, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
    let page = Page::from_pixels(pixels);
    let mut crop = page.crop(&PageBox::new(10.0, 10.0, 30.0, 20.0)).unwrap();
    alter(&mut crop);
    let hash = pixel_hash(&crop);
    let mut records = session(ID);
    for record in &mut records {
        match &mut record.body {
            Body::Image(i) if i.role == ImageRole::Page => i.hash.clone_from(&page.hash),
            Body::Image(i) => i.hash.clone_from(&hash),
            Body::Zoom(z) => {
                if let ZoomOutcome::Cropped { crop, .. } = &mut z.outcome {
                    crop.clone_from(&hash);
                }
            }
            _ => {}
        }
    }
    (page.pixels, Arc::new(crop), records)
}

fn record_painted(mut recorder: Recorder, parts: &(Arc<RgbImage>, Arc<RgbImage>, Vec<Record>)) -> std::path::PathBuf {
    for record in &parts.2 {
        let pixels = match &record.body {
            Body::Image(i) if i.role == ImageRole::Page => Some(&parts.0),
            Body::Image(_) => Some(&parts.1),
            _ => None,
        };
        recorder.write(record, pixels).unwrap();
    }
    assert!(recorder.warnings().is_empty(), "{:?}", recorder.warnings());
    recorder.finish().unwrap()
}

#[test]
fn pages_are_kept_once_and_crops_are_cut_again() {
    let (_dir, store) = store();
    let parts = painted(|_| {});
    let (page_hash, crop_hash) = (pixel_hash(&parts.0), pixel_hash(&parts.1));
    let path = record_painted(Recorder::create(&store, "d", ID).unwrap(), &parts);
    assert_eq!(names(&store.blobs()), std::slice::from_ref(&page_hash));
    let records = read_log(&path).unwrap().records;
    let mut pixels = PixelStore::for_log(&path, &records);
    for (hash, want) in [(&page_hash, &parts.0), (&crop_hash, &parts.1)] {
        let got = pixels.get(hash);
        assert_eq!((got.image.as_raw(), got.problem), (want.as_raw(), None));
    }
    // A damaged page is noticed, and what stands in for it has the right size.
    let other = RgbImage::new(60, 40);
    other.save_with_format(store.blobs().join(&page_hash), image::ImageFormat::Png).unwrap();
    let mut pixels = PixelStore::for_log(&path, &records);
    let got = pixels.get(&page_hash);
    assert_eq!(got.image.dimensions(), (60, 40));
    assert!(got.problem.unwrap().contains("not the recorded ones"));
    let got = pixels.get(&crop_hash);
    assert_eq!(got.image.dimensions(), (20, 10));
    assert!(got.problem.is_some());
    fs::remove_dir_all(store.blobs()).unwrap();
    assert!(PixelStore::for_log(&path, &records).get(&page_hash).problem.is_some());
    let mut embedded = PixelStore::for_log(&path, &records);
    embedded.insert(Arc::clone(&parts.0));
    assert_eq!(embedded.get(&crop_hash).problem, None);
}

#[test]
fn crops_are_kept_where_the_page_does_not_give_them() {
    // An altered crop cannot be cut from the page.
    let (_dir, first) = store();
    let grey = painted(|crop| crop.pixels_mut().for_each(|p| *p = Rgb([9, 9, 9])));
    let path = record_painted(Recorder::create(&first, "d", ID).unwrap(), &grey);
    assert_eq!(names(&first.blobs()).len(), 2);
    let got = PixelStore::for_log(&path, &grey.2).get(&pixel_hash(&grey.1));
    assert_eq!((got.image.as_raw(), got.problem), (grey.1.as_raw(), None));
    // A page that may not be kept.
    let (_dir, second) = store();
    let plain = painted(|_| {});
    let path = record_painted(Recorder::create(&second, "d", ID).unwrap().without_pages(), &plain);
    assert_eq!(names(&second.blobs()), [pixel_hash(&plain.1)]);
    let mut pixels = PixelStore::for_log(&path, &plain.2);
    assert_eq!(pixels.get(&pixel_hash(&plain.1)).problem, None);
    assert!(pixels.get(&pixel_hash(&plain.0)).problem.is_some());
}

#[test]
fn a_log_may_claim_any_size_and_any_hash() {
    let mut records = session(ID);
    if let Body::Image(image) = &mut records[1].body {
        image.original = Size::new(u32::MAX, 1);
        image.hash = "../../../etc/passwd".into();
    }
    let got = PixelStore::new(vec!["/".into()], &records).get("../../../etc/passwd");
    assert_eq!(got.image.dimensions(), (4096, 1));
    assert!(got.problem.is_some());
    let (_dir, store) = store();
    assert!(matches!(put_blob(&store, "../x", &RgbImage::new(1, 1)), Err(SessionError::BadName { .. })));
    assert!(matches!(put_blob(&store, &"0".repeat(64), &RgbImage::new(1, 1)), Err(SessionError::WrongPixels { .. })));
}

#[test]
fn lists_do_without_summaries_and_without_logs() {
    let (_dir, store) = store();
    let with_time = |id: &str, started: &str| {
        let mut records = session(id);
        if let Body::SessionStart(start) = &mut records[0].body {
            start.started = started.into();
        }
        records
    };
    record_all(&store, "a", &with_time("a", "2026-01-01T00:00:00Z"));
    record_all(&store, "b", &with_time("b", "2026-01-03T00:00:00Z"));
    record_all(&store, "c", &with_time("c", "2026-01-02T00:00:00Z"));
    let live = with_time("live", "2026-01-04T00:00:00Z");
    record_all(&store, "live", &live[..9]);
    let ids = || list(&store).into_iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(ids(), ["live", "b", "c", "a"]);
    let before = list(&store);
    assert_eq!((before[0].reason.as_deref(), before[0].zooms, before[0].label.as_str()), (None, 1, "unfinished"));
    // Rubbish, another's fields, a torn line, and a session that is gone.
    let summary = store.dir().join("run-1/summary.jsonl");
    let text = fs::read_to_string(&summary).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| line.len() <= MAX_SUMMARY));
    fs::write(&summary, format!("rubbish\n{}\n{text}{{\"id\":\"gone\",\"new\":1}}\n{{\"id\":", "x".repeat(9000)))
        .unwrap();
    assert_eq!(list(&store), before);
    append_summary(&store.dir().join("run-1"), &SessionSummary { id: "a".into(), ..before[3].clone() }).unwrap();
    assert_eq!(list(&store), before);
    fs::remove_file(&summary).unwrap();
    assert_eq!(list(&store), before);
    fs::remove_file(store.resolve("b").unwrap()).unwrap();
    assert_eq!(ids(), ["live", "c", "a"]);
    assert_eq!(newest(&store).unwrap(), store.resolve("live").unwrap());
    // Nobody who asks for the newest means a fork of a probe.
    let mut fork = Recorder::create(&store, &format!("{PROBE_FOLDER}sweep-live-abc"), "cell").unwrap();
    with_time("cell", "2026-01-05T00:00:00Z").iter().for_each(|record| fork.write(record, None).unwrap());
    let of_probe = fork.finish().unwrap();
    assert_eq!(ids(), ["cell", "live", "c", "a"]);
    assert_eq!(newest(&store).unwrap(), store.resolve("live").unwrap());
    fs::remove_file(of_probe).unwrap();
    // Killed between renaming and removing: one session, not two.
    fs::write(store.dir().join("run-1/c.jsonl"), "").unwrap();
    assert_eq!(ids(), ["live", "c", "a"]);
    assert!(store.resolve("c").unwrap().to_str().unwrap().ends_with("zst"));
}

#[test]
fn summaries_stay_short_whatever_is_in_them() {
    let long = "\u{1}\"漢".repeat(2000);
    let some = || Some(long.clone());
    let summary = SessionSummary {
        id: "x".repeat(100),
        run: some(),
        started: long.clone(),
        model: long.clone(),
        benchmark: some(),
        question_id: long.clone(),
        answer: some(),
        truth: some(),
        reason: some(),
        profile: long.clone(),
        label: long.clone(),
        interventions: vec![long.clone(); 50],
        ..SessionSummary::default()
    };
    let line = summary.line();
    assert!(line.len() <= MAX_SUMMARY, "{}", line.len());
    let back: SessionSummary = serde_json::from_str(&line).unwrap();
    assert_eq!(back.id, summary.id);
}

#[test]
fn sessions_are_recorded_side_by_side() {
    let (_dir, store) = store();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            std::thread::spawn(move || {
                for k in 0..5 {
                    let id = format!("s-{n}-{k}");
                    record_all(&store, &id, &session(&id));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(read_summaries(&store.dir().join("run-1")).len(), 40);
    assert!(store.logs().iter().all(|log| verify(&read_log(&log.path).unwrap()).state == State::Whole));
}

/// Not a test: the process that the next one kills. Writes a control record a millisecond and says when it wrote which.
#[test]
#[ignore = "helper of killed_sessions_open"]
fn helper_that_is_killed() {
    let Ok(dir) = std::env::var("PANELSCOPE_TEST_KILL_DIR") else { return };
    let store = SessionStore::open(dir).unwrap();
    let mut recorder = Recorder::create(&store, "d", ID).unwrap();
    recorder.write(&session(ID)[0], None).unwrap();
    let begun = Instant::now();
    for seq in 1.. {
        let t = begun.elapsed().as_secs_f64();
        let body = Body::Control(Control { action: "run".into(), position: seq });
        recorder.write(&Record { seq, t, body }, None).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(unix)]
#[test]
fn killed_sessions_open() {
    let (_dir, store) = store();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "session::recorder_tests::helper_that_is_killed", "--ignored", "--nocapture"])
        .env("PANELSCOPE_TEST_KILL_DIR", store.dir())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let path = store.dir().join(format!("d/{ID}.jsonl"));
    let begun = Instant::now();
    let lines = || read_log(&path).map_or(0, |log| log.records.len());
    while lines() < 50 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the helper does not write");
        std::thread::sleep(Duration::from_millis(20));
    }
    // What the log's last record says and what the clock says: never more than 250 ms apart.
    let log = read_log(&path).unwrap();
    let before = (log.records.last().unwrap().t, Instant::now());
    std::thread::sleep(Duration::from_millis(700));
    child.kill().unwrap();
    let alive = before.1.elapsed().as_secs_f64();
    child.wait().unwrap();
    let log = read_log(&path).unwrap();
    let report = verify(&log);
    assert_eq!(report.state, State::CutOff, "{:?}", report.problems);
    let recorded = log.records.last().unwrap().t - before.0;
    assert!(recorded > alive - 0.25, "{recorded} s of {alive} s are there");
    // The next session is unharmed, and this one can be continued.
    record_all(&store, "next", &session("next"));
    assert_eq!(list(&store).len(), 2);
    let (recorder, again) = Recorder::reopen(&store, "d", ID).unwrap();
    assert_eq!(recorder.next_seq(), again.records.len() as u64);
}
