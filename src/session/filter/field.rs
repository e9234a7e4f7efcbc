//! What can be asked of a session: one row a field. Parsing, matching, completion, the index's columns and the manual's table
//! all follow from these rows.

use std::fmt;

use super::words::fold;
use crate::benchmark::AnswerForm;
use crate::session::SessionSummary;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name; the whole of it is meant. Where its values are known they are these.
    Word(&'static [&'static str]),
    /// A text; a part of it is meant, with `=` the whole.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A time; its beginning is meant: a year, a month, a day.
    Time,
    /// Several names, one of which is meant.
    Many,
}

impl Kind {
    /// In a word, for manuals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Word(_) => "name",
            Self::Text => "text",
            Self::Number => "number",
            Self::Flag => "yes or no",
            Self::Time => "time",
            Self::Many => "names",
        }
    }
}

/// A value of a session.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) enum Found {
    /// Not known.
    Nothing,
    Text(String),
    Number(f64),
    Flag(bool),
    /// At least one.
    Many(Vec<String>),
}

impl Found {
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// Something one can ask for.
#[derive(Clone, Copy)]
pub struct Field {
    /// As it is written before the colon.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
    /// How it is asked for.
    pub example: &'static str,
    /// Whether bare words are looked for in it.
    pub(in crate::session) words: bool,
    of: fn(&SessionSummary) -> Found,
}

impl Field {
    /// The value of a session, folded.
    pub(in crate::session) fn of(&self, summary: &SessionSummary) -> Found {
        match (self.of)(summary) {
            Found::Text(text) => match fold(&text) {
                folded if folded.is_empty() => Found::Nothing,
                folded => Found::Text(folded),
            },
            Found::Many(all) => {
                let mut all: Vec<String> = all.iter().map(|text| fold(text)).filter(|text| !text.is_empty()).collect();
                all.sort_unstable();
                all.dedup();
                if all.is_empty() { Found::Nothing } else { Found::Many(all) }
            }
            other => other,
        }
    }

    /// The value as text, for tables; empty where it is not known.
    pub fn written(&self, summary: &SessionSummary) -> String {
        match (self.of)(summary) {
            Found::Nothing => String::new(),
            Found::Text(text) => text,
            Found::Number(number) => format!("{number}"),
            Found::Flag(flag) => if flag { "yes" } else { "no" }.to_owned(),
            Found::Many(all) => all.join(" "),
        }
    }

    /// Whether a value is among those that are known, where they are known.
    pub(super) fn may_be(&self, value: &str) -> bool {
        !matches!(self.kind, Kind::Word(known) if !known.is_empty() && !known.contains(&value))
    }

    /// Whether a value is looked for inside.
    pub(super) const fn is_contained(&self) -> bool {
        matches!(self.kind, Kind::Text)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

fn text(text: &str) -> Found {
    Found::Text(text.to_owned())
}

fn perhaps(found: Option<&str>) -> Found {
    found.map_or(Found::Nothing, text)
}

fn number(number: Option<f64>) -> Found {
    number.filter(|n| n.is_finite()).map_or(Found::Nothing, Found::Number)
}

fn count(number: impl Into<u64>) -> Found {
    Found::Number(number.into() as f64)
}

fn flag(flag: Option<bool>) -> Found {
    flag.map_or(Found::Nothing, Found::Flag)
}

fn many<'t>(texts: impl Iterator<Item = &'t String>) -> Found {
    Found::Many(texts.cloned().collect())
}

const fn form(form: AnswerForm) -> &'static str {
    match form {
        AnswerForm::Choice => "choice",
        AnswerForm::Count => "count",
        AnswerForm::Order => "order",
        AnswerForm::Set => "set",
        AnswerForm::Free => "free",
    }
}

/// How a session came out, in a word.
fn verdict(s: &SessionSummary) -> &'static str {
    match (s.right, &s.answer, &s.reason) {
        (Some(true), ..) => "right",
        (Some(false), None, _) | (None, None, Some(_)) => "no-answer",
        (Some(false), Some(_), _) if s.score.is_some_and(|score| score > 0.0) => "partly",
        (Some(false), ..) => "wrong",
        (None, Some(_), _) => "answered",
        (None, None, None) => "unfinished",
    }
}

