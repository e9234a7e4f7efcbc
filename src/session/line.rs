//! One line of a log: a record with its checksum.

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::geometry::PageBox;
use crate::trace::{Body, ErrorEvent, FORMAT_VERSION, Record, Tokens, ZoomEvent, ZoomOutcome};

/// Longest line that is read, in bytes without its line feed. A context of 100 000 tokens in one batch fits.
pub const MAX_LINE: usize = 16 << 20;

/// Length of `,"crc":"xxxxxxxx"}`.
const CRC_TAIL: usize = 18;

/// Why a line is not a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineProblem {
    /// More than [`MAX_LINE`] bytes.
    #[error("the line has {len} bytes, more than the {MAX_LINE} a line may have")]
    TooLong {
        /// Bytes of the line, as far as they were counted.
        len: usize,
    },
    /// Not UTF-8.
    #[error("the line is not UTF-8 from byte {offset}")]
    NotUtf8 {
        /// First bad byte.
        offset: usize,
    },
    /// Does not end in `,"crc":"xxxxxxxx"}`.
    #[error("the line does not end in a checksum")]
    NoChecksum,
    /// The checksum is another one.
    #[error("the checksum says {stated}, the bytes give {computed}")]
    BadChecksum {
        /// As written.
        stated: String,
        /// As computed.
        computed: String,
    },
    /// The checksum is right and the rest is not JSON.
    #[error("the line is not JSON: {message}")]
    BrokenJson {
        /// What the parser says, with the column.
        message: String,
    },
    /// The envelope lacks a field or has one of a wrong type.
    #[error("the line has no usable {field}")]
    BadEnvelope {
        /// `v`, `seq`, `t` or `type`.
        field: &'static str,
    },
    /// Another format version.
    #[error("the line has format version {found}, this program reads {FORMAT_VERSION}")]
    WrongVersion {
        /// As written.
        found: u64,
    },
    /// A known type whose data does not have its shape.
    #[error("the data of type {kind} are not as they must be: {message}")]
    BadData {
        /// The type.
        kind: String,
        /// What the parser says.
        message: String,
    },
}

/// The line of a record, without the line feed.
///
/// JSON has no NaN and no infinity, and a log line must be readable whatever a model computed. So infinities become the
/// largest number of their type, NaN becomes 0 (in a zoom's `raw`: null), and times are rounded to microseconds.
pub fn encode_line(record: &Record) -> String {
    let mut body = body_json(&record.body);
    // `{"type":…,"data":…}` without its braces goes into the envelope.
    if body.pop() != Some('}') || !body.starts_with('{') {
        body = String::from("{\"type\":\"error\",\"data\":null");
    }
    let inner = body.get(1..).unwrap_or_default();
    let t = json!(micros(record.t));
    let mut line = format!("{{\"v\":{FORMAT_VERSION},\"seq\":{},\"t\":{t},{inner}", record.seq);
    let crc = crc32c::crc32c(line.as_bytes());
    line.push_str(&format!(",\"crc\":\"{crc:08x}\"}}"));
    line
}

/// The record of a line (with or without its line feed).
///
/// Unknown fields are ignored and an unknown `type` is kept as [`Body::Other`].
///
/// # Errors
/// Names what is wrong with the line; checked in the order of [`LineProblem`]'s variants.
pub fn parse_line(line: &[u8]) -> Result<Record, LineProblem> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    check_sum(line)?;
    match as_written(line) {
        Some(record) => Ok(record),
        None => parse_any(line),
    }
}

/// A line in the order that [`encode_line`] writes, of a type that is known: read without a tree of values in between, which is
/// most of the time that opening a long session takes. None for every other line, good or bad.
pub(super) fn as_written(line: &[u8]) -> Option<Record> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Envelope {
        v: u64,
        seq: u64,
        t: f64,
    }
    let text = std::str::from_utf8(line).ok()?;
    let at = text.find(",\"type\":\"")?;
    let (head, rest) = text.split_at_checked(at)?;
    // Said twice, the second counts, and that is not seen here.
    if [r#""v":"#, r#""seq":"#, r#""t":"#].iter().any(|key| rest.contains(key)) {
        return None;
    }
    let envelope: Envelope = serde_json::from_str(&format!("{head}}}")).ok()?;
    let body = format!("{{{}", rest.get(1..)?);
    let fine = envelope.v == u64::from(FORMAT_VERSION) && envelope.t >= 0.0;
    let body: Body = serde_json::from_str(&body).ok().filter(|_| fine)?;
    Some(Record { seq: envelope.seq, t: envelope.t, body })
}

pub(super) fn parse_any(line: &[u8]) -> Result<Record, LineProblem> {
    let value: Value = serde_json::from_slice(line).map_err(|e| LineProblem::BrokenJson { message: e.to_string() })?;
    let Value::Object(mut object) = value else {
        return Err(LineProblem::BrokenJson { message: "not an object".into() });
    };
    let version = object.get("v").and_then(Value::as_u64).ok_or(LineProblem::BadEnvelope { field: "v" })?;
    if version != u64::from(FORMAT_VERSION) {
        return Err(LineProblem::WrongVersion { found: version });
    }
    let seq = object.get("seq").and_then(Value::as_u64).ok_or(LineProblem::BadEnvelope { field: "seq" })?;
    let t = object.get("t").and_then(Value::as_f64).filter(|t| *t >= 0.0);
    let t = t.ok_or(LineProblem::BadEnvelope { field: "t" })?;
    let Some(Value::String(kind)) = object.remove("type") else {
        return Err(LineProblem::BadEnvelope { field: "type" });
    };
    let data = object.remove("data").unwrap_or(Value::Null);
    Ok(Record { seq, t, body: parse_body(kind, data)? })
}

