//! Drawn folders, archives and folders of images, as a user names them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

mod alone;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
#[cfg(unix)]
use std::process::Stdio;

use image::{ImageFormat, Rgb, RgbImage};
use panelscope::benchmark::{Selection, open, open_with};
use panelscope::page::{Archive, MAX_ENTRIES, MAX_ENTRY};
use proptest::prelude::*;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn run(args: &[&str], dir: &Path) -> (i32, String, String) {
    let out = alone::program().args(args).current_dir(dir).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

/// Every file below a folder, by its path.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            all.extend(contents(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            all.insert(name, fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn one_seed_is_one_folder_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let synth = |out: &str, jobs: &str| {
        let args = ["bench", "synth", "--seed", "11", "--pages", "6", "--out", out, "--jobs", jobs];
        let (code, said, err) = run(&args, dir.path());
        assert_eq!((code, said.trim()), (0, out), "{err}");
        contents(&dir.path().join(out))
    };
    let one = synth("a", "1");
    assert_eq!(one.keys().filter(|k| k.starts_with("pages/")).count(), 6);
    assert!(one == synth("b", "3"), "three threads write other bytes than one");
    assert!(one == synth("a", "1"), "written again, the folder differs");
    let (code, out, _) = run(&["bench", "check", "--decode", "a"], dir.path());
    assert!(code == 0 && out.contains("clean"), "{out}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn as_many_questions_as_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["bench", "synth", "--seed", "2", "--questions", "5", "--difficulty", "hard"];
    assert_eq!(run(&args, dir.path()).0, 0);
    let (code, out, _) = run(&["bench", "list", "--json", "--bench", "synth-2-hard"], dir.path());
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["questions"].as_array().unwrap().len()), (0, 5));
    for q in json["questions"].as_array().unwrap() {
        for key in ["id", "task", "family", "split"] {
            assert!(q[key].is_string(), "{q}");
        }
        assert!(q["zoom_needed"].is_boolean() && q["page"].as_str().unwrap().starts_with('h'), "{q}");
    }
    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.path().join("synth-2-hard/benchmark.json")).unwrap()).unwrap();
    assert_eq!(manifest["world"]["difficulty"], "hard");
    assert_eq!(run(&["bench", "synth", "--seed", "2"], dir.path()).0, 2, "an amount is needed");
    fs::write(dir.path().join("synth-2-hard/mine.txt"), "x").unwrap();
    let (code, _, err) = run(&args, dir.path());
    assert!(code == 2 && err.contains("not empty"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_killed_synth_does_not_look_complete_and_is_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["bench", "synth", "--seed", "4", "--out", "d", "--pages"];
    let mut child =
        alone::program().args(args).arg("100000").current_dir(dir.path()).stderr(Stdio::null()).spawn().unwrap();
    let pages = dir.path().join(".d.panelscope-part/pages");
    let started = std::time::Instant::now();
    while fs::read_dir(&pages).map_or(0, Iterator::count) == 0 && started.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(pages.exists(), "it was killed while it wrote");
    assert!(!dir.path().join("d").exists());
    let (code, _, err) = run(&[args.as_slice(), &["2"]].concat(), dir.path());
    assert_eq!(code, 0, "{err}");
    assert_eq!(run(&["bench", "check", "d"], dir.path()).0, 0);
    assert!(!pages.exists());
}

#[test]
fn a_question_is_shown_with_its_boxes() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&["bench", "synth", "--seed", "5", "--pages", "2", "--out", "d"], dir.path()).0, 0);
    let bench = open(dir.path().join("d").to_str().unwrap()).unwrap();
    let question = &bench.questions()[0];
    let (code, out, err) = run(&["bench", "show", "--bench", "d", &question.id, "--out", "x.png"], dir.path());
    assert_eq!(code, 0, "{err}");
    for part in [question.text.as_str(), question.truth.as_deref().unwrap(), "panel 1", "clear-line"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let painted = image::open(dir.path().join("x.png")).unwrap().to_rgb8();
    let page = bench.page(question).unwrap();
    assert_eq!(painted.dimensions(), page.pixels.dimensions());
    let target = question.targets[0];
    let (x, y) = (target.x1 as u32, ((target.y1 + target.y2) / 2.0) as u32);
    assert_eq!(painted.get_pixel(x, y).0, [214, 20, 60], "the target's left edge");
    let (code, _, err) = run(&["bench", "show", "--bench", "d", "nobody"], dir.path());
    assert!(code == 2 && err.contains("no question"), "{err}");
}

fn png(level: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(8, 6, Rgb([level; 3])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)
}

