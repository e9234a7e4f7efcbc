//! `bench check` against folders with one problem each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

mod alone;

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use panelscope::benchmark::folder::check::{Problem, Report, Severity, Thoroughness, check};
use panelscope::benchmark::open;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

const MANIFEST: &str = "benchmark.json";
const QUESTIONS: &str = "questions.jsonl";
const ANNOTATIONS: &str = "annotations.json";

/// A folder with nothing wrong: four questions about two pages of 40×30.
struct Folder(TempDir);

fn questions() -> Vec<Value> {
    vec![
        json!({"id": "q1", "task": "depth-comparison", "family": "depth", "text": "Who is nearer?", "choices": ["Pip", "Moss"],
               "truth": "Moss", "targets": [[1, 2, 20, 25]], "page": "p1", "detail": 12.5, "split": "test"}),
        json!({"id": "q2", "task": "panel-reordering", "text": "In which order?", "form": "order", "labels": ["A", "B", "C"],
               "truth": "B, A, C", "page": "p1"}),
        json!({"id": "q3", "task": "character-identification", "text": "Where is Pip?", "form": "set", "labels": ["1", "2"],
               "truth": "", "page": "p2"}),
        json!({"id": "q4", "task": "character-counting", "text": "How many?", "form": "count", "truth": "3", "page": "p2"}),
    ]
}

fn annotations() -> Value {
    json!({
        "images": [{"id": 1, "file_name": "p1.png", "width": 40, "height": 30}, {"id": 2, "file_name": "p2.png", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "panel"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 30], "attributes": {"number": 1}}],
    })
}

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let counts = json!({"depth-comparison": 1, "panel-reordering": 1, "character-identification": 1, "character-counting": 1});
        let manifest =
            json!({"v": 1, "name": "mine", "version": "1", "licence": "CC0-1.0", "pages": 2, "tasks": counts});
        folder.write(MANIFEST, manifest.to_string());
        folder.lines(questions().iter().map(Value::to_string));
        folder.write(ANNOTATIONS, annotations().to_string());
        fs::create_dir(folder.path("pages")).unwrap();
        for page in ["p1", "p2"] {
            RgbImage::new(40, 30).save(folder.path(&format!("pages/{page}.png"))).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn lines(&self, lines: impl IntoIterator<Item = String>) {
        self.write(QUESTIONS, lines.into_iter().map(|l| l + "\n").collect::<String>());
    }

    fn check(&self) -> Report {
        check(self.0.path(), Thoroughness::default(), &|_, _| {})
    }

    fn opens(&self) -> Result<(), String> {
        open(self.0.path().to_str().unwrap()).map(|_| ()).map_err(|e| e.to_string())
    }
}

fn only(report: &Report, severity: Severity) -> &Problem {
    let problems: Vec<_> = report.problems.iter().filter(|p| p.severity == severity).collect();
    assert_eq!(problems.len(), 1, "{report:#?}");
    problems[0]
}

#[test]
fn a_good_folder_is_clean() {
    let folder = Folder::new();
    let report = folder.check();
    assert_eq!((report.problems.as_slice(), report.questions, report.pages), ([].as_slice(), 4, 2));
    folder.opens().unwrap();
}

