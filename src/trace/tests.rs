//! What the fold promises, on stories like the engine's and on garbage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::geometry::{FrameKind, PageBox, Size};

/// Builds records as an engine would: one token a record.
#[derive(Default)]
struct Story {
    records: Vec<Record>,
    position: u64,
}

impl Story {
    fn push(&mut self, body: Body) {
        let seq = self.records.len() as u64;
        self.records.push(Record { seq, t: seq as f64 * 0.25, body });
    }

    fn token(&mut self, piece: Piece, by: TokenSource) {
        let at = self.records.len() as f64 * 0.25;
        let model = by == TokenSource::Sampled;
        self.push(Body::Tokens(Tokens {
            start: self.position,
            ids: vec![7],
            pieces: vec![piece],
            logprob: model.then(|| vec![-0.5]),
            entropy: model.then(|| vec![0.7]),
            top: model.then(|| vec![vec![TopEntry(7, Piece::Text("a".into()), -0.5)]]),
            sampled_logprob: None,
            at: vec![at],
            by,
        }));
        self.position += 1;
    }

    fn write(&mut self, text: &str, by: TokenSource) {
        for piece in text.split_inclusive(['>', ' ', ',']) {
            self.token(Piece::Text(piece.into()), by);
        }
    }

    fn segment(&mut self, kind: SegmentKind, text: &str, by: TokenSource) {
        let first = self.position;
        self.write(text, by);
        self.push(Body::Segment(SegmentEvent { kind, first, last: self.position - 1 }));
    }

    fn image(&mut self, hash: &str, role: ImageRole) {
        let size = Size::new(28, 28);
        self.push(Body::Image(ImageEvent { hash: hash.into(), role, original: size, processed: size, tokens: 1 }));
    }

    fn zoom(&mut self, number: u32) {
        self.segment(SegmentKind::Think, "<think>look closer</think>", TokenSource::Sampled);
        self.write("\n", TokenSource::Sampled);
        self.segment(SegmentKind::ToolCall, "<tool_call>{\"a\": [1, 2]}</tool_call>", TokenSource::Sampled);
        let crop = format!("crop{number}");
        self.push(Body::Zoom(ZoomEvent {
            number,
            position: self.position - 1,
            raw: Some([0.0, 0.0, 9.0, 9.0]),
            frame: FrameKind::Page,
            label: None,
            outcome: ZoomOutcome::Cropped { page_box: PageBox::new(0.0, 0.0, 9.0, 9.0), crop: crop.clone() },
            warning: None,
        }));
        self.write("<|im_end|>", TokenSource::Sampled);
        self.image(&crop, ImageRole::Crop);
        self.segment(SegmentKind::ToolResponse, "<tool_response> <|image_pad|></tool_response>", TokenSource::Prompt);
        self.write("<|im_end|>assistant\n", TokenSource::Prompt);
    }

    fn answer(&mut self) {
        self.segment(SegmentKind::Think, "<think>ah</think>", TokenSource::Sampled);
        self.segment(SegmentKind::Answer, "<answer>left</answer>", TokenSource::Sampled);
        self.push(Body::Answer(Answer { raw: "left".into(), content: None, position: self.position - 1 }));
        let score = ScoreEvent {
            scorer: "exact".into(),
            version: 1,
            value: 1.0,
            explanation: String::new(),
            parts: Default::default(),
        };
        self.push(Body::Score(score));
        self.push(Body::SessionEnd(SessionEnd {
            reason: "answered".into(),
            generated: 9,
            context: self.position,
            turns: 2,
            zooms: 1,
            refused: 0,
            seconds: 1.0,
            compute_seconds: 1.0,
        }));
    }

    fn told(zooms: u32) -> Self {
        let mut story = Self::default();
        story.image("page", ImageRole::Page);
        story.write("system <|image_pad|>question assistant\n", TokenSource::Prompt);
        (1..=zooms).for_each(|number| story.zoom(number));
        story.answer();
        story
    }
}

/// All a view shows, in one comparable value.
fn shown(view: &View<'_>) -> String {
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        view.tokens(),
        view.segments(),
        view.zooms(),
        view.page(),
        view.crop(),
        view.answer(),
        view.score(),
        view.ended()
    )
}

/// Where in the records token `i` and all that follows from it before the next token ends.
fn end_of_token(records: &[Record], i: usize) -> usize {
    let mut tokens = records.iter().enumerate().filter(|(_, r)| matches!(r.body, Body::Tokens(_)));
    tokens.nth(i + 1).map_or(records.len(), |(at, _)| at)
}

#[test]
fn a_token_cursor_shows_what_was_seen_live() {
    let records = Story::told(2).records;
    let whole = Trace::of(&records);
    assert!(whole.problems.is_empty(), "{:?}", whole.problems);
    for i in 0..whole.len_tokens() {
        let seen = Trace::of(&records[..end_of_token(&records, i)]);
        assert_eq!(shown(&whole.at(Cursor::Token(i))), shown(&seen.at(Cursor::Live)), "token {i}");
    }
}

