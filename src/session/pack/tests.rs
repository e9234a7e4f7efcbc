//! Packs there and back, and packs made to do harm.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::page::pixel_hash;
use crate::session::samples::session;
use crate::session::{PixelStore, Recorder, SessionError, SessionStore, encode_line, list, open_recording, read_log};
use crate::trace::{Body, ImageRole, Parent, Record};

const A: &str = "20260102-030405-aaaaaa";
const B: &str = "20260102-030405-bbbbbb";

fn store(dir: &Path, name: &str) -> SessionStore {
    SessionStore::open(dir.join(name)).unwrap()
}

fn page() -> Arc<RgbImage> {
    Arc::new(RgbImage::from_fn(60, 40, |x, y| Rgb([x as u8, y as u8, (x * y) as u8])))
}

/// A session about a real page; with a parent it is a fork of it.
fn records(id: &str, parent: Option<&str>) -> Vec<Record> {
    let mut records = session(id);
    for record in &mut records {
        match &mut record.body {
            Body::SessionStart(start) => {
                start.parent =
                    parent.map(|p| Parent { session: p.into(), position: 4, edit: "token 4".into(), change: None });
            }
            Body::Image(image) if image.role == ImageRole::Page => image.hash = pixel_hash(&page()),
            _ => {}
        }
    }
    records
}

fn record(store: &SessionStore, sub: &str, id: &str, parent: Option<&str>) -> PathBuf {
    let mut recorder = Recorder::create(store, sub, id).unwrap();
    for record in records(id, parent) {
        let is_page = matches!(&record.body, Body::Image(image) if image.role == ImageRole::Page);
        recorder.write(&record, is_page.then(page).as_ref()).unwrap();
    }
    recorder.finish().unwrap()
}

/// Every file below a folder, with its bytes.
fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.is_dir() { all.extend(tree(&path)) } else { all.push((path.clone(), fs::read(&path).unwrap())) }
    }
    all.sort();
    all
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn a_fork_goes_with_its_parent_its_notes_and_its_page_and_comes_out_the_same() {
    let dir = TempDir::new().unwrap();
    let from = store(dir.path(), "from");
    let parent = record(&from, "run-1", A, None);
    let fork = record(&from, "2026-01-02", B, Some(A));
    let note = crate::session::Note::now("Ann", crate::session::Remark::Tag { tag: "kept".into() });
    crate::session::add_note(&from, "2026-01-02", B, &note).unwrap();
    let file = dir.path().join("b.pack.zip");
    let made = pack(&from, &ids(&[B]), true, &file).unwrap();
    assert_eq!((made.sessions.clone(), made.ancestors.clone(), made.blobs), (ids(&[B]), ids(&[A]), 1));
    assert!(made.warnings.is_empty() && made.bytes == fs::metadata(&file).unwrap().len());

    let (log, mut pixels) = open_recording(&file).unwrap();
    assert_eq!(log.records, records(B, Some(A)));
    assert_eq!(pixels.get(&pixel_hash(&page())).image, page());

    let to = store(dir.path(), "to");
    let report = unpack(&to, &file).unwrap();
    assert_eq!((report.logs.len(), report.known.len(), report.blobs, report.warnings.len()), (2, 0, 1, 0));
    for (id, original) in [(A, &parent), (B, &fork)] {
        let log = to.one(id).unwrap();
        assert_eq!(log.sub, UNPACKED);
        assert_eq!(fs::read(&log.path).unwrap(), fs::read(original).unwrap());
        let log = read_log(&log.path).unwrap();
        let mut pixels = PixelStore::for_log(&to.one(id).unwrap().path, &log.records);
        assert_eq!(pixels.get(&pixel_hash(&page())).problem, None);
    }
    assert_eq!(crate::session::read_notes(&to, UNPACKED, B).unwrap().notes, [note]);
    let listed = list(&to);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed.iter().find(|s| s.id == B).unwrap().parent.as_ref().unwrap().session, A);

    let before = tree(to.dir());
    let again = unpack(&to, &file).unwrap();
    assert_eq!((again.logs.len(), again.known.len(), again.blobs), (0, 2, 0));
    assert_eq!(tree(to.dir()), before, "a second time changes nothing");
    let second = dir.path().join("b2.pack.zip");
    pack(&to, &ids(&[B]), true, &second).unwrap();
    assert_eq!(fs::read(second).unwrap(), fs::read(file).unwrap(), "the same sessions give the same bytes");
}

