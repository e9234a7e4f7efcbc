//! What each merged cell of an image shows: labels for the auxiliary heads that are used in training only.

use crate::benchmark::synthetic::{Arc, PageTruth, PanelTruth, Place, Scene, Sound, balloon_words};
use crate::geometry::{PageBox, intersection};

/// Share of a cell a figure must fill to be its label.
const ENOUGH: f64 = 0.2;
/// Class of "no figure here".
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

/// Classes of a page's cell: the panel's number, its letter in a story.
pub const PAGE_HEADS: usize = 2;

/// Number and letter (1 for A) of the panel at each cell's middle, 0 for none.
pub fn panel_labels(truth: &PageTruth, region: &PageBox, rows: usize, columns: usize) -> Vec<[i32; PAGE_HEADS]> {
    cells(region, rows, columns)
        .map(|cell| {
            let (x, y) = ((cell.x1 + cell.x2) / 2.0, (cell.y1 + cell.y2) / 2.0);
            let here =
                |p: &&PanelTruth| (p.bounds.x1..p.bounds.x2).contains(&x) && (p.bounds.y1..p.bounds.y2).contains(&y);
            truth.panels.iter().find(here).map_or([0, 0], |p| [p.number as i32, letter_label(p)])
        })
        .collect()
}

fn letter_label(panel: &PanelTruth) -> i32 {
    panel.beat.as_ref().and_then(|beat| ('A'..='Z').position(|l| l == beat.label)).map_or(0, |i| i as i32 + 1)
}

/// Classes of a crop's cell: who, action, nearness, words, place, moment, order.
pub const CROP_HEADS: usize = 7;
/// Class of "no word here": after all that balloons say and all sounds.
pub const NO_WORD: i32 = 48;
/// Class of "no story here": after three moments of every story.
pub const NO_MOMENT: i32 = 18;
/// Class of "no balloon among others here": after the first, second and third of a talk.
pub const NO_ORDER: i32 = 3;
/// Moments of a story on the pages that are learnt from.
const MOMENTS: u32 = 3;

/// Per cell the class of each of [`CROP_HEADS`] heads: of the figure that fills most of it who it is, what it does and
/// (where depths are compared) whether it is the farther (0) or the nearer (1); of the balloon or burst what it says; of
/// the panel its place, and its moment of a story; of a talk's balloon which one it is.
pub fn crop_labels(truth: &PageTruth, region: &PageBox, rows: usize, columns: usize) -> Vec<[i32; CROP_HEADS]> {
    cells(region, rows, columns)
        .map(|cell| {
            let [who, action, nearness] = figure_label(truth, &cell);
            let [place, moment] = panel_label(truth, &cell);
            [who, action, nearness, word_label(truth, &cell), place, moment, order_label(truth, &cell)]
        })
        .collect()
}

fn share(b: &PageBox, cell: &PageBox) -> f64 {
    intersection(b, cell) / cell.area()
}

fn figure_label(truth: &PageTruth, cell: &PageBox) -> [i32; 3] {
    let figures = truth.panels.iter().flat_map(|p| p.figures.iter().map(move |f| (p.scene, f)));
    let most = figures
        .map(|(scene, f)| (share(&f.bounds, cell), scene, f))
        .filter(|(s, ..)| *s > ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    most.map_or([NO_FIGURE, NO_FIGURE, NO_NEARNESS], |(_, scene, f)| {
        let nearness = if scene == Scene::Depth { (f.depth as i32).min(NO_NEARNESS - 1) } else { NO_NEARNESS };
        [f.figure.index() as i32, f.action.index() as i32, nearness]
    })
}

fn word_label(truth: &PageTruth, cell: &PageBox) -> i32 {
    let spoken = |text: &str| balloon_words().position(|w| w == text);
    let heard = |sound: Sound| Some(balloon_words().count() + Sound::ALL.iter().position(|s| *s == sound)?);
    let words = truth.panels.iter().flat_map(|p| {
        let balloons = p.balloons.iter().map(move |b| (share(&b.bounds, cell), spoken(&b.text)));
        balloons.chain(p.sound.iter().map(move |(sound, bounds, _)| (share(bounds, cell), heard(*sound))))
    });
    let most = words.filter(|(s, _)| *s > ENOUGH).max_by(|a, b| a.0.total_cmp(&b.0));
    most.and_then(|(_, class)| class).map_or(NO_WORD, |class| class as i32)
}

fn order_label(truth: &PageTruth, cell: &PageBox) -> i32 {
    let talks = truth.panels.iter().filter(|p| p.balloons.len() > 1);
    let balloons = talks.flat_map(|p| (0..).zip(&p.balloons)).map(|(i, b)| (share(&b.bounds, cell), i));
    let most = balloons.filter(|(s, _)| *s > ENOUGH).max_by(|a, b| a.0.total_cmp(&b.0));
    most.map_or(NO_ORDER, |(_, i)| i.min(NO_ORDER))
}

fn panel_label(truth: &PageTruth, cell: &PageBox) -> [i32; 2] {
    let most = truth.panels.iter().max_by(|a, b| share(&a.bounds, cell).total_cmp(&share(&b.bounds, cell)));
    let place = |p: &PanelTruth| Place::ALL.iter().position(|place| *place == p.place).map_or(-1, |i| i as i32);
    let moment = |p: &PanelTruth| {
        let beat = p.beat.as_ref().filter(|beat| beat.step < MOMENTS)?;
        let arc = Arc::ALL.iter().position(|arc| *arc == beat.arc)?;
        Some((arc as u32 * MOMENTS + beat.step) as i32)
    };
    most.map_or([-1, NO_MOMENT], |p| [place(p), moment(p).unwrap_or(NO_MOMENT)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_class_of_a_head_is_none() {
        assert_eq!(balloon_words().count() + Sound::ALL.len(), NO_WORD as usize);
        assert_eq!(Arc::ALL.len() * MOMENTS as usize, NO_MOMENT as usize);
    }
}
