//! Any bytes are judged: as a line, as a line with a right checksum, and as a whole log; no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use panelscope::session::{encode_line, parse_line, read_log_from, verify};
use panelscope::trace::{Cursor, Trace};

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = parse_line(data) {
        // What was read can be written, and is then read as what was written.
        let line = encode_line(&record);
        let again = parse_line(line.as_bytes()).expect("written lines are readable");
        assert_eq!(encode_line(&again), line);
    }
    let sum = crc32c(data);
    let summed = [data, format!(",\"crc\":\"{sum:08x}\"}}").as_bytes()].concat();
    if let Ok(record) = parse_line(&summed) {
        let line = encode_line(&record);
        parse_line(line.as_bytes()).expect("written lines are readable");
    }
    for bytes in [data, &summed[..]] {
        let log = read_log_from(bytes);
        let _ = verify(&log);
        let trace = Trace::of(&log.records);
        for i in 0..trace.len_tokens().min(64) {
            let _ = trace.at(Cursor::Token(i)).segments();
        }
    }
});

/// CRC-32C, bit by bit: the target needs no further dependency.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1)))
    })
}
