//! Reading answers as models write them.

use super::{DIVIDER, NOTHING};
use crate::benchmark::{AnswerForm, Question};

/// Longest answer that is read, in bytes; the rest is not looked at.
const LONGEST: usize = 4096;
/// Words around labels that say nothing.
const FILLERS: [&str; 9] = ["panel", "panels", "balloon", "balloons", "figure", "figures", "and", "then", "the"];
/// Numbers as words.
const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The content an answer stands for; `None` where it cannot be read.
///
/// - choice: the choice whose text equals the answer (case, outer blanks and closing punctuation ignored), else the choice
///   a single letter names (`B`, `b.`, `(B)`, `B. text`); without choices the normalised answer, where it is not empty.
/// - count: the one number in it, in digits or as a word up to twelve; two different numbers cannot be read.
/// - order: its labels in the order written, each the first time it comes; a choice's letter stands for the choice.
/// - set: the same, in the order the question lists them; `none` for the empty set.
/// - free: the text as it is.
pub fn resolve_answer(raw: &str, question: &Question) -> Option<String> {
    let raw = head(raw);
    match question.form {
        AnswerForm::Choice => choice(raw, &question.choices),
        AnswerForm::Count => count(raw),
        AnswerForm::Order => {
            let found = found_labels(raw, question);
            (!found.is_empty()).then(|| found.join(DIVIDER))
        }
        AnswerForm::Set => set(raw, question),
        AnswerForm::Free => Some(raw.trim().to_owned()).filter(|text| !text.is_empty()),
    }
}

fn head(raw: &str) -> &str {
    let end = (0..=LONGEST.min(raw.len())).rev().find(|&i| raw.is_char_boundary(i)).unwrap_or(0);
    raw.get(..end).unwrap_or("")
}

fn choice(raw: &str, choices: &[String]) -> Option<String> {
    let answer = normalise(raw);
    if choices.is_empty() {
        return (!answer.is_empty()).then_some(answer);
    }
    if let Some(choice) = choices.iter().find(|c| normalise(c) == answer) {
        return Some(choice.clone());
    }
    let stripped = answer.trim_start_matches('(');
    let mut chars = stripped.chars();
    let choice = lettered(chars.next()?, choices)?;
    let rest = chars.as_str();
    let tail = rest.trim_start_matches([')', '.', ':', ' ']);
    let is_letter = tail.is_empty() || (tail.len() < rest.len() && normalise(choice) == tail);
    is_letter.then(|| choice.clone())
}

/// The choice of a letter: `a` for the first.
fn lettered(letter: char, choices: &[String]) -> Option<&String> {
    let letter = u8::try_from(letter).ok()?.to_ascii_lowercase();
    choices.get(usize::from(letter.checked_sub(b'a').filter(|_| letter.is_ascii_lowercase())?))
}

fn count(raw: &str) -> Option<String> {
    let words = raw.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let mut found = words.filter_map(|word| {
        let word = word.to_lowercase();
        let spelled = NUMBERS.iter().position(|n| *n == word).map(|n| n as u64);
        spelled.or_else(|| word.parse::<u64>().ok())
    });
    let first = found.next()?;
    found.all(|other| other == first).then(|| first.to_string())
}

fn set(raw: &str, question: &Question) -> Option<String> {
    let found = found_labels(raw, question);
    if found.is_empty() {
        let says_none = ["none", "no panel", "no panels", "nowhere", "[]", "{}"].contains(&normalise(raw).as_str());
        return says_none.then(|| NOTHING.to_owned());
    }
    let listed = all_labels(question).iter().map(String::as_str).filter(|label| found.contains(label));
    Some(listed.collect::<Vec<_>>().join(DIVIDER))
}

/// What an order or set is made of.
pub(super) fn all_labels(question: &Question) -> &[String] {
    if question.choices.is_empty() { &question.labels } else { &question.choices }
}

/// The labels an answer names, in its order, each once.
fn found_labels<'q>(raw: &str, question: &'q Question) -> Vec<&'q str> {
    let pieces: Vec<&str> = raw.split([',', ';', '>', '→', '\n', '|', '/']).map(str::trim).collect();
    let found = collect(pieces.iter().copied(), question);
    if !found.is_empty() {
        return found;
    }
    // No dividers: words, or letters written together.
    let words = collect(raw.split(|c: char| c.is_whitespace() || ",;>→|/-–".contains(c)), question);
    if !words.is_empty() {
        return words;
    }
    let letters: Vec<String> = raw.trim().chars().map(String::from).collect();
    let only_labels = letters.iter().all(|l| label(l, question).is_some());
    if only_labels { collect(letters.iter().map(String::as_str), question) } else { Vec::new() }
}

fn collect<'a, 'q>(pieces: impl Iterator<Item = &'a str>, question: &'q Question) -> Vec<&'q str> {
    let mut found = Vec::new();
    for label in pieces.filter_map(|piece| label(piece, question)) {
        if !found.contains(&label) {
            found.push(label);
        }
    }
    found
}

/// The label a piece of an answer names.
fn label<'q>(piece: &str, question: &'q Question) -> Option<&'q str> {
    let exact = bare(piece);
    let labels = all_labels(question);
    if exact.is_empty() {
        return None;
    }
    if let Some(label) = labels.iter().find(|label| bare(label) == exact) {
        return Some(label);
    }
    let words: Vec<&str> = exact.split(' ').filter(|word| !FILLERS.contains(word)).collect();
    let short = words.join(" ");
    if let Some(label) = labels.iter().find(|label| bare(label) == short) {
        return Some(label);
    }
    let mut letters = short.chars();
    let letter = letters.next().filter(|_| letters.next().is_none() && !question.choices.is_empty())?;
    lettered(letter, labels).map(String::as_str)
}

/// Without case, outer punctuation and double blanks.
fn bare(text: &str) -> String {
    let normal = normalise(text);
    normal.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// An answer without case, outer blanks and closing punctuation: what decides whether two choices are one.
pub fn normalise(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let end = |c: char| c.is_whitespace() || ".!,;".contains(c);
    words.join(" ").trim_end_matches(end).to_lowercase()
}
