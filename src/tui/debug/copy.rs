//! What can be copied to the terminal's clipboard.

use super::menu::{Menu, Pick, Row};
use crate::trace::{SegmentSpan, ZoomOutcome};
use crate::tui::app::{App, Choice};
use crate::tui::clean;
use crate::tui::effect::Effect;
use crate::tui::explorer::Kind;
use crate::tui::reasoning::brief_box;

/// Most bytes that are copied: terminals drop what is longer.
const MOST: usize = 64 << 10;
/// Characters of a text shown beside its name.
const SHOWN: usize = 40;

impl App {
    pub(super) fn list_copies(&mut self) -> Vec<Effect> {
        let Some(explorer) = &self.explorer else { return Vec::new() };
        let trace = explorer.trace();
        let view = trace.at(explorer.cursor());
        let position = explorer.current().map_or(0, |token| token.position);
        let spans = view.segments();
        let segment = spans.iter().rev().find(|span| (span.first..=span.last).contains(&position)).or(spans.last());
        let whole: Vec<String> = spans.iter().map(|span| span.text.trim().to_owned()).collect();
        let zoom = super::edit::zoom_here(explorer).and_then(|zoom| match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => Some(brief_box(page_box)),
            ZoomOutcome::Refused { .. } => None,
        });
        let start = trace.start.as_ref();
        let path = match &explorer.choice {
            Choice::Session(path) if explorer.kind == Kind::Replay => Some(path),
            // A live one is in the list once it was read again.
            _ => self
                .sessions
                .rows()
                .iter()
                .find(|row| start.is_some_and(|start| start.id == row.id))
                .map(|row| &row.path),
        };
        let path = path.map(|path| path.display().to_string());
        let rows = [
            ("the segment under the cursor", segment.map(|span| SegmentSpan::body(span).to_owned())),
            ("everything written up to the cursor", Some(whole.join("\n"))),
            ("the token", explorer.current().map(|t| String::from_utf8_lossy(&t.piece.bytes()).into_owned())),
            ("the zoom's box", zoom),
            ("the answer", trace.answer.as_ref().map(|answer| answer.raw.clone())),
            ("the question", start.map(|start| start.question.text.clone())),
            ("the session's id", start.map(|start| start.id.clone())),
            ("the session's file", path),
        ];
        let rows = rows.into_iter().filter_map(|(name, text)| {
            let text = cut(text.filter(|text| !text.is_empty())?);
            let shown: String = clean(&text).replace('\n', " ").chars().take(SHOWN).collect();
            Some(Row::new(name, shown, Pick::Copy(text)))
        });
        self.debug.menu = Some(Menu::new("Copy", rows.collect()));
        Vec::new()
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