#[test]
fn images_may_be_left_out_and_what_is_missing_is_said() {
    let dir = TempDir::new().unwrap();
    let from = store(dir.path(), "from");
    record(&from, "d", B, Some("nobody"));
    let file = dir.path().join("x.zip");
    let made = pack(&from, &ids(&[B]), false, &file).unwrap();
    assert_eq!(made.blobs, 0);
    assert!(made.warnings[0].contains("nobody"), "{:?}", made.warnings);
    let (_, mut pixels) = open_recording(&file).unwrap();
    assert!(pixels.get(&pixel_hash(&page())).problem.is_some(), "a blank page");
    assert!(matches!(pack(&from, &ids(&[B]), false, &file), Err(SessionError::Exists { .. })), "never over a file");
    fs::remove_dir_all(from.blobs()).unwrap();
    let made = pack(&from, &ids(&[B]), true, &dir.path().join("y.zip")).unwrap();
    assert!(made.warnings.iter().any(|w| w.contains("page is not kept")), "{:?}", made.warnings);
    assert!(matches!(pack(&from, &ids(&["zz"]), true, &dir.path().join("z")), Err(SessionError::NotFound { .. })));
    assert!(!dir.path().join("z").exists());
}

#[test]
fn forks_in_a_circle_end() {
    let dir = TempDir::new().unwrap();
    let from = store(dir.path(), "from");
    record(&from, "d", A, Some(B));
    record(&from, "d", B, Some(A));
    let made = pack(&from, &ids(&[A]), true, &dir.path().join("x.zip")).unwrap();
    assert_eq!((made.sessions, made.ancestors), (ids(&[A]), ids(&[B])));
}

#[test]
fn a_session_that_is_here_and_says_something_else_is_kept_and_nothing_is_added() {
    let dir = TempDir::new().unwrap();
    let (from, to) = (store(dir.path(), "from"), store(dir.path(), "to"));
    record(&from, "d", A, None);
    record(&from, "d", B, None);
    record(&to, "other-run", B, Some(A));
    let file = dir.path().join("x.zip");
    pack(&from, &ids(&[A, B]), true, &file).unwrap();
    let before = tree(to.dir());
    assert!(matches!(unpack(&to, &file), Err(SessionError::Exists { .. })));
    assert_eq!(tree(to.dir()), before);
}

#[test]
fn a_live_log_and_its_compressed_form_are_one_session() {
    let dir = TempDir::new().unwrap();
    let (from, to) = (store(dir.path(), "from"), store(dir.path(), "to"));
    record(&from, "d", A, None);
    let file = dir.path().join("x.zip");
    pack(&from, &ids(&[A]), true, &file).unwrap();
    fs::create_dir_all(to.dir().join("d")).unwrap();
    let plain: String = records(A, None).iter().map(|record| encode_line(record) + "\n").collect();
    fs::write(to.dir().join(format!("d/{A}.jsonl")), plain).unwrap();
    assert_eq!(unpack(&to, &file).unwrap().known, ids(&[A]));
}

