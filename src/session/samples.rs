//! Records for tests.

use proptest::prelude::*;

use crate::benchmark::{Question, Task};
use crate::geometry::{FrameKind, PageBox, Size};
use crate::trace::*;

/// A line whose checksum is right whatever it says.
pub fn with_crc(rest: &str) -> String {
    format!("{rest},\"crc\":\"{:08x}\"}}", crc32c::crc32c(rest.as_bytes()))
}

/// A start with a question about one target.
pub fn start(id: &str) -> SessionStart {
    SessionStart {
        id: id.into(),
        program: "panelscope 0.1.0".into(),
        started: "2026-01-02T03:04:05Z".into(),
        model: ModelInfo {
            name: "demo-rarl".into(),
            weights: "ab".repeat(32),
            dtype: "f32".into(),
            device: "cpu".into(),
            resampler: None,
        },
        min_pixels: 784,
        max_pixels: 100_000,
        profile: "rarl".into(),
        profile_hash: "cd".repeat(32),
        sampling: SamplingInfo { temperature: 0.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 },
        seed: 7,
        batch_size: 1,
        benchmark: Some("demo".into()),
        run: None,
        tool: true,
        interventions: vec![],
        question: Question {
            id: "q1".into(),
            task: Some(Task::DepthComparison),
            family: Some(Task::DepthComparison.family()),
            text: "Who is nearer?".into(),
            choices: vec!["Pip".into(), "Bo".into()],
            truth: Some("Bo".into()),
            targets: vec![PageBox::new(10.0, 10.0, 30.0, 30.0)],
            ..Question::default()
        },
        parent: None,
    }
}

/// A short whole session: start, page, prompt, think, zoom, crop, answer, score, end.
pub fn session(id: &str) -> Vec<Record> {
    let size = Size::new(60, 40);
    let text = |start: u64, words: &[&str], by: TokenSource| {
        let n = words.len();
        let sampled = (by == TokenSource::Sampled).then(|| vec![-0.25f32; n]);
        Body::Tokens(Tokens {
            start,
            ids: (0..n as u32).collect(),
            pieces: words.iter().map(|w| Piece::Text((*w).into())).collect(),
            logprob: sampled.clone(),
            entropy: sampled.map(|s| s.iter().map(|x| -x).collect()),
            top: (by == TokenSource::Sampled).then(|| vec![vec![TopEntry(0, Piece::Text("x".into()), -0.25)]; n]),
            sampled_logprob: None,
            at: vec![0.5; n],
            by,
        })
    };
    let image = |role, hash: &str, original| {
        Body::Image(ImageEvent { hash: hash.repeat(32), role, original, processed: Size::new(28, 28), tokens: 1 })
    };
    let segment = |kind, first, last| Body::Segment(SegmentEvent { kind, first, last });
    let bodies = vec![
        Body::SessionStart(Box::new(start(id))),
        image(ImageRole::Page, "0a", size),
        text(0, &["system ", "<|image_pad|>", "question"], TokenSource::Prompt),
        text(3, &["<think>", "see", "</think>"], TokenSource::Sampled),
        segment(SegmentKind::Think, 3, 5),
        text(6, &["<tool_call>", "{}", "</tool_call>"], TokenSource::Sampled),
        segment(SegmentKind::ToolCall, 6, 8),
        Body::Zoom(ZoomEvent {
            number: 1,
            position: 8,
            raw: Some([10.0, 10.0, 30.0, 20.0]),
            frame: FrameKind::Page,
            label: Some("hat".into()),
            outcome: ZoomOutcome::Cropped { page_box: PageBox::new(10.0, 10.0, 30.0, 20.0), crop: "0b".repeat(32) },
            warning: None,
        }),
        image(ImageRole::Crop, "0b", Size::new(20, 10)),
        text(9, &["<tool_response>", "<|image_pad|>", "</tool_response>"], TokenSource::Prompt),
        segment(SegmentKind::ToolResponse, 9, 11),
        text(12, &["<answer>", "Bo", "</answer>"], TokenSource::Sampled),
        segment(SegmentKind::Answer, 12, 14),
        Body::Answer(Answer { raw: "Bo".into(), content: Some("Bo".into()), position: 14 }),
        Body::Score(ScoreEvent {
            scorer: "exact".into(),
            version: 1,
            value: 1.0,
            explanation: "right".into(),
            parts: Default::default(),
        }),
        Body::SessionEnd(SessionEnd {
            reason: "answered".into(),
            generated: 9,
            context: 15,
            turns: 2,
            zooms: 1,
            refused: 0,
            seconds: 1.5,
            compute_seconds: 1.25,
        }),
    ];
    let seconds = |seq: usize| seq as f64 / 8.0;
    bodies.into_iter().enumerate().map(|(seq, body)| Record { seq: seq as u64, t: seconds(seq), body }).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z <>/]{0,12}", prop::collection::vec(any::<char>(), 0..8).prop_map(|c| c.into_iter().collect())]
}

