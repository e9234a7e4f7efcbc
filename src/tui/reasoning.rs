//! The reasoning pane's text, wrapped once.
//!
//! Every line knows after how many of the model's tokens it may be seen, and every glyph which token it belongs to, so that
//! scrubbing re-wraps nothing. Closed segments are wrapped once; only what is still being written is wrapped again when
//! it grows. A tag is drawn as one bracket, `⟨` or `⟩`: it says that the tag is there and leaves room for what matters.

mod growing;
mod wrap;

use growing::{Growing, Place};
use wrap::{Wrap, closing_tag, decode, opening_tag};

use super::clean;
use super::explorer::Explorer;
use super::theme::Role;
use crate::analysis::zoom_measures;
use crate::geometry::PageBox;
use crate::trace::{SegmentEvent, SegmentKind, Trace, ZoomEvent, ZoomOutcome};

/// Cells of the column that says what a line is; on a narrow pane only its first letter.
pub const fn gutter(width: u16) -> u16 {
    if width < 32 { 2 } else { 8 }
}

/// One character on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// The character.
    pub ch: char,
    /// Cells it takes; 0 joins the character before it.
    pub width: u8,
    /// The model token it belongs to, counted from 0.
    pub token: usize,
    /// Whether it stands for a tag.
    pub tag: bool,
}

/// What a line shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Tokens.
    Flow(Vec<Glyph>),
    /// Words about them.
    Words(Vec<(String, Role)>),
}

/// One line of the pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the line is, on the first line of a block.
    pub gutter: Option<(String, Role)>,
    /// Its text.
    pub content: Content,
    /// Seen once this many model tokens are shown.
    pub after: usize,
}

/// The wrapped pane.
#[derive(Clone, Debug, Default)]
pub struct Reasoning {
    lines: Vec<Line>,
    width: u16,
    has_question: bool,
    done_lines: usize,
    done_segments: usize,
    done_tokens: usize,
    growing: Growing,
    stamp: Stamp,
    /// Wraps what is being written from its start every time; the way that the other one is held against.
    #[cfg(test)]
    plainly: bool,
}

/// What the unfinished part was wrapped from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    tokens: usize,
    segments: usize,
    zooms: usize,
    notes: usize,
    images: usize,
    disorder: usize,
}

impl Reasoning {
    /// The lines, in order; [`Line::after`] never falls.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Width it was wrapped for, in cells.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Wraps everything anew the next time: something about it changed that is not in the trace.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Width of the text beside the gutter, in cells.
    fn text_width(&self) -> usize {
        usize::from(self.width.saturating_sub(gutter(self.width))).max(1)
    }

    /// Brings the lines up to date with what is known.
    pub fn sync(&mut self, explorer: &Explorer, width: u16) {
        let trace = explorer.trace();
        let stamp = Stamp {
            tokens: explorer.written(),
            segments: trace.segments.len(),
            zooms: trace.zooms.len(),
            notes: trace.errors.len()
                + usize::from(trace.answer.is_some())
                + usize::from(trace.score.is_some())
                + usize::from(trace.end.is_some())
                + explorer.problems.len(),
            images: trace.images.len(),
            disorder: trace.disorder(),
        };
        let before = self.stamp;
        let disturbed =
            stamp.tokens < before.tokens || stamp.disorder != before.disorder || self.is_late(trace, before, stamp);
        if width != self.width || disturbed || stamp.segments < self.done_segments {
            *self = self.emptied(width);
        } else if stamp == self.stamp && self.has_question == trace.start.is_some() {
            return;
        }
        self.stamp = stamp;
        if !self.has_question && trace.start.is_some() {
            *self = Self { stamp, has_question: true, ..self.emptied(width) };
            self.question(trace);
            self.done_lines = self.lines.len();
        }
        if !self.goes_on(trace, before) {
            self.growing = Growing::default();
        }
        self.lines.truncate(self.done_lines + self.growing.given());
        let at = self.closed(explorer);
        self.open(explorer, at);
        self.notes(explorer);
    }

    fn emptied(&self, width: u16) -> Self {
        Self {
            width,
            #[cfg(test)]
            plainly: self.plainly,
            ..Self::default()
        }
    }

    /// Whether what was being written still is: no segment has closed since, and none that closed can bring more lines.
    fn goes_on(&self, trace: &Trace, before: Stamp) -> bool {
        let pending = trace.segments.get(self.done_segments..).unwrap_or_default();
        let silent = pending.len() <= 1 && pending.iter().all(|s| s.kind == SegmentKind::ToolResponse);
        trace.segments.len() == before.segments && silent
    }