#[test]
fn a_time_cursor_shows_what_had_arrived() {
    let records = Story::told(1).records;
    let whole = Trace::of(&records);
    for n in 0..records.len() {
        let time = records[n].t + 0.1;
        let seen = Trace::of(&records[..=n]);
        let view = whole.at(Cursor::Time(time));
        assert_eq!(shown(&view), shown(&seen.at(Cursor::Live)), "record {n}");
        assert_eq!(view.time(), time);
    }
}

#[test]
fn segments_are_listed_with_the_open_one_last() {
    let trace = Trace::of(&Story::told(1).records);
    let kinds = |cursor| trace.at(cursor).segments().iter().map(|s| (s.kind, s.closed)).collect::<Vec<_>>();
    use SegmentKind::{Answer, Text, Think, ToolCall, ToolResponse};
    let all = [(Think, true), (ToolCall, true), (ToolResponse, true), (Think, true), (Answer, true)];
    assert_eq!(kinds(Cursor::Live), all);
    let close = trace.tokens.iter().position(|t| t.piece == Piece::Text("{\"a\":".into()));
    let before = trace.tokens.iter().position(|t| t.piece == Piece::Text("{\"a\": ".into())).or(close).unwrap();
    assert_eq!(kinds(Cursor::Token(before)), [(Think, true), (ToolCall, false)]);
    let open = trace.at(Cursor::Token(before)).segments().pop().unwrap();
    assert_eq!(open.body(), "{\"a\":");
    let mut text = Story::default();
    text.write("just words <|im_end|>", TokenSource::Sampled);
    let trace = Trace::of(&text.records);
    assert_eq!(trace.at(Cursor::Live).segments()[0].kind, Text);
}

