//! One line a finished session, and the list made of them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{Doing, SessionError};
use super::notes::{Noted, noted_in};
use super::reader::read_log;
use super::recorder::packed_path;
use super::store::{LogFile, SessionStore, check_id};
use super::summariser::Summariser;
use super::summary_facts::is_zero;
use crate::analysis::{Facts, Label, OptionFacts, ShortcutFacts};
use crate::benchmark::{AnswerForm, Family, Task, chance};
use crate::config::Thresholds;
use crate::geometry::FrameKind;
use crate::trace::{Parent, Trace};

/// Longest line of `summary.jsonl`, in bytes.
pub const MAX_SUMMARY: usize = 2048;

/// The version written in `v`; a line with a lower one is summarised anew from its log when it is read.
pub const SUMMARY_VERSION: u32 = 2;

/// Most bytes of one `summary.jsonl` that are read.
const MAX_FILE: u64 = 1 << 30;

/// A session in a few figures. Fields that a file lacks are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSummary {
    /// [`SUMMARY_VERSION`]; 0 in lines that do not say.
    pub v: u32,
    /// Session id.
    pub id: String,
    /// The run it belongs to, else the folder it lies in.
    pub run: Option<String>,
    /// RFC 3339 time in UTC.
    pub started: String,
    /// Model name.
    pub model: String,
    /// Benchmark name.
    pub benchmark: Option<String>,
    /// Question id.
    pub question_id: String,
    /// Task kind.
    pub task: Option<Task>,
    /// Its family.
    pub family: Option<Family>,
    /// What an answer looks like.
    pub form: AnswerForm,
    /// The page's name in its benchmark.
    pub page: Option<String>,
    /// The mean score of a guess; null where it is not known.
    pub chance: Option<f64>,
    /// Whether the page was shown too small to answer without a zoom; null where it is not known.
    pub zoom_needed: Option<bool>,
    /// Whether the answer is fully right; null where it was not scored.
    pub right: Option<bool>,
    /// 1 fully right, 0 wrong.
    pub score: Option<f64>,
    /// Measures of this form of answer by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
    /// The answer's content, else as written.
    pub answer: Option<String>,
    /// Whether the answer stands for a content; false where there is none.
    pub resolved: bool,
    /// The right answer.
    pub truth: Option<String>,
    /// Crops returned.
    pub zooms: u32,
    /// Tool calls refused.
    pub refused: u32,
    /// Mean coverage of the target over the crops.
    pub coverage: Option<f64>,
    /// Best IoU of a crop with a target.
    pub iou: Option<f64>,
    /// Whether some crop shows the target.
    pub looked_right: Option<bool>,
    /// [`crate::analysis::Label`] by the usual thresholds; [`SessionSummary::automatic`] gives it by others.
    pub label: String,
    /// Number of the call with the best crop: the best coverage among those that are not too wide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_zoom: Option<u32>,
    /// Its coverage of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_coverage: Option<f64>,
    /// Share of it that is target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_tightness: Option<f64>,
    /// Highest IoU of a crop with an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<f64>,
    /// Best coverage a zoom would have were its numbers read in another frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_frame: Option<f64>,
    /// That frame, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_frame_is: Option<FrameKind>,
    /// Calls that could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub bad_calls: u32,
    /// Calls refused because of their box.
    #[serde(skip_serializing_if = "is_zero")]
    pub bad_boxes: u32,
    /// How often the last piece of text repeats; 1 not at all.
    #[serde(skip_serializing_if = "is_zero")]
    pub loops: u32,
    /// True regions the question has.
    #[serde(skip_serializing_if = "is_zero")]
    pub targets: u32,
    /// Those of them that some crop looked at.
    #[serde(skip_serializing_if = "is_zero")]
    pub found: u32,
    /// Crops that looked at a target.
    #[serde(skip_serializing_if = "is_zero")]
    pub hits: u32,
    /// The model's probability of its answer: the product over the answer's tokens, from the raw logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_p: Option<f64>,
    /// Least margin at a token of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Place of the answered choice in the list, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<u32>,
    /// Place of the right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth_option: Option<u32>,
    /// How many choices are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<u32>,
    /// Whether the answer names its choice by the letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_letter: Option<bool>,
    /// Whether the question's shortcut (depth: lower on the page is nearer) gives the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heuristic_right: Option<bool>,
    /// Whether it gives what was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heuristic: Option<bool>,
    /// How it ended; null for one that has not.
    pub reason: Option<String>,
    /// Tokens the model wrote.
    pub generated: u64,
    /// Seconds from start to end.
    pub seconds: f64,
    /// Profile name.
    pub profile: String,
    /// Sampler's seed.
    pub seed: u64,
    /// Whether the zoom tool was offered.
    pub tool: bool,
    /// Interventions in force.
    pub interventions: Vec<String>,
    /// For a fork: where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What a person said of it: never in `summary.jsonl`, filled from the notes where sessions are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
}