/// Whether a line (without line feed) ends in its right checksum.
///
/// # Errors
/// [`LineProblem::TooLong`], [`LineProblem::NotUtf8`], [`LineProblem::NoChecksum`], [`LineProblem::BadChecksum`].
pub fn check_sum(line: &[u8]) -> Result<(), LineProblem> {
    if line.len() > MAX_LINE {
        return Err(LineProblem::TooLong { len: line.len() });
    }
    let text = std::str::from_utf8(line).map_err(|e| LineProblem::NotUtf8 { offset: e.valid_up_to() })?;
    let (rest, tail) =
        text.len().checked_sub(CRC_TAIL).and_then(|at| text.split_at_checked(at)).ok_or(LineProblem::NoChecksum)?;
    let stated = tail.strip_prefix(",\"crc\":\"").and_then(|t| t.strip_suffix("\"}")).ok_or(LineProblem::NoChecksum)?;
    let computed = format!("{:08x}", crc32c::crc32c(rest.as_bytes()));
    // Compared as text, so that upper-case digits count as a changed byte too.
    if stated != computed {
        return Err(LineProblem::BadChecksum { stated: stated.to_owned(), computed });
    }
    Ok(())
}

/// Types whose data this version knows.
pub(super) const KNOWN: [&str; 14] = [
    "session_start",
    "image",
    "tokens",
    "segment",
    "zoom",
    "answer",
    "score",
    "break",
    "fork",
    "control",
    "attention",
    "lens",
    "error",
    "session_end",
];

fn parse_body(kind: String, data: Value) -> Result<Body, LineProblem> {
    if !KNOWN.contains(&kind.as_str()) {
        return Ok(Body::Other { kind, data });
    }
    let tagged = json!({ "type": kind, "data": data });
    Body::deserialize(tagged).map_err(|e| LineProblem::BadData { kind, message: e.to_string() })
}

fn body_json(body: &Body) -> String {
    let text = match body {
        Body::Other { kind, data } => serde_json::to_string(&json!({ "type": kind, "data": data })),
        Body::Tokens(tokens) => serde_json::to_string(&Body::Tokens(finite_tokens(tokens))),
        Body::Zoom(zoom) => serde_json::to_string(&Body::Zoom(finite_zoom(zoom))),
        Body::Score(score) => {
            let mut score = score.clone();
            score.value = finite(score.value);
            serde_json::to_string(&Body::Score(score))
        }
        Body::SessionEnd(end) => {
            let mut end = end.clone();
            (end.seconds, end.compute_seconds) = (micros(end.seconds), micros(end.compute_seconds));
            serde_json::to_string(&Body::SessionEnd(end))
        }
        Body::SessionStart(start) => {
            let mut start = start.clone();
            start.question.targets.iter_mut().for_each(|target| *target = finite_box(target));
            let s = &mut start.sampling;
            for x in [&mut s.temperature, &mut s.top_p, &mut s.repetition_penalty] {
                *x = finite(*x);
            }
            serde_json::to_string(&Body::SessionStart(start))
        }
        other => serde_json::to_string(other),
    };
    text.unwrap_or_else(|e| {
        // Only maps with keys that are not text cannot be written, and no event has one. Should one come, say so in the log.
        let error = ErrorEvent { kind: "internal".into(), message: format!("an event could not be written: {e}") };
        serde_json::to_string(&Body::Error(error)).unwrap_or_default()
    })
}

fn finite_tokens(tokens: &Tokens) -> Tokens {
    let mut tokens = tokens.clone();
    for column in [&mut tokens.logprob, &mut tokens.entropy, &mut tokens.sampled_logprob].into_iter().flatten() {
        column.iter_mut().for_each(|x| *x = finite32(*x));
    }
    tokens.top.iter_mut().flatten().flatten().for_each(|entry| entry.2 = finite32(entry.2));
    tokens.at.iter_mut().for_each(|at| *at = micros(*at));
    tokens
}

fn finite_zoom(zoom: &ZoomEvent) -> ZoomEvent {
    let mut zoom = zoom.clone();
    zoom.raw = zoom.raw.filter(|raw| !raw.iter().any(|x| x.is_nan())).map(|raw| raw.map(finite));
    if let ZoomOutcome::Cropped { page_box, .. } = &mut zoom.outcome {
        *page_box = finite_box(page_box);
    }
    zoom
}

fn finite_box(b: &PageBox) -> PageBox {
    let [x1, y1, x2, y2] = b.corners().map(finite);
    PageBox::new(x1, y1, x2, y2)
}

fn finite(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(f64::MIN, f64::MAX) }
}

fn finite32(x: f32) -> f32 {
    if x.is_nan() { 0.0 } else { x.clamp(f32::MIN, f32::MAX) }
}

/// A time, not negative, to the microsecond: short, and read back exactly.
fn micros(t: f64) -> f64 {
    (finite(t).clamp(0.0, 1e9) * 1e6).round() / 1e6
}