#[test]
fn bodies_lose_their_own_tags_only() {
    let span = |text: &str| SegmentSpan { kind: SegmentKind::Text, first: 0, last: 0, closed: true, text: text.into() };
    for (text, body) in [
        ("<think>a <b> c</think>", "a <b> c"),
        ("<think>a </thi", "a"),
        ("<think>a </b>", "a </b>"),
        ("\n<x_y>\n a\n</x_y>\n", "a"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("<>x</>", "<>x</>"),
        ("<think>", ""),
        ("", ""),
    ] {
        assert_eq!(span(text).body(), body, "{text:?}");
    }
}

#[test]
fn code_points_split_over_tokens_are_joined() {
    let mut story = Story::default();
    let bytes = "é漢🙂".as_bytes();
    for byte in bytes {
        story.token(Piece::from_bytes(&[*byte]), TokenSource::Sampled);
    }
    story.push(Body::Segment(SegmentEvent { kind: SegmentKind::Text, first: 0, last: 4 }));
    let trace = Trace::of(&story.records);
    let texts: Vec<_> = (0..5).map(|i| trace.at(Cursor::Token(i)).segments().pop().map(|s| s.text)).collect();
    let want = [None, Some("é"), Some("é"), Some("é"), Some("é漢")].map(|t| t.map(str::to_owned));
    assert_eq!(texts, want);
    let open = trace.at(Cursor::Live).segments().pop().unwrap();
    assert_eq!((open.text.as_str(), open.closed), ("🙂", false));
}

#[test]
fn the_last_writing_of_a_token_counts() {
    let mut story = Story::default();
    story.write("a b c ", TokenSource::Sampled);
    story.position = 1;
    story.write("X ", TokenSource::Forced);
    story.position = 9;
    story.write("late ", TokenSource::Sampled);
    story.position = 5;
    story.write("hole ", TokenSource::Sampled);
    let trace = Trace::of(&story.records);
    assert_eq!(trace.tokens.iter().map(|t| t.position).collect::<Vec<_>>(), [0, 1, 2, 5, 9]);
    assert_eq!(trace.at(Cursor::Live).segments()[0].text, "a X c hole late ");
    assert_eq!(trace.problems.len(), 2, "{:?}", trace.problems);
}

#[test]
fn floods_of_disorder_stay_cheap() {
    let mut story = Story::default();
    story.write(&"a ".repeat(20_000), TokenSource::Sampled);
    for _ in 0..20_000 {
        story.position = 0;
        story.write("b ", TokenSource::Sampled);
        story.push(Body::Segment(SegmentEvent { kind: SegmentKind::Text, first: 0, last: u64::MAX }));
        story.push(Body::Segment(SegmentEvent { kind: SegmentKind::Text, first: 5, last: 0 }));
    }
    let begun = std::time::Instant::now();
    let trace = Trace::of(&story.records);
    assert!(begun.elapsed().as_secs() < 20);
    assert_eq!(trace.len_tokens(), 20_000);
    assert!(trace.problems.len() <= 1000 && trace.dropped_problems > 0);
}

fn any_body() -> impl Strategy<Value = Body> {
    let small = 0u64..12;
    let kind = prop_oneof![Just(SegmentKind::Think), Just(SegmentKind::Text), Just(SegmentKind::ToolCall)];
    let at = prop_oneof![4 => 0.0..9.0f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
    let by = prop_oneof![Just(TokenSource::Sampled), Just(TokenSource::Prompt), Just(TokenSource::Forced)];
    let start = prop_oneof![8 => small.clone(), 1 => Just(u64::MAX - 1)];
    let piece =
        prop_oneof!["[a-z<>/é ]{0,6}".prop_map(Piece::Text), "[0-9a-g]{0,5}".prop_map(|hex| Piece::Hex { hex }),];
    let tokens =
        (start, prop::collection::vec(piece, 0..4), 0usize..4, at, by).prop_map(|(start, pieces, n, at, by)| {
            Body::Tokens(Tokens {
                start,
                ids: vec![1; n],
                pieces,
                logprob: Some(vec![0.0; n / 2]),
                entropy: None,
                top: None,
                sampled_logprob: None,
                at: vec![at; n],
                by,
            })
        });
    let segment = (kind, small.clone(), prop_oneof![8 => small.clone(), 1 => Just(u64::MAX)])
        .prop_map(|(kind, first, last)| Body::Segment(SegmentEvent { kind, first, last }));
    let image = (0u8..3, any::<bool>()).prop_map(|(hash, page)| {
        let role = if page { ImageRole::Page } else { ImageRole::Crop };
        let size = Size::new(1, 1);
        Body::Image(ImageEvent { hash: hash.to_string(), role, original: size, processed: size, tokens: 1 })
    });
    let zoom = (small.clone(), 0u8..3).prop_map(|(position, hash)| {
        let outcome = ZoomOutcome::Cropped { page_box: PageBox::new(0.0, 0.0, 1.0, f64::NAN), crop: hash.to_string() };
        let (number, raw, frame) = (1, None, FrameKind::Page);
        Body::Zoom(ZoomEvent { number, position, raw, frame, label: None, outcome, warning: None })
    });
    let answer = small.prop_map(|position| Body::Answer(Answer { raw: String::new(), content: None, position }));
    let other = Just(Body::Other { kind: "new".into(), data: serde_json::Value::Null });
    prop_oneof![4 => tokens, 2 => segment, 1 => image, 1 => zoom, 1 => answer, 1 => other]
}

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let t = prop_oneof![6 => 0.0..9.0f64, 1 => Just(f64::NAN)];
    prop::collection::vec((any::<u64>(), t, any_body()), 0..40)
        .prop_map(|all| all.into_iter().map(|(seq, t, body)| Record { seq, t, body }).collect())
}

proptest! {
    #[test]
    fn folding_in_two_parts_changes_nothing(records in any_records(), cut in 0usize..40) {
        let cut = cut.min(records.len());
        let mut parts = Trace::of(&records[..cut]);
        let _ = shown(&parts.at(Cursor::Live));
        records[cut..].iter().for_each(|record| parts.apply(record));
        let whole = Trace::of(&records);
        prop_assert_eq!(shown(&whole.at(Cursor::Live)), shown(&parts.at(Cursor::Live)));
        prop_assert_eq!(whole.problems, parts.problems);
    }

    #[test]
    fn no_cursor_shows_what_is_later(records in any_records(), time in -1.0..10.0f64) {
        let trace = Trace::of(&records);
        prop_assert!(trace.tokens.windows(2).all(|pair| pair[0].position < pair[1].position));
        for i in 0..trace.len_tokens() + 2 {
            let view = trace.at(Cursor::Token(i));
            let Some(current) = view.current() else { continue };
            let last = trace.tokens[i.min(trace.len_tokens() - 1)].position;
            prop_assert_eq!(current.position, last);
            prop_assert!(view.tokens().iter().all(|t| t.position <= last));
            prop_assert!(view.segments().iter().all(|s| s.last <= last));
            prop_assert!(view.zooms().iter().all(|z| z.position <= last));
            prop_assert!(view.images().all(|image| image.position <= last.saturating_add(1)));
            prop_assert!(view.answer().is_none_or(|a| a.position <= last));
        }
        let view = trace.at(Cursor::Time(time));
        prop_assert!(view.tokens().iter().all(|t| t.at <= time));
        prop_assert!(view.images().all(|image| image.t <= time));
        let _ = shown(&view);
    }

    #[test]
    fn stories_of_any_length_scrub_as_they_were_seen(zooms in 0u32..4, cut in 0usize..200) {
        let records = Story::told(zooms).records;
        let whole = Trace::of(&records);
        let i = cut % whole.len_tokens();
        let seen = Trace::of(&records[..end_of_token(&records, i)]);
        prop_assert_eq!(shown(&whole.at(Cursor::Token(i))), shown(&seen.at(Cursor::Live)));
    }
}