impl SessionSummary {
    /// The label that counts: a person's, else the automatic one.
    pub fn label_shown(&self) -> &str {
        self.noted.as_ref().and_then(|noted| noted.label.as_ref()).map_or(&self.label, |by| &by.label)
    }

    /// The summary of what a trace knows; of one that lacks its tokens use [`super::Summariser`].
    pub fn of(trace: &Trace) -> Self {
        Self::with_facts(trace, &Facts::of(trace))
    }

    /// The summary of a trace whose facts are known.
    pub(super) fn with_facts(trace: &Trace, facts: &Facts) -> Self {
        let content = trace.answer.as_ref().and_then(|answer| answer.content.as_deref());
        let mut summary = Self {
            v: SUMMARY_VERSION,
            right: facts.right,
            score: trace.score.as_ref().map(|score| score.value),
            scores: trace.score.as_ref().map(|score| score.parts.clone()).unwrap_or_default(),
            resolved: facts.resolved,
            answer: trace.answer.as_ref().map(|a| a.content.clone().unwrap_or_else(|| a.raw.clone())),
            label: Label::of(facts, &Thresholds::default()).name().to_owned(),
            reason: trace.end.as_ref().map(|end| end.reason.clone()),
            generated: trace.end.as_ref().map_or(trace.sampled().count() as u64, |end| end.generated),
            seconds: trace.end.as_ref().map_or(trace.last_t, |end| end.seconds),
            ..Self::default()
        };
        summary.set_facts(facts);
        if let Some(start) = &trace.start {
            summary.id.clone_from(&start.id);
            summary.run.clone_from(&start.run);
            summary.started.clone_from(&start.started);
            summary.model.clone_from(&start.model.name);
            summary.benchmark.clone_from(&start.benchmark);
            summary.question_id.clone_from(&start.question.id);
            (summary.task, summary.family) = (start.question.task, start.question.family);
            summary.form = start.question.form;
            summary.page.clone_from(&start.question.page);
            summary.chance = chance(&start.question);
            summary.truth.clone_from(&start.question.truth);
            summary.set_options(OptionFacts::of(&start.question, trace.answer.as_ref()));
            let shortcut = ShortcutFacts::of(&start.question, content);
            (summary.heuristic_right, summary.heuristic) = (shortcut.right, shortcut.taken);
            summary.profile.clone_from(&start.profile);
            (summary.seed, summary.tool) = (start.seed, start.tool);
            summary.interventions.clone_from(&start.interventions);
            // The edit in words is enough for a list.
            summary.parent = start.parent.clone().map(|parent| Parent { change: None, ..parent });
        }
        summary
    }

    /// The summary as a line of at most [`MAX_SUMMARY`] bytes without its line feed; long texts are cut to fit.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(&Self { noted: None, ..self.clone() }).unwrap_or_default();
        for longest in [200, 100, 60, 30, 15, 5] {
            if line.len() <= MAX_SUMMARY {
                break;
            }
            line = serde_json::to_string(&self.cut(longest)).unwrap_or_default();
        }
        line
    }

    fn cut(&self, longest: usize) -> Self {
        let mut cut = Self { noted: None, ..self.clone() };
        // The id stays: it is what a line is found by, and ids are bounded where logs are written.
        let required = [&mut cut.started, &mut cut.model, &mut cut.question_id, &mut cut.label, &mut cut.profile];
        let optional =
            [&mut cut.run, &mut cut.benchmark, &mut cut.page, &mut cut.answer, &mut cut.truth, &mut cut.reason];
        for text in required.into_iter().chain(optional.into_iter().flatten()) {
            if text.chars().count() > longest {
                *text = text.chars().take(longest).chain(['…']).collect();
            }
        }
        if let Some(parent) = &mut cut.parent {
            // It may hold a typed text; the words say it in brief, and the log in full.
            parent.change = None;
        }
        for text in cut.parent.iter_mut().flat_map(|parent| [&mut parent.session, &mut parent.edit]) {
            if text.chars().count() > longest.max(30) {
                *text = text.chars().take(longest.max(30)).chain(['…']).collect();
            }
        }
        cut.interventions.truncate(longest.div_ceil(20));
        for text in &mut cut.interventions {
            *text = text.chars().take(longest).collect();
        }
        cut
    }
}

/// Appends a summary to a folder's `summary.jsonl` with one write, so that several processes may do so at once.
///
/// # Errors
/// [`SessionError::Io`], or [`SessionError::Outside`] where a link stands in its place.
pub fn append_summary(dir: &Path, summary: &SessionSummary) -> Result<(), SessionError> {
    let path = dir.join("summary.jsonl");
    if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
        return Err(SessionError::Outside { path });
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).doing("write", &path)?;
    let mut line = summary.line() + "\n";
    // A line torn by a killed process must not swallow this one.
    if torn(&mut file).doing("read", &path)? {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes()).doing("write", &path)
}

pub(super) fn torn(file: &mut File) -> std::io::Result<bool> {
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != [b'\n'])
}

