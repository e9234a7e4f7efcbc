//! The checked-in schema, and the checked-in broken logs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples::{any_record, session, with_crc};
use super::{MAX_LINE, ProblemKind, State, encode_line, read_log, schema, verify};
use crate::trace::Body;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file with what it should hold; `variable=1` writes it.
fn check_in(path: &Path, want: &[u8], variable: &str) {
    if std::env::var_os(variable).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, want).unwrap();
    }
    let have = fs::read(path).unwrap_or_default();
    assert!(have == want, "{} is not up to date: run the tests with {variable}=1", path.display());
}

#[test]
fn the_checked_in_schema_is_the_generated_one() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    check_in(&root("docs/schema/session-v1.schema.json"), text.as_bytes(), "UPDATE_SCHEMA");
}

fn validator() -> jsonschema::Validator {
    let text = fs::read_to_string(root("docs/schema/session-v1.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn lines_conform_to_the_schema_and_others_do_not() {
    let validator = validator();
    let lines: Vec<Value> =
        session("x").iter().map(|record| serde_json::from_str(&encode_line(record)).unwrap()).collect();
    for line in &lines {
        assert!(validator.is_valid(line), "{line}: {:?}", validator.iter_errors(line).next().map(|e| e.to_string()));
    }
    let changed = |n: usize, pointer: &str, value: Value| {
        let mut line = lines[n].clone();
        *line.pointer_mut(pointer).unwrap() = value;
        line
    };
    for bad in [
        changed(0, "/v", json!(2)),
        changed(0, "/seq", json!(-1)),
        changed(0, "/crc", json!("ABCDEF00")),
        changed(0, "/type", json!("zoom")),
        changed(0, "/data/question/targets", json!([[1, 2, 3]])),
        changed(1, "/data/original", json!([1])),
        changed(1, "/data/role", json!("cover")),
        changed(2, "/data/ids", json!(["a"])),
        changed(7, "/data/page_box", json!("all")),
        changed(7, "/data/frame", json!("inches")),
        json!({}),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_line_conforms_to_the_schema(records in prop::collection::vec(any_record(), 8)) {
        let validator = validator();
        for record in records.iter().filter(|record| !matches!(record.body, Body::Other { .. })) {
            let line: Value = serde_json::from_str(&encode_line(record)).unwrap();
            prop_assert!(validator.is_valid(&line), "{line}");
        }
    }
}

/// A broken log: file name, bytes, verdict, kinds of problems, good records.
type Broken = (&'static str, Vec<u8>, State, Vec<ProblemKind>, usize);

fn corpus() -> Vec<Broken> {
    use ProblemKind::*;
    let lines: Vec<String> = session("20260102-030405-abcdef").iter().map(|r| encode_line(r) + "\n").collect();
    let (all, n) = (lines.concat(), lines.len());
    let cut = State::CutOff;
    let bad = State::Damaged;
    let bytes = |text: String| text.into_bytes();
    let swap = |from: &str, to: &str| bytes(all.replacen(from, to, 1));
    let pack = |text: &str| super::recorder::compress(text.as_bytes(), Vec::new()).unwrap();
    let without =
        |i: usize| lines.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, l)| l.as_str()).collect::<String>();
    let between = |text: &[u8]| [lines[0].as_bytes(), text, lines[1..].concat().as_bytes()].concat();
    let newer = with_crc(r#"{"v":2,"seq":16,"t":9.5,"type":"session_start","data":{}"#) + "\n";
    let strange = with_crc(r#"{"v":1,"seq":1,"t":0.2,"type":"zoom","data":{"number":"one"}"#) + "\n";
    let deep = r#"{"v":1,"seq":1,"t":0.2,"type":"later","data":"#.to_owned() + &"[".repeat(5000) + &"]".repeat(5000);
    let deep = with_crc(&deep) + "\n";
    let numbers =
        with_crc(r#"{"v":1,"seq":18446744073709551616,"t":1e999,"type":"zoom","data":{"number":-1e400}"#) + "\n";
    let packed = pack(&all);
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x40;
    let huge = format!("{}{}\n{}", lines[0], "x".repeat(MAX_LINE + 1), lines[1..].concat());
    vec![
        ("whole.jsonl", bytes(all.clone()), State::Whole, vec![], n),
        ("whole.jsonl.zst", packed.clone(), State::Whole, vec![], n),
        ("torn.jsonl", bytes(all[..all.len() - 40].to_owned()), cut, vec![TornTail, Unfinished], n - 1),
        ("unfinished.jsonl", bytes(lines[..5].concat()), cut, vec![Unfinished], 5),
        ("nul_tail.jsonl", bytes(lines[..5].concat() + &"\0".repeat(64)), cut, vec![TornTail, Unfinished], 5),
        ("empty.jsonl", vec![], cut, vec![Empty], 0),
        ("only_newline.jsonl", b"\n".to_vec(), bad, vec![NoChecksum, Unfinished], 0),
        ("bad_crc.jsonl", swap("Who is nearer", "Who is dearer"), bad, vec![BadChecksum, Order], n - 1),
        ("no_crc.jsonl", swap(",\"crc\":", ",\"sum\":"), bad, vec![NoChecksum, Order], n - 1),
        ("gap.jsonl", bytes(without(4)), bad, vec![SeqGap], n - 1),
        ("twice.jsonl", bytes(all.clone() + &lines[n - 1]), bad, vec![SeqGap, Order], n + 1),
        ("newer_version.jsonl", bytes(all.clone() + &newer), bad, vec![WrongVersion], n),
        ("bad_data.jsonl", between(strange.as_bytes()), bad, vec![BadData], n),
        ("bad_utf8.jsonl", between(b"{\"v\":1,\xff\xfe\n"), bad, vec![NotUtf8], n),
        ("nul_run.jsonl", between(&[0; 600]), bad, vec![BadChecksum], n - 1),
        ("deep.jsonl", between(deep.as_bytes()), bad, vec![BrokenJson], n),
        ("huge_numbers.jsonl", between(numbers.as_bytes()), bad, vec![BrokenJson], n),
        ("fused.jsonl", between(&lines[1].as_bytes()[..30]), bad, vec![BadChecksum], n - 1),
        ("huge_line.jsonl.zst", pack(&huge), bad, vec![TooLong], n),
        ("cut.jsonl.zst", packed[..packed.len() - 20].to_vec(), cut, vec![TornFrame, Unfinished], 0),
        ("flipped.jsonl.zst", flipped, bad, vec![BrokenFrame, Unfinished], 0),
        ("no_frame.jsonl.zst", b"\x28\xb5\x2f\xfd is no frame".to_vec(), bad, vec![BrokenFrame, Unfinished], 0),
    ]
}

#[test]
fn broken_logs_are_judged_as_they_should() {
    for (name, bytes, state, kinds, records) in corpus() {
        let path = root("tests/corpus/logs").join(name);
        if !name.ends_with(".zst") {
            check_in(&path, &bytes, "UPDATE_CORPUS");
        } else if std::env::var_os("UPDATE_CORPUS").is_some() {
            // Another release of zstd may compress to other bytes; the file stays as it is then.
            fs::write(&path, &bytes).unwrap();
        }
        let log = read_log(&path).unwrap();
        let report = verify(&log);
        let found: Vec<_> = report.problems.iter().map(|p| p.kind).collect();
        assert_eq!((report.state, found, log.records.len()), (state, kinds, records), "{name}: {:?}", report.problems);
    }
}

/// What is wrong in many ways at once: two logs in one file, numbers as large as they get, a small file that unfolds into more
/// than is read. Judged as damaged, with what is good of them.
#[test]
fn worse_logs_are_judged_too() {
    let lines: Vec<String> = session("20260102-030405-abcdef").iter().map(|r| encode_line(r) + "\n").collect();
    let all = lines.concat();
    let largest = with_crc(r#"{"v":1,"seq":18446744073709551615,"t":1e308,"type":"later","data":{"n":1e308}"#) + "\n";
    let bomb = format!("{}{}", lines[0], "0".repeat(300 << 20));
    let cases = [
        ("two_logs.jsonl", (all.clone() + &all).into_bytes()),
        ("largest_numbers.jsonl", (lines[0].clone() + &largest + &lines[1..].concat()).into_bytes()),
        ("bomb.jsonl.zst", super::recorder::compress(bomb.as_bytes(), Vec::new()).unwrap()),
    ];
    for (name, bytes) in cases {
        let path = root("tests/corpus/logs").join(name);
        if !name.ends_with(".zst") {
            check_in(&path, &bytes, "UPDATE_CORPUS");
        } else if std::env::var_os("UPDATE_CORPUS").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() < 100_000);
        let log = read_log(&path).unwrap();
        assert_eq!(verify(&log).state, State::Damaged, "{name}");
        assert!(!log.records.is_empty(), "{name}");
        let _ = crate::session::SessionSummary::of(&crate::trace::Trace::of(&log.records)).line();
    }
}

/// Names of types in a schema: objects whose `type` is constant and that have `data`.
fn types(schema: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema.pointer("/properties/type/const").and_then(Value::as_str)
        && schema.pointer("/properties/data").is_some()
    {
        found.push(name.to_owned());
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|value| types(value, found)),
        Value::Array(items) => items.iter().for_each(|value| types(value, found)),
        _ => {}
    }
}

#[test]
fn every_type_of_the_schema_is_read_as_what_it_is() {
    let mut found = Vec::new();
    types(&serde_json::to_value(schema()).unwrap(), &mut found);
    found.sort();
    found.dedup();
    let mut known = crate::session::line::KNOWN.map(str::to_owned).to_vec();
    known.sort();
    assert_eq!(found, known);
}
