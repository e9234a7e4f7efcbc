//! What the word at the cursor may become.

use super::field::{Field, Kind, fields};

/// Most completions that are offered.
const MOST: usize = 100;

/// A way to finish the word at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Bytes `from..to` of the text are replaced …
    pub from: usize,
    /// … up to the cursor.
    pub to: usize,
    /// By this.
    pub insert: String,
    /// What it means, in a few words; may be empty.
    pub meaning: String,
}

/// Completions of the word that ends at the cursor (a byte offset): fields, or values of a field that are known.
pub fn complete(text: &str, cursor: usize) -> Vec<Completion> {
    complete_with(text, cursor, &|_| Vec::new())
}

/// Like [`complete`]; `values` gives the values a field has in these sessions, where they are not the same everywhere.
pub fn complete_with(text: &str, cursor: usize, values: &dyn Fn(&Field) -> Vec<String>) -> Vec<Completion> {
    let Some(before) = text.get(..cursor) else { return Vec::new() };
    if before.matches('"').count() % 2 == 1 {
        return Vec::new();
    }
    let typed = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or(before).trim_start_matches('-');
    let word = cursor - typed.len();
    match typed.split_once(':') {
        None => names(typed, word, cursor),
        Some((name, value)) => {
            let Some(field) = fields().iter().find(|field| field.name.eq_ignore_ascii_case(name)) else {
                return Vec::new();
            };
            let value = value.rsplit(',').next().unwrap_or(value);
            of_values(field, value, cursor - value.len(), cursor, values)
        }
    }
}

fn names(typed: &str, from: usize, to: usize) -> Vec<Completion> {
    let typed = typed.to_ascii_lowercase();
    let all = fields().iter().map(|field| (field.name, field.meaning));
    let all: Vec<_> = all.chain([("text", "words in question, reasoning, answer and notes")]).collect();
    let fits = |name: &str, begins: bool| name.starts_with(&typed) == begins && name.contains(&typed);
    let found = [true, false].into_iter().flat_map(|begins| all.iter().filter(move |(name, _)| fits(name, begins)));
    let made = found.map(|(name, meaning)| Completion {
        from,
        to,
        insert: format!("{name}:"),
        meaning: (*meaning).to_owned(),
    });
    made.take(MOST).collect()
}

fn of_values(
    field: &Field,
    typed: &str,
    from: usize,
    to: usize,
    values: &dyn Fn(&Field) -> Vec<String>,
) -> Vec<Completion> {
    let known: Vec<String> = match field.kind {
        Kind::Word(known) if !known.is_empty() => known.iter().map(|&value| value.to_owned()).collect(),
        Kind::Flag => vec!["yes".to_owned(), "no".to_owned()],
        _ => values(field),
    };
    let typed = typed.to_lowercase();
    let fits = |value: &str, begins: bool| {
        let value = value.to_lowercase();
        value.starts_with(&typed) == begins && value.contains(&typed)
    };
    let found = [true, false].into_iter().flat_map(|begins| known.iter().filter(move |value| fits(value, begins)));
    let made = found.map(|value| Completion { from, to, insert: written(value), meaning: String::new() });
    made.take(MOST).collect()
}

fn written(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '+' | '~');
    if value.chars().all(plain) && value != "none" {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
