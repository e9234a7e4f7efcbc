//! A report on runs: settings, figures, failures, what differs between them, and a few sessions of every kind of failure.

mod example;
mod html;
mod markdown;
mod picture;
mod words;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde_json::{Value, json};

pub use example::{Example, Look};
pub use picture::Picture;

use crate::analysis::Thresholds;
use crate::study::{Comparison, Figures, Intervals, StudyRun, Table};

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown without pictures.
    Markdown,
    /// One HTML page with everything in it.
    Html,
    /// JSON without pictures.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "md" | "markdown" => Ok(Self::Markdown),
            "html" => Ok(Self::Html),
            "json" => Ok(Self::Json),
            _ => Err(format!("unknown format \"{name}\"; the formats are md, html, json")),
        }
    }
}

/// How much a report tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Example sessions of each label and run.
    pub examples: usize,
    /// Where labels draw their lines.
    pub lines: Thresholds,
    /// Whether pages are drawn into it.
    pub pictures: bool,
}

/// Most example sessions of a report: each brings a page of some 40 kB.
pub const MOST_EXAMPLES: usize = 120;

/// One run of a report.
#[derive(Clone, Debug)]
pub struct Part {
    /// The run.
    pub run: StudyRun,
    /// Labels.
    pub table: Table,
    /// Measures.
    pub figures: Figures,
    /// A few sessions, by label.
    pub examples: Vec<Example>,
}

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its runs.
    pub parts: Vec<Part>,
    /// Of two runs: what differs.
    pub comparison: Option<Comparison>,
    /// Where labels drew their lines.
    pub lines: Thresholds,
}

impl Report {
    /// Makes the report of some runs. Logs that cannot be read make no example.
    pub fn of(runs: Vec<StudyRun>, options: &Options) -> Self {
        let comparison = match runs.as_slice() {
            [a, b] => Some(Comparison::of(&a.sessions, &b.sessions, Intervals::Bootstrap)),
            _ => None,
        };
        let share = MOST_EXAMPLES / runs.len().max(1);
        let part = |run: StudyRun| Part {
            table: Table::of(&run.sessions),
            figures: Figures::of(&run.sessions, &options.lines),
            examples: example::pick(&run, options, share),
            run,
        };
        Self { parts: runs.into_iter().map(part).collect(), comparison, lines: options.lines }
    }

    /// The report in a format.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Markdown => markdown::write(self),
            Format::Html => html::write(self),
            Format::Json => self.to_json().to_string() + "\n",
        }
    }

    /// `{"v", "runs": [{"run", "model", "settings", …, "failures": …, "figures": …, "examples": […]}], "thresholds", "comparison"}`.
    pub fn to_json(&self) -> Value {
        let part = |part: &Part| {
            let manifest = &part.run.manifest;
            json!({
                "run": part.run.name,
                "model": manifest.model,
                "benchmark": manifest.benchmark,
                "profile": manifest.profile,
                "program": manifest.program,
                "started": manifest.started,
                "machine": manifest.machine,
                "settings": manifest.settings,
                "planned": manifest.items,
                "n": part.run.sessions.len(),
                "failures": part.table.to_json(),
                "figures": part.figures,
                "examples": part.examples.iter().map(Example::to_json).collect::<Vec<_>>(),
            })
        };
        json!({
            "v": 1,
            "runs": self.parts.iter().map(part).collect::<Vec<_>>(),
            "thresholds": self.lines,
            "comparison": self.comparison,
        })
    }
}
