//! A made-up session for tests: think, zoom, crop, think, answer, on a small drawn page.

use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::action::Arrival;
use super::app::{App, Choice, Entry, Verdict};
use super::images::{Caps, Gallery, paint};
use super::theme::{ColorDepth, Theme};
use crate::benchmark::{Family, Question, Task};
use crate::geometry::{FrameKind, PageBox, Size};
use crate::trace::{
    Answer, Body, ImageEvent, ImageRole, ModelInfo, Piece, Record, SamplingInfo, ScoreEvent, SegmentEvent, SegmentKind,
    SessionEnd, SessionStart, TokenSource, Tokens, TopEntry, ZoomEvent, ZoomOutcome,
};

/// Where the zoom of the fixture cuts.
pub const ZOOM: [f64; 4] = [12.0, 150.0, 100.0, 236.0];

/// A page of four plain panels, one of them with a figure.
pub fn page() -> Arc<RgbImage> {
    let mut page = RgbImage::from_pixel(200, 280, Rgb([250, 247, 240]));
    let panels = [
        (10, 10, 90, 130, [246, 214, 180]),
        (106, 10, 84, 130, [190, 220, 250]),
        (10, 150, 90, 120, [190, 186, 220]),
        (106, 150, 84, 120, [150, 200, 130]),
    ];
    for (x, y, w, h, color) in panels {
        for (dx, dy) in (0..w).flat_map(|dx| (0..h).map(move |dy| (dx, dy))) {
            let edge = dx < 2 || dy < 2 || dx >= w - 2 || dy >= h - 2;
            page.put_pixel(x + dx, y + dy, Rgb(if edge { [15, 15, 20] } else { color }));
        }
    }
    for (dx, dy) in (0..24u32).flat_map(|dx| (0..50u32).map(move |dy| (dx, dy))) {
        page.put_pixel(40 + dx, 190 + dy, Rgb(if dy < 18 { [250, 220, 190] } else { [40, 90, 210] }));
    }
    Arc::new(page)
}

/// The crop of the fixture's zoom.
pub fn crop() -> Arc<RgbImage> {
    Arc::new(image::imageops::crop_imm(&*page(), 12, 150, 88, 86).to_image())
}

/// The question of the fixture.
pub fn question() -> Question {
    Question {
        id: "ar-0012".to_owned(),
        task: Some(Task::ActionRecognition),
        family: Some(Family::Recognition),
        text: "In panel 3, what is the figure in blue doing?".to_owned(),
        choices: ["running", "sleeping", "waving"].map(str::to_owned).into(),
        truth: Some("running".to_owned()),
        targets: vec![PageBox::new(10.0, 150.0, 100.0, 270.0)],
        ..Question::default()
    }
}

/// Builds records, keeping positions, times and numbers.
#[derive(Clone)]
pub struct Script {
    records: Vec<Arrival>,
    position: u64,
    t: f64,
}