/// Where a folder stands in the way of one file, those that were placed are taken back.
#[test]
fn half_of_a_pack_is_never_left() {
    let dir = TempDir::new().unwrap();
    let (from, to) = (store(dir.path(), "from"), store(dir.path(), "to"));
    record(&from, "d", A, None);
    record(&from, "d", B, None);
    let file = dir.path().join("x.zip");
    pack(&from, &ids(&[A, B]), true, &file).unwrap();
    // No log, so no session that is here; but its name is taken.
    fs::create_dir_all(to.dir().join(UNPACKED).join(format!("{B}.jsonl.zst"))).unwrap();
    let before = tree(to.dir());
    assert!(unpack(&to, &file).is_err());
    assert_eq!(tree(to.dir()), before);
    let names = fs::read_dir(to.dir()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with(".unpacking")));
}

/// An entry of a forged pack.
struct Forged {
    name: String,
    bytes: Vec<u8>,
    options: SimpleFileOptions,
    listed: bool,
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn plain(name: &str, bytes: &[u8]) -> Forged {
    Forged { name: name.to_owned(), bytes: bytes.to_vec(), options: stored(), listed: true }
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    page().write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

fn log_bytes(id: &str) -> Vec<u8> {
    records(id, None).iter().map(|record| encode_line(record) + "\n").collect::<String>().into_bytes()
}

/// What an honest pack of session A holds.
fn honest() -> Vec<Forged> {
    vec![plain(&format!("logs/{A}.jsonl"), &log_bytes(A)), plain(&format!("blobs/{}", pixel_hash(&page())), &png())]
}

fn manifest(entries: &[Forged]) -> Manifest {
    let listed = entries.iter().filter(|entry| entry.listed).map(|entry| Listed {
        name: entry.name.clone(),
        bytes: entry.bytes.len() as u64,
        blake3: blake3::hash(&entry.bytes).to_hex().to_string(),
    });
    Manifest { v: 1, program: "x".into(), sessions: ids(&[A]), images: true, files: listed.collect() }
}

fn forge_with(entries: &[Forged], manifest: &Manifest) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        zip.start_file(entry.name.as_str(), entry.options).unwrap();
        zip.write_all(&entry.bytes).unwrap();
    }
    zip.start_file(MANIFEST, stored()).unwrap();
    zip.write_all(&serde_json::to_vec(manifest).unwrap()).unwrap();
    zip.finish().unwrap().into_inner()
}

fn forge(entries: &[Forged]) -> Vec<u8> {
    forge_with(entries, &manifest(entries))
}

/// Unpacks bytes into a new sessions folder; what is wrong with them. Nothing may be there afterwards, inside or outside.
fn refused(bytes: &[u8]) -> String {
    let dir = TempDir::new().unwrap();
    let to = store(&dir.path().join("home"), "sessions");
    let file = dir.path().join("evil.zip");
    fs::write(&file, bytes).unwrap();
    let error = unpack(&to, &file).unwrap_err();
    assert_eq!(tree(dir.path()), [(file.clone(), bytes.to_vec())], "{error}");
    if let Ok((_, mut pixels)) = open_recording(&file) {
        // Reading it without unpacking is as careful: what it gives is at most blank.
        pixels.get("x");
    }
    error.to_string()
}

/// Replaces bytes wherever they stand, by as many.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let mut hits = 0;
    for at in 0..=out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + from.len()].copy_from_slice(to);
            hits += 1;
        }
    }
    assert!(hits > 0, "there is something to replace");
    out
}

/// Where each record of the central directory begins.
fn central(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect()
}

