//! Pages, image processor and sampler against Pillow and Hugging Face.
//!
//! The goldens in `goldens/processor/` were made by `goldens/make_processor_goldens.py`; it says with which versions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use panelscope::geometry::Size;
use panelscope::model::processor::{ImageProcessor, Resampler, smart_resize};
use panelscope::model::sampler::{Sampler, Sampling};
use panelscope::page::Page;
use serde::Deserialize;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/processor").join(name)
}

fn json<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(golden(name)).unwrap()).unwrap()
}

fn page(name: &str) -> Page {
    Page::open(&golden(name)).unwrap()
}

#[derive(Deserialize)]
struct Case {
    name: String,
    min_pixels: u64,
    max_pixels: u64,
    size: [u32; 2],
    formula: Option<[u32; 2]>,
}

/// The large page that both sides compute: see `formula` in the script.
fn formula([w, h]: [u32; 2]) -> RgbImage {
    let value = |x: u32, y: u32, c: u32| x * 7 + y * 3 + c * 85 + ((x * y) >> 6) + (x / 40 * 97 + y / 40 * 61);
    RgbImage::from_fn(w, h, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c) as u8)))
}

#[test]
fn resized_pixels_are_pillows_bytes() {
    let cases: Vec<Case> = json("cases.json");
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for case in cases {
        let settings =
            ImageProcessor { min_pixels: case.min_pixels, max_pixels: case.max_pixels, ..Default::default() };
        let original = case
            .formula
            .map(formula)
            .unwrap_or_else(|| RgbImage::clone(&page(&format!("{}.in.png", case.name)).pixels));
        let ours = settings.resize(&original).unwrap();
        let pillows = page(&format!("{}.out.png", case.name));
        assert_eq!([ours.width(), ours.height()], case.size, "{}: size", case.name);
        assert_eq!(pillows.size(), Size::new(case.size[0], case.size[1]), "{}: golden", case.name);
        let different = ours.pixels().zip(pillows.pixels.pixels()).filter(|(a, b)| a != b).count();
        assert_eq!(different, 0, "{}: pixels that differ, of {}", case.name, ours.pixels().len());
    }
}

