//! From text to a filter: `or` below "all of them" below `-` and `not`, parentheses, words and `field:value`.

use super::field::{Field, Kind, fields};
use super::node::{Node, Relation, Test, Want, Words};
use super::time;
use super::words::{fold, tokens};
use super::{FilterError, MAX_FILTER};
use crate::text::nearest;

/// Nested deeper than anyone means.
const DEEPEST: usize = 40;

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    if text.len() > MAX_FILTER {
        return Err(reader.wrong(0, format!("a filter has at most {MAX_FILTER} bytes")));
    }
    reader.blanks();
    if reader.rest().is_empty() {
        return Ok(Node::All(Vec::new()));
    }
    let node = reader.any()?;
    reader.blanks();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.here("this `)` closes nothing")),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// Byte offset of what comes next.
    at: usize,
    depth: usize,
}

/// A value as it was written.
enum Written {
    Raw(String),
    Quoted(String),
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, c: char) {
        self.at += c.len_utf8();
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn wrong(&self, at: usize, message: impl Into<String>) -> FilterError {
        let column = self.text.get(..at).unwrap_or(self.text).chars().count() + 1;
        let text = crate::text::one_line(self.text).chars().take(80).collect();
        FilterError { text, column, message: message.into() }
    }

    fn here(&self, message: impl Into<String>) -> FilterError {
        self.wrong(self.at, message)
    }

    /// Takes a keyword, where it stands for itself.
    fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let (Some(head), Some(tail)) = (rest.get(..word.len()), rest.get(word.len()..)) else { return false };
        let ends = tail.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'));
        let found = head.eq_ignore_ascii_case(word) && ends;
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn any(&mut self) -> Result<Node, FilterError> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            self.blanks();
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Node::Any))
    }

    /// Stops at `or`, `)` and the end.
    fn all(&mut self) -> Result<Node, FilterError> {
        let mut parts = Vec::new();
        loop {
            self.blanks();
            let before = self.at;
            let or = self.keyword("or");
            self.at = before;
            if or || matches!(self.peek(), None | Some(')')) {
                break;
            }
            if !parts.is_empty() && self.keyword("and") {
                self.blanks();
            }
            parts.push(self.not()?);
        }
        if parts.is_empty() {
            return Err(self.here("expected a word or field:value, such as label:looked-wrong"));
        }
        Ok(one_or(parts, Node::All))
    }

    fn not(&mut self) -> Result<Node, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.here("nested too deeply"));
        }
        let found = if self.peek() == Some('-') {
            self.skip('-');
            if self.peek().is_none_or(char::is_whitespace) {
                return Err(self.here("expected what is not wanted, such as -label:right"));
            }
            Node::Not(Box::new(self.not()?))
        } else if self.keyword("not") {
            self.blanks();
            Node::Not(Box::new(self.not()?))
        } else if self.peek() == Some('(') {
            let open = self.at;
            self.skip('(');
            let inside = self.any()?;
            self.blanks();
            if self.peek() != Some(')') {
                return Err(self.wrong(open, "this `(` is not closed"));
            }
            self.skip(')');
            inside
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn atom(&mut self) -> Result<Node, FilterError> {
        let start = self.at;
        match self.peek() {
            None | Some(')') => return Err(self.here("expected a word or field:value")),
            Some('"') => {
                let text = self.quoted()?;
                return self.words(start, &text, false, true);
            }
            Some(_) => {}
        }
        let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | ':') || is_relation(c);
        let rest = self.rest();
        let name = rest.get(..rest.find(end).unwrap_or(rest.len())).unwrap_or_default();
        self.at += name.len();
        match self.peek() {
            Some(':') => self.skip(':'),
            Some(c) if is_relation(c) => {}
            _ => return self.words(start, name, true, true),
        }
        let folded = name.to_ascii_lowercase();
        if folded == "text" {
            return self.full_text();
        }
        let Some(field) = fields().iter().find(|field| field.name == folded) else {
            let names: Vec<&str> = fields().iter().map(|field| field.name).chain(["text"]).collect();
            let hint = nearest(&folded, &names).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let message = if name.is_empty() {
                "expected a field before this; put texts in quotes".to_owned()
            } else {
                format!("there is no field \"{}\"{hint}", crate::text::one_line(name))
            };
            return Err(self.wrong(start, message));
        };
        let mut wants = vec![self.want(field)?];
        while self.peek() == Some(',') {
            self.skip(',');
            wants.push(self.want(field)?);
        }
        Ok(Node::Test(Test { field, wants }))
    }

    fn full_text(&mut self) -> Result<Node, FilterError> {
        let start = self.at;
        match self.value("text:\"red hat\"")? {
            Written::Raw(text) => self.words(start, &text, true, false),
            Written::Quoted(text) => self.words(start, &text, false, false),
        }
    }

    fn words(&self, at: usize, text: &str, open: bool, everywhere: bool) -> Result<Node, FilterError> {
        let words = tokens(text);
        if words.is_empty() {
            return Err(self.wrong(at, "there is no letter or digit to look for"));
        }
        if let ([word], true, true) = (words.as_slice(), open, everywhere)
            && matches!(word.as_str(), "and" | "or" | "not")
        {
            return Err(self.wrong(at, format!("to look for the word \"{word}\", put it in quotes")));
        }
        Ok(Node::Words(Words { words, open, everywhere }))
    }

    /// What stands in quotes; the next character is the first of them.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let open = self.at;
        self.skip('"');
        let mut inside = String::new();
        while let Some(c) = self.peek() {
            self.skip(c);
            match (c, self.peek()) {
                ('\\', Some(next @ ('"' | '\\'))) => {
                    self.skip(next);
                    inside.push(next);
                }
                ('"', _) => return Ok(inside),
                _ => inside.push(c),
            }
        }
        Err(self.wrong(open, "this \" is not closed"))
    }

    fn value(&mut self, example: &str) -> Result<Written, FilterError> {
        if self.peek() == Some('"') {
            return self.quoted().map(Written::Quoted);
        }
        let rest = self.rest();
        let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | ',');
        let raw = rest.get(..rest.find(end).unwrap_or(rest.len())).unwrap_or_default();
        if raw.is_empty() {
            return Err(self.here(format!("expected a value, such as {example}")));
        }
        self.at += raw.len();
        Ok(Written::Raw(raw.to_owned()))
    }

    fn relation(&mut self) -> Option<Relation> {
        let c = self.peek().filter(|c| is_relation(*c))?;
        self.skip(c);
        let equal = matches!(c, '<' | '>' | '=') && self.peek() == Some('=');
        if equal {
            self.skip('=');
        }
        Some(match (c, equal) {
            ('<', false) => Relation::Less,
            ('<' | '≤', _) => Relation::LessOrEqual,
            ('>', false) => Relation::Greater,
            ('>' | '≥', _) => Relation::GreaterOrEqual,
            _ => Relation::Equal,
        })
    }

    fn want(&mut self, field: &'static Field) -> Result<Want, FilterError> {
        let start = self.at;
        let relation = self.relation();
        let value = self.value(field.example)?;
        let (raw, quoted) = match &value {
            Written::Raw(text) => (Some(text.as_str()), text),
            Written::Quoted(text) => (None, text),
        };
        match (relation, raw) {
            (None, Some("*")) => return Ok(Want::Known),
            (None, Some("none")) => return Ok(Want::Unknown),
            _ => {}
        }
        let such = |what: &str| self.wrong(start, format!("{} is {what}, such as {}", field.name, field.example));
        match field.kind {
            Kind::Number => match number(relation, quoted).ok_or_else(|| such("a number"))? {
                Want::Between(Some(low), Some(high)) if low > high => {
                    let message = format!("no number is from {low} to {high}; the smaller stands first: {high}..{low}");
                    Err(self.wrong(start, message))
                }
                want => Ok(want),
            },
            Kind::Flag => match (relation, fold(quoted).as_str()) {
                (None | Some(Relation::Equal), "yes" | "true") => Ok(Want::Flag(true)),
                (None | Some(Relation::Equal), "no" | "false") => Ok(Want::Flag(false)),
                _ => Err(such("yes or no")),
            },
            Kind::Time => {
                let value = fold(quoted);
                if !value.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(such("a time that begins with its year"));
                }
                if let Some(fault) = time::fault(&value) {
                    return Err(self.wrong(start, crate::text::one_line(&fault)));
                }
                Ok(match relation {
                    None | Some(Relation::Equal) => Want::Starts(value),
                    Some(relation) => Want::Time(relation, value),
                })
            }
            Kind::Word(_) | Kind::Text | Kind::Many => self.text_want(field, start, relation, raw, quoted),
        }
    }

    fn text_want(
        &self,
        field: &Field,
        start: usize,
        relation: Option<Relation>,
        raw: Option<&str>,
        value: &str,
    ) -> Result<Want, FilterError> {
        if !matches!(relation, None | Some(Relation::Equal)) {
            return Err(self.wrong(start, format!("{} is no number; write {}", field.name, field.example)));
        }
        let value = fold(value);
        if value.is_empty() {
            return Err(self.wrong(start, format!("the value is empty; {}:none finds what has none", field.name)));
        }
        if relation.is_none() && raw.is_some() && value.contains('*') {
            return Ok(Want::Like(value));
        }
        if let (Kind::Word(known), Some(_)) = (field.kind, raw)
            && !field.may_be(&value)
        {
            let hint = nearest(&value, known)
                .map_or_else(|| format!("; there are {}", known.join(", ")), |near| format!("; did you mean {near}?"));
            let value = crate::text::one_line(&value).into_owned();
            return Err(self.wrong(start, format!("there is no {} \"{value}\"{hint}", field.name)));
        }
        Ok(if field.is_contained() && relation.is_none() { Want::Has(value) } else { Want::Is(value) })
    }
}

fn one_or(mut parts: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

const fn is_relation(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '≤' | '≥')
}

fn number(relation: Option<Relation>, text: &str) -> Option<Want> {
    let read = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    if let Some(relation) = relation {
        return Some(Want::Number(relation, read(text)?));
    }
    match text.split_once("..") {
        Some(("", "")) => None,
        Some(("", high)) => Some(Want::Between(None, Some(read(high)?))),
        Some((low, "")) => Some(Want::Between(Some(read(low)?), None)),
        Some((low, high)) => Some(Want::Between(Some(read(low)?), Some(read(high)?))),
        None => Some(Want::Number(Relation::Equal, read(text)?)),
    }
}
