//! Drawing pages: truth alone, pixels, pixels and PNG. The goal is 10,000 pages as PNG within 3 minutes on 2 cores, which is
//! 36 ms of one core for a page with everything.
//!
//! `cargo bench --bench pages`
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::Cell;

use divan::Bencher;
use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use panelscope::benchmark::synthetic::{Difficulty, draw_page, page_truth};

fn main() {
    divan::main();
}

/// Another page every time, so that the median is that of pages.
fn seeds() -> impl Fn() -> u64 {
    let next = Cell::new(0);
    move || next.replace(next.get() + 1)
}

#[divan::bench(args = Difficulty::ALL, sample_count = 200)]
fn truth(bencher: Bencher<'_, '_>, difficulty: Difficulty) {
    bencher.with_inputs(seeds()).bench_local_values(|seed| page_truth(seed, difficulty));
}

#[divan::bench(args = Difficulty::ALL, sample_count = 100)]
fn pixels(bencher: Bencher<'_, '_>, difficulty: Difficulty) {
    bencher.with_inputs(seeds()).bench_local_values(|seed| draw_page(seed, difficulty).pixels);
}

#[divan::bench(args = Difficulty::ALL, sample_count = 100)]
fn png(bencher: Bencher<'_, '_>, difficulty: Difficulty) {
    bencher.with_inputs(seeds()).bench_local_values(|seed| {
        let page = draw_page(seed, difficulty).pixels;
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Level(1), FilterType::NoFilter);
        encoder.write_image(&page, page.width(), page.height(), image::ExtendedColorType::Rgb8).unwrap();
        bytes
    });
}
