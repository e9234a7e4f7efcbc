//! A row of the table: a session's summary in words, made once.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::benchmark::Task;
use crate::session::{LogFile, SessionSummary};
use crate::text::one_line;
use crate::trace::Parent;
use crate::tui::app::{Choice, Entry, Verdict};
use crate::tui::reasoning::share;

/// Longest cell, in characters: what a log says may have any length.
const LONGEST: usize = 160;

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// How it came out.
    Verdict,
    /// What it is a fork of.
    Fork,
    /// The kind of question.
    Task,
    /// The question's id.
    Question,
    /// What the model answered.
    Answer,
    /// Crops returned.
    Zooms,
    /// Mean coverage of the target.
    Coverage,
    /// The model asked.
    Model,
    /// When, in the person's own time.
    #[default]
    Started,
    /// The run, or the day.
    Run,
}

impl Column {
    /// Every column, from left to right.
    pub const ALL: [Self; 10] = [
        Self::Verdict,
        Self::Fork,
        Self::Task,
        Self::Question,
        Self::Answer,
        Self::Zooms,
        Self::Coverage,
        Self::Model,
        Self::Started,
        Self::Run,
    ];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Fork => "⑂ of",
            Self::Task => "task",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Zooms => "zooms",
            Self::Coverage => "coverage",
            Self::Model => "model",
            Self::Started => "started",
            Self::Run => "run",
        }
    }

    /// Whether the greatest comes first when it is chosen: the newest, the most zooms; but the worst covered.
    pub const fn falls_first(self) -> bool {
        matches!(self, Self::Started | Self::Zooms | Self::Fork)
    }

    /// The field of the filter language it shows.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Fork => "parent",
            Self::Task => "task",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Zooms => "zooms",
            Self::Coverage => "coverage",
            Self::Model => "model",
            Self::Started => "started",
            Self::Run => "run",
        }
    }
}

/// A recorded session. All texts are safe to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its log.
    pub path: PathBuf,
    /// The folder of the sessions folder it lies in.
    pub sub: String,
    /// Its id.
    pub id: String,
    /// How it came out.
    pub verdict: Verdict,
    /// For a fork: where it comes from.
    pub parent: Option<Parent>,
    /// When it began, as it was logged: UTC, to sort by.
    pub started: String,
    /// What the lines below the table say.
    pub detail: [String; 3],
    task: Option<Task>,
    zooms: u32,
    cells: [String; Column::ALL.len()],
}

impl Row {
    /// The row of a summary; times are shown in `zone`.
    pub fn of(log: LogFile, summary: &SessionSummary, zone: &TimeZone) -> Self {
        let verdict = crate::tui::follow::verdict(summary);
        let parent = summary.parent.as_ref().map(|parent| Parent {
            session: brief(&parent.session),
            position: parent.position,
            edit: brief(&parent.edit),
            change: None,
        });
        let (glyph, word) = verdict.marks();
        let cells = Column::ALL.map(|column| match column {
            Column::Verdict => format!("{glyph} {word}").trim_end().to_owned(),
            Column::Fork => parent.as_ref().map_or_else(String::new, |parent| format!("⑂ {}", parent.session)),
            Column::Task => summary.task.map_or("typed", Task::name).to_owned(),
            Column::Question => brief(&summary.question_id),
            Column::Answer => summary.answer.as_deref().map_or_else(String::new, brief),
            Column::Zooms => summary.zooms.to_string(),
            Column::Coverage => summary.coverage.map_or_else(String::new, share),
            Column::Model => brief(&summary.model),
            Column::Started => local_time(&summary.started, zone),
            Column::Run => brief(summary.run.as_deref().unwrap_or_default()),
        });
        Self {
            detail: detail(summary, &log, parent.as_ref()),
            path: log.path,
            sub: log.sub,
            id: log.id,
            verdict,
            parent,
            started: summary.started.clone(),
            task: summary.task,
            zooms: summary.zooms,
            cells,
        }
    }

    /// What stands in a column.
    pub fn cell(&self, column: Column) -> &str {
        self.cells.get(column as usize).map_or("", String::as_str)
    }

    /// What names it: folder and id.
    pub fn key(&self) -> (String, String) {
        (self.sub.clone(), self.id.clone())
    }

    /// What opens it.
    pub fn choice(&self) -> Choice {
        Choice::Session(self.path.clone())
    }

    /// The same as a row of the library.
    pub fn entry(&self) -> Entry {
        let zooms = if self.zooms == 1 { "1 zoom".to_owned() } else { format!("{} zooms", self.zooms) };
        let answer = match self.cell(Column::Answer) {
            "" => "no answer".to_owned(),
            answer => format!("\"{answer}\""),
        };
        let fork = if self.parent.is_some() { "⑂ " } else { "" };
        Entry {
            choice: self.choice(),
            id: self.id.clone(),
            task: self.task,
            text: format!("{fork}{} · {answer} · {zooms} · {}", self.cell(Column::Question), self.cell(Column::Model)),
            choices: Vec::new(),
            verdict: self.verdict,
        }
    }
}

/// The label that counts, and who gave it where that was a person.
fn label(summary: &SessionSummary) -> String {
    let shown = brief(summary.label_shown()).replace('_', " ");
    let noted = summary.noted.as_ref();
    let by = noted.and_then(|noted| noted.label.as_ref()).map(|by| format!(" ({})", brief(&by.by)));
    let tags = noted.map(|noted| noted.tags.iter().map(|tag| format!(" #{}", brief(tag))).collect::<String>());
    format!("{shown}{}{}", by.unwrap_or_default(), tags.unwrap_or_default())
}

fn detail(summary: &SessionSummary, log: &LogFile, parent: Option<&Parent>) -> [String; 3] {
    let (glyph, word) = crate::tui::follow::verdict(summary).marks();
    let word = if word.is_empty() { "unfinished" } else { word };
    let mut first = vec![format!("{glyph} {word}")];
    match (&summary.answer, &summary.truth) {
        (Some(answer), Some(truth)) if summary.right != Some(true) => {
            first.push(format!("\"{}\", the truth is \"{}\"", brief(answer), brief(truth)));
        }
        (Some(answer), _) => first.push(format!("\"{}\"", brief(answer))),
        (None, _) => {}
    }
    first.push(label(summary));
    let zooms = if summary.zooms == 1 { "1 zoom".to_owned() } else { format!("{} zooms", summary.zooms) };
    let mut second = vec![zooms];
    let shares = [("coverage", summary.coverage), ("IoU", summary.iou)];
    second.extend(shares.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", share(value?)))));
    second.push(format!("{} tokens", summary.generated));
    second.push(format!("{:.2} s", summary.seconds));
    second.push(brief(&summary.model));
    second.extend(summary.benchmark.as_deref().map(brief));
    second.extend(summary.interventions.iter().map(|text| brief(text)));
    let place = if log.sub.is_empty() { log.id.clone() } else { format!("{}/{}", log.sub, log.id) };
    let third = match parent {
        Some(parent) => {
            format!("⑂ fork of {} at {} · {}", parent.session, parent.position, parent.edit)
        }
        None => place,
    };
    let joined = |parts: Vec<String>| parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ");
    [joined(first), joined(second), third]
}

/// Text on one line, safe and not too long.
fn brief(text: &str) -> String {
    let text: String = text.chars().take(LONGEST).collect();
    one_line(&text).into_owned()
}

/// `2026-01-02 03:04` where a person is; what is no time stays as it is.
fn local_time(started: &str, zone: &TimeZone) -> String {
    match started.parse::<jiff::Timestamp>() {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => brief(started),
    }
}
