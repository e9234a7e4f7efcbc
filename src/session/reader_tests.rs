//! Logs in every state of disrepair.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::Write;

use proptest::prelude::*;

use super::samples::{session, with_crc};
use super::{LogReader, ProblemKind, State, encode_line, read_log_from, verify};
use crate::trace::{Body, Record, SegmentEvent, SegmentKind};

fn log() -> Vec<u8> {
    bytes(&session("20260102-030405-abcdef"))
}

fn bytes(records: &[Record]) -> Vec<u8> {
    records.iter().map(|record| encode_line(record) + "\n").collect::<String>().into_bytes()
}

fn read(bytes: &[u8]) -> LogReader {
    read_log_from(bytes)
}

fn kinds(log: &LogReader) -> Vec<ProblemKind> {
    verify(log).problems.iter().map(|p| p.kind).collect()
}

#[test]
fn a_whole_log_is_whole() {
    let log = read(&log());
    let report = verify(&log);
    assert_eq!((report.state, report.problems.len()), (State::Whole, 0), "{:?}", report.problems);
    assert_eq!(report.id.as_deref(), Some("20260102-030405-abcdef"));
    assert_eq!(log.records, session("20260102-030405-abcdef"));
    assert!(log.ended() && !log.compressed);
}

#[test]
fn a_bad_line_in_the_middle_is_reported_and_skipped() {
    let mut bytes = log();
    let third = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(2).unwrap().0;
    bytes[third + 30] ^= 1;
    let read = read(&bytes);
    assert_eq!(read.records.len(), session("x").len() - 1);
    assert_eq!((read.problems.list.len(), read.problems.list[0].line), (1, 4));
    assert_eq!(read.problems.list[0].kind, ProblemKind::BadChecksum);
    assert_eq!(verify(&read).state, State::Damaged);
}

#[test]
fn a_missing_line_is_a_gap() {
    let mut records = session("x");
    records.remove(4);
    assert_eq!(kinds(&read(&bytes(&records))), [ProblemKind::SeqGap]);
    let mut extra = session("x");
    extra.insert(4, extra[3].clone());
    assert!(kinds(&read(&bytes(&extra))).contains(&ProblemKind::SeqGap));
}

#[test]
fn order_positions_columns_and_hashes_are_checked() {
    let broken = |change: fn(&mut Vec<Record>)| {
        let mut records = session("x");
        change(&mut records);
        records.iter_mut().enumerate().for_each(|(seq, r)| r.seq = seq as u64);
        kinds(&read(&bytes(&records)))
    };
    use ProblemKind::{Columns, Hash, Order, Position, Unfinished};
    assert_eq!(broken(|_| {}), []);
    assert_eq!(broken(|r| drop(r.remove(0))), [Order]);
    assert_eq!(broken(|r| r.insert(5, r[0].clone()))[..1], [Order]);
    assert_eq!(broken(|r| r.push(r[4].clone())), [Order, Order]);
    assert_eq!(broken(|r| r[6].t = 0.0), [Order]);
    assert_eq!(broken(|r| drop(r.pop())), [Unfinished]);
    assert_eq!(broken(|r| drop(r.remove(3))), [Position, Position]);
    let tokens = |r: &mut Vec<Record>, change: fn(&mut crate::trace::Tokens)| {
        let Body::Tokens(tokens) = &mut r[3].body else { return };
        change(tokens);
    };
    let columns = |change| {
        let mut records = session("x");
        tokens(&mut records, change);
        kinds(&read(&bytes(&records)))
    };
    assert_eq!(columns(|t| t.entropy.as_mut().unwrap().truncate(1)), [Columns]);
    assert_eq!(columns(|t| t.at.push(1.0)), [Columns]);
    assert_eq!(columns(|t| t.start = 2)[..1], [Position]);
    let rise = |t: &mut crate::trace::Tokens| {
        t.top.as_mut().unwrap()[0].push(crate::trace::TopEntry(1, crate::trace::Piece::Text("b".into()), -0.1));
    };
    assert_eq!(columns(rise), [Columns]);
    assert_eq!(
        broken(|r| {
            let Body::Image(image) = &mut r[1].body else { return };
            image.hash = "../../etc/passwd".into();
        }),
        [Hash]
    );
    let backwards = Body::Segment(SegmentEvent { kind: SegmentKind::Text, first: 9, last: 3 });
    let mut records = session("x");
    records[6].body = backwards;
    assert_eq!(kinds(&read(&bytes(&records))), [Position]);
}

