//! Texts as they are compared: folded, and cut into words.

use super::field::{Found, fields};
use crate::session::SessionSummary;

/// Longest text of a field that is compared, in characters.
const LONGEST: usize = 300;
/// Longest full text that is looked through, in characters.
const MOST_TEXT: usize = 1 << 20;

/// Stands between the texts of different places, so that no phrase is found across them: a character that no word has.
pub(in crate::session) const SEPARATOR: &str = "\u{e000}";

/// A text in lower case, letter by letter, without NUL, cut to what is compared.
pub(in crate::session) fn fold(text: &str) -> String {
    text.chars().take(LONGEST).filter(|c| *c != '\0').flat_map(char::to_lowercase).collect()
}

/// The words of a text: runs of letters and digits in lower case. Where a script has no blanks, every character is a word.
pub(in crate::session) fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for c in text.chars().take(MOST_TEXT).flat_map(char::to_lowercase) {
        if is_own_word(c) {
            found.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            found.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        } else if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
    }
    found.extend((!word.is_empty()).then_some(word));
    found
}

/// Kana and Han.
fn is_own_word(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// The words of several texts, one after another, with what stands between them.
pub fn join_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut all = Vec::new();
    for text in texts {
        if !all.is_empty() {
            all.push(SEPARATOR.to_owned());
        }
        all.extend(tokens(text));
    }
    all.join(" ")
}

/// What bare words are looked for in: every field of a summary that is made of words.
pub(in crate::session) fn summary_words(summary: &SessionSummary) -> String {
    let mut texts: Vec<String> = Vec::new();
    for field in fields().iter().filter(|field| field.words) {
        match field.of(summary) {
            Found::Text(text) => texts.push(text),
            Found::Many(many) => texts.extend(many),
            Found::Nothing | Found::Number(_) | Found::Flag(_) => {}
        }
    }
    join_texts(texts.iter().map(String::as_str))
}

/// Whether joined words hold this phrase; with `open` its last word may go on.
pub(super) fn holds(joined: &str, phrase: &[String], open: bool) -> bool {
    let words: Vec<&str> = joined.split(' ').collect();
    let Some((last, first)) = phrase.split_last() else { return false };
    words.windows(phrase.len()).any(|window| {
        let Some((end, begin)) = window.split_last() else { return false };
        begin.iter().zip(first).all(|(a, b)| a == b)
            && (if open { end.starts_with(last.as_str()) } else { end == last })
    })
}