    /// Whether something came that changes lines which were thought done, as in a log out of order.
    fn is_late(&self, trace: &Trace, before: Stamp, now: Stamp) -> bool {
        let done = trace.segments.get(..self.done_segments).unwrap_or_default();
        let Some(reach) = done.iter().map(|s| s.last).max().filter(|_| now != before) else { return false };
        let late_zoom = trace.zooms.iter().skip(before.zooms).any(|zoom| zoom.position <= reach);
        let images = trace.images.get(before.images..).unwrap_or_default();
        let late_image = !images.is_empty()
            && trace.zooms.iter().filter(|zoom| zoom.position <= reach).any(|zoom| match &zoom.outcome {
                ZoomOutcome::Cropped { crop, .. } => images.iter().any(|image| image.event.hash == *crop),
                ZoomOutcome::Refused { .. } => false,
            });
        let late_verdict = now.notes != before.notes && trace.answer.as_ref().is_some_and(|a| a.position <= reach);
        late_zoom || late_image || late_verdict
    }

    #[cfg(test)]
    pub(super) fn plain(explorer: &Explorer, width: u16) -> Self {
        let mut reasoning = Self { plainly: true, ..Self::default() };
        reasoning.sync(explorer, width);
        reasoning
    }

    fn question(&mut self, trace: &Trace) {
        let Some(start) = &trace.start else { return };
        self.words(Some(("Q", Role::Accent)), &start.question.text, Role::Question, 0);
        for (choice, letter) in start.question.choices.iter().zip('A'..='Z') {
            self.words(None, &format!("{letter}  {choice}"), Role::Text, 0);
        }
        self.lines.push(Line { gutter: None, content: Content::Words(Vec::new()), after: 0 });
    }

    /// Wraps the segments that closed since the last time and gives how many tokens they reach; a call or an answer that is the
    /// last one is wrapped again next time, because its zoom or score may still be on the way.
    fn closed(&mut self, explorer: &Explorer) -> usize {
        let mut at = self.done_tokens;
        let segments = explorer.trace().segments.get(self.done_segments..).unwrap_or_default();
        let mut done = 0;
        for (i, segment) in segments.iter().enumerate() {
            if segment.kind != SegmentKind::ToolResponse {
                let before = segment.first.checked_sub(1).map_or(0, |p| explorer.count_until(p));
                let (from, to) = (before.max(at), explorer.count_until(segment.last).max(at));
                self.stray(explorer, at, from);
                self.segment(explorer, segment, from, to);
                at = to;
            }
            let last = i + 1 == segments.len();
            let waits = last && !matches!(segment.kind, SegmentKind::Think | SegmentKind::Text);
            // All of its tokens are there, too, and those before it are done.
            if !waits && done == i && explorer.trace().context() > segment.last {
                self.done_lines = self.lines.len();
                self.done_tokens = at;
                done = i + 1;
            }
        }
        self.done_segments += done;
        at
    }

    /// Tokens between segments: blanks and the end of a turn are passed over, anything else is text.
    fn stray(&mut self, explorer: &Explorer, from: usize, to: usize) {
        let flow = Flow::of(explorer, from, to, self.text_width(), false);
        if !flow.is_nothing() {
            self.flow("text", Role::Plain, flow);
        }
    }

    fn segment(&mut self, explorer: &Explorer, segment: &SegmentEvent, from: usize, to: usize) {
        let trace = explorer.trace();
        if explorer.folded_segments.contains(&segment.first) {
            return self.folded(segment, from, to);
        }
        let flow = Flow::of(explorer, from, to, self.text_width(), true);
        match segment.kind {
            SegmentKind::Think => self.flow("think", Role::Think, flow),
            SegmentKind::Answer => {
                self.flow("answer", Role::Answer, flow);
                if trace.answer.as_ref().is_some_and(|a| a.position >= segment.first && a.position <= segment.last) {
                    self.verdict(trace, to);
                }
            }
            SegmentKind::ToolCall => {
                let zoom = trace.zooms.iter().find(|z| z.position >= segment.first && z.position <= segment.last);
                let label = zoom.map_or_else(|| "zoom".to_owned(), |z| format!("zoom {}", z.number));
                self.flow(&label, Role::Zoom, flow);
                if let Some(zoom) = zoom {
                    self.zoom(trace, zoom, to);
                }
            }
            SegmentKind::Text | SegmentKind::ToolResponse if flow.is_nothing() => {}
            SegmentKind::Text | SegmentKind::ToolResponse => self.flow("text", Role::Plain, flow),
        }
    }

