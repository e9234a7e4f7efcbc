//! Whether a log ends as a finished session's does, without reading what is in it: for the thousands of a run.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::line::parse_line;
use crate::trace::Body;

/// A longer last line is none of a session's end.
const LONGEST_END: usize = 64 << 10;
/// Largest window of a compressed log: see the reader.
const MAX_WINDOW_LOG: u32 = 27;

/// Whether a compressed log is there, decompresses to its end, and has as its last line a `session_end` with a right checksum.
/// What stands before that line is decompressed and not looked at: [`super::verify`] does.
pub fn ends_well(path: &Path) -> bool {
    // Asked before opening: opening a pipe would wait for its writer.
    let regular = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    regular && last_line(path).is_ok_and(|line| is_end(&line))
}

fn is_end(line: &[u8]) -> bool {
    line.ends_with(b"\n") && parse_line(line).is_ok_and(|record| matches!(record.body, Body::SessionEnd(_)))
}

/// The last line with its line feed, or the end of one that is too long.
fn last_line(path: &Path) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::new(File::open(path)?)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    let mut source = BufReader::with_capacity(1 << 16, decoder);
    let mut last: Vec<u8> = Vec::new();
    loop {
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(last);
        }
        // What stands behind the last line feed but one of all that was read.
        let inside = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let begin = inside.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        if begin.is_some() || last.ends_with(b"\n") {
            last.clear();
        }
        last.extend_from_slice(chunk.get(begin.unwrap_or(0)..).unwrap_or_default());
        if last.len() > LONGEST_END {
            last.drain(..last.len() - LONGEST_END);
        }
        let read = chunk.len();
        source.consume(read);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::session::encode_line;
    use crate::session::samples::session;

    #[test]
    fn a_log_ends_well_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl.zst");
        let says = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            ends_well(&path)
        };
        let packed = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
        let lines: Vec<String> = session("a").iter().map(|record| encode_line(record) + "\n").collect();
        let text = lines.concat();
        assert!(says(&packed(&text)), "as it was written");
        assert!(says(&packed(lines.last().unwrap())), "only the end is looked at");
        // Long enough for the end to lie across two pieces of what is read, wherever they meet.
        for more in 0..400 {
            let long = format!("{}\n{}", "x".repeat((2 << 16) - 300 + more), lines.last().unwrap());
            assert!(says(&packed(&long)), "{more}");
        }
        let whole = packed(&text);
        for cut in [0, 1, 4, 9, whole.len() / 2, whole.len() - 1] {
            assert!(!says(&whole[..cut]), "cut to {cut}");
        }
        assert!(!says(b"rubbish 9"));
        assert!(!says(&packed(&lines[..lines.len() - 1].concat())), "no end");
        assert!(!says(&packed(text.trim_end())), "torn within its last byte");
        assert!(!says(&packed(&text.replace("\"crc\":\"", "\"crc\":\"0"))), "a wrong checksum");
        assert!(!says(&packed(&format!("{text}x\n"))), "something follows");
        std::fs::remove_file(&path).unwrap();
        assert!(!ends_well(&path) && !ends_well(dir.path()));
    }
}