fn piece() -> impl Strategy<Value = Piece> {
    prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Piece::from_bytes(&bytes))
}

/// Times as they are logged: whole microseconds.
fn time() -> impl Strategy<Value = f64> {
    (0u32..2_000_000_000).prop_map(|us| f64::from(us) / 1e6)
}

/// Coordinates with few digits, which JSON gives back exactly.
fn coordinate() -> impl Strategy<Value = f64> {
    (-1_000_000i32..1_000_000).prop_map(|x| f64::from(x) / 8.0)
}

fn four() -> impl Strategy<Value = [f64; 4]> {
    [coordinate(), coordinate(), coordinate(), coordinate()]
}

fn tokens() -> impl Strategy<Value = Body> {
    let row = (any::<u32>(), piece(), -30.0f32..0.0, time(), prop::collection::vec((any::<u32>(), piece()), 0..3));
    (any::<u64>(), prop::collection::vec(row, 0..5), any::<bool>()).prop_map(|(start, rows, model)| {
        let by = if model { TokenSource::Sampled } else { TokenSource::Prompt };
        let logprob = model.then(|| rows.iter().map(|row| row.2).collect());
        Body::Tokens(Tokens {
            start,
            ids: rows.iter().map(|row| row.0).collect(),
            pieces: rows.iter().map(|row| row.1.clone()).collect(),
            logprob,
            entropy: None,
            top: model.then(|| {
                rows.iter().map(|row| row.4.iter().map(|(id, p)| TopEntry(*id, p.clone(), row.2)).collect()).collect()
            }),
            sampled_logprob: None,
            at: rows.iter().map(|row| row.3).collect(),
            by,
        })
    })
}

fn zoom() -> impl Strategy<Value = Body> {
    let outcome = prop_oneof![
        (four(), text())
            .prop_map(|([a, b, c, d], crop)| ZoomOutcome::Cropped { page_box: PageBox::new(a, b, c, d), crop }),
        text().prop_map(|detail| ZoomOutcome::Refused { refused: Refusal::Inverted, detail }),
    ];
    let parts = (any::<u32>(), any::<u64>(), prop::option::of(four()), prop::option::of(text()), outcome);
    parts.prop_map(|(number, position, raw, label, outcome)| {
        let frame = FrameKind::Relative1000;
        Body::Zoom(ZoomEvent { number, position, raw, frame, label, outcome, warning: None })
    })
}

/// Any record a program could log.
pub fn any_record() -> impl Strategy<Value = Record> {
    let body = prop_oneof![
        4 => tokens(),
        2 => zoom(),
        1 => text().prop_map(|id| Body::SessionStart(Box::new(start(&id)))),
        1 => (text(), text()).prop_map(|(kind, message)| Body::Error(ErrorEvent { kind, message })),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(first, last)| {
            Body::Segment(SegmentEvent { kind: SegmentKind::Think, first, last })
        }),
        1 => (text(), prop::option::of(text()), any::<u64>())
            .prop_map(|(raw, content, position)| Body::Answer(Answer { raw, content, position })),
        1 => (any::<u64>(), any::<bool>(), prop::option::of(0.0f32..9.0)).prop_map(|(position, exact, moved)| {
            Body::Fork(ForkEvent { position, kept: position / 2, exact, moved })
        }),
        1 => text().prop_map(|t| Body::Other { kind: "later".into(), data: serde_json::json!({ "t": t }) }),
    ];
    (any::<u64>(), time(), body).prop_map(|(seq, t, body)| Record { seq, t, body })
}
