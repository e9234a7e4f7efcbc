//! Text that is safe to put on a terminal.
//!
//! Takes: any text a model, a file or a server wrote. Gives: the same text without anything that could move the cursor,
//! start an escape sequence, turn the reading direction around or pile up without end. A leaf: uses no other room, and every
//! room may use it.

mod near;

use std::borrow::Cow;

pub use near::nearest;

/// Marks shown where something was taken out.
const REPLACEMENT: char = '\u{fffd}';

/// How many zero-width characters (combining marks, joiners, variation selectors) one visible character may carry.
pub const MAX_MARKS: usize = 4;

/// Text that is safe to print.
///
/// Line feeds stay; `\r\n` and the Unicode line separators become line feeds; a tab becomes four blanks; every other C0
/// control (ESC included) becomes its picture (`␛`), so that an escape sequence stays readable but does nothing; C1
/// controls and bidirectional overrides become `U+FFFD`; invisible format characters are dropped; and more than four
/// zero-width marks on one character are cut. Borrowed when nothing had to change.
pub fn sanitise(text: &str) -> Cow<'_, str> {
    let mut marks = 0;
    let harmless = text.chars().all(|c| match fate(c) {
        Fate::Keep => {
            marks = 0;
            true
        }
        Fate::Mark => {
            marks += 1;
            marks <= MAX_MARKS
        }
        _ => false,
    });
    if harmless { Cow::Borrowed(text) } else { Cow::Owned(rewrite(text)) }
}

/// Like [`sanitise`], on one line: line feeds become blanks.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let safe = sanitise(text);
    if safe.contains('\n') { Cow::Owned(safe.replace('\n', " ")) } else { safe }
}

enum Fate {
    Keep,
    Mark,
    Drop,
    Replace(char),
    Tab,
    Return,
}

fn rewrite(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let fate = fate(c);
        if !matches!(fate, Fate::Mark | Fate::Drop) {
            marks = 0;
        }
        match fate {
            Fate::Keep => out.push(c),
            Fate::Mark => {
                marks += 1;
                if marks <= MAX_MARKS {
                    out.push(c);
                }
            }
            Fate::Drop => {}
            Fate::Replace(other) => out.push(other),
            Fate::Tab => out.push_str("    "),
            Fate::Return if chars.peek() == Some(&'\n') => {}
            Fate::Return => out.push('\u{240d}'),
        }
    }
    out
}

fn fate(c: char) -> Fate {
    match c {
        '\n' | ' '..='~' => Fate::Keep,
        '\t' => Fate::Tab,
        '\r' => Fate::Return,
        '\0'..='\u{1f}' => Fate::Replace(char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACEMENT)),
        '\u{7f}' => Fate::Replace('\u{2421}'),
        '\u{80}'..='\u{9f}' => Fate::Replace(REPLACEMENT),
        '\u{2028}' | '\u{2029}' => Fate::Replace('\n'),
        // Embeddings, overrides, isolates and marks of direction: the text would no longer read as it was written.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Fate::Replace(REPLACEMENT)
        }
        // Joiners and the two selectors emoji need: allowed, but counted.
        '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => Fate::Mark,
        // Invisible and without a use on a terminal: soft hyphen, zero-width blanks, fillers, invisible operators,
        // interlinear marks, other selectors, and the tag block in which text can be hidden.
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Fate::Drop,
        c if unicode_width::UnicodeWidthChar::width(c) == Some(0) => Fate::Mark,
        _ => Fate::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in ["", "plain", "two\nlines", "日本語 – “quotes” 👍🏽 é e\u{301}", "👨\u{200d}👩\u{200d}👧"]
        {
            assert!(matches!(sanitise(text), Cow::Borrowed(t) if t == text), "{text:?}");
        }
    }

    #[test]
    fn controls_become_visible() {
        assert_eq!(sanitise("\x1b[31mred\x1b]0;title\x07"), "␛[31mred␛]0;title␇");
        assert_eq!(sanitise("a\r\nb\rc\td\x7f\u{9b}2J"), "a\nb␍c    d␡\u{fffd}2J");
        assert_eq!(sanitise("ab\u{202e}cd\u{2066}e"), "ab\u{fffd}cd\u{fffd}e");
        assert_eq!(sanitise("a\u{200b}\u{e0041}b"), "ab");
        assert_eq!(one_line("a\r\nb\u{2028}c"), "a b c");
    }

    #[test]
    fn floods_are_cut() {
        let zalgo = format!("x{}y", "\u{301}".repeat(10_000));
        assert_eq!(sanitise(&zalgo).chars().count(), 2 + MAX_MARKS);
        let joiners = format!("x{}y", "\u{200b}\u{200d}".repeat(10_000));
        assert_eq!(sanitise(&joiners).chars().count(), 2 + MAX_MARKS);
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left_and_it_is_stable(text in any::<Vec<char>>()) {
            let text: String = text.into_iter().collect();
            let safe = sanitise(&text).into_owned();
            prop_assert!(safe.chars().all(|c| c == '\n' || !c.is_control()));
            let hidden = ['\u{202e}', '\u{2067}', '\u{feff}', '\u{200b}'];
            prop_assert!(!safe.contains(hidden));
            let again = sanitise(&safe);
            prop_assert_eq!(again.as_ref(), safe.as_str());
            let on_one_line = one_line(&text);
            prop_assert!(!on_one_line.contains('\n'));
        }
    }
}