/// One field of the first or second question is set: exactly one error, on that line.
#[rstest]
#[case::unknown_task(0, json!({"task": "juggling", "family": null}), "unknown task")]
#[case::unknown_family(0, json!({"family": "space"}), "unknown family")]
#[case::family_of_another_task(0, json!({"family": "tracking"}), "is of the family depth")]
#[case::unknown_form(0, json!({"form": "poem"}), "unknown form")]
#[case::unknown_split(0, json!({"split": "tset"}), "unknown split")]
#[case::empty_text(0, json!({"text": " "}), "text is empty")]
#[case::no_text(0, json!({"text": null}), "no text")]
#[case::empty_id(0, json!({"id": ""}), "id is empty")]
#[case::long_id(0, json!({"id": "x".repeat(300)}), "at most 200")]
#[case::twice(1, json!({"id": "q1"}), "line 1's already")]
#[case::missing_page(0, json!({"page": "p9"}), "no page \"p9\"")]
#[case::no_page(0, json!({"page": null}), "no page is named")]
#[case::page_is_a_path(0, json!({"page": "../../secret"}), "cannot be a page's name")]
#[case::off_page(0, json!({"targets": [[1, 2, 41, 25]]}), "not on its page of 40×30")]
#[case::inverted(0, json!({"targets": [[20, 2, 1, 25]]}), "empty or inverted")]
#[case::three_numbers(0, json!({"targets": [[1, 2, 3]]}), "not a box")]
#[case::no_boxes(0, json!({"targets": {"x": 1}}), "list of boxes")]
#[case::truth_not_a_choice(0, json!({"truth": "Juno"}), "not among the choices")]
#[case::truth_not_text(0, json!({"truth": 3}), "text or null")]
#[case::choices_twice(0, json!({"choices": ["Pip", "Moss", "pip "]}), "twice among the choices")]
#[case::choice_empty(0, json!({"choices": ["Moss", ""]}), "one of the choices is empty")]
#[case::choices_numbers(0, json!({"choices": [1, 2]}), "list of texts")]
#[case::detail(0, json!({"detail": -1}), "above 0")]
#[case::label_twice(1, json!({"labels": ["A", "B", "B"], "truth": "A, B, B"}), "")]
#[case::label_with_comma(1, json!({"labels": ["A", "B, C"], "truth": null}), "comma")]
#[case::one_label(1, json!({"labels": ["A"], "truth": "A"}), "at least two")]
#[case::not_a_permutation(1, json!({"truth": "A, B"}), "every label once")]
#[case::order_of_others(1, json!({"truth": "A, B, D"}), "every label once")]
#[case::order_with_twice(1, json!({"truth": "A, B, C, A"}), "every label once")]
#[case::set_of_others(2, json!({"truth": "3"}), "not among the labels")]
#[case::set_with_twice(2, json!({"truth": "1, 1"}), "names a label twice")]
#[case::not_a_number(3, json!({"truth": "three"}), "not a whole number")]
#[case::negative(3, json!({"truth": "-3"}), "not a whole number")]
#[case::count_not_listed(3, json!({"labels": ["1", "2"]}), "not among the answers")]
fn a_wrong_field_is_found(#[case] line: usize, #[case] set: Value, #[case] says: &str) {
    let folder = Folder::new();
    let mut all = questions();
    for (key, value) in set.as_object().unwrap() {
        all[line][key] = value.clone();
    }
    folder.lines(all.iter().map(Value::to_string));
    let report = folder.check();
    // Counts of the manifest may be off then, too.
    let here: Vec<_> =
        report.problems.iter().filter(|p| p.severity == Severity::Error && p.file == QUESTIONS).collect();
    assert!(!here.is_empty() && (says.is_empty() || here.len() == 1), "{report:#?}");
    assert!(here[0].what.contains(says) && here[0].line == Some(line as u64 + 1), "{report:#?}");
}

/// A line as bytes: one error that names it.
#[rstest]
#[case::broken_json(b"{\"id\": \"q5\"".to_vec(), "EOF")]
#[case::not_an_object(b"[1, 2]".to_vec(), "has to be an object")]
#[case::not_finite(br#"{"id":"q5","text":"t","page":"p1","targets":[[0,0,1e999,1]]}"#.to_vec(), "number out of range")]
#[case::nan(br#"{"id":"q5","text":"t","page":"p1","targets":[[0,0,NaN,1]]}"#.to_vec(), "expected value")]
#[case::field_twice(br#"{"id":"q5","id":"q5","text":"t","page":"p1"}"#.to_vec(), "duplicate field")]
#[case::bad_utf8(b"{\"id\":\"q\xff\"}".to_vec(), "not UTF-8 from byte 9")]
#[case::long(vec![b'x'; 70_000], "longer than 65536 bytes")]
#[case::deep([vec![b'['; 10_000], vec![b']'; 10_000]].concat(), "recursion limit")]
#[case::nul(b"\0\0\0\0".to_vec(), "expected value")]
fn a_broken_line_is_found_and_refused(#[case] line: Vec<u8>, #[case] says: &str) {
    let folder = Folder::new();
    let mut bytes = fs::read(folder.path(QUESTIONS)).unwrap();
    bytes.extend(&line);
    bytes.extend(b"\n\n");
    folder.write(QUESTIONS, bytes);
    let report = folder.check();
    let problem = only(&report, Severity::Error);
    assert!(problem.what.contains(says) && problem.line == Some(5) && problem.file == QUESTIONS, "{problem:?}");
    let refused = folder.opens().unwrap_err();
    assert!(refused.contains("questions.jsonl:5") && refused.contains("bench check"), "{refused}");
}