#[test]
fn patches_are_hugging_faces_bits() {
    let bytes = std::fs::read(golden("patches.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, meta) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let names = meta.metadata().as_ref().unwrap()["names"].clone();
    let pages: Vec<Page> = names.split(',').map(|name| page(&format!("{name}.in.png"))).collect();

    let settings = ImageProcessor::from_json(r#"{"min_pixels":784,"max_pixels":12845056}"#).unwrap();
    let ours = settings.process_all(pages.iter().map(|p| &*p.pixels)).unwrap();

    let grid: Vec<usize> = ours.iter().flat_map(|p| p.grid).collect();
    let theirs = file.tensor("grid").unwrap();
    let theirs: Vec<usize> =
        theirs.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize).collect();
    assert_eq!(grid, theirs);

    let theirs = file.tensor("pixel_values").unwrap();
    assert_eq!(theirs.shape(), [ours.iter().map(|p| p.rows()).sum(), 1176]);
    let theirs: Vec<u32> = theirs.data().chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
    let ours: Vec<u32> = ours.iter().flat_map(|p| &p.data).map(|v| v.to_bits()).collect();
    let first = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    assert_eq!(
        (ours.len(), first),
        (theirs.len(), None),
        "row and column of the first difference: {:?}",
        first.map(|i| (i / 1176, i % 1176))
    );
}

#[test]
fn smart_resize_is_hugging_faces() {
    type Row = (u32, u32, u64, u64, Option<(u32, u32)>);
    let rows: Vec<Row> = json("smart_resize.json");
    assert!(rows.iter().any(|r| r.4.is_none()) && rows.iter().any(|r| r.4.is_some()));
    for (h, w, low, high, expected) in rows {
        assert_eq!(smart_resize(h, w, 28, low, high).ok(), expected, "{h}×{w} (h×w), {low} to {high} pixels");
    }
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    sampling: Sampling,
    context: Vec<u32>,
    logits: Vec<f32>,
    probabilities: Vec<f64>,
    entropy: f64,
    logprobs: Vec<f64>,
}

#[test]
fn warped_probabilities_are_hugging_faces() {
    for row in json::<Vec<Row>>("sampler.json") {
        let mut ours: Vec<f64> = Sampler::new(row.sampling, 0)
            .probabilities(&row.logits, &row.context)
            .unwrap()
            .into_iter()
            .map(f64::from)
            .collect();
        let mut theirs = row.probabilities;
        if row.kind == "ties" {
            // Which of several equal tokens top-p cuts is left open there; how many, and what remains, is not.
            ours.sort_by(f64::total_cmp);
            theirs.sort_by(f64::total_cmp);
        }
        for (id, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() <= 1e-6, "{} {:?}: token {id} has {a}, expected {b}", row.kind, row.sampling);
            assert_eq!(*a > 0.0, *b > 0.0, "{} {:?}: token {id} is cut on one side only", row.kind, row.sampling);
        }
    }
}

#[test]
fn shown_numbers_are_of_the_raw_distribution() {
    for row in json::<Vec<Row>>("sampler.json") {
        let drawn = Sampler::new(row.sampling, 5).next(&row.logits, &row.context).unwrap();
        assert!((f64::from(drawn.entropy) - row.entropy).abs() <= 1e-5, "{} and {}", drawn.entropy, row.entropy);
        let mut best: Vec<usize> = (0..row.logits.len()).collect();
        best.sort_by(|a, b| row.logits[*b].total_cmp(&row.logits[*a]));
        let shown: Vec<usize> = drawn.top.iter().map(|(id, _)| *id as usize).collect();
        assert_eq!(shown, best[..8]);
        for (id, logprob) in drawn.top.iter().copied().chain([(drawn.id, drawn.logprob)]) {
            assert!((f64::from(logprob) - row.logprobs[id as usize]).abs() <= 1e-5);
        }
        let warped = row.probabilities[drawn.id as usize].ln();
        let open = row.kind == "ties" && warped.is_infinite();
        assert!(
            open || (f64::from(drawn.sampled_logprob) - warped).abs() <= 1e-5,
            "{} and {warped}",
            drawn.sampled_logprob
        );
    }
}

/// The same as `pixels` in make_resampler_goldens.py.
fn drawn(w: u32, h: u32, kind: &str) -> RgbImage {
    let noise = |x: u32, y: u32, c: u32| {
        let v = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(2_246_822_519));
        let v = v.wrapping_add(c.wrapping_mul(3_266_489_917));
        let v = (v ^ (v >> 15)).wrapping_mul(2_246_822_519);
        (v ^ (v >> 13)) >> 24
    };
    let value = |x: u32, y: u32, c: u32| match kind {
        "noise" => noise(x, y, c),
        "edges" => (noise(x, y, c) & 1) * 255,
        "page" => x * 3 + y * 2 + c * 60 + (x / 37 * 91 + y / 29 * 57),
        other => panic!("{other}"),
    };
    RgbImage::from_fn(w, h, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c) as u8)))
}

#[test]
fn the_fast_processors_values_are_torchvisions_bits() {
    use sha2::{Digest, Sha256};
    type Row = (u32, u32, String, u64, u64, [usize; 3], String);
    let rows: Vec<Row> = json("torchvision.json");
    assert!(rows.len() >= 150, "{} rows", rows.len());
    let mut otherwise = 0;
    for (w, h, kind, min_pixels, max_pixels, grid, expected) in rows {
        let image = drawn(w, h, &kind);
        let hash = |resampler| {
            let settings = ImageProcessor { min_pixels, max_pixels, resampler, ..Default::default() };
            let patches = settings.process(&image).unwrap();
            assert_eq!(patches.grid, grid, "{w}×{h} {kind}");
            let bytes: Vec<u8> = patches.data.iter().flat_map(|v| v.to_le_bytes()).collect();
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(hash(Resampler::Torchvision), expected, "{w}×{h} {kind} {min_pixels} {max_pixels}");
        otherwise += usize::from(hash(Resampler::Pillow) != expected);
    }
    assert!(otherwise > 150, "the two forms differ on {otherwise} only: this test could not fail");
}
