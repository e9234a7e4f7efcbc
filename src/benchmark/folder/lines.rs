//! Lines of a file that may be anything.

use std::io::{self, BufRead};

/// Most bytes of a line of `questions.jsonl`.
pub const MAX_LINE: usize = 64 << 10;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without line feed, carriage return and byte order mark.
    Text(&'a [u8]),
    /// Longer than [`MAX_LINE`]; the rest of it was passed over.
    TooLong,
}

/// Reads lines with their numbers, from 1; keeps one line in memory.
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of a reader.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// The next line that is not blank; none at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub fn next_line(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        loop {
            self.buffer.clear();
            let long = match fill(&mut self.reader, &mut self.buffer)? {
                Filled::End => return Ok(None),
                Filled::Line => false,
                Filled::TooLong => true,
            };
            self.number += 1;
            if long {
                return Ok(Some((self.number, Line::TooLong)));
            }
            let mark: &[u8] = b"\xef\xbb\xbf";
            if self.number == 1 && self.buffer.starts_with(mark) {
                self.buffer.drain(..mark.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some((self.number, Line::Text(self.buffer.trim_ascii_end()))))
    }
}

enum Filled {
    End,
    Line,
    TooLong,
}

/// One line into the buffer, at most [`MAX_LINE`] bytes of it.
fn fill(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Filled> {
    let (mut any, mut long) = (false, false);
    loop {
        let available = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if available.is_empty() {
            break;
        }
        any = true;
        let end = available.iter().position(|b| *b == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        long = long || buffer.len() + part.len() > MAX_LINE;
        if !long {
            buffer.extend_from_slice(part);
        }
        let used = end.map_or(available.len(), |at| at + 1);
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(if !any {
        Filled::End
    } else if long {
        Filled::TooLong
    } else {
        Filled::Line
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_bounded() {
        let long = "x".repeat(MAX_LINE + 1);
        let fits = "y".repeat(MAX_LINE);
        let text = format!("\u{feff}a\r\n\n  \n{long}\n{fits}\nlast");
        let mut lines = Lines::new(io::BufReader::with_capacity(7, text.as_bytes()));
        assert_eq!(lines.next_line().unwrap(), Some((1, Line::Text(b"a"))));
        assert_eq!(lines.next_line().unwrap(), Some((4, Line::TooLong)));
        assert_eq!(lines.next_line().unwrap(), Some((5, Line::Text(fits.as_bytes()))));
        assert_eq!(lines.next_line().unwrap(), Some((6, Line::Text(b"last"))));
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