#[test]
fn the_forger_can_also_be_honest() {
    let dir = TempDir::new().unwrap();
    let to = store(dir.path(), "to");
    let file = dir.path().join("x.zip");
    fs::write(&file, forge(&honest())).unwrap();
    let report = unpack(&to, &file).unwrap();
    assert_eq!((report.logs.len(), report.blobs), (1, 1));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let hash = "ab".repeat(32);
    let upper = hash.to_uppercase();
    let names = [
        "../evil.jsonl",
        "logs/../../evil.jsonl",
        "/etc/evil.jsonl",
        "logs//etc/evil.jsonl",
        "logs/..jsonl",
        "logs/a/b.jsonl",
        "logs\\..\\evil.jsonl",
        "C:\\evil.jsonl",
        "logs/summary.jsonl",
        "logs/.hidden.jsonl",
        "logs/a\u{0}b.jsonl",
        "logs/a.jsonl.exe",
        "notes/../a.notes.jsonl",
        "blobs/../../x",
        "blobs/short",
        &format!("blobs/{upper}"),
        &format!("blobs/{hash}/x"),
        "summary.jsonl",
        "readme.txt",
        "logs/",
        "",
    ];
    for name in names {
        let mut entries = honest();
        entries.push(plain(name, b"evil"));
        let why = refused(&forge(&entries));
        assert!(why.contains("is no name of a file in a pack") || why.contains("no regular file"), "{name:?}: {why}");
    }
}

#[test]
fn links_folders_compression_and_encryption_are_refused() {
    let mut entries = honest();
    entries[0].options = stored().unix_permissions(0o777);
    let good = forge(&entries);
    // The external attributes say that the first entry is a symbolic link.
    let at = central(&good)[0] + 38;
    let mut link = good.clone();
    link[at..at + 4].copy_from_slice(&(0o120_777u32 << 16).to_le_bytes());
    assert!(refused(&link).contains("no regular file"));

    let mut entries = honest();
    entries[0].options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    assert!(refused(&forge(&entries)).contains("is compressed or encrypted"));
    let mut locked = forge(&honest());
    let at = central(&locked)[0] + 8;
    locked[at] |= 1;
    assert!(refused(&locked).contains("is compressed or encrypted"));
}

#[test]
fn bombs_are_refused_before_anything_is_allocated() {
    // Sizes that lie: one entry claims more than the pack has.
    let good = forge(&honest());
    let mut liar = good.clone();
    let at = central(&liar)[0] + 20;
    for field in [at, at + 4] {
        liar[field..field + 4].copy_from_slice(&(200u32 << 20).to_le_bytes());
    }
    assert!(refused(&liar).contains("claim more bytes than it has"));
    // Only the real size differs from the packed one.
    let mut liar = good.clone();
    liar[at + 4..at + 8].copy_from_slice(&7u32.to_le_bytes());
    assert!(refused(&liar).contains("is compressed or encrypted"));
    // Larger than any entry may be.
    let mut liar = good.clone();
    for field in [at, at + 4] {
        liar[field..field + 4].copy_from_slice(&(300u32 << 20).to_le_bytes());
    }
    assert!(refused(&liar).contains("larger than 256 MiB"));
    // Entries that share their bytes, many times over.
    let mut entries = honest();
    let big = vec![b'x'; 100_000];
    for n in 0..50 {
        entries.push(plain(&format!("notes/n{n:03}.notes.jsonl"), if n == 0 { &big } else { b"" }));
    }
    let mut shared = forge(&entries);
    let records = central(&shared);
    let donor: Vec<u8> = shared[records[2] + 16..records[2] + 28].to_vec();
    let offset: Vec<u8> = shared[records[2] + 42..records[2] + 46].to_vec();
    for record in &records[3..52] {
        shared[record + 16..record + 28].copy_from_slice(&donor);
        shared[record + 42..record + 46].copy_from_slice(&offset);
    }
    assert!(refused(&shared).contains("claim more bytes than it has"));
    // More entries than are read, and ZIP64, which can claim any number.
    let mut many = good.clone();
    let end = many.len() - 22;
    many[end + 8..end + 12].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert!(refused(&many).contains("entries"));
    let mut huge = good;
    huge.splice(end..end, *b"PK\x06\x07aaaaaaaaaaaaaaaa");
    assert!(refused(&huge).contains("ZIP64"));
}

