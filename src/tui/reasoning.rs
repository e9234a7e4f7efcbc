//! The reasoning pane's text, wrapped once.
//!
//! Every line knows after how many of the model's tokens it may be seen, and every glyph which token it belongs to, so that
//! scrubbing re-wraps nothing. Closed segments are wrapped once; only what is still being written is wrapped again when
//! it grows. A tag is drawn as one bracket, `⟨` or `⟩`: it says that the tag is there and leaves room for what matters.

mod growing;

use growing::{Growing, Place};
use unicode_width::UnicodeWidthChar;

use super::clean;
use super::explorer::Explorer;
use super::theme::Role;
use crate::analysis::zoom_measures;
use crate::geometry::PageBox;
use crate::text::MAX_MARKS;
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
            disorder: trace.disorder(),
        };
        let before = self.stamp;
        let disturbed = stamp.tokens < before.tokens || stamp.disorder != before.disorder;
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
        trace.segments.len() == before.segments && pending.iter().all(|s| s.kind == SegmentKind::ToolResponse)
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
            let waits_for_nothing = matches!(segment.kind, SegmentKind::Think | SegmentKind::Text)
                && explorer.trace().context() > segment.last;
            if i + 1 < segments.len() || waits_for_nothing {
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
                let name = serde_json::to_value(refused).ok().and_then(|v| v.as_str().map(str::to_owned));
                let why = format!("✗ refused: {} {detail}", name.unwrap_or_default().replace('_', " "));
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

/// Takes whole characters from the front of `pending`, made harmless.
fn decode(pending: &mut Vec<u8>, mut take: impl FnMut(char)) {
    let whole = pending.len() - torn_tail(pending);
    let decoded = String::from_utf8_lossy(pending.get(..whole).unwrap_or_default());
    clean(&decoded).chars().for_each(&mut take);
    pending.drain(..whole);
}

/// Bytes at the end that begin a character and do not finish it.
fn torn_tail(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => bytes.len() - e.valid_up_to(),
        _ => bytes.utf8_chunks().last().map_or(0, |chunk| torn_chunk(chunk.invalid())),
    }
}

fn torn_chunk(invalid: &[u8]) -> usize {
    match std::str::from_utf8(invalid) {
        Err(e) if e.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

/// Where the body begins and the name of the tag a text opens with (after blanks), complete or still being written.
///
/// A token may hold the end of one segment and the `<` of the next; then the tag is known by its closing one.
fn opening_tag(text: &str) -> (usize, &str) {
    let blanks = text.len() - text.trim_start().len();
    let rest = text.trim_start();
    let (mark, rest) = rest.strip_prefix('<').map_or((0, rest), |rest| (1, rest));
    let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    let name = rest.get(..name_end).unwrap_or_default();
    if name.is_empty() || name_end > 24 {
        return (0, "");
    }
    let begun = blanks + mark + name_end;
    match rest.get(name_end..).and_then(|r| r.chars().next()) {
        Some('>') if mark == 1 || rest.contains(&format!("</{name}>")) => (begun + 1, name),
        None if mark == 1 => (begun, name),
        _ => (0, ""),
    }
}

/// Longest text after a closing tag that still counts as its token's.
const LONGEST_REST: usize = 8;

/// Where the closing tag of `name` begins, complete or still being written; the text's length where there is none.
fn closing_tag(text: &str, name: &str) -> usize {
    if name.is_empty() {
        return text.len();
    }
    let closing = format!("</{name}>");
    // Only the end is looked at: a tag with more behind it does not close this.
    let near = from_boundary(text, text.len().saturating_sub(closing.len() + LONGEST_REST));
    if let Some(at) = text.get(near..).and_then(|end| end.rfind(&closing)) {
        return near + at;
    }
    let trimmed = text.trim_end();
    let near = from_boundary(trimmed, trimmed.len().saturating_sub(closing.len()));
    let Some(at) = trimmed.get(near..).and_then(|end| end.rfind('<')).map(|at| near + at) else { return text.len() };
    let tail = trimmed.get(at..).unwrap_or_default();
    if at > 0 && closing.starts_with(tail) { at } else { text.len() }
}

/// The first boundary of characters from `at` on.
fn from_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Greedy word wrap, a character at a time.
#[derive(Clone, Debug, Default)]
struct Wrap {
    width: usize,
    lines: Vec<Vec<Glyph>>,
    line: Vec<Glyph>,
    used: usize,
}

impl Wrap {
    fn new(width: usize) -> Self {
        Self { width: width.max(1), lines: Vec::new(), line: Vec::new(), used: 0 }
    }

    fn push(&mut self, c: char, token: usize, tag: bool) {
        if c == '\n' {
            return self.break_line();
        }
        let width = c.width().unwrap_or(0).min(self.width);
        // Joiners and selectors would glue glyphs of different tokens together.
        if width == 0 && (self.line.is_empty() || matches!(c, '\u{200c}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}')) {
            return;
        }
        // Each token's text is safe by itself; one mark a token would still pile up on one character.
        let piled = self.line.iter().rev().take(MAX_MARKS).filter(|glyph| glyph.width == 0).count();
        if width == 0 && piled == MAX_MARKS {
            return;
        }
        if self.used + width > self.width {
            if c == ' ' {
                return self.break_line();
            }
            self.wrap_word();
        }
        self.used += width;
        self.line.push(Glyph { ch: c, width: width as u8, token, tag });
    }

    fn break_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    /// Moves the word at the end of the line to the next line; a word as long as the line is cut.
    fn wrap_word(&mut self) {
        let word = self.line.iter().rposition(|g| g.ch == ' ').map(|i| i + 1).filter(|i| *i < self.line.len());
        let ends_with_blank = self.line.last().is_some_and(|g| g.ch == ' ');
        let tail = match word {
            Some(at) if !ends_with_blank => self.line.split_off(at),
            _ => Vec::new(),
        };
        self.break_line();
        self.used = tail.iter().map(|g| usize::from(g.width)).sum();
        self.line = tail;
    }

    fn finish(mut self) -> Vec<Vec<Glyph>> {
        if !self.line.is_empty() {
            self.break_line();
        }
        self.lines
    }
}
