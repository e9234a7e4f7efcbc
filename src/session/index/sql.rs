//! A filter as a condition in SQL, which must say the same as [`Node::holds`].

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::{column, number_of};
use crate::session::filter::{Field, Kind, Node, Relation, Test, Want, Words};

/// Most words that are named one by one.
const MOST_NAMED: usize = 1000;

/// A condition on `facts` and its values.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub sql: String,
    pub values: Vec<Value>,
}

/// Makes conditions of filters; the numbers of words are looked up in the database.
pub(super) struct Maker<'d> {
    db: &'d Connection,
    values: Vec<Value>,
}

impl<'d> Maker<'d> {
    pub fn condition(db: &'d Connection, node: &Node) -> rusqlite::Result<Condition> {
        let mut maker = Self { db, values: Vec::new() };
        let sql = maker.node(node)?;
        Ok(Condition { sql, values: maker.values })
    }

    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// True, or else false or null: what is not known fits nothing, and only `NOT` must tell the two apart.
    fn node(&mut self, node: &Node) -> rusqlite::Result<String> {
        Ok(match node {
            Node::All(parts) => self.joined(parts, " AND ", "1")?,
            Node::Any(parts) => self.joined(parts, " OR ", "0")?,
            Node::Not(inner) => format!("NOT ifnull(({}), 0)", self.node(inner)?),
            Node::Test(test) => self.test(test)?,
            Node::Words(words) => self.words(words),
        })
    }

    fn joined(&mut self, parts: &[Node], between: &str, none: &str) -> rusqlite::Result<String> {
        let parts =
            parts.iter().map(|part| Ok(format!("({})", self.node(part)?))).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(if parts.is_empty() { none.to_owned() } else { parts.join(between) })
    }

    fn words(&mut self, words: &Words) -> String {
        // Words are letters and digits; nothing in them has a meaning to FTS5 inside of quotes.
        let phrase = format!("\"{}\"{}", words.words.join(" "), if words.open { " *" } else { "" });
        let wrote = format!("SELECT rowid FROM wrote WHERE wrote MATCH {}", self.bind(phrase.clone()));
        if !words.everywhere {
            return format!("facts.rowid IN ({wrote})");
        }
        format!("facts.rowid IN (SELECT rowid FROM seek WHERE seek MATCH {} UNION ALL {wrote})", self.bind(phrase))
    }

    fn test(&mut self, test: &Test) -> rusqlite::Result<String> {
        let wants = test.wants.iter().map(|want| self.want(test.field, want)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(match wants.as_slice() {
            [one] => one.clone(),
            _ => wants.iter().map(|want| format!("({want})")).collect::<Vec<_>>().join(" OR "),
        })
    }

    fn want(&mut self, field: &Field, want: &Want) -> rusqlite::Result<String> {
        let column = format!("facts.{}", column(field));
        if field.kind == Kind::Many {
            let of = format!("SELECT session FROM many WHERE field = {}", number_of(field));
            return Ok(match want {
                Want::Known => format!("facts.rowid IN ({of})"),
                Want::Unknown => format!("facts.rowid NOT IN ({of})"),
                _ => format!("facts.rowid IN ({of} AND word IN ({}))", self.named(field, want)?),
            });
        }
        Ok(match want {
            Want::Known => format!("{column} IS NOT NULL"),
            Want::Unknown => format!("{column} IS NULL"),
            Want::Flag(flag) => format!("{column} = {}", i64::from(*flag)),
            Want::Number(relation, value) => format!("{column} {} {}", relation.sign(), self.bind(*value)),
            Want::Between(low, high) => {
                let low = low.map(|low| format!("{column} >= {}", self.bind(low)));
                let high = high.map(|high| format!("{column} <= {}", self.bind(high)));
                low.into_iter().chain(high).collect::<Vec<_>>().join(" AND ")
            }
            Want::Is(_) | Want::Has(_) | Want::Starts(_) | Want::Like(_) | Want::Time(..) => {
                format!("{column} IN ({})", self.named(field, want)?)
            }
        })
    }

    /// The numbers of the field's words that fit: as a list, or where there are many as a question.
    fn named(&mut self, field: &Field, want: &Want) -> rusqlite::Result<String> {
        let (condition, value) = on_word(want);
        let sql = format!("SELECT id FROM words WHERE field = {} AND {}", number_of(field), condition("?1"));
        let mut statement = self.db.prepare_cached(&format!("{sql} LIMIT {}", MOST_NAMED + 1))?;
        let ids = statement.query_map(params_from_iter([&value]), |row| row.get::<_, i64>(0))?;
        let ids: Vec<String> = ids.map(|id| id.map(|id| id.to_string())).collect::<rusqlite::Result<_>>()?;
        if ids.len() <= MOST_NAMED {
            return Ok(ids.join(","));
        }
        let place = self.bind(value);
        Ok(format!("SELECT id FROM words WHERE field = {} AND {}", number_of(field), condition(&place)))
    }
}

type OnWord = Box<dyn Fn(&str) -> String>;

/// A condition on a word, with the value's place still open.
fn on_word(want: &Want) -> (OnWord, Value) {
    let text = |text: &str| Value::Text(text.to_owned());
    let made = |make: fn(&str) -> String| -> OnWord { Box::new(make) };
    match want {
        Want::Is(value) => (made(|at| format!("word = {at}")), text(value)),
        Want::Has(value) => (made(|at| format!("instr(word, {at}) > 0")), text(value)),
        Want::Starts(value) => (made(|at| format!("substr(word, 1, length({at})) = {at}")), text(value)),
        Want::Like(pattern) => {
            let mut like = String::new();
            for c in pattern.chars() {
                match c {
                    '*' => like.push('%'),
                    '%' | '_' | '\\' => like.extend(['\\', c]),
                    c => like.push(c),
                }
            }
            (made(|at| format!("word LIKE {at} ESCAPE '\\'")), Value::Text(like))
        }
        Want::Time(relation, value) => {
            let past = format!("{value}{}", crate::session::filter::LAST);
            let (sign, value) = match relation {
                Relation::Greater | Relation::LessOrEqual => (relation.sign(), past),
                relation => (relation.sign(), value.clone()),
            };
            (Box::new(move |at| format!("word {sign} {at}")), Value::Text(value))
        }
        // Numbers and flags have no words.
        _ => (made(|at| format!("{at} IS NULL AND 0")), Value::Null),
    }
}
