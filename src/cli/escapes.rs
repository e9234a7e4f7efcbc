//! Terminal image protocols, as strings.

use std::fmt::Write;

/// Longest piece of base64 that kitty takes at once.
const CHUNK: usize = 4096;

/// Kitty: a PNG shown over so many columns and rows at the cursor, which ends up after its last row. `q=2` asks the
/// terminal not to answer.
pub(super) fn kitty(png: &[u8], (columns, rows): (u16, u16)) -> String {
    let encoded = base64(png);
    let mut out = String::with_capacity(encoded.len() + encoded.len() / CHUNK * 16 + 64);
    let mut first = format!("a=T,f=100,q=2,c={columns},r={rows},");
    let mut rest = encoded.as_str();
    loop {
        let (piece, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        // Writing to a string cannot fail.
        let _ = write!(out, "\x1b_G{first}m={more};{piece}\x1b\\");
        first.clear();
        rest = after;
        if rest.is_empty() {
            return out;
        }
    }
}

/// iTerm2: a PNG shown inside so many columns and rows at the cursor.
pub(super) fn iterm2(png: &[u8], (columns, rows): (u16, u16)) -> String {
    let (size, data) = (png.len(), base64(png));
    format!("\x1b]1337;File=inline=1;preserveAspectRatio=1;size={size};width={columns};height={rows}:{data}\x07")
}

/// Something drawn at the cursor that must not scroll: makes room for it first, and leaves the cursor below.
pub(super) fn in_reserved_rows(drawing: &str, rows: u16) -> String {
    let room = "\n".repeat(rows.into());
    format!("{room}\x1b[{rows}A\x1b7{drawing}\x1b8\x1b[{rows}B\r")
}

/// RFC 4648 base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize & 63;
            out.push(match DIGITS.get(digit) {
                Some(digit) if place <= group.len() => char::from(*digit),
                _ => '=',
            });
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), code);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn kitty_gets_chunks_that_say_whether_more_comes() {
        let sent = kitty(&vec![7; 3072 * 2 + 1], (10, 5));
        let pieces: Vec<&str> = sent.split("\x1b\\").collect();
        assert_eq!(pieces.len(), 4, "three chunks and the empty end");
        assert!(pieces[0].starts_with("\x1b_Ga=T,f=100,q=2,c=10,r=5,m=1;"));
        assert!(pieces[1].starts_with("\x1b_Gm=1;") && pieces[2].starts_with("\x1b_Gm=0;"));
        assert_eq!(pieces[1].len(), "\x1b_Gm=1;".len() + CHUNK);
        assert_eq!(kitty(&[], (1, 1)), "\x1b_Ga=T,f=100,q=2,c=1,r=1,m=0;\x1b\\");
    }
}
