//! Charts of trainings: pages of small panels from `metrics.jsonl`, as SVG or PNG.
//!
//! What is drawn is named series of points ([`series::Curves`]); nothing here knows which training wrote them. The same
//! drawing goes to a vector file and to a picture ([`board::Board`]).

pub mod axis;
pub mod board;
pub mod curve;
pub mod letters;
pub mod page;
mod paint;
pub mod panels;
pub mod png;
pub mod read;
pub mod series;
pub mod svg;

#[cfg(test)]
mod tests;

use page::Page;
use png::PngBoard;
use read::Run;
use svg::SvgBoard;

use super::error::{Result, TrainError};

/// More runs on a page cannot be told apart.
const MOST_RUNS: usize = 16;
/// Pixels of a picture for each of the page.
const SCALE: f32 = 2.0;

/// The page of these runs; of these metrics, or of those that fit.
///
/// # Errors
/// No run or too many, or a metric that none has.
pub fn page<'a>(runs: &'a [Run], keys: &[String]) -> Result<Page<'a>> {
    if runs.is_empty() || runs.len() > MOST_RUNS {
        return Err(TrainError::Plot(format!("{} trainings; a page has 1 to {MOST_RUNS}", runs.len())));
    }
    let panels = if keys.is_empty() { panels::default_panels(runs) } else { panels::asked_panels(runs, keys)? };
    Ok(Page::new(runs, panels))
}

/// The page as an SVG file.
pub fn svg(page: &Page<'_>) -> String {
    let mut board = SvgBoard::new(page.width, page.height, &page.title());
    page.draw(&mut board);
    board.finish()
}

/// The page as a PNG file.
///
/// # Errors
/// No memory for the picture.
pub fn png(page: &Page<'_>) -> Result<Vec<u8>> {
    let drawn = PngBoard::new(page.width, page.height, SCALE).and_then(|mut board| {
        page.draw(&mut board);
        board.finish()
    });
    drawn.ok_or_else(|| TrainError::Plot("there is no memory for a picture of this size".into()))
}
