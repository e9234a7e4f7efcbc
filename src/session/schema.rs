//! The JSON Schema of a log line.

use schemars::JsonSchema;
use serde_json::Value;

use crate::trace::Body;

/// One line of a session log, format version 1. Unknown fields are ignored by readers.
#[derive(JsonSchema)]
#[schemars(title = "panelscope session log line", rename = "LogLine")]
#[allow(dead_code, reason = "only its schema is used; lines are written and read by hand for the checksum's sake")]
struct LogLine {
    /// Format version.
    #[schemars(range(min = 1, max = 1))]
    v: u32,
    /// Position in the log, from 0 without gaps.
    seq: u64,
    /// Seconds since the session's start on a monotonic clock.
    #[schemars(range(min = 0))]
    t: f64,
    /// Type and data.
    #[schemars(flatten)]
    body: Body,
    /// CRC-32C, lower-case hexadecimal, of all bytes before `,"crc":`.
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    crc: String,
}

/// The JSON Schema of a log line of this format version.
pub fn schema() -> Value {
    schemars::schema_for!(LogLine).to_value()
}