#[test]
fn a_log_that_unfolds_without_end_is_refused() {
    let first = encode_line(&records(A, None)[0]) + "\n";
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(first.as_bytes()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let why = refused(&forge(&[plain(&format!("logs/{A}.jsonl.zst"), &bomb)]));
    assert!(why.contains("unfolds into more"), "{why}");
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let mut entries = honest();
    let other = A.replace("aaaaaa", "zzzzzz");
    entries.push(plain(&format!("logs/{other}.jsonl"), &log_bytes(A)));
    let twice = patched(&forge(&entries), b"zzzzzz.jsonl", b"aaaaaa.jsonl");
    assert!(refused(&twice).contains("two entries of one name"));
}

#[test]
fn the_list_and_the_contents_must_agree() {
    let entries = honest();
    let good = manifest(&entries);
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        refused(&forge_with(&honest(), &manifest))
    };
    assert!(with(&|m| m.v = 2).contains("format version 2"));
    assert!(with(&|m| drop(m.files.pop())).contains("does not list"));
    assert!(with(&|m| m.files.push(m.files[0].clone())).contains("does not list"));
    assert!(with(&|m| m.files[0].name = "logs/other.jsonl".into()).contains("does not list"));
    assert!(with(&|m| m.files[0].bytes += 1).contains("does not list"));
    assert!(with(&|m| m.files[0].blake3 = "00".repeat(32)).contains("is not what"));
    assert!(with(&|m| m.sessions = ids(&["../x"])).contains("no log of session"));
    assert!(with(&|m| m.sessions.clear()).contains("no session"));
    let mut unlisted = honest();
    unlisted.push(Forged { listed: false, ..plain("logs/extra.jsonl", &log_bytes("extra")) });
    assert!(refused(&forge(&unlisted)).contains("does not list"));

    // Pixels under another's hash, pixels that are none, a log under another's name, a log that is none.
    let wrong = "ab".repeat(32);
    let log = || plain(&format!("logs/{A}.jsonl"), &log_bytes(A));
    assert!(refused(&forge(&[log(), plain(&format!("blobs/{wrong}"), &png())])).contains("another hash"));
    assert!(refused(&forge(&[log(), plain(&format!("blobs/{wrong}"), b"\x89PNG no")])).contains("blobs/"));
    assert!(refused(&forge(&[plain(&format!("logs/{A}.jsonl"), &log_bytes(B))])).contains("another session"));
    assert!(refused(&forge(&[plain(&format!("logs/{A}.jsonl"), b"hello\n")])).contains("does not begin"));
}

#[test]
fn no_archive_no_list_and_cut_files_are_refused() {
    assert!(refused(b"").contains("ZIP"));
    assert!(refused(b"PK\x03\x04 and then nothing of the kind").contains("ZIP"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(format!("logs/{A}.jsonl"), stored()).unwrap();
    zip.write_all(&log_bytes(A)).unwrap();
    assert!(refused(&zip.finish().unwrap().into_inner()).contains("was not made by sessions pack"));
    let good = forge(&honest());
    for cut in [10, good.len() / 3, good.len() / 2, good.len() - 30, good.len() - 1] {
        refused(&good[..cut]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]
    /// Any flipped bytes: refused with a reason, or harmless; never a panic, never something outside.
    #[test]
    fn flipped_bytes_do_no_harm(flips in proptest::collection::vec((0usize..100_000, 0u8..=255), 1..6)) {
        let mut bytes = forge(&honest());
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let dir = TempDir::new().unwrap();
        let to = store(&dir.path().join("home"), "sessions");
        let file = dir.path().join("x.zip");
        fs::write(&file, &bytes).unwrap();
        let done = unpack(&to, &file);
        let outside: Vec<_> = tree(dir.path()).into_iter().filter(|(path, _)| !path.starts_with(to.dir())).collect();
        proptest::prop_assert_eq!(outside.len(), 1);
        if done.is_err() {
            proptest::prop_assert!(tree(to.dir()).is_empty());
        }
    }
}