    /// A segment of which only a line says that it is there.
    fn folded(&mut self, segment: &SegmentEvent, from: usize, to: usize) {
        let (label, role) = match segment.kind {
            SegmentKind::Think => ("think", Role::Think),
            SegmentKind::Answer => ("answer", Role::Answer),
            SegmentKind::ToolCall => ("zoom", Role::Zoom),
            SegmentKind::Text | SegmentKind::ToolResponse => ("text", Role::Plain),
        };
        let after = (from + 1).min(to).max(self.lines.last().map_or(0, |line| line.after));
        self.words(Some((label, role)), &format!("▸ {} tokens folded", to.saturating_sub(from)), Role::Faint, after);
    }

    /// What the model is writing now.
    fn open(&mut self, explorer: &Explorer, from: usize) {
        // The end of the turn before belongs to no segment, nor does it open one.
        let special = |token: &usize| {
            let piece = explorer.token(*token).map(|token| token.piece.bytes()).unwrap_or_default();
            piece.starts_with(b"<|") && piece.ends_with(b"|>")
        };
        let from = from + (from..explorer.written()).take_while(special).count();
        #[cfg(test)]
        if self.plainly {
            let flow = Flow::of(explorer, from, explorer.written(), self.text_width(), true);
            if !flow.is_nothing() {
                let (label, role) = label_of(&flow.opening);
                self.flow(label, role, flow);
            }
            return;
        }
        let grown = self.growing.take_in(explorer, from, explorer.written(), self.text_width());
        self.lines.truncate(self.lines.len().saturating_sub(grown.take_back));
        if grown.nothing {
            return;
        }
        let (label, role) = label_of(self.growing.name());
        let begins = self.growing.given() == grown.done.len();
        let mut gutter = begins.then(|| (label.to_owned(), role));
        for lines in [grown.done, grown.tail] {
            self.flow_lines(&mut gutter, lines);
        }
    }

    fn verdict(&mut self, trace: &Trace, after: usize) {
        let Some(answer) = &trace.answer else { return };
        let content = answer.content.as_deref().unwrap_or("fits no choice");
        match &trace.score {
            Some(score) if score.value >= 1.0 => self.words(None, &format!("✓ right · {content}"), Role::Right, after),
            Some(score) => self.words(None, &format!("✗ wrong · {}", score.explanation), Role::Wrong, after),
            None => self.words(None, &format!("• {content}"), Role::Soft, after),
        }
    }

    fn zoom(&mut self, trace: &Trace, zoom: &ZoomEvent, after: usize) {
        match &zoom.outcome {
            ZoomOutcome::Refused { refused, detail } => {
                let why = format!("✗ refused: {} {detail}", refused.words());
                self.words(None, why.trim_end(), Role::Error, after);
            }
            ZoomOutcome::Cropped { page_box, crop } => {
                let label = zoom.label.as_ref().map(|l| format!(" \"{}\"", clean(l))).unwrap_or_default();
                self.words(None, &format!("▲ {}{label}", brief_box(page_box)), Role::Zoom, after);
                self.words(None, &measures(trace, zoom, page_box, crop), Role::Tool, after);
            }
        }
        if let Some(warning) = &zoom.warning {
            self.words(None, &format!("! {warning}"), Role::Error, after);
        }
    }

    fn notes(&mut self, explorer: &Explorer) {
        let (trace, after) = (explorer.trace(), explorer.written());
        for error in &trace.errors {
            self.words(Some(("error", Role::Error)), &error.message, Role::Error, after);
        }
        for problem in explorer.problems.iter().take(5) {
            self.words(Some(("log", Role::Error)), problem, Role::Soft, after);
        }
        if let Some(end) = &trace.end {
            let zooms = if end.zooms == 1 { "1 zoom".to_owned() } else { format!("{} zooms", end.zooms) };
            let text =
                format!("{} · {} tokens · {zooms} · {:.2} s", end.reason.replace('_', " "), end.generated, end.seconds);
            self.words(Some(("end", Role::Faint)), &text, Role::Soft, after);
        }
    }

    /// Adds words, wrapped; hostile text is made harmless here.
    fn words(&mut self, gutter: Option<(&str, Role)>, text: &str, role: Role, after: usize) {
        let width = self.text_width();
        let mut gutter = gutter.map(|(label, role)| (label.to_owned(), role));
        let mut wrap = Wrap::new(width);
        clean(text).chars().for_each(|c| wrap.push(c, 0, false));
        for line in wrap.finish() {
            let text: String = line.iter().map(|g| g.ch).collect();
            let content = Content::Words(vec![(text, role)]);
            self.lines.push(Line { gutter: gutter.take(), content, after });
        }
    }

