//! A session, as a report shows it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Options;
use super::picture::Picture;
use crate::analysis::{Evidence, Label, ZoomMeasures, zoom_measures};
use crate::benchmark::Question;
use crate::geometry::PageBox;
use crate::session::{PixelStore, SessionSummary, read_log};
use crate::study::{StudyRun, shown_label};
use crate::trace::{Cursor, ImageRole, SegmentKind, Trace, ZoomEvent, ZoomOutcome};

/// Longest text of one piece, in characters.
const LONGEST: usize = 1500;
/// Most pieces of one session.
const PIECES: usize = 40;

/// One tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its number, 1 for the first.
    pub number: u32,
    /// What was cut, in page pixels; none for a refused call.
    pub page_box: Option<PageBox>,
    /// What the model called it.
    pub label: String,
    /// How it lies on its target.
    pub measures: Option<ZoomMeasures>,
    /// Why it was refused, in words.
    pub refused: Option<String>,
}

impl Look {
    fn of(zoom: &ZoomEvent, targets: &[PageBox]) -> Self {
        let (page_box, refused) = match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => (Some(*page_box), None),
            ZoomOutcome::Refused { detail, .. } => (None, Some(cut(detail))),
        };
        let label = cut(zoom.label.as_deref().unwrap_or_default());
        Self { number: zoom.number, page_box, label, measures: zoom_measures(zoom, targets), refused }
    }
}

/// A session of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Its summary.
    pub summary: SessionSummary,
    /// Its label and why it has it.
    pub evidence: Evidence,
    /// What was asked.
    pub question: Question,
    /// What was written, piece by piece.
    pub pieces: Vec<(SegmentKind, String)>,
    /// Its tool calls.
    pub looks: Vec<Look>,
    /// The page, where it could be had and was asked for.
    pub picture: Option<Picture>,
}

/// Some sessions of each failure, and of what was right without looking: of each label the first ones, of different tasks as
/// far as there are.
pub(super) fn pick(run: &StudyRun, options: &Options, most: usize) -> Vec<Example> {
    let shown = |label: &Label| label.is_failure() || *label == Label::RightUngrounded;
    let labels = Label::ALL.into_iter().filter(shown);
    let picked = labels.flat_map(|label| of_label(run, label, options.examples));
    picked.take(most).filter_map(|session| Example::read(run, session, options)).collect()
}

fn of_label(run: &StudyRun, label: Label, wanted: usize) -> Vec<&SessionSummary> {
    let own: Vec<&SessionSummary> = run.sessions.iter().filter(|s| shown_label(s) == Some(label)).collect();
    let mut seen = HashSet::new();
    let (first, rest): (Vec<_>, Vec<_>) = own.into_iter().partition(|session| seen.insert(session.task));
    first.into_iter().chain(rest).take(wanted).collect()
}

impl Example {
    /// Reads a session's log; none where it cannot be read.
    fn read(run: &StudyRun, summary: &SessionSummary, options: &Options) -> Option<Self> {
        let names = [format!("{}.jsonl.zst", summary.id), format!("{}.jsonl", summary.id)];
        let path = names.iter().map(|name| run.dir.join(name)).find(|path| path.is_file())?;
        let log = read_log(&path).ok()?;
        let trace = Trace::of(&log.records);
        let start = trace.start.as_ref().filter(|start| start.id == summary.id)?;
        let targets = &start.question.targets;
        let mut pixels = PixelStore::for_log(&path, &log.records);
        let page = trace.images.iter().find(|image| image.event.role == ImageRole::Page);
        let picture =
            page.filter(|_| options.pictures).map(|page| Picture::of(&pixels.get(&page.event.hash), &page.event));
        Some(Self {
            summary: summary.clone(),
            evidence: summary.evidence(&options.lines),
            question: start.question.clone(),
            pieces: pieces(&trace),
            looks: trace.zooms.iter().take(PIECES).map(|zoom| Look::of(zoom, targets)).collect(),
            picture,
        })
    }

    /// Without the picture.
    pub(super) fn to_json(&self) -> Value {
        let s = &self.summary;
        let pieces = self.pieces.iter().map(|(kind, text)| json!({"kind": kind, "text": text}));
        let look = |look: &Look| json!({"number": look.number, "page_box": look.page_box, "measures": look.measures, "refused": look.refused});
        json!({
            "id": s.id,
            "task": s.task,
            "question_id": s.question_id,
            "label": self.evidence.label,
            "evidence": self.evidence.sentence,
            "question": self.question.text,
            "choices": self.question.choices,
            "truth": self.question.truth,
            "answer": s.answer,
            "targets": self.question.targets,
            "zooms": self.looks.iter().map(look).collect::<Vec<_>>(),
            "text": pieces.collect::<Vec<_>>(),
        })
    }
}

/// What the model wrote; what the tool said is the crop, which stands beside it.
fn pieces(trace: &Trace) -> Vec<(SegmentKind, String)> {
    let spans = trace.at(Cursor::Live).segments();
    let own = spans.iter().filter(|span| span.kind != SegmentKind::ToolResponse);
    let told = own.map(|span| (span.kind, cut(span.body()))).filter(|(_, text)| !text.trim().is_empty());
    told.take(PIECES).collect()
}

/// A text of bounded length.
fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
