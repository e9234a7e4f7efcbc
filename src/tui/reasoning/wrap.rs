//! Text put into lines: characters from bytes, a segment's tags, greedy word wrap.

use unicode_width::UnicodeWidthChar;

use super::Glyph;
use crate::text::MAX_MARKS;
use crate::tui::clean;

/// Takes whole characters from the front of `pending`, made harmless.
pub(super) fn decode(pending: &mut Vec<u8>, mut take: impl FnMut(char)) {
    let whole = pending.len() - torn_tail(pending);
    let decoded = String::from_utf8_lossy(pending.get(..whole).unwrap_or_default());
    clean(&decoded).chars().for_each(&mut take);
    pending.drain(..whole);
}

/// Bytes at the end that begin a character and do not finish it.
fn torn_tail(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => bytes.len() - e.valid_up_to(),
        _ => bytes.utf8_chunks().last().map_or(0, |chunk| torn_chunk(chunk.invalid())),
    }
}

fn torn_chunk(invalid: &[u8]) -> usize {
    match std::str::from_utf8(invalid) {
        Err(e) if e.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

/// Where the body begins and the name of the tag a text opens with (after blanks), complete or still being written.
///
/// A token may hold the end of one segment and the `<` of the next; then the tag is known by its closing one.
pub(super) fn opening_tag(text: &str) -> (usize, &str) {
    let blanks = text.len() - text.trim_start().len();
    let rest = text.trim_start();
    let (mark, rest) = rest.strip_prefix('<').map_or((0, rest), |rest| (1, rest));
    let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    let name = rest.get(..name_end).unwrap_or_default();
    if name.is_empty() || name_end > 24 {
        return (0, "");
    }
    let begun = blanks + mark + name_end;
    match rest.get(name_end..).and_then(|r| r.chars().next()) {
        Some('>') if mark == 1 || rest.contains(&format!("</{name}>")) => (begun + 1, name),
        None if mark == 1 => (begun, name),
        _ => (0, ""),
    }
}

/// Longest text after a closing tag that still counts as its token's.
pub(super) const LONGEST_REST: usize = 8;

/// Where the closing tag of `name` begins, complete or still being written; the text's length where there is none.
pub(super) fn closing_tag(text: &str, name: &str) -> usize {
    if name.is_empty() {
        return text.len();
    }
    let closing = format!("</{name}>");
    // Only the end is looked at: a tag with more behind it does not close this.
    let near = from_boundary(text, text.len().saturating_sub(closing.len() + LONGEST_REST));
    if let Some(at) = text.get(near..).and_then(|end| end.rfind(&closing)) {
        return near + at;
    }
    let trimmed = text.trim_end();
    let near = from_boundary(trimmed, trimmed.len().saturating_sub(closing.len()));
    let Some(at) = trimmed.get(near..).and_then(|end| end.rfind('<')).map(|at| near + at) else { return text.len() };
    let tail = trimmed.get(at..).unwrap_or_default();
    if at > 0 && closing.starts_with(tail) { at } else { text.len() }
}

/// The first boundary of characters from `at` on.
fn from_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Greedy word wrap, a character at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrap {
    width: usize,
    /// Lines that are full.
    pub lines: Vec<Vec<Glyph>>,
    line: Vec<Glyph>,
    used: usize,
}

impl Wrap {
    pub fn new(width: usize) -> Self {
        Self { width: width.max(1), lines: Vec::new(), line: Vec::new(), used: 0 }
    }

    pub fn push(&mut self, c: char, token: usize, tag: bool) {
        if c == '\n' {
            return self.break_line();
        }
        let width = c.width().unwrap_or(0).min(self.width);
        // Joiners and selectors would glue glyphs of different tokens together.
        if width == 0 && (self.line.is_empty() || matches!(c, '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}')) {
            return;
        }
        // Each token's text is safe by itself; one mark a token would still pile up on one character.
        let piled = self.line.iter().rev().take(MAX_MARKS).filter(|glyph| glyph.width == 0).count();
        if width == 0 && piled == MAX_MARKS {
            return;
        }
        if self.used + width > self.width {
            if c == ' ' {
                return self.break_line();
            }
            self.wrap_word();
        }
        self.used += width;
        self.line.push(Glyph { ch: c, width: width as u8, token, tag });
    }

    fn break_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    /// Moves the word at the end of the line to the next line; a word as long as the line is cut.
    fn wrap_word(&mut self) {
        let word = self.line.iter().rposition(|g| g.ch == ' ').map(|i| i + 1).filter(|i| *i < self.line.len());
        let ends_with_blank = self.line.last().is_some_and(|g| g.ch == ' ');
        let tail = match word {
            Some(at) if !ends_with_blank => self.line.split_off(at),
            _ => Vec::new(),
        };
        self.break_line();
        self.used = tail.iter().map(|g| usize::from(g.width)).sum();
        self.line = tail;
    }

    pub fn finish(mut self) -> Vec<Vec<Glyph>> {
        if !self.line.is_empty() {
            self.break_line();
        }
        self.lines
    }
}
