//! The engine with a scripted model, on its thread, and with a real tiny one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod batch;
mod faults;
mod local;
mod look;
mod session;
mod thread;
mod zooms;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::{Rgb, RgbImage};

use super::*;
use crate::benchmark::Question;
use crate::geometry::PageBox;
use crate::model::sampler::Sampling;
use crate::page::Page;
use crate::protocol::Profile;
use crate::trace::{Body, Record, SegmentKind, TokenSource, Tokens, Trace, ZoomEvent};

/// 280×392: 140 tokens of the scripted engine, processed at its own size.
const W: u32 = 280;
const H: u32 = 392;
const THINK: &str = "<think>where?</think>\n";
const ANSWER: &str = "<think>I see.</think>\n<answer>reading</answer>";

fn page() -> Arc<Page> {
    let pixel = |x: u32, y: u32| Rgb([(x % 256) as u8, (y % 256) as u8, ((x * 7 + y * 13) % 256) as u8]);
    Arc::new(Page::from_pixels(RgbImage::from_fn(W, H, pixel)))
}

fn question() -> Question {
    Question {
        id: "q1".into(),
        text: "In panel 3, what is Pip doing?".into(),
        choices: vec!["reading".into(), "waving".into()],
        truth: Some("reading".into()),
        targets: vec![PageBox::new(20.0, 100.0, 84.0, 164.0)],
        ..Question::default()
    }
}

fn ask() -> Ask {
    Ask {
        seed: 7,
        ..Ask::new(
            "20260101-000000-abcdef",
            PageSource::Page(page()),
            question(),
            Arc::new(Profile::builtin("rarl").unwrap()),
        )
    }
}

fn zoom_call(numbers: &str) -> String {
    format!(
        r#"{THINK}<tool_call>{{"name": "image_zoom_in_tool", "arguments": {{"bbox_2d": [{numbers}], "label": "panel 3"}}}}</tool_call>"#
    )
}

fn good_zoom() -> String {
    zoom_call("20, 100, 84, 164")
}

/// Every record of a session, checked to be a log that folds without a complaint.
fn run(engine: &mut dyn StepEngine, ask: &Ask) -> (Vec<Emission>, Outcome) {
    let mut all = Vec::new();
    let outcome = run_to_end(engine, ask, &mut |e| all.push(e), &AtomicBool::new(false));
    sound(&all);
    (all, outcome)
}

fn sound(all: &[Emission]) {
    let mut trace = Trace::new();
    let mut last = 0.0;
    for (i, emission) in all.iter().enumerate() {
        let record = &emission.record;
        assert_eq!(record.seq, i as u64);
        assert!(record.t >= last);
        last = record.t;
        assert_eq!(matches!(record.body, Body::Image(_)), emission.pixels.is_some());
        let body = serde_json::to_string(&record.body).unwrap();
        assert_eq!(serde_json::from_str::<Body>(&body).unwrap(), record.body);
        trace.apply(record);
    }
    assert_eq!(trace.problems, Vec::<String>::new());
    assert!(matches!(all.first().unwrap().record.body, Body::SessionStart(_)));
    assert!(matches!(all.last().unwrap().record.body, Body::SessionEnd(_)));
}

fn records(all: &[Emission]) -> Vec<&Body> {
    all.iter().map(|e| &e.record.body).collect()
}

/// `type` of each record, batches of one turn counted once.
fn kinds(all: &[Emission]) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for body in records(all) {
        let mut kind = serde_json::to_value(body).unwrap()["type"].as_str().unwrap().to_owned();
        if let Body::Tokens(t) = body {
            kind = format!("{:?}", t.by).to_lowercase();
            if kinds.last() == Some(&kind) {
                continue;
            }
        }
        kinds.push(kind);
    }
    kinds
}

fn batches(all: &[Emission]) -> Vec<&Tokens> {
    records(all).into_iter().filter_map(|b| if let Body::Tokens(t) = b { Some(t) } else { None }).collect()
}

fn zooms(all: &[Emission]) -> Vec<&ZoomEvent> {
    records(all).into_iter().filter_map(|b| if let Body::Zoom(z) = b { Some(z) } else { None }).collect()
}

fn text_of(all: &[Emission], by: TokenSource) -> String {
    let pieces = batches(all).into_iter().filter(|t| t.by == by).flat_map(|t| &t.pieces);
    String::from_utf8(pieces.flat_map(crate::trace::Piece::bytes).collect()).unwrap()
}

fn ids_of(records: &[Record]) -> Vec<u32> {
    let batches = records.iter().filter_map(|r| if let Body::Tokens(t) = &r.body { Some(t) } else { None });
    batches.filter(|t| t.by != TokenSource::Prompt).flat_map(|t| t.ids.clone()).collect()
}
