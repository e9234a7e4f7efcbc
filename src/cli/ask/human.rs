//! A session as lines for a person, as it happens.

use std::io::{self, Write};

use crate::analysis::zoom_measures;
use crate::engine::Ask;
use crate::geometry::PageBox;
use crate::protocol::Tags;
use crate::text::{one_line, sanitise};
use crate::trace::{Body, Piece, Record, SegmentKind, TokenSource, ZoomEvent, ZoomOutcome};

/// Columns of the word before each line.
const MARGIN: usize = 8;

const TURN_ENDS: [&[u8]; 2] = [b"<|im_end|>", b"<|endoftext|>"];

/// Prints records as they come; thoughts while they are written.
pub(super) struct Human {
    tags: Tags,
    targets: Vec<PageBox>,
    /// Bytes the model wrote since the last segment closed.
    pending: Vec<u8>,
    /// Bytes of `pending` that are on the screen already; some when a thought is being shown.
    shown: Option<usize>,
    answer: Option<String>,
}

impl Human {
    pub(super) fn new(ask: &Ask) -> Self {
        let (tags, targets) = (ask.profile.tags.clone(), ask.question.targets.clone());
        Self { tags, targets, pending: Vec::new(), shown: None, answer: None }
    }

    pub(super) fn show(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        // The mark of an answer comes in the next record, or not at all.
        if let Some(answer) = self.answer.take() {
            let mark = match &record.body {
                Body::Score(score) if score.value >= 1.0 => "  ✓",
                Body::Score(_) => "  ✗",
                _ => "",
            };
            line(out, "answer", &format!("{answer}{mark}"))?;
        }
        match &record.body {
            Body::SessionStart(start) => {
                line(out, "question", &sanitise(&start.question.text))?;
                let choices: Vec<_> = start.question.choices.iter().map(|c| one_line(c)).collect();
                if choices.is_empty() { Ok(()) } else { line(out, "choices", &choices.join(" · ")) }
            }
            Body::Tokens(tokens) if tokens.by != TokenSource::Prompt => {
                // The token that ends a turn is none of the model's words.
                let words =
                    tokens.pieces.iter().map(Piece::bytes).filter(|piece| !TURN_ENDS.contains(&piece.as_slice()));
                self.pending.extend(words.flatten());
                self.stream(out)
            }
            Body::Segment(segment) => self.close(segment.kind, out),
            Body::Zoom(zoom) => self.zoom(zoom, out),
            Body::Answer(answer) => {
                self.answer = Some(one_line(answer.raw.trim()).into_owned());
                Ok(())
            }
            Body::Break(event) => line(out, "break", &one_line(&format!("{}: {}", event.breakpoint, event.on))),
            Body::Fork(event) => line(out, "fork", &crate::cli::story::fork_words(event)),
            Body::SessionEnd(end) if end.reason != "answered" => line(out, "end", &end.reason.replace('_', " ")),
            _ => Ok(()),
        }
    }

    /// Shows what is new of a thought, but for what may yet become its closing tag or is half a character.
    fn stream(&mut self, out: &mut impl Write) -> io::Result<()> {
        let [open, close] = self.tags.think.clone();
        let blank = self.pending.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let body = blank + open.len();
        if !self.pending.get(blank..).is_some_and(|rest| rest.starts_with(open.as_bytes())) {
            return Ok(());
        }
        let rest = self.pending.get(body..).unwrap_or_default();
        let end = find(rest, close.as_bytes()).unwrap_or_else(|| rest.len().saturating_sub(close.len() - 1));
        self.show_until(body, body + end, out)
    }

    fn show_until(&mut self, body: usize, end: usize, out: &mut impl Write) -> io::Result<()> {
        let from = self.shown.unwrap_or(body);
        let new = self.pending.get(from..end.max(from)).unwrap_or_default();
        let whole = match std::str::from_utf8(new) {
            Ok(text) => text.len(),
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(_) => new.len(),
        };
        let text = String::from_utf8_lossy(new.get(..whole).unwrap_or_default());
        if text.is_empty() {
            return Ok(());
        }
        if self.shown.is_none() {
            write!(out, "{:MARGIN$}  ", "think")?;
        }
        self.shown = Some(from + whole);
        write!(out, "{}", indented(&sanitise(&text)))
    }

    /// A segment is over: the rest of a thought, or the whole of loose text; calls and answers have their own records.
    fn close(&mut self, kind: SegmentKind, out: &mut impl Write) -> io::Result<()> {
        if kind == SegmentKind::ToolResponse {
            self.pending.clear();
            return Ok(());
        }
        let ([open, close], cut) = match kind {
            SegmentKind::Think => (self.tags.think.clone(), true),
            SegmentKind::ToolCall => (self.tags.tool_call.clone(), true),
            SegmentKind::Answer => (self.tags.answer.clone(), true),
            SegmentKind::Text | SegmentKind::ToolResponse => ([String::new(), String::new()], false),
        };
        if !cut {
            return self.close_text(out);
        }
        let body = find(&self.pending, open.as_bytes()).map_or(0, |at| at + open.len());
        let inner = self.pending.get(body..).and_then(|rest| find(rest, close.as_bytes()));
        let end = inner.map_or(self.pending.len(), |at| body + at);
        if kind == SegmentKind::Think {
            self.show_until(body, end, out)?;
            if self.shown.take().is_some() {
                writeln!(out)?;
            }
        }
        self.pending.drain(..(end + inner.map_or(0, |_| close.len())).min(self.pending.len()));
        self.stream(out)
    }

