//! What a filter asks, and whether a session fits.

use std::fmt;

use super::field::{Field, Found};
use super::words::{holds, summary_words};
use crate::session::SessionSummary;

/// A filter as a tree.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) enum Node {
    /// All of them; of none: everything.
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
    Words(Words),
}

/// One of several values of a field.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) struct Test {
    pub field: &'static Field,
    pub wants: Vec<Want>,
}

/// Words one after another.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) struct Words {
    pub words: Vec<String>,
    /// Whether the last may go on.
    pub open: bool,
    /// Whether the summary's words count too.
    pub everywhere: bool,
}

/// A value that is wanted. Texts are folded.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) enum Want {
    /// Whatever it is, it is known.
    Known,
    Unknown,
    Is(String),
    Has(String),
    /// The beginning: of times.
    Starts(String),
    /// A pattern with `*` for any characters.
    Like(String),
    Flag(bool),
    Number(Relation, f64),
    Between(Option<f64>, Option<f64>),
    Time(Relation, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Relation {
    pub(in crate::session) const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
        }
    }

    fn holds<T: PartialOrd + ?Sized>(self, found: &T, value: &T) -> bool {
        match self {
            Self::Less => found < value,
            Self::LessOrEqual => found <= value,
            Self::Greater => found > value,
            Self::GreaterOrEqual => found >= value,
            Self::Equal => found == value,
        }
    }
}

/// The greatest character: what begins with a text lies before that text and this.
pub(in crate::session) const LAST: char = char::MAX;

impl Node {
    pub(super) fn holds(&self, summary: &SessionSummary, text: &dyn Fn() -> Option<String>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(summary, text)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(summary, text)),
            Self::Not(inner) => !inner.holds(summary, text),
            Self::Test(test) => test.holds(summary),
            Self::Words(wanted) => {
                (wanted.everywhere && holds(&summary_words(summary), &wanted.words, wanted.open))
                    || text().is_some_and(|text| holds(&text, &wanted.words, wanted.open))
            }
        }
    }

    pub(super) fn needs_text(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::needs_text),
            Self::Not(inner) => inner.needs_text(),
            Self::Test(_) => false,
            Self::Words(_) => true,
        }
    }
}

impl Test {
    fn holds(&self, summary: &SessionSummary) -> bool {
        let found = self.field.of(summary);
        self.wants.iter().any(|want| want.holds(&found))
    }
}

impl Want {
    fn holds(&self, found: &Found) -> bool {
        match (self, found) {
            (Self::Unknown, _) => found.is_nothing(),
            (Self::Known, _) => !found.is_nothing(),
            (Self::Flag(want), Found::Flag(found)) => want == found,
            (Self::Number(relation, value), Found::Number(found)) => relation.holds(found, value),
            (Self::Between(low, high), Found::Number(found)) => {
                low.is_none_or(|low| *found >= low) && high.is_none_or(|high| *found <= high)
            }
            (_, Found::Text(found)) => self.fits(found),
            (_, Found::Many(many)) => many.iter().any(|found| self.fits(found)),
            _ => false,
        }
    }

    fn fits(&self, found: &str) -> bool {
        match self {
            Self::Is(value) => found == value,
            Self::Has(value) => found.contains(value.as_str()),
            Self::Starts(value) => found.starts_with(value.as_str()),
            Self::Like(pattern) => like(pattern, found),
            Self::Time(relation, value) => match relation {
                // What begins with the value is neither after nor before it.
                Relation::Greater => found > format!("{value}{LAST}").as_str(),
                Relation::LessOrEqual => found <= format!("{value}{LAST}").as_str(),
                relation => relation.holds(found, value.as_str()),
            },
            _ => false,
        }
    }
}

/// Whether a text has the form of a pattern in which `*` stands for any characters.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Node], between: &str| {
            for (i, part) in parts.iter().enumerate() {
                f.write_str(if i > 0 { between } else { "" })?;
                match part {
                    Self::All(_) | Self::Any(_) => write!(f, "({part})")?,
                    _ => part.fmt(f)?,
                }
            }
            Ok(())
        };
        match self {
            Self::All(parts) => joined(f, parts, " "),
            Self::Any(parts) => joined(f, parts, " or "),
            Self::Not(inner) => match &**inner {
                Self::All(_) | Self::Any(_) => write!(f, "-({inner})"),
                // A second minus would be the beginning of a word.
                Self::Not(_) => write!(f, "not {inner}"),
                _ => write!(f, "-{inner}"),
            },
            Self::Test(test) => test.fmt(f),
            Self::Words(words) => words.fmt(f),
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.everywhere { "" } else { "text:" };
        if self.open {
            write!(f, "{name}{}", self.words.join("-"))
        } else {
            write!(f, "{name}\"{}\"", self.words.join(" "))
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wants: Vec<String> = self.wants.iter().map(|want| want.written(self.field)).collect();
        write!(f, "{}:{}", self.field.name, wants.join(","))
    }
}

impl Want {
    fn written(&self, field: &Field) -> String {
        match self {
            Self::Known => "*".to_owned(),
            Self::Unknown => "none".to_owned(),
            Self::Is(value) if field.is_contained() => format!("={}", quoted(value)),
            Self::Is(value) if !field.may_be(value) => format!("\"{}\"", escaped(value)),
            Self::Is(value) | Self::Has(value) | Self::Starts(value) => quoted(value),
            Self::Like(pattern) => pattern.clone(),
            Self::Flag(value) => if *value { "yes" } else { "no" }.to_owned(),
            Self::Number(Relation::Equal, value) => number(*value),
            Self::Number(relation, value) => format!("{}{}", relation.sign(), number(*value)),
            Self::Between(low, high) => {
                let end = |end: &Option<f64>| end.map_or_else(String::new, number);
                format!("{}..{}", end(low), end(high))
            }
            Self::Time(relation, value) => format!("{}{}", relation.sign(), quoted(value)),
        }
    }
}

fn number(value: f64) -> String {
    if value == 0.0 || (1e-4..1e15).contains(&value.abs()) { format!("{value}") } else { format!("{value:e}") }
}

/// A text as it may stand after a colon.
fn quoted(text: &str) -> String {
    let plain =
        |c: char| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | ',' | '*' | '\\' | '<' | '>' | '=' | '≤' | '≥');
    if text.chars().all(plain) && text != "none" {
        return text.to_owned();
    }
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