/// Something done to the folder: one error in this file, which may be said again by a reader.
#[rstest]
#[case::no_manifest(|f: &Folder| fs::remove_file(f.path(MANIFEST)).unwrap(), MANIFEST, "no benchmark.json")]
#[case::empty_manifest(|f: &Folder| f.write(MANIFEST, ""), MANIFEST, "EOF")]
#[case::broken_manifest(|f: &Folder| f.write(MANIFEST, "{"), MANIFEST, "EOF")]
#[case::manifest_is_a_folder(|f: &Folder| { fs::remove_file(f.path(MANIFEST)).unwrap(); fs::create_dir(f.path(MANIFEST)).unwrap(); }, MANIFEST, "regular file")]
#[case::newer(|f: &Folder| f.write(MANIFEST, r#"{"v":2,"name":"x","licence":"MIT"}"#), MANIFEST, "version 2")]
#[case::no_name(|f: &Folder| f.write(MANIFEST, r#"{"v":1,"name":" ","licence":"MIT"}"#), MANIFEST, "name is empty")]
#[case::wrong_pages(|f: &Folder| f.write(MANIFEST, r#"{"v":1,"name":"x","licence":"MIT","pages":3}"#), MANIFEST, "there are 2")]
#[case::no_questions(|f: &Folder| { fs::remove_file(f.path(QUESTIONS)).unwrap(); f.write(MANIFEST, r#"{"v":1,"name":"x","licence":"MIT"}"#); }, QUESTIONS, "no questions.jsonl")]
#[case::not_a_page(|f: &Folder| f.write("pages/p1.png", "hello"), "pages/p1.png", "not a PNG")]
#[case::empty_page(|f: &Folder| f.write("pages/p1.png", ""), "pages/p1.png", "p1.png")]
#[case::two_of_a_name(|f: &Folder| { fs::copy(f.path("pages/p1.png"), f.path("pages/p1.jpg")).unwrap(); }, "pages/p1.png", "same name")]
#[case::broken_annotations(|f: &Folder| f.write(ANNOTATIONS, "{\n\"images\": [\n{}]}"), ANNOTATIONS, "missing field")]
#[case::empty_annotations(|f: &Folder| f.write(ANNOTATIONS, ""), ANNOTATIONS, "EOF")]
fn a_wrong_file_is_found(#[case] spoil: fn(&Folder), #[case] file: &str, #[case] says: &str) {
    let folder = Folder::new();
    spoil(&folder);
    let report = folder.check();
    let problem = only(&report, Severity::Error);
    assert!(problem.file == file && problem.what.contains(says), "{problem:?}");
}

/// Annotations with one value changed.
#[rstest]
#[case::image_without_page("/images/1/file_name", json!("p7.png"), "no page \"p7\"")]
#[case::wrong_size("/images/1/width", json!(41), "said to be 41×30; the page is 40×30")]
#[case::image_twice("/images/1/id", json!(1), "same id")]
#[case::page_twice("/images/1/file_name", json!("p1.png"), "named by an image before")]
#[case::no_image("/annotations/0/image_id", json!(9), "no image 9")]
#[case::no_category("/annotations/0/category_id", json!(9), "no category 9")]
#[case::off_page("/annotations/0/bbox", json!([30, 0, 20, 30]), "not on its page")]
#[case::negative("/annotations/0/bbox", json!([10, 0, -5, 30]), "empty or inverted")]
fn a_wrong_annotation_is_found(#[case] pointer: &str, #[case] value: Value, #[case] says: &str) {
    let folder = Folder::new();
    let mut all = annotations();
    *all.pointer_mut(pointer).unwrap() = value;
    folder.write(ANNOTATIONS, all.to_string());
    let report = folder.check();
    let problem = only(&report, Severity::Error);
    assert!(problem.file == ANNOTATIONS && problem.what.contains(says), "{problem:?}");
}

