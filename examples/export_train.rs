//! Writes training pages for `scripts/train_demo.py` to stdout: a JSON line a page, then its raw pixels.
//!
//! `export_train FIRST_SEED PAGES SEGMENTS [PERCENT_DIRECT]`. The line holds the page's and crops' sizes, the segments as parts with roles,
//! and the cell labels; after it come width×height×3 bytes of the processed page, then of each processed crop.

use std::io::{BufWriter, Write};

use panelscope::model::ImageProcessor;
use panelscope::train::data::{Plan, Sketch, sketch};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<u64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [first, pages, segments, ref rest @ ..] = args[..] else {
        return Err("export_train FIRST_SEED PAGES SEGMENTS [PERCENT_DIRECT]".into());
    };
    let processor = ImageProcessor::from_json(include_str!("../assets/demo-rarl/preprocessor_config.json"))?;
    let mut plan = Plan { segments: usize::try_from(segments)?, ..Plan::default() };
    if let [percent] = rest {
        plan.direct = *percent as f32 / 100.0;
    }
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    for seed in first..first.saturating_add(pages) {
        write_page(&mut out, &sketch(seed, &plan, &processor)?)?;
    }
    out.flush()?;
    Ok(())
}

fn write_page(out: &mut impl Write, page: &Sketch) -> Result<(), Box<dyn std::error::Error>> {
    let segments = page.segments.iter();
    let line = json!({
        "seed": page.seed,
        "direct": page.direct,
        "page": [page.page.height(), page.page.width()],
        "crops": page.crops.iter().map(|c| [c.pixels.height(), c.pixels.width()]).collect::<Vec<_>>(),
        "segments": segments.map(|s| json!({"task": s.question.task, "parts": s.parts, "crops": s.crops})).collect::<Vec<_>>(),
        "page_cells": page.page_cells,
        "crop_cells": page.crops.iter().map(|c| &c.cells).collect::<Vec<_>>(),
    });
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")?;
    out.write_all(page.page.as_raw())?;
    for crop in &page.crops {
        out.write_all(crop.pixels.as_raw())?;
    }
    Ok(())
}
