//! Writes training pages for `scripts/train_demo.py` to stdout: a JSON line a page, then its raw pixels.
//!
//! `export_train FIRST_SEED PAGES SEGMENTS`. The line holds the page's and crops' sizes, the segments as parts with roles,
//! and the cell labels; after it come width×height×3 bytes of the processed page, then of each processed crop.

use std::io::{BufWriter, Write};

use panelscope::benchmark::Task;
use panelscope::benchmark::synthetic::{DrawnPage, PAGE_SIZE, dice, draw_page, question_for};
use panelscope::geometry::{PageBox, Size};
use panelscope::model::processor::ImageProcessor;
use panelscope::train::{cells, trajectory};
use serde_json::json;

/// Pages answered directly, without the tool.
const DIRECT: f32 = 0.12;
/// Crops are cut this far off, as a share of the box's side.
const JITTER: f32 = 0.06;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<u64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [first, pages, segments] = args[..] else { return Err("export_train FIRST_SEED PAGES SEGMENTS".into()) };
    let processor = ImageProcessor::from_json(include_str!("../assets/demo-rarl/preprocessor_config.json"))?;
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    for seed in first..first.saturating_add(pages) {
        write_page(&mut out, &draw_page(seed), &processor, segments as usize)?;
    }
    out.flush()?;
    Ok(())
}

fn write_page(
    out: &mut impl Write,
    page: &DrawnPage,
    processor: &ImageProcessor,
    wanted: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut dice = dice(page.truth.seed, "training");
    let direct = dice.chance(DIRECT);
    let seen = processor.resize(&page.pixels)?;
    let processed = Size::new(seen.width(), seen.height());
    let whole = PageBox::new(0.0, 0.0, PAGE_SIZE.w.into(), PAGE_SIZE.h.into());
    let (rows, columns) = (seen.height() as usize / 28, seen.width() as usize / 28);
    let mut segments = Vec::new();
    let mut crops: Vec<(u32, image::RgbImage, Vec<[i32; 3]>)> = Vec::new();
    let mut asked = std::collections::HashSet::new();
    for salt in 0..40u32 {
        let task = if salt % 2 == 0 { Task::ActionRecognition } else { Task::DepthComparison };
        let Some(question) = question_for(&page.truth, task, salt) else { continue };
        if segments.len() >= wanted || !asked.insert(question.text.clone()) {
            continue;
        }
        let Some(panel) = trajectory::panel_of(&page.truth, &question) else { continue };
        let mut used = Vec::new();
        let parts = if direct {
            trajectory::direct(&question)
        } else {
            let known = crops.iter().position(|(n, ..)| *n == panel.number);
            used.push(known.unwrap_or(crops.len()));
            if known.is_none() {
                let b = panel.bounds;
                let mut off = |side: f64| f64::from(dice.between(-JITTER, JITTER)) * side;
                let (w, h) = (b.width(), b.height());
                let cut = PageBox::new(b.x1 + off(w), b.y1 + off(h), b.x2 + off(w), b.y2 + off(h)).clamped(PAGE_SIZE);
                let (x, y) = (cut.x1.floor() as u32, cut.y1.floor() as u32);
                let (w, h) = (cut.x2.ceil() as u32 - x, cut.y2.ceil() as u32 - y);
                let crop = processor.resize(&image::imageops::crop_imm(&page.pixels, x, y, w, h).to_image())?;
                let (r, c) = (crop.height() as usize / 28, crop.width() as usize / 28);
                let labels = cells::figure_labels(&page.truth, &cut, r, c);
                crops.push((panel.number, crop, labels));
            }
            trajectory::zooming(&question, panel, PAGE_SIZE, processed)
        };
        if let Some(parts) = parts {
            segments.push(json!({"task": task, "question": question, "parts": parts, "crops": used}));
        }
    }
    let line = json!({
        "seed": page.truth.seed,
        "direct": direct,
        "page": [seen.height(), seen.width()],
        "crops": crops.iter().map(|(_, c, _)| [c.height(), c.width()]).collect::<Vec<_>>(),
        "segments": segments,
        "page_cells": cells::panel_labels(&page.truth, &whole, rows, columns),
        "crop_cells": crops.iter().map(|(.., l)| l).collect::<Vec<_>>(),
    });
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")?;
    out.write_all(seen.as_raw())?;
    for (_, crop, _) in &crops {
        out.write_all(crop.as_raw())?;
    }
    Ok(())
}