    /// Loose text ends where the next tag begins.
    fn close_text(&mut self, out: &mut impl Write) -> io::Result<()> {
        let tags = [&self.tags.think[0], &self.tags.tool_call[0], &self.tags.answer[0]];
        let ends = tags.iter().filter_map(|tag| find(&self.pending, tag.as_bytes()));
        let end = ends.min().unwrap_or(self.pending.len());
        let text: Vec<u8> = self.pending.drain(..end).collect();
        line(out, "text", &sanitise(String::from_utf8_lossy(&text).trim()))?;
        self.stream(out)
    }

    fn zoom(&self, zoom: &ZoomEvent, out: &mut impl Write) -> io::Result<()> {
        let numbers = zoom.raw.map(|raw| format!("[{}]", raw.map(|n| n.to_string()).join(","))).unwrap_or_default();
        let label = zoom.label.as_deref().map(|label| format!(" \"{}\"", one_line(label))).unwrap_or_default();
        let result = match &zoom.outcome {
            ZoomOutcome::Cropped { page_box, .. } => {
                let measures = zoom_measures(zoom, &self.targets);
                let figures = measures.map(|m| format!(" · coverage {:.2} · tight {:.2}", m.coverage, m.tightness));
                format!("  {}×{}{}", page_box.width(), page_box.height(), figures.unwrap_or_default())
            }
            ZoomOutcome::Refused { detail, .. } => format!("  refused: {}", one_line(detail)),
        };
        line(out, &format!("zoom {}", zoom.number), format!("{numbers}{label}{result}").trim_start())?;
        zoom.warning.as_ref().map_or(Ok(()), |warning| line(out, "", &format!("warning: {}", one_line(warning))))
    }
}

fn line(out: &mut impl Write, word: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{word:MARGIN$}  {}", indented(text))
}

fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{:width$}", "", width = MARGIN + 2))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window == needle)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::benchmark::Question;
    use crate::engine::{CropMode, PageMode, PageSource, ScriptedEngine, run_to_end};
    use crate::page::Page;
    use crate::protocol::Profile;

    fn shown(turns: &[&str], truth: &str) -> String {
        let page = Page::from_pixels(image::RgbImage::new(280, 392));
        let ask = Ask {
            id: "20260101-000000-abcdef".into(),
            page: PageSource::Page(Arc::new(page)),
            question: Question {
                text: "Who?\u{1b}[2J".into(),
                choices: vec!["Pip".into(), "Bo".into()],
                truth: Some(truth.into()),
                targets: vec![PageBox::new(20.0, 100.0, 84.0, 164.0)],
                ..Question::default()
            },
            benchmark: None,
            run: None,
            profile: Arc::new(Profile::builtin("rarl").unwrap()),
            sampling: crate::model::sampler::Sampling::default(),
            seed: 0,
            max_tokens: None,
            tool: true,
            page_mode: PageMode::Normal,
            crop_mode: CropMode::Normal,
            debug: crate::engine::Debugging::default(),
        };
        let (mut human, mut out) = (Human::new(&ask), Vec::new());
        let mut engine = ScriptedEngine::from_texts(turns);
        run_to_end(&mut engine, &ask, &mut |e| human.show(&e.record, &mut out).unwrap(), &AtomicBool::new(false));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_session_reads_like_this() {
        let call = |numbers: &str| {
            format!(
                r#"<think>a hät
on him?</think>
<tool_call>{{"name": "image_zoom_in_tool", "arguments": {{"bbox_2d": [{numbers}], "label": "panel 3"}}}}</tool_call>"#
            )
        };
        let turns = [&call("20, 100, 84, 132"), &call("9, 9"), "well… <answer> Pip </answer>"];
        let want = "\
question  Who?␛[2J
choices   Pip · Bo
think     a hät
          on him?
zoom 1    [20,100,84,132] \"panel 3\"  64×32 · coverage 0.50 · tight 1.00
think     a hät
          on him?
zoom 2    refused: \"bbox_2d\" has 2 numbers instead of four
text      well…
answer    Pip  ✓
";
        assert_eq!(shown(&turns, "Pip"), want);
    }

    #[test]
    fn other_ends() {
        assert!(shown(&["<answer>Bo</answer>"], "Pip").ends_with("answer    Bo  ✗\n"));
        assert!(shown(&["<think>never mind"], "Pip").ends_with("think     never mind\nend       no answer\n"));
        let hostile = shown(&["<think>\u{1b}]0;x\u{7}</think>\u{9b}31m<answer>\u{1b}[31mBo</answer>"], "Pip");
        assert!(!hostile.chars().any(|c| c.is_control() && c != '\n'), "{hostile:?}");
    }
}