impl Script {
    /// A script that has begun.
    pub fn new(question: Question) -> Self {
        let mut script = Self { records: Vec::new(), position: 0, t: 0.0 };
        script.push(Body::SessionStart(Box::new(SessionStart {
            id: "20260102-030405-abcdef".to_owned(),
            program: "panelscope test".to_owned(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            model: ModelInfo {
                name: "demo-rarl".to_owned(),
                weights: "00".to_owned(),
                dtype: "f32".to_owned(),
                device: "cpu".to_owned(),
                resampler: None,
            },
            min_pixels: 3136,
            max_pixels: 50176,
            profile: "rarl".to_owned(),
            profile_hash: "00".to_owned(),
            sampling: SamplingInfo { temperature: 0.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 },
            seed: 0,
            batch_size: 1,
            benchmark: Some("demo".to_owned()),
            run: None,
            tool: true,
            interventions: Vec::new(),
            question,
            parent: None,
        })));
        script
    }

    /// Adds a record.
    pub fn push(&mut self, body: Body) {
        let seq = self.records.len() as u64;
        self.records.push(Arrival { record: Record { seq, t: self.t, body }, pixels: None });
    }

    /// Adds an image with its pixels.
    pub fn image(&mut self, role: ImageRole, hash: &str, pixels: &Arc<RgbImage>, tokens: u32) {
        let original = Size::new(pixels.width(), pixels.height());
        let event = ImageEvent { hash: hash.to_owned(), role, original, processed: Size::new(140, 196), tokens };
        self.push(Body::Image(event));
        if let Some(last) = self.records.last_mut() {
            last.pixels = Some(Arc::clone(pixels));
        }
    }

    /// Adds prompt tokens.
    pub fn prompt(&mut self, pieces: &[&str]) {
        self.tokens(pieces, TokenSource::Prompt);
    }

    /// Adds tokens the model wrote, 20 ms each, their confidence varying with the text; gives first and last position.
    pub fn says(&mut self, pieces: &[&str]) -> (u64, u64) {
        let first = self.position;
        for piece in pieces {
            self.t += 0.02;
            self.tokens(&[piece], TokenSource::Sampled);
        }
        (first, self.position - 1)
    }

    fn tokens(&mut self, pieces: &[&str], by: TokenSource) {
        let sampled = by == TokenSource::Sampled;
        let p = |piece: &str| [0.97f32, 0.62, 0.91, 0.28][(piece.len() + self.position as usize) % 4];
        let of = |f: &dyn Fn(&str) -> f32| sampled.then(|| pieces.iter().map(|s| f(s)).collect::<Vec<f32>>());
        let top = |piece: &&str| {
            let rest = (1.0 - p(piece)) * 0.7;
            let entries = [
                (7, (*piece).to_owned(), p(piece)),
                (8, " standing".to_owned(), rest),
                (9, "\n".to_owned(), rest / 4.0),
            ];
            let mut entries: Vec<TopEntry> =
                entries.into_iter().map(|(id, text, p)| TopEntry(id, Piece::Text(text), p.ln())).collect();
            entries.sort_by(|a, b| b.2.total_cmp(&a.2));
            entries
        };
        let tokens = Tokens {
            start: self.position,
            ids: pieces.iter().map(|_| 7).collect(),
            pieces: pieces.iter().map(|s| Piece::Text((*s).to_owned())).collect(),
            logprob: of(&|s| p(s).ln()),
            entropy: of(&|s| (1.0 - p(s)) * 2.2),
            top: sampled.then(|| pieces.iter().map(top).collect()),
            sampled_logprob: None,
            at: pieces.iter().map(|_| self.t).collect(),
            by,
        };
        self.position += pieces.len() as u64;
        self.push(Body::Tokens(tokens));
    }

    /// Adds a closed segment the model wrote.
    pub fn segment(&mut self, kind: SegmentKind, pieces: &[&str]) -> u64 {
        let (first, last) = self.says(pieces);
        self.push(Body::Segment(SegmentEvent { kind, first, last }));
        last
    }

    /// The records.
    pub fn done(self) -> Vec<Arrival> {
        self.records
    }
}

/// The first half of the session: up to the moment after the crop arrived.
fn first_turn(script: &mut Script) {
    script.image(ImageRole::Page, "page", &page(), 35);
    script.prompt(&["<|im_start|>", "user", "\n", "<|image_pad|>", "In panel 3…", "<|im_end|>"]);
    script.segment(
        SegmentKind::Think,
        &["<think>", "I", " need", " to", " see", " panel", " 3", " up", " close", ".", "</think>"],
    );
    let call = [
        "\n",
        "<tool_call>",
        "{\"name\":",
        " \"image_zoom_in_tool\",",
        " \"arguments\":",
        " {\"bbox_2d\":",
        " [8, 105, 70, 165],",
        " \"label\":",
        " \"panel 3\"}}",
        "</tool_call>",
    ];
    let (first, last) = script.says(&call);
    script.push(Body::Segment(SegmentEvent { kind: SegmentKind::ToolCall, first: first + 1, last }));
    let [x1, y1, x2, y2] = ZOOM;
    script.push(Body::Zoom(ZoomEvent {
        number: 1,
        position: last,
        raw: Some([8.0, 105.0, 70.0, 165.0]),
        frame: FrameKind::Processed,
        label: Some("panel 3".to_owned()),
        outcome: ZoomOutcome::Cropped { page_box: PageBox::new(x1, y1, x2, y2), crop: "crop".to_owned() },
        warning: None,
    }));
    script.says(&["<|im_end|>"]);
    script.image(ImageRole::Crop, "crop", &crop(), 64);
    let start = script.position;
    script.prompt(&["\n", "<|im_start|>", "user", "<tool_response>", "<|image_pad|>", "</tool_response>"]);
    script.push(Body::Segment(SegmentEvent { kind: SegmentKind::ToolResponse, first: start, last: start + 5 }));
}

/// A whole session: right when `right`, else wrong.
pub fn session(right: bool) -> Vec<Arrival> {
    let mut script = Script::new(question());
    first_turn(&mut script);
    script.segment(
        SegmentKind::Think,
        &["<think>", "The", " legs", " are", " apart", " and", " bent", ":", " running", ".", "</think>"],
    );
    let word = if right { "running" } else { "waving" };
    let last = script.segment(SegmentKind::Answer, &["\n<answer>", word, "</answer>"]);
    script.push(Body::Answer(Answer { raw: word.to_owned(), content: Some(word.to_owned()), position: last }));
    let (value, explanation) =
        if right { (1.0, "\"running\" is right") } else { (0.0, "\"waving\", the truth is \"running\"") };
    script.push(Body::Score(ScoreEvent {
        scorer: "exact".into(),
        version: 1,
        value,
        explanation: explanation.into(),
        parts: Default::default(),
    }));
    script.push(Body::SessionEnd(SessionEnd {
        reason: "answered".to_owned(),
        generated: 36,
        context: 48,
        turns: 2,
        zooms: 1,
        refused: 0,
        seconds: 0.74,
        compute_seconds: 0.7,
    }));
    script.done()
}

/// A session that is still thinking after its zoom.
pub fn unfinished() -> Vec<Arrival> {
    let mut script = Script::new(question());
    first_turn(&mut script);
    script.says(&["<think>", "The", " legs"]);
    script.done()
}

/// A state with a few questions and sessions in its library.
pub fn app(w: u16, h: u16) -> App {
    let theme = Theme::builtin(true, ColorDepth::True).expect("the dark theme is whole");
    let mut app = App::new(theme);
    app.library.title = "demo".to_owned();
    let entry = |i: usize| {
        let question = Question { id: format!("ar-{i:04}"), ..question() };
        Entry {
            choice: Choice::Question(i),
            id: question.id.clone(),
            task: if i < 20 { question.task } else { Some(Task::PanelReordering) },
            text: question.text.clone(),
            choices: question.choices.clone(),
            verdict: [Verdict::None, Verdict::Right, Verdict::None, Verdict::Wrong][i % 4],
        }
    };
    app.library.set_questions((0..30).map(entry).collect());
    app.library.set_sessions(vec![Entry {
        choice: Choice::Session("sessions/demo/a.jsonl".into()),
        id: "20260102-030405-abcdef".to_owned(),
        task: Some(Task::ActionRecognition),
        text: question().text,
        choices: Vec::new(),
        verdict: Verdict::Right,
    }]);
    app.update(super::action::Action::Resize(w, h));
    app
}

/// A state that replays the whole session, paused at its end.
pub fn replay_at_end(w: u16, h: u16, right: bool) -> App {
    let mut app = app(w, h);
    let records = session(right);
    app.update(super::action::Action::Replay { path: "a.jsonl".into(), records, problems: Vec::new() });
    app.update(super::action::Action::Scrub(super::action::Scrub::End));
    app
}

/// A gallery that has painted what the state wants.
pub fn gallery(app: &App, caps: Caps) -> Gallery {
    let mut gallery = Gallery::new(caps.clone());
    for request in gallery.want(app.wants()) {
        gallery.ready(paint(&request, &caps, 1));
    }
    gallery
}
