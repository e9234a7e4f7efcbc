//! What each merged cell of an image shows: labels for the auxiliary heads that are used in training only.

use crate::benchmark::synthetic::{PageTruth, PanelTruth};
use crate::geometry::{PageBox, intersection};

/// Share of a cell a figure must fill to be its label.
const ENOUGH: f64 = 0.2;
/// Class of "no figure here" for [`figure_labels`].
pub const NO_FIGURE: i32 = 8;
/// Class of "no figure here" for nearness.
pub const NO_NEARNESS: i32 = 2;

/// The cells of an image whose merged grid is `rows`×`columns` and which shows `region` of the page, row by row.
fn cells(region: &PageBox, rows: usize, columns: usize) -> impl Iterator<Item = PageBox> {
    let (w, h) = (region.width() / columns as f64, region.height() / rows as f64);
    let (left, top) = (region.x1, region.y1);
    (0..rows)
        .flat_map(move |r| (0..columns).map(move |c| (r as f64, c as f64)))
        .map(move |(r, c)| PageBox::new(left + c * w, top + r * h, left + (c + 1.0) * w, top + (r + 1.0) * h))
}

/// The panel number at each cell's middle, 0 for none.
pub fn panel_labels(truth: &PageTruth, region: &PageBox, rows: usize, columns: usize) -> Vec<i32> {
    cells(region, rows, columns)
        .map(|cell| {
            let (x, y) = ((cell.x1 + cell.x2) / 2.0, (cell.y1 + cell.y2) / 2.0);
            let here =
                |p: &&PanelTruth| (p.bounds.x1..p.bounds.x2).contains(&x) && (p.bounds.y1..p.bounds.y2).contains(&y);
            truth.panels.iter().find(here).map_or(0, |p| p.number as i32)
        })
        .collect()
}

/// Per cell `[who, action, nearness]` of the figure that fills most of it; nearness is 0 for the farther, 1 for the nearer.
pub fn figure_labels(truth: &PageTruth, region: &PageBox, rows: usize, columns: usize) -> Vec<[i32; 3]> {
    let figures: Vec<_> = truth.panels.iter().flat_map(|p| &p.figures).collect();
    cells(region, rows, columns)
        .map(|cell| {
            let share = |b: &PageBox| intersection(b, &cell) / cell.area();
            figures
                .iter()
                .map(|f| (share(&f.bounds), f))
                .filter(|(s, _)| *s > ENOUGH)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or([NO_FIGURE, NO_FIGURE, NO_NEARNESS], |(_, f)| {
                    [f.figure.index() as i32, f.action.index() as i32, f.depth as i32]
                })
        })
        .collect()
}