const LABELS: &[&str] = &[
    "infrastructure",
    "bad-format",
    "invalid-box",
    "frame-error",
    "loop",
    "out-of-budget",
    "premature",
    "repeated-zoom",
    "looked-wrong",
    "partial-look",
    "looked-right-answered-wrong",
    "wrong",
    "right",
    "right-ungrounded",
    "unscored",
    "unfinished",
    "truth-doubtful",
    "unreadable",
];
const FAMILIES: &[&str] = &["depth", "tracking", "reordering", "recognition"];
const TASKS: &[&str] = &[
    "panel-understanding",
    "depth-comparison",
    "action-recognition",
    "character-counting",
    "dialog-reordering",
    "character-identification",
    "panel-reordering",
];
const VERDICTS: &[&str] = &["right", "partly", "wrong", "no-answer", "answered", "unfinished"];
const FORMS: &[&str] = &["choice", "count", "order", "set", "free"];

const fn row(
    name: &'static str,
    kind: Kind,
    meaning: &'static str,
    example: &'static str,
    of: fn(&SessionSummary) -> Found,
) -> Field {
    Field { name, kind, meaning, example, words: false, of }
}

/// A row whose values bare words are looked for in.
const fn worded(
    name: &'static str,
    kind: Kind,
    meaning: &'static str,
    example: &'static str,
    of: fn(&SessionSummary) -> Found,
) -> Field {
    Field { name, kind, meaning, example, words: true, of }
}

use Kind::{Flag, Many, Number, Text, Time, Word};

/// Every field, in the order of the manual.
pub const fn fields() -> &'static [Field] {
    FIELDS
}

