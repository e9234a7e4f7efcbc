//! A session of ten thousand tokens with their alternatives, as an engine writes it.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use panelscope::benchmark::Question;
use panelscope::geometry::{FrameKind, PageBox, Size};
use panelscope::page::{Page, pixel_hash};
use panelscope::trace::{
    Answer, Body, ImageEvent, ImageRole, ModelInfo, Piece, Record, SamplingInfo, SegmentEvent, SegmentKind, SessionEnd,
    SessionStart, TokenSource, Tokens, TopEntry, ZoomEvent, ZoomOutcome,
};
use panelscope::tui::action::Arrival;

/// Alternatives of a token: more than the engine records today.
pub const TOP: usize = 20;
/// Words the model knows.
const WORDS: [&str; 12] =
    [" the", " figure", " in", " panel", " stands", " behind", " a", " wall", ",", " so", " nearer", "."];

/// How the tokens are spread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Twelve turns, each a thought and a zoom.
    Turns,
    /// One thought, not closed yet.
    OneThought,
}

pub struct Script {
    records: Vec<Arrival>,
    position: u64,
    written: usize,
    t: f64,
    alternatives: usize,
}

pub fn page() -> Arc<RgbImage> {
    Arc::new(RgbImage::from_fn(840, 1176, |x, y| Rgb([(x / 4) as u8, (y / 5) as u8, ((x + y) / 9) as u8])))
}