#[test]
fn annotations_with_lines_of_their_own_are_found_by_line() {
    let folder = Folder::new();
    let mut all = annotations();
    all["annotations"][0]["image_id"] = json!(9);
    let one = all["annotations"][0].to_string();
    all["annotations"] = json!([]);
    let text = all.to_string().replace("\"annotations\":[]", &format!("\"annotations\":[\n{one}\n]"));
    folder.write(ANNOTATIONS, text);
    assert_eq!(only(&folder.check(), Severity::Error).line, Some(2));
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_folder_are_found_and_not_followed() {
    let folder = Folder::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("secret.png");
    RgbImage::new(40, 30).save(&secret).unwrap();
    fs::remove_file(folder.path("pages/p1.png")).unwrap();
    std::os::unix::fs::symlink(&secret, folder.path("pages/p1.png")).unwrap();
    let report = folder.check();
    assert!(only(&report, Severity::Error).what.contains("leads out"), "{report:#?}");
    let bench = open(folder.0.path().to_str().unwrap()).unwrap();
    let refused = bench.page(&bench.questions()[0]).unwrap_err().to_string();
    assert!(refused.contains("leads out"), "{refused}");
}

#[test]
fn warnings_and_notes_are_no_errors() {
    let folder = Folder::new();
    let mut all = questions();
    all[0]["truth"] = json!(null);
    all[0]["choises"] = json!([]);
    folder.lines(all.iter().map(Value::to_string));
    folder.write("pages/notes.txt", "x");
    RgbImage::new(4, 3).save(folder.path("pages/p3.png")).unwrap();
    folder.write(MANIFEST, r#"{"v":1,"name":"x"}"#);
    let report = folder.check();
    let kinds: Vec<_> = report.problems.iter().map(|p| p.kind).collect();
    assert_eq!(kinds, ["licence", "other file", "unused page", "unknown field", "no truth"], "{report:#?}");
    assert_eq!((report.errors, report.warnings, report.notes), (0, 3, 2));
}

#[test]
fn a_bias_is_a_warning() {
    let folder = Folder::new();
    let mut all = questions();
    for n in 0..40 {
        let mut more = all[0].clone();
        more["id"] = json!(format!("more-{n}"));
        all.push(more);
    }
    folder.lines(all.iter().map(Value::to_string));
    folder.write(MANIFEST, r#"{"v":1,"name":"x","licence":"MIT"}"#);
    let report = folder.check();
    assert!(report.errors == 0 && only(&report, Severity::Warning).what.contains("0, 41"), "{report:#?}");
}

#[test]
fn a_torn_page_is_found_by_decoding() {
    let folder = Folder::new();
    let mut noise = RgbImage::new(40, 30);
    (0_u32..)
        .zip(noise.pixels_mut())
        .for_each(|(n, p)| p.0 = n.wrapping_mul(2_654_435_761).to_le_bytes()[..3].try_into().unwrap());
    noise.save(folder.path("pages/p1.png")).unwrap();
    let whole = fs::read(folder.path("pages/p1.png")).unwrap();
    folder.write("pages/p1.png", &whole[..whole.len() / 2]);
    assert_eq!(folder.check().errors, 0);
    let thorough = check(folder.0.path(), Thoroughness { decode: true }, &|_, _| {});
    assert!(only(&thorough, Severity::Error).what.contains("damaged"));
}

fn run(args: &[&str], dir: &Path) -> (i32, String, String) {
    let out = alone::program().args(args).current_dir(dir).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[test]
fn the_command_says_it_and_exits_with_it() {
    let folder = Folder::new();
    let dir = folder.0.path();
    let (code, out, _) = run(&["bench", "check", "."], dir);
    assert_eq!((code, out.as_str()), (0, "clean: 4 questions, 2 pages; 0 errors, 0 warnings, 0 notes\n"));
    folder.lines(["{".to_owned(), json!({"id": "\u{1b}[2J"}).to_string()]);
    let (code, out, _) = run(&["bench", "check", "."], dir);
    assert!(code == 1 && out.contains("questions.jsonl:1: error: ") && !out.contains('\u{1b}'), "{out}");
    let (code, out, _) = run(&["bench", "check", "--json", "."], dir);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 1 && json["errors"].as_u64().unwrap() > 2 && json["clean"] == false, "{json}");
    assert_eq!(json["problems"].as_array().unwrap().iter().filter(|p| p["line"] == 1).count(), 1, "{json}");
    for wrong in [vec!["bench", "check", "nowhere"], vec!["bench", "check", MANIFEST], vec!["bench", "check"]] {
        assert_eq!(run(&wrong, dir).0, 2, "{wrong:?}");
    }
}
