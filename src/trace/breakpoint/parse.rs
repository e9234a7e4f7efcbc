//! From text to a condition: `or` below `and` below `not`, parentheses, and atoms.

use regex::RegexBuilder;

use super::CONDITIONS;
use super::condition::{Condition, Figure, Relation};
use crate::trace::{Refusal, SegmentKind};

/// A condition may not be longer, in bytes.
const LONGEST: usize = 500;
/// Nor nested deeper.
const DEEPEST: usize = 40;
/// A compiled pattern may not take more bytes.
const PATTERN_BYTES: usize = 1 << 18;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("breakpoint \"{text}\", column {column}: {message}")]
pub struct BreakpointError {
    /// The condition as written, at most 80 characters of it.
    pub text: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    /// In quotes or between slashes.
    Quoted(String, bool),
    Number(f64),
    Relation(Relation),
    Colon,
    Open,
    Close,
}

struct Token {
    word: Word,
    at: usize,
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Condition, BreakpointError> {
    if text.len() > LONGEST {
        return Err(error(text, 0, format!("a condition has at most {LONGEST} bytes")));
    }
    let mut reader = Reader { text, tokens: words(text)?, next: 0, depth: 0 };
    let condition = reader.any()?;
    match reader.peek() {
        None => Ok(condition),
        Some(_) => Err(reader.wrong("expected `and`, `or` or the end")),
    }
}

fn error(text: &str, at: usize, message: impl Into<String>) -> BreakpointError {
    let column = text.get(..at).unwrap_or(text).chars().count() + 1;
    BreakpointError { text: crate::text::one_line(text).chars().take(80).collect(), column, message: message.into() }
}

fn words(text: &str) -> Result<Vec<Token>, BreakpointError> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let word = match c {
            c if c.is_whitespace() => continue,
            '(' => Word::Open,
            ')' => Word::Close,
            ':' => Word::Colon,
            '<' | '>' | '=' | '≤' | '≥' => {
                let equal = matches!(rest.peek(), Some((_, '='))) && rest.next().is_some();
                Word::Relation(match (c, equal) {
                    ('<', false) => Relation::Less,
                    ('<', true) | ('≤', _) => Relation::LessOrEqual,
                    ('>', false) => Relation::Greater,
                    ('>', true) | ('≥', _) => Relation::GreaterOrEqual,
                    _ => Relation::Equal,
                })
            }
            '"' | '/' => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        Some((_, '\\')) if matches!(rest.peek(), Some((_, next)) if *next == c) => {
                            inside.extend(rest.next().map(|(_, next)| next));
                        }
                        Some((_, end)) if end == c => break,
                        Some((_, other)) => inside.push(other),
                        None => return Err(error(text, at, format!("the {c} is not closed"))),
                    }
                }
                Word::Quoted(inside, c == '/')
            }
            c if c.is_ascii_digit() || c == '.' => {
                let mut number = c.to_string();
                while let Some((_, c)) = rest.peek().filter(|(_, c)| c.is_ascii_digit() || *c == '.') {
                    number.push(*c);
                    rest.next();
                }
                let value = number.parse().map_err(|_| error(text, at, format!("{number} is no number")))?;
                Word::Number(value)
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = c.to_string();
                while let Some((_, c)) = rest.peek().filter(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-')) {
                    name.push(*c);
                    rest.next();
                }
                Word::Name(name)
            }
            c => return Err(error(text, at, format!("{c:?} has no meaning here; put texts in quotes"))),
        };
        found.push(Token { word, at });
    }
    Ok(found)
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.next).map(|token| &token.word)
    }

    fn take(&mut self) -> Option<Word> {
        let word = self.peek().cloned();
        self.next += usize::from(word.is_some());
        word
    }

    /// An error at the next word.
    fn wrong(&self, message: impl Into<String>) -> BreakpointError {
        error(self.text, self.tokens.get(self.next).map_or(self.text.len(), |token| token.at), message)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Word::Name(found)) if found.eq_ignore_ascii_case(name))
    }

    fn any(&mut self) -> Result<Condition, BreakpointError> {
        let mut left = self.both()?;
        while self.is_name("or") {
            self.next += 1;
            left = Condition::Any(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, BreakpointError> {
        let mut left = self.not()?;
        while self.is_name("and") {
            self.next += 1;
            left = Condition::Both(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Condition, BreakpointError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("nested too deeply"));
        }
        let found = if self.is_name("not") {
            self.next += 1;
            Condition::Not(Box::new(self.not()?))
        } else if self.peek() == Some(&Word::Open) {
            self.next += 1;
            let inside = self.any()?;
            if self.peek() != Some(&Word::Close) {
                return Err(self.wrong("expected `)`"));
            }
            self.next += 1;
            inside
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn atom(&mut self) -> Result<Condition, BreakpointError> {
        let Some(Word::Name(name)) = self.peek().cloned() else {
            return Err(self.wrong(format!("expected a condition: {}", names())));
        };
        let name = name.to_ascii_lowercase();
        if let Some(figure) = figure(&name) {
            self.next += 1;
            return self.figure(figure);
        }
        match name.as_str() {
            "zoom" | "refused" | "warning" | "text" | "open" | "close" | "answer" | "forced" => self.next += 1,
            _ => return Err(self.wrong(format!("there is no \"{name}\"; there are {}", names()))),
        }
        Ok(match name.as_str() {
            "zoom" => Condition::Zoom(self.detail("a number", |word| match word {
                Word::Number(n) if *n >= 1.0 && n.fract() == 0.0 && *n < 1e6 => Some(*n as u32),
                _ => None,
            })?),
            "refused" => Condition::Refused(self.detail("a reason such as off_page", |word| match word {
                Word::Name(name) => refusal(name),
                _ => None,
            })?),
            "open" => Condition::Open(
                self.detail("think, call or answer", |word| segment(word).filter(|kind| *kind != SegmentKind::Text))?,
            ),
            "close" => Condition::Close(self.detail("think, call, answer or text", segment)?),
            "answer" => Condition::Answer(self.detail("right or wrong", |word| match word {
                Word::Name(name) if name == "right" => Some(true),
                Word::Name(name) if name == "wrong" => Some(false),
                _ => None,
            })?),
            "warning" => Condition::Warning,
            "forced" => Condition::Forced,
            _ => self.text()?,
        })
    }

    fn figure(&mut self, figure: Figure) -> Result<Condition, BreakpointError> {
        let Some(Word::Relation(relation)) = self.peek().cloned() else {
            if figure == Figure::Repeat {
                return Ok(Condition::Figure(figure, Relation::GreaterOrEqual, 0.8));
            }
            let example = format!("expected a comparison, such as {}<.3", figure.name());
            return Err(self.wrong(example));
        };
        self.next += 1;
        let Some(Word::Number(value)) = self.peek().cloned() else {
            return Err(self.wrong("expected a number"));
        };
        self.next += 1;
        Ok(Condition::Figure(figure, relation, value))
    }

    /// What stands after a colon, if there is one.
    fn detail<T>(&mut self, wanted: &str, read: impl Fn(&Word) -> Option<T>) -> Result<Option<T>, BreakpointError> {
        if self.peek() != Some(&Word::Colon) {
            return Ok(None);
        }
        self.next += 1;
        let found = self.peek().and_then(read);
        if found.is_none() {
            return Err(self.wrong(format!("expected {wanted}")));
        }
        self.next += 1;
        Ok(found)
    }

    fn text(&mut self) -> Result<Condition, BreakpointError> {
        if self.peek() != Some(&Word::Colon) {
            return Err(self.wrong("expected a text, such as text:\"hat\""));
        }
        self.next += 1;
        let pattern = match self.peek().cloned() {
            Some(Word::Quoted(text, true)) => text,
            Some(Word::Quoted(text, false) | Word::Name(text)) => regex::escape(&text),
            _ => return Err(self.wrong("expected a text in quotes or a /pattern/")),
        };
        if pattern.is_empty() {
            return Err(self.wrong("the text is empty"));
        }
        let built = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(PATTERN_BYTES).build();
        let built = built.map_err(|why| {
            let why = why.to_string();
            self.wrong(format!("not a regular expression: {}", why.lines().last().unwrap_or_default().trim()))
        })?;
        self.take();
        Ok(Condition::Text(built))
    }
}

fn figure(name: &str) -> Option<Figure> {
    Figure::ALL.into_iter().find(|figure| figure.name() == name)
}

fn refusal(name: &str) -> Option<Refusal> {
    serde_json::from_value(serde_json::Value::String(name.replace('-', "_"))).ok()
}

fn segment(word: &Word) -> Option<SegmentKind> {
    let Word::Name(name) = word else { return None };
    Some(match name.as_str() {
        "think" => SegmentKind::Think,
        "call" | "tool_call" => SegmentKind::ToolCall,
        "answer" => SegmentKind::Answer,
        "text" => SegmentKind::Text,
        _ => return None,
    })
}

/// The names of all conditions.
fn names() -> String {
    let name = |text: &str| text.chars().take_while(|c| c.is_ascii_alphabetic()).collect::<String>();
    CONDITIONS.iter().map(|(example, _)| name(example)).collect::<Vec<_>>().join(", ")
}