#[rustfmt::skip]
const FIELDS: &[Field] = &[
    worded("label", Word(LABELS), "the label that counts: a person's, else the automatic one", "label:looked-wrong", |s| text(s.label_shown())),
    row("auto", Word(LABELS), "the automatic label, whatever a person says", "auto:premature", |s| text(&s.label)),
    worded("verdict", Word(VERDICTS), "how it came out", "verdict:wrong,partly", |s| text(verdict(s))),
    worded("family", Word(FAMILIES), "the question's family", "family:depth", |s| perhaps(s.family.map(|f| f.name()))),
    worded("task", Word(TASKS), "the question's task", "task:panel-reordering", |s| perhaps(s.task.map(|t| t.name()))),
    worded("run", Word(&[]), "the run, or the folder it lies in", "run:rarl-*", |s| perhaps(s.run.as_deref())),
    worded("model", Word(&[]), "the model's name", "model:demo-rarl", |s| text(&s.model)),
    worded("benchmark", Word(&[]), "the benchmark's name", "benchmark:demo", |s| perhaps(s.benchmark.as_deref())),
    worded("profile", Word(&[]), "the profile the model was talked to with", "profile:rarl", |s| text(&s.profile)),
    worded("id", Text, "the session's id", "id:20260102", |s| text(&s.id)),
    worded("question", Text, "the question's id; for its words see text", "question:s9148", |s| text(&s.question_id)),
    worded("page", Text, "the page's name in its benchmark", "page:s9148", |s| perhaps(s.page.as_deref())),
    worded("answer", Text, "what was answered", "answer:=\"the sea\"", |s| perhaps(s.answer.as_deref())),
    worded("truth", Text, "the right answer", "truth:sea", |s| perhaps(s.truth.as_deref())),
    row("form", Word(FORMS), "what an answer looks like", "form:choice", |s| text(form(s.form))),
    row("right", Flag, "fully right; unknown where it was not scored", "right:no", |s| flag(s.right)),
    row("score", Number, "the score, 0 to 1", "score:0.2..0.8", |s| number(s.score)),
    row("chance", Number, "the mean score of a guess", "chance:<0.3", |s| number(s.chance)),
    row("resolved", Flag, "the answer stands for one of the choices", "resolved:no", |s| Found::Flag(s.resolved)),
    row("zooms", Number, "crops returned", "zooms:>=2", |s| count(s.zooms)),
    row("refused", Number, "tool calls refused", "refused:>0", |s| count(s.refused)),
    row("coverage", Number, "mean share of the target inside the crops", "coverage:<0.5", |s| number(s.coverage)),
    row("iou", Number, "best IoU of a crop with a target", "iou:>=0.3", |s| number(s.iou)),
    row("best-coverage", Number, "share of the target inside the best crop", "best-coverage:0.1..0.5", |s| number(s.best_coverage)),
    row("best-tightness", Number, "share of the best crop that is target", "best-tightness:<0.1", |s| number(s.best_tightness)),
    row("repeat", Number, "highest IoU of a crop with an earlier one", "repeat:>=0.8", |s| number(s.repeat)),
    row("other-frame", Number, "best coverage, were a zoom's numbers read in another frame", "other-frame:>=0.5", |s| number(s.other_frame)),
    row("bad-calls", Number, "tool calls that could not be read", "bad-calls:>0", |s| count(s.bad_calls)),
    row("bad-boxes", Number, "tool calls refused because of their box", "bad-boxes:>0", |s| count(s.bad_boxes)),
    row("loops", Number, "how often the last piece of text repeats", "loops:>=4", |s| count(s.loops)),
    row("targets", Number, "true regions the question has", "targets:>1", |s| count(s.targets)),
    row("found", Number, "those of them that some crop looked at", "found:0", |s| count(s.found)),
    row("hits", Number, "crops that looked at a target", "hits:>=1", |s| count(s.hits)),
    row("answer-p", Number, "the model's probability of its answer", "answer-p:>0.9", |s| number(s.answer_p)),
    row("margin", Number, "least margin at a token of the answer", "margin:<0.2", |s| number(s.margin)),
    row("option", Number, "place of the answered choice, from 1", "option:1", |s| number(s.option.map(f64::from))),
    row("truth-option", Number, "place of the right choice, from 1", "truth-option:1", |s| number(s.truth_option.map(f64::from))),
    row("options", Number, "how many choices are listed", "options:4", |s| number(s.options.map(f64::from))),
    row("by-letter", Flag, "the answer names its choice by the letter", "by-letter:yes", |s| flag(s.by_letter)),
    row("heuristic-right", Flag, "the question's shortcut (depth: lower is nearer) gives the truth", "heuristic-right:no", |s| flag(s.heuristic_right)),
    row("heuristic", Flag, "the shortcut gives what was answered", "heuristic:yes", |s| flag(s.heuristic)),
    row("looked-right", Flag, "some crop shows the target", "looked-right:yes", |s| flag(s.looked_right)),
    row("zoom-needed", Flag, "the page was shown too small to answer without a zoom", "zoom-needed:yes", |s| flag(s.zoom_needed)),
    row("ended", Word(&[]), "how it ended", "ended:max-turns", |s| perhaps(s.reason.as_deref())),
    row("tokens", Number, "tokens the model wrote", "tokens:>500", |s| count(s.generated)),
    row("seconds", Number, "seconds from start to end", "seconds:>10", |s| number(Some(s.seconds))),
    row("seed", Number, "the sampler's seed", "seed:7", |s| count(s.seed)),
    row("tool", Flag, "the zoom tool was offered", "tool:no", |s| Found::Flag(s.tool)),
    row("started", Time, "when it began, in UTC", "started:>=2026-01-02", |s| text(&s.started)),
    row("intervention", Many, "an intervention in force", "intervention:*", |s| many(s.interventions.iter())),
    row("fork", Flag, "it departs from another session", "fork:yes", |s| Found::Flag(s.parent.is_some())),
    worded("parent", Text, "the session it is a fork of", "parent:20260102", |s| perhaps(s.parent.as_ref().map(|p| p.session.as_str()))),
    row("edit", Text, "what the fork has otherwise", "edit:crop", |s| perhaps(s.parent.as_ref().map(|p| p.edit.as_str()))),
    worded("tag", Many, "a tag a person put on", "tag:hats", |s| many(s.noted.iter().flat_map(|n| &n.tags))),
    row("by", Word(&[]), "who gave the label in place of the automatic one", "by:*", |s| perhaps(s.noted.as_ref().and_then(|n| n.label.as_ref()).map(|l| l.by.as_str()))),
    row("notes", Number, "how many notes a person wrote", "notes:>0", |s| count(s.noted.as_ref().map_or(0, |n| n.notes))),
];