/// Every session, newest first: from the summaries, and from the logs themselves where there is no summary (live, killed, or
/// a deleted `summary.jsonl`). Summaries whose log is gone are left out.
pub fn list(store: &SessionStore) -> Vec<SessionSummary> {
    listed(store).into_iter().map(|(_, summary)| summary).collect()
}

/// Every session with its log, newest first, as [`list`] gives them.
pub fn listed(store: &SessionStore) -> Vec<(LogFile, SessionSummary)> {
    let mut known: HashMap<String, HashMap<String, SessionSummary>> = HashMap::new();
    let mut noted: HashMap<String, HashMap<String, Noted>> = HashMap::new();
    let mut all = Vec::new();
    for log in store.logs() {
        let dir = store.dir().join(&log.sub);
        let noted = noted.entry(log.sub.clone()).or_insert_with(|| noted_in(&dir)).remove(&log.id);
        let summaries = known.entry(log.sub.clone()).or_insert_with(|| read_summaries(&dir));
        // A summary is written after the end; a log that is still live may have outgrown it.
        let summary = summaries.remove(&log.id).unwrap_or_else(|| summarise(&log));
        // A run that was given a folder of its own is known by that folder's name.
        let run = (!log.sub.is_empty()).then(|| log.sub.clone()).or_else(|| summary.run.clone());
        let id = log.id.clone();
        all.push((log, SessionSummary { id, run, noted, ..summary }));
    }
    all.sort_by(|(_, a), (_, b)| b.started.cmp(&a.started).then_with(|| b.id.cmp(&a.id)));
    all
}

fn summarise(log: &LogFile) -> SessionSummary {
    match read_log(&log.path) {
        Ok(read) => Summariser::of(&read.records).summary(),
        Err(_) => SessionSummary { label: "unreadable".to_owned(), ..SessionSummary::default() },
    }
}

/// The summaries of a folder by id; of two with one id the later counts. Lines that cannot be read are skipped; those of
/// an earlier version are made anew from their logs, and stay as they are where the log is gone.
pub fn read_summaries(dir: &Path) -> HashMap<String, SessionSummary> {
    let mut summaries = HashMap::new();
    each_summary(dir, &mut |line| {
        if let Some(summary) = line {
            summaries.insert(summary.id.clone(), summary);
        }
    });
    for summary in summaries.values_mut().filter(|summary| summary.v < SUMMARY_VERSION) {
        if let Some(anew) = renewed(dir, summary) {
            *summary = anew;
        }
    }
    summaries
}

/// The summary of the log behind a line.
fn renewed(dir: &Path, line: &SessionSummary) -> Option<SessionSummary> {
    check_id(&line.id).ok()?;
    let paths = [packed_path(dir, &line.id), dir.join(format!("{}.jsonl", line.id))];
    let path = paths.iter().find(|path| path.symlink_metadata().is_ok_and(|meta| meta.is_file()))?;
    let anew = Summariser::of(&read_log(path).ok()?.records).summary();
    (anew.id == line.id).then_some(anew)
}

/// Every line of a folder's `summary.jsonl`, as it comes; `None` for one that cannot be read.
pub(super) fn each_summary(dir: &Path, told: &mut dyn FnMut(Option<SessionSummary>)) {
    each_summary_from(dir, 0, told);
}

/// Like [`each_summary`], from a byte on; gives where the last whole line ends.
pub(super) fn each_summary_from(dir: &Path, from: u64, told: &mut dyn FnMut(Option<SessionSummary>)) -> u64 {
    let path = dir.join("summary.jsonl");
    if !path.is_file() {
        return 0;
    }
    let Ok(mut file) = File::open(&path) else { return 0 };
    if file.seek(SeekFrom::Start(from)).is_err() {
        return 0;
    }
    let (mut at, mut end) = (from, from);
    let mut lines = BufReader::new(file.take(MAX_FILE));
    let mut line = Vec::new();
    loop {
        line.clear();
        // Longer lines come in pieces, and pieces do not parse.
        match lines.by_ref().take(2 * MAX_SUMMARY as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return end,
            Ok(n) => {
                at += n as u64;
                end = if line.ends_with(b"\n") { at } else { end };
                let summary = serde_json::from_slice(&line).ok();
                told(summary.map(|summary| SessionSummary { noted: None, ..summary }));
            }
        }
    }
}

/// How the folders of probes begin.
pub const PROBE_FOLDER: &str = "probe-";

/// The path of the newest session; of those of probes, which come by the dozen, only where there are no others.
///
/// # Errors
/// [`SessionError::Empty`] when there is none.
pub fn newest(store: &SessionStore) -> Result<std::path::PathBuf, SessionError> {
    let none = || SessionError::Empty { dir: store.dir().to_owned() };
    let sessions = list(store);
    let own = |s: &&SessionSummary| !s.run.as_deref().is_some_and(|run| run.starts_with(PROBE_FOLDER));
    let first = sessions.iter().find(own).or(sessions.first()).ok_or_else(none)?;
    store.logs().into_iter().find(|log| log.id == first.id).map(|log| log.path).ok_or_else(none)
}