impl Script {
    pub fn new(alternatives: usize) -> Self {
        let question = Question {
            id: "bench-0001".to_owned(),
            text: "Who stands nearer to the reader in panel 3, Pip or Bo?".to_owned(),
            choices: vec!["Pip".to_owned(), "Bo".to_owned()],
            truth: Some("Bo".to_owned()),
            targets: vec![PageBox::new(100.0, 100.0, 400.0, 500.0)],
            ..Question::default()
        };
        let mut script = Self { records: Vec::new(), position: 0, written: 0, t: 0.0, alternatives };
        script.push(Body::SessionStart(Box::new(SessionStart {
            id: "20260102-030405-abcdef".to_owned(),
            program: "panelscope bench".to_owned(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            model: ModelInfo { name: "bench".to_owned(), ..ModelInfo::default() },
            min_pixels: 3136,
            max_pixels: 50176,
            profile: "rarl".to_owned(),
            profile_hash: "00".to_owned(),
            sampling: SamplingInfo { temperature: 0.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 },
            seed: 0,
            batch_size: 1,
            benchmark: None,
            run: None,
            tool: true,
            interventions: Vec::new(),
            question,
            parent: None,
        })));
        let pixels = page();
        script.image(ImageRole::Page, &pixels, 300);
        script.tokens(&["<|im_start|>", "user", "\n", "<|image_pad|>", "Who …", "<|im_end|>"], TokenSource::Prompt);
        script
    }

    pub fn push(&mut self, body: Body) {
        let seq = self.records.len() as u64;
        self.records.push(Arrival { record: Record { seq, t: self.t, body }, pixels: None });
    }

    fn image(&mut self, role: ImageRole, pixels: &Arc<RgbImage>, tokens: u32) {
        let original = Size::new(pixels.width(), pixels.height());
        let hash = pixel_hash(pixels);
        self.push(Body::Image(ImageEvent { hash, role, original, processed: original, tokens }));
        if let Some(last) = self.records.last_mut() {
            last.pixels = Some(Arc::clone(pixels));
        }
    }

    fn tokens(&mut self, pieces: &[&str], by: TokenSource) {
        let n = pieces.len();
        let sampled = by == TokenSource::Sampled;
        let p = [0.97f32, 0.62, 0.91, 0.28][self.position as usize % 4];
        let top = |piece: &str| {
            let first = TopEntry(7, Piece::Text(piece.to_owned()), p.ln());
            let rest = (1..self.alternatives).map(|i| {
                let share = (1.0 - p) / (i + 1) as f32;
                TopEntry(7 + i as u32, Piece::Text(WORDS[i % WORDS.len()].to_owned()), share.ln())
            });
            std::iter::once(first).chain(rest).collect::<Vec<_>>()
        };
        let column = |value: f32| sampled.then(|| vec![value; n]);
        self.push(Body::Tokens(Tokens {
            start: self.position,
            ids: vec![7; n],
            pieces: pieces.iter().map(|piece| Piece::Text((*piece).to_owned())).collect(),
            logprob: column(p.ln()),
            entropy: column((1.0 - p) * 2.2),
            top: sampled.then(|| pieces.iter().map(|piece| top(piece)).collect()),
            sampled_logprob: None,
            at: vec![self.t; n],
            by,
        }));
        self.position += n as u64;
    }

    /// One token the model writes.
    pub fn says(&mut self, piece: &str) {
        self.t += 0.02;
        self.written += 1;
        self.tokens(&[piece], TokenSource::Sampled);
    }

    /// So many words of a thought.
    pub fn words(&mut self, n: usize) {
        for _ in 0..n {
            self.says(WORDS[(self.written * 7) % WORDS.len()]);
        }
    }

    fn segment(&mut self, kind: SegmentKind, first: u64) {
        self.push(Body::Segment(SegmentEvent { kind, first, last: self.position - 1 }));
    }

    fn turn(&mut self, number: u32, words: usize) {
        let first = self.position;
        self.says("<think>");
        self.words(words);
        self.says("</think>");
        self.segment(SegmentKind::Think, first);
        let first = self.position;
        for piece in ["<tool_call>", "{\"bbox_2d\":", " [20, 30, 200, 300]}", "</tool_call>"] {
            self.says(piece);
        }
        self.segment(SegmentKind::ToolCall, first);
        let corner = f64::from(20 + 10 * number);
        let page_box = PageBox::new(corner, corner, corner + 180.0, corner + 270.0);
        let crop = Page::from_pixels(page().as_ref().clone()).crop(&page_box).unwrap();
        self.push(Body::Zoom(ZoomEvent {
            number,
            position: self.position - 1,
            raw: Some([20.0, 30.0, 200.0, 300.0]),
            frame: FrameKind::Page,
            label: Some(format!("panel {number}")),
            outcome: ZoomOutcome::Cropped { page_box, crop: pixel_hash(&crop) },
            warning: None,
        }));
        self.image(ImageRole::Crop, &Arc::new(crop), 64);
        let first = self.position;
        self.tokens(&["<tool_response>", "<|image_pad|>", "</tool_response>"], TokenSource::Prompt);
        self.segment(SegmentKind::ToolResponse, first);
    }

    pub fn written(&self) -> usize {
        self.written
    }

    pub fn done(self) -> Vec<Arrival> {
        self.records
    }

    /// What has been pushed since the last time.
    pub fn take(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.records)
    }
}

/// A session in which the model has written about so many tokens.
pub fn session(shape: Shape, tokens: usize, alternatives: usize) -> Script {
    let mut script = Script::new(alternatives);
    match shape {
        Shape::OneThought => {
            script.says("<think>");
            script.words(tokens - 1);
        }
        Shape::Turns => {
            for number in 1..=12 {
                script.turn(number, tokens / 12 - 8);
            }
            let first = script.position;
            for piece in ["<answer>", "Bo", "</answer>"] {
                script.says(piece);
            }
            script.segment(SegmentKind::Answer, first);
            let position = script.position - 1;
            script.push(Body::Answer(Answer { raw: "Bo".to_owned(), content: Some("Bo".to_owned()), position }));
            let generated = script.written() as u64;
            script.push(Body::SessionEnd(SessionEnd {
                reason: "answered".to_owned(),
                generated,
                context: script.position,
                turns: 13,
                zooms: 12,
                refused: 0,
                seconds: script.t,
                compute_seconds: script.t,
            }));
        }
    }
    script
}