fn archive(entries: &[(&str, Vec<u8>)], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn saved(dir: &Path, bytes: &[u8]) -> String {
    let path = dir.join("x.cbz");
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_archive_is_pages_in_natural_order() {
    let dir = tempfile::tempdir().unwrap();
    let entries = [
        ("p10.png", png(10)),
        ("p9.png", png(9)),
        ("ComicInfo.xml", b"<x/>".to_vec()),
        ("../../evil.png", png(1)),
        ("/etc/evil.png", png(1)),
        ("__MACOSX/p1.png", png(1)),
        (".hidden.png", png(1)),
        ("sub/p1.PNG", png(11)),
    ];
    let deflated = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for options in [stored(), deflated] {
        let bench = open(&saved(dir.path(), &archive(&entries, options))).unwrap();
        assert_eq!(bench.pages().unwrap(), ["p9.png", "p10.png", "sub/p1.PNG"]);
        assert!(bench.questions().is_empty());
        for (name, level) in [("p9.png", 9), ("p10.png", 10), ("sub/p1.PNG", 11)] {
            assert_eq!(bench.page_named(name).unwrap().pixels.get_pixel(0, 0).0, [level; 3], "{name}");
        }
        assert!(bench.page_named("../../evil.png").is_err());
    }
    assert!(!dir.path().parent().unwrap().join("evil.png").exists());
    let args = ["bench", "list", "--bench", "x.cbz"];
    assert_eq!(run(&args, dir.path()).1, "p9.png\np10.png\nsub/p1.PNG\n");
}

#[test]
fn hostile_archives_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let page_error = |bytes: &[u8]| {
        let bench = open(&saved(dir.path(), bytes)).unwrap();
        bench.page_named("p.png").unwrap_err().to_string()
    };
    // More bytes than are read, declared honestly and not.
    let deflated = SimpleFileOptions::default();
    let bomb = archive(&[("p.png", vec![0; MAX_ENTRY as usize + 1])], deflated);
    assert!(bomb.len() < 1 << 20);
    assert!(page_error(&bomb).contains("larger than 64 MiB"));
    let mut lying = bomb;
    let size = (MAX_ENTRY as u32 + 1).to_le_bytes();
    while let Some(at) = lying.windows(4).position(|w| w == size) {
        lying[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    let said = page_error(&lying);
    assert!(said.contains("cannot be unpacked") || said.contains("larger than"), "{said}");
    // A page whose bytes are not those that were packed.
    let good = archive(&[("p.png", png(3))], stored());
    let mut flipped = good.clone();
    flipped[60] ^= 1;
    assert!(page_error(&flipped).contains("cannot be unpacked"), "{}", page_error(&flipped));
    // Encrypted: the flag is set in both headers.
    let mut locked = good.clone();
    locked[6] |= 1;
    let central = locked.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    locked[central + 8] |= 1;
    assert!(page_error(&locked).contains("encrypted"));
    assert!(page_error(&archive(&[("p.png", b"hello".to_vec())], stored())).contains("not a PNG"));
    assert!(page_error(&archive(&[("p.png", Vec::new())], stored())).contains("[p.png]"));
}

#[test]
fn archives_that_cannot_be_opened_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let error = |bytes: &[u8]| open(&saved(dir.path(), bytes)).err().unwrap().to_string();
    assert!(error(b"").contains("not a readable ZIP"));
    assert!(error(b"PK\x03\x04 but then something else").contains("not a readable ZIP"));
    assert!(error(&archive(&[("a.txt", vec![1])], stored())).contains("no image"));
    let good = archive(&[("p.png", png(3))], stored());
    assert!(error(&good[..good.len() - 30]).contains("not a readable ZIP"));
    // Numbers of entries nobody has.
    let end = good.len() - 22;
    let mut many = good.clone();
    many[end + 8..end + 12].copy_from_slice(&[0xff, 0xfe, 0xff, 0xfe]);
    assert!(error(&many).contains("at most 10000"), "{}", error(&many));
    let mut zip64 = good.clone();
    zip64.splice(end..end, [b"PK\x06\x07".as_slice(), &[0xff; 16]].concat());
    assert!(error(&zip64).contains("ZIP64"));
    let names: Vec<String> = (0..=MAX_ENTRIES).map(|n| format!("{n}.png")).collect();
    let entries: Vec<_> = names.iter().map(|n| (n.as_str(), Vec::new())).collect();
    assert!(error(&archive(&entries, stored())).contains("10001 entries"));
    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("p.png", "/etc/passwd", stored()).unwrap();
    assert!(error(&link.finish().unwrap().into_inner()).contains("no image"), "a link is no page");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_bytes_are_an_archive_or_an_error(changes in prop::collection::vec((0usize..400, any::<u8>()), 0..6), cut in 0usize..400) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = archive(&[("p1.png", png(3)), ("p2.png", png(4))], SimpleFileOptions::default());
        for (at, value) in changes {
            let place = at % bytes.len();
            bytes[place] = value;
        }
        if cut > 200 {
            bytes.truncate(cut);
        }
        if let Ok(archive) = Archive::open(Path::new(&saved(dir.path(), &bytes))) {
            for index in 0..=archive.names().count() {
                let _ = archive.page(index);
            }
        }
    }
}

#[test]
fn folders_of_images_and_images_are_pages() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().to_str().unwrap().to_owned();
    assert!(open(&name).err().unwrap().to_string().contains("neither a benchmark.json nor an image"));
    for (file, level) in [("2.png", 2), ("10.png", 10), ("empty.png", 0)] {
        fs::write(dir.path().join(file), if level == 0 { Vec::new() } else { png(level) }).unwrap();
    }
    let bench = open(&name).unwrap();
    assert_eq!(bench.pages().unwrap(), ["2.png", "10.png", "empty.png"]);
    assert_eq!(bench.page_named("10.png").unwrap().pixels.get_pixel(0, 0).0, [10; 3]);
    assert!(bench.page_named("../2.png").is_err());
    assert!(bench.page_named("empty.png").unwrap_err().to_string().contains("empty.png"));
    let one = open(dir.path().join("2.png").to_str().unwrap()).unwrap();
    assert_eq!(one.pages().unwrap(), ["2.png"]);
    assert_eq!(one.page_size("2.png").unwrap(), one.page_named("2.png").unwrap().size());
    for bad in ["empty.png", "missing.png", "3.cbr"] {
        fs::write(dir.path().join("3.cbr"), "Rar!").unwrap();
        assert!(open(dir.path().join(bad).to_str().unwrap()).is_err(), "{bad}");
    }
    fs::write(dir.path().join("questions.jsonl"), "").unwrap();
    assert!(open(&name).err().unwrap().to_string().contains("no benchmark.json"));
    let nothing =
        open_with(dir.path().join("2.png").to_str().unwrap(), &Selection { limit: Some(0), ..Selection::default() });
    assert!(nothing.unwrap().questions().is_empty());
}
