//! `questions.jsonl`, line by line.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::bias::Bias;
use super::pages::Pages;
use super::question;
use super::report::{Findings, Severity};
use crate::benchmark::folder::QUESTIONS;
use crate::benchmark::folder::lines::{Line, Lines, MAX_LINE};
use crate::benchmark::folder::read::{MAX_QUESTIONS, MAX_QUESTIONS_FILE, open_file, parse};
use crate::benchmark::{Question, Task};

/// What was counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lines that are questions, right or wrong.
    pub questions: u64,
    /// Readable questions by task.
    pub tasks: BTreeMap<Task, u64>,
}

/// What is only known when all lines have been read.
#[derive(Default)]
struct Seen {
    counts: Counts,
    ids: HashMap<String, u64>,
    bias: Bias,
    /// First line and number of questions without a truth.
    unknown: Option<(u64, u64)>,
    /// First line and number of lines with a field that readers do not know.
    fields: BTreeMap<String, (u64, u64)>,
}

/// Most different unknown fields that are told.
const MOST_FIELDS: usize = 20;

/// Checks every line.
pub fn check(root: &Path, pages: &mut Pages, findings: &mut Findings) -> Counts {
    let path = root.join(QUESTIONS);
    let file = match open_file(&path) {
        Ok(file) => file,
        Err(why) => {
            let missing = || "there is no questions.jsonl".to_owned();
            let what = if path.exists() { why.to_string() } else { missing() };
            findings.error(QUESTIONS, None, "questions", what);
            return Counts::default();
        }
    };
    if file.metadata().is_ok_and(|m| m.len() > MAX_QUESTIONS_FILE) {
        findings.error(QUESTIONS, None, "questions", format!("longer than {} GiB", MAX_QUESTIONS_FILE >> 30));
    }
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, file.take(MAX_QUESTIONS_FILE)));
    let mut seen = Seen::default();
    loop {
        match lines.next_line() {
            Ok(Some((number, line))) => one_line(number, line, pages, &mut seen, findings),
            Ok(None) => break,
            Err(e) => {
                findings.error(QUESTIONS, None, "questions", format!("cannot be read: {e}"));
                break;
            }
        }
        if seen.counts.questions > MAX_QUESTIONS as u64 {
            findings.error(QUESTIONS, None, "questions", format!("more than {MAX_QUESTIONS} questions"));
            break;
        }
    }
    seen.tell(findings);
    seen.counts
}

fn one_line(number: u64, line: Line<'_>, pages: &mut Pages, seen: &mut Seen, findings: &mut Findings) {
    seen.counts.questions += 1;
    let before = findings.count(Severity::Error);
    let mut error = |kind, what| findings.error(QUESTIONS, Some(number), kind, what);
    let Line::Text(bytes) = line else {
        return error("long line", format!("longer than {MAX_LINE} bytes"));
    };
    if let Err(e) = std::str::from_utf8(bytes) {
        return error("utf-8", format!("not UTF-8 from byte {} of the line on", e.valid_up_to() + 1));
    }
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(e) => return error("json", e.to_string()),
    };
    let Some(fields) = value.as_object() else {
        return error("json", "a line has to be an object: {…}".to_owned());
    };
    question::check(fields, pages, &mut error);
    for name in fields.keys().filter(|name| !question::FIELDS.contains(&name.as_str())) {
        if seen.fields.len() < MOST_FIELDS || seen.fields.contains_key(name) {
            seen.fields.entry(name.clone()).or_insert((number, 0)).1 += 1;
        }
    }
    if let Some(id) = fields.get("id").and_then(Value::as_str) {
        match seen.ids.get(id) {
            Some(first) => error("duplicate id", format!("the id \"{id}\" was line {first}'s already")),
            None => {
                seen.ids.insert(id.to_owned(), number);
            }
        }
    }
    match parse(Line::Text(bytes)) {
        Ok((question, _)) => seen.read(number, &question),
        // Said already, in better words, in most cases.
        Err(_) if findings.count(Severity::Error) > before => {}
        Err(why) => findings.error(QUESTIONS, Some(number), "question", why),
    }
}

impl Seen {
    /// Notes a question that can be read.
    fn read(&mut self, number: u64, question: &Question) {
        if let Some(task) = question.task {
            *self.counts.tasks.entry(task).or_default() += 1;
        }
        if question.truth.is_none() {
            self.unknown.get_or_insert((number, 0)).1 += 1;
        }
        self.bias.add(question);
    }

    fn tell(&self, findings: &mut Findings) {
        if let Some((first, n)) = self.unknown {
            let what = format!("questions without a truth are not scored: {n} (this is the first)");
            findings.note(QUESTIONS, Some(first), "no truth", what);
        }
        for (name, (first, n)) in &self.fields {
            let what = format!("\"{name}\" is not a field of a question (on {n} lines; this is the first)");
            findings.note(QUESTIONS, Some(*first), "unknown field", what);
        }
        if self.counts.questions == 0 {
            findings.warning(QUESTIONS, None, "no questions", "there are no questions".to_owned());
        }
        for what in self.bias.findings() {
            findings.warning(QUESTIONS, None, "bias", what);
        }
    }
}