    fn flow(&mut self, label: &str, role: Role, flow: Flow) {
        self.flow_lines(&mut Some((label.to_owned(), role)), flow.lines);
    }

    fn flow_lines(&mut self, gutter: &mut Option<(String, Role)>, lines: Vec<Vec<Glyph>>) {
        let mut after = self.lines.last().map_or(0, |l| l.after);
        for glyphs in lines {
            after = glyphs.first().map_or(after, |g| g.token + 1).max(after);
            self.lines.push(Line { gutter: gutter.take(), content: Content::Flow(glyphs), after });
        }
    }
}

/// What a text that is being written is, by its tag.
fn label_of(opening: &str) -> (&'static str, Role) {
    match opening {
        "think" => ("think", Role::Think),
        "answer" => ("answer", Role::Answer),
        "" => ("text", Role::Plain),
        _ => ("zoom", Role::Zoom),
    }
}

/// A box with whole numbers.
pub fn brief_box(b: &PageBox) -> String {
    let [x1, y1, x2, y2] = b.corners().map(f64::round);
    format!("[{x1}, {y1}, {x2}, {y2}]")
}

fn measures(trace: &Trace, zoom: &ZoomEvent, page_box: &PageBox, crop: &str) -> String {
    let image = trace.images.iter().find(|i| i.event.hash == crop);
    let (w, h) = (page_box.width().round(), page_box.height().round());
    let mut text =
        image.map_or_else(|| format!("{w}×{h} px"), |i| format!("{} px → {} tokens", i.event.original, i.event.tokens));
    let targets = trace.start.as_ref().map(|s| s.question.targets.as_slice()).unwrap_or_default();
    if let Some(found) = zoom_measures(zoom, targets) {
        for (name, value) in [("coverage", found.coverage), ("tight", found.tightness), ("IoU", found.iou)] {
            text.push_str(&format!(" · {name} {}", share(value)));
        }
    }
    text
}

/// A share as the explorer writes it: `.62`, `1.00`.
pub fn share(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
}

/// Tokens wrapped into lines.
struct Flow {
    lines: Vec<Vec<Glyph>>,
    #[cfg(test)]
    opening: String,
}

impl Flow {
    /// Wraps model tokens `from..to`; with `tags`, the opening and closing tag become brackets.
    fn of(explorer: &Explorer, from: usize, to: usize, width: usize, tags: bool) -> Self {
        let (text, owners) = text_of(explorer, from, to);
        let (opening, name) = if tags { opening_tag(&text) } else { (0, "") };
        let closing = if tags { closing_tag(&text, name) } else { text.len() };
        let mut wrap = Wrap::new(width);
        let first_body = text.get(opening..).and_then(|t| t.find(|c: char| !c.is_whitespace()));
        let body = first_body.map_or(text.len(), |i| i + opening);
        let mut opened = false;
        for ((at, c), token) in text.char_indices().zip(owners) {
            Self::push(&mut wrap, &text, c, token, Place { at, opening, body, closing }, &mut opened);
        }
        Self {
            lines: wrap.finish(),
            #[cfg(test)]
            opening: name.to_owned(),
        }
    }

    /// Wraps one character of a segment's text.
    fn push(wrap: &mut Wrap, text: &str, c: char, token: usize, place: Place, opened: &mut bool) {
        let Place { at, opening, body, closing } = place;
        if at < opening || at >= closing {
            if at < opening && !*opened && !c.is_whitespace() {
                *opened = true;
                wrap.push('⟨', token, true);
            } else if at == closing {
                wrap.push('⟩', token, true);
            }
            return;
        }
        // Blanks at the start and the end of a segment would only push it apart.
        let outer = at < body || (c.is_whitespace() && text.get(at..closing).is_some_and(|t| t.trim().is_empty()));
        if !outer {
            wrap.push(c, token, false);
        }
    }

    /// Nothing, or only marks of the conversation's template.
    fn is_nothing(&self) -> bool {
        growing::is_nothing(self.lines.iter().flatten().map(|g| g.ch)).0
    }
}

/// The text of tokens made harmless, and for every character the token it came from. Bytes that make no character are
/// shown as U+FFFD where they end.
fn text_of(explorer: &Explorer, from: usize, to: usize) -> (String, Vec<usize>) {
    let (mut text, mut owners) = (String::new(), Vec::new());
    let mut pending: Vec<u8> = Vec::new();
    for token in from..to {
        let Some(piece) = explorer.token(token).map(|t| t.piece.bytes()) else { continue };
        pending.extend_from_slice(&piece);
        decode(&mut pending, |c| {
            text.push(c);
            owners.push(token);
        });
    }
    (text, owners)
}
