//! What a line promises.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;

use super::samples::{any_record, with_crc};
use super::{LineProblem, MAX_LINE, as_written, encode_line, parse_any, parse_line};
use crate::trace::{Body, Control, Piece, Record, TokenSource, Tokens};

#[test]
fn the_line_is_the_one_the_format_promises() {
    let body = Body::Control(Control { action: "pause".into(), position: 3 });
    let line = encode_line(&Record { seq: 17, t: 2.341_000_04, body });
    let rest = r#"{"v":1,"seq":17,"t":2.341,"type":"control","data":{"action":"pause","position":3}"#;
    assert_eq!(&line[..line.len() - 18], rest);
    assert_eq!(line, with_crc(rest));
    // The check value of CRC-32C that its definition states.
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn every_problem_has_its_name() {
    let ok = r#"{"v":1,"seq":0,"t":0.5,"type":"error","data":{"kind":"page","message":"no"}"#;
    assert!(parse_line(with_crc(ok).as_bytes()).is_ok());
    let none = "does not end in a checksum";
    for (line, want) in [
        (String::new(), none),
        ("{}".into(), none),
        (ok.to_owned() + "}", none),
        (with_crc(ok).replace("page", "Page"), "checksum says"),
        (with_crc(ok).replace("crc", "CRC"), none),
        (with_crc(r#"{"v":1"#), "no usable seq"),
        (with_crc(r#"{"v":"#), "not JSON"),
        (with_crc("[1"), "not JSON"),
        (with_crc(&ok.replace(r#""v":1"#, r#""v":2"#)), "format version 2"),
        (with_crc(&ok.replace(r#""v":1"#, r#""v":"1""#)), "no usable v"),
        (with_crc(&ok.replace(r#""seq":0"#, r#""seq":-1"#)), "no usable seq"),
        (with_crc(&ok.replace("0.5", "-0.5")), "no usable t"),
        (with_crc(&ok.replace("0.5", "1e999")), "not JSON"),
        (with_crc(&ok.replace(r#""error""#, "5")), "no usable type"),
        (with_crc(&ok.replace("message", "m")), "data of type error"),
        (with_crc(&ok.replace(r#""no""#, &"[".repeat(500))), "not JSON"),
    ] {
        let text = parse_line(line.as_bytes()).unwrap_err().to_string();
        assert!(text.contains(want), "{line}: {text}");
    }
    assert_eq!(parse_line(b"ab\xffc"), Err(LineProblem::NotUtf8 { offset: 2 }));
    assert!(matches!(parse_line(&vec![b' '; MAX_LINE + 1]), Err(LineProblem::TooLong { .. })));
}

#[test]
fn upper_case_digits_are_not_the_checksum() {
    let line =
        encode_line(&Record { seq: 0, t: 0.0, body: Body::Control(Control { action: "run".into(), position: 0 }) });
    let (rest, tail) = line.split_at(line.len() - 10);
    assert!(tail.bytes().any(|b| b.is_ascii_lowercase()), "choose another sample: {tail}");
    assert!(parse_line(format!("{rest}{}", tail.to_uppercase()).as_bytes()).is_err());
}

#[test]
fn what_is_unknown_is_kept_or_ignored() {
    let line = with_crc(r#"{"v":1,"new":[],"seq":1,"t":1,"type":"smell","data":{"a":[1,null]}"#);
    let record = parse_line(line.as_bytes()).unwrap();
    assert_eq!(record.body, Body::Other { kind: "smell".into(), data: json!({"a":[1,null]}) });
    assert_eq!(parse_line(encode_line(&record).as_bytes()), Ok(record));
    let more = with_crc(r#"{"v":1,"seq":1,"t":1,"type":"control","data":{"action":"run","position":1,"by":"x"}"#);
    assert!(matches!(parse_line(more.as_bytes()).unwrap().body, Body::Control(_)));
}

#[test]
fn numbers_json_does_not_have_are_replaced() {
    let tokens = Tokens {
        start: 0,
        ids: vec![1, 2],
        pieces: vec![Piece::Text("a".into()), Piece::from_bytes(&[0xff])],
        logprob: Some(vec![f32::NEG_INFINITY, f32::NAN]),
        entropy: None,
        top: None,
        sampled_logprob: None,
        at: vec![f64::NAN, 1.0],
        by: TokenSource::Sampled,
    };
    let record = Record { seq: 0, t: f64::INFINITY, body: Body::Tokens(tokens.clone()) };
    let Body::Tokens(back) = parse_line(encode_line(&record).as_bytes()).unwrap().body else { panic!() };
    assert_eq!((back.logprob, back.at), (Some(vec![f32::MIN, 0.0]), vec![0.0, 1.0]));
    assert_eq!(back.pieces, tokens.pieces);
}

proptest! {
    #[test]
    fn records_come_back(record in any_record()) {
        let line = encode_line(&record);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(parse_line(line.as_bytes()), Ok(record));
    }

    #[test]
    fn any_changed_byte_is_noticed(record in any_record(), at in any::<prop::sample::Index>(), bits in 1u8..=255) {
        let mut line = encode_line(&record).into_bytes();
        let at = at.index(line.len());
        line[at] ^= bits;
        prop_assert!(parse_line(&line).is_err());
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200), sum in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = parse_line(&bytes);
        let _ = parse_line(if sum { with_crc(&text) } else { text }.as_bytes());
    }
}

proptest! {
    /// The short way says what the long way says, and takes every line that is written here.
    #[test]
    fn the_short_way_is_the_long_way(record in any_record()) {
        let line = encode_line(&record);
        let long = parse_any(line.as_bytes()).unwrap();
        match as_written(line.as_bytes()) {
            Some(short) => prop_assert_eq!(short, long),
            None => {
                let unknown = matches!(long.body, Body::Other { .. });
                prop_assert!(unknown, "{}", line);
            }
        }
    }
}

#[test]
fn what_is_said_twice_or_in_another_order_takes_the_long_way() {
    let data = r#""type":"control","data":{"action":"run","position":3}"#;
    for line in [
        format!(r#"{{"v":1,"seq":0,"t":0.5,{data},"v":2"#),
        format!(r#"{{"v":1,"seq":0,"t":0.5,{data},"seq":7"#),
        format!(r#"{{{data},"v":1,"seq":0,"t":0.5"#),
        format!(r#"{{"seq":0,"x":1,"t":0.5,"v":1,{data}"#),
        format!(r#"{{"v":1,"seq":0,"t":0.5,{data},{data}"#),
    ] {
        let line = with_crc(&line);
        assert!(as_written(line.as_bytes()).is_none(), "{line}");
        assert_eq!(parse_line(line.as_bytes()), parse_any(line.as_bytes()));
    }
    let good = with_crc(&format!(r#"{{"v":1,"seq":0,"t":0.5,{data}"#));
    assert!(as_written(good.as_bytes()).is_some());
}
