//! Problems, gathered and counted.

use std::collections::HashMap;

use serde::Serialize;

use crate::benchmark::folder::{ANNOTATIONS, MANIFEST, QUESTIONS};

/// Most problems that are listed; the others are counted.
pub const MOST_PROBLEMS: usize = 1000;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The benchmark cannot be read, or measures wrongly.
    Error,
    /// It may be meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The word used in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What sort of problem, as one word or two.
    pub kind: &'static str,
    /// The file, as seen from the folder.
    pub file: String,
    /// The line, from 1, where one is meant.
    pub line: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Questions in the folder, readable or not.
    pub questions: u64,
    /// Files of pages.
    pub pages: u64,
    /// All errors.
    pub errors: u64,
    /// All warnings.
    pub warnings: u64,
    /// All notes.
    pub notes: u64,
    /// Problems that are counted and not listed.
    pub hidden: u64,
    /// Problems: errors first, then by file and line; at most [`MOST_PROBLEMS`].
    pub problems: Vec<Problem>,
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub struct Findings {
    problems: Vec<Problem>,
    /// By severity and place of the file: how many were found. No more are kept of each than can be listed.
    counts: HashMap<(Severity, usize), u64>,
}

impl Findings {
    /// Something wrong.
    pub fn error(&mut self, file: &str, line: Option<u64>, kind: &'static str, what: String) {
        self.add(Problem { severity: Severity::Error, kind, file: file.to_owned(), line, what });
    }

    /// Something that may be meant.
    pub fn warning(&mut self, file: &str, line: Option<u64>, kind: &'static str, what: String) {
        self.add(Problem { severity: Severity::Warning, kind, file: file.to_owned(), line, what });
    }

    /// Something worth knowing.
    pub fn note(&mut self, file: &str, line: Option<u64>, kind: &'static str, what: String) {
        self.add(Problem { severity: Severity::Note, kind, file: file.to_owned(), line, what });
    }

    fn add(&mut self, problem: Problem) {
        let count = self.counts.entry((problem.severity, rank(&problem.file))).or_default();
        *count += 1;
        if *count <= MOST_PROBLEMS as u64 {
            self.problems.push(problem);
        }
    }

    /// How many of a severity were found.
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.iter().filter(|((s, _), _)| *s == severity).map(|(_, n)| n).sum()
    }

    /// The sorted report.
    pub fn report(mut self, questions: u64, pages: u64) -> Report {
        let [errors, warnings, notes] = Severity::ALL.map(|severity| self.count(severity));
        self.problems.sort_by(|a, b| key(a).cmp(&key(b)));
        self.problems.truncate(MOST_PROBLEMS);
        let hidden = errors + warnings + notes - self.problems.len() as u64;
        Report { questions, pages, errors, warnings, notes, hidden, problems: self.problems }
    }
}

fn key(p: &Problem) -> (Severity, usize, &str, Option<u64>, &str) {
    (p.severity, rank(&p.file), &p.file, p.line, &p.what)
}

/// The place of a file in reports.
fn rank(file: &str) -> usize {
    [MANIFEST, QUESTIONS, ANNOTATIONS].iter().position(|f| *f == file).unwrap_or(3)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_sorted_and_capped() {
        let mut findings = Findings::default();
        findings.note(MANIFEST, None, "x", "n".into());
        for line in (1..=1500).rev() {
            findings.warning(QUESTIONS, Some(line), "x", "w".into());
        }
        findings.error("pages/a.png", None, "x", "e".into());
        findings.error(QUESTIONS, Some(9), "x", "e".into());
        let report = findings.report(1, 1);
        assert_eq!((report.errors, report.warnings, report.notes, report.hidden), (2, 1500, 1, 503));
        assert_eq!(report.problems.len(), MOST_PROBLEMS);
        assert_eq!((report.problems[0].file.as_str(), report.problems[1].file.as_str()), (QUESTIONS, "pages/a.png"));
        assert!(report.problems[2].line < report.problems[3].line);
    }
}