#[test]
fn other_versions_and_unknown_types_differ() {
    let mut text = String::from_utf8(log()).unwrap();
    let line = with_crc(r#"{"v":1,"seq":16,"t":9,"type":"dream","data":{}"#);
    text.insert_str(text.rfind("{\"v\"").unwrap(), &(line + "\n"));
    assert_eq!(kinds(&read(text.as_bytes())), [ProblemKind::SeqGap, ProblemKind::SeqGap, ProblemKind::Order]);
    let newer = with_crc(r#"{"v":2,"seq":0,"t":0,"type":"session_start","data":{}"#) + "\n";
    assert_eq!(kinds(&read(newer.as_bytes())), [ProblemKind::WrongVersion, ProblemKind::Unfinished]);
}

#[test]
fn small_and_strange_files() {
    use ProblemKind::{BrokenFrame, Empty, NoChecksum, NotUtf8, TooLong, TornFrame, TornTail, Unfinished};
    assert_eq!(kinds(&read(b"")), [Empty]);
    assert_eq!(kinds(&read(b"\n")), [NoChecksum, Unfinished]);
    assert_eq!(kinds(&read(b"\0\0\0\0\0\0")), [TornTail, Unfinished]);
    assert_eq!(kinds(&read(b"\xff\xfe\n")), [NotUtf8, Unfinished]);
    assert_eq!(kinds(&read(&[0x28, 0xb5])), [TornFrame, Unfinished]);
    assert_eq!(kinds(&read(b"\x28\xb5\x2f\xfd and no frame at all")), [BrokenFrame, Unfinished]);
    let mut long = vec![b'x'; super::MAX_LINE + 5];
    long.push(b'\n');
    long.extend(log());
    assert_eq!(kinds(&read(&long)), [TooLong]);
    assert_eq!(verify(&read(b"")).state, State::CutOff);
    assert_eq!(verify(&read(b"\n")).state, State::Damaged);
}

#[test]
fn compressed_logs_are_read_in_every_form() {
    let plain = log();
    let pack = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let whole = read(&pack(&plain));
    assert!(whole.compressed && whole.problems.list.is_empty());
    assert_eq!(whole.records, session("20260102-030405-abcdef"));
    // Several frames, cut in the middle of a line, with one that is to be skipped.
    let (a, b) = plain.split_at(plain.len() / 2);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
    let frames = [pack(a), skippable, pack(b)].concat();
    assert_eq!(verify(&read(&frames)).state, State::Whole);
    // Cut: what is decodable is a prefix.
    for cut in 0..frames.len() {
        let part = read(&frames[..cut]);
        let good = part.records.len();
        assert_eq!(part.records, whole.records[..good]);
        assert_ne!(verify(&part).state, State::Whole, "cut at {cut}");
        assert!(!part.problems.damage(), "cut at {cut}: {:?}", part.problems.list);
    }
    assert!(!read(&frames[..frames.len() - 1]).records.is_empty());
    let garbage = [pack(&plain), b"garbage".to_vec()].concat();
    assert_eq!(kinds(&read(&garbage)), [ProblemKind::BrokenFrame]);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut bomb = Vec::new();
    let mut encoder = zstd::stream::write::Encoder::new(&mut bomb, 3).unwrap();
    let line = encode_line(&session("x")[4]) + "\n";
    let block = line.repeat((1 << 20) / line.len());
    // A few lines, then one endless line: memory stays at the bounds.
    encoder.write_all(block.as_bytes()).unwrap();
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap();
    assert!(bomb.len() < 200_000);
    let log = read(&bomb);
    let last: Vec<_> = log.problems.list.iter().rev().take(1).map(|p| p.kind).collect();
    assert!(log.problems.more > 0 || last == [ProblemKind::TooLarge]);
    assert!(log.length <= super::MAX_LOG + (1 << 20));
    assert!(log.problems.damage());
}

proptest! {
    #[test]
    fn any_cut_of_a_log_opens_and_is_a_prefix(cut in any::<prop::sample::Index>()) {
        let whole = log();
        let cut = cut.index(whole.len());
        let part = read(&whole[..cut]);
        let good = part.records.len();
        prop_assert_eq!(&part.records[..], &session("20260102-030405-abcdef")[..good]);
        let complete = whole[..cut].iter().filter(|b| **b == b'\n').count();
        prop_assert!(good == complete || good == complete + 1);
        let all_but_the_newline = cut + 1 == whole.len();
        let want = if all_but_the_newline { State::Whole } else { State::CutOff };
        prop_assert_eq!(verify(&part).state, want);
    }

    #[test]
    fn any_changed_byte_of_a_log_is_noticed(at in any::<prop::sample::Index>(), bits in 1u8..=255) {
        let mut bytes = log();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        prop_assert_ne!(verify(&read(&bytes)).state, State::Whole);
    }

    #[test]
    fn any_changed_byte_of_a_compressed_log_is_noticed(at in any::<prop::sample::Index>(), bits in 1u8..=255) {
        let mut bytes = super::recorder::compress(log().as_slice(), Vec::new()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        let log = read(&bytes);
        // A changed byte of the frame's header may leave the content as it was.
        prop_assert!(verify(&log).state != State::Whole || log.records == session("20260102-030405-abcdef"));
    }

    #[test]
    fn any_bytes_can_be_opened(bytes in prop::collection::vec(any::<u8>(), 0..300), zstd in any::<bool>()) {
        let head = if zstd { &[0x28, 0xb5, 0x2f, 0xfd][..] } else { &[] };
        let _ = verify(&read(&[head, &bytes].concat()));
    }
}
