//! Draws one panel: card, title, legend, axes, bands, lines.

use super::axis::{Axis, told};
use super::board::{Anchor, At, Board, Colour, Frame, Lettering, Pen};
use super::curve::{Curve, curve};
use super::letters::{fitted, width};
use super::panels::Panel;

/// Colours that people with any colour vision can tell apart (after Okabe and Ito, darkened for a white ground).
const COLOURS: [Colour; 8] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe0, 0x9f, 0x00],
    [0x3f, 0xa7, 0xd9],
    [0x6a, 0x51, 0xa3],
    [0x55, 0x5b, 0x66],
];

/// Colour of titles.
pub(super) const INK: Colour = [0x1f, 0x24, 0x2e];
/// Colour of captions and numbers.
pub(super) const SOFT: Colour = [0x63, 0x6b, 0x7a];
const GRID: Colour = [0xe9, 0xeb, 0xef];
const AXIS: Colour = [0xb4, 0xba, 0xc5];
const CARD: Colour = [0xff, 0xff, 0xff];
const EDGE: Colour = [0xe1, 0xe4, 0xe9];

const PAD: f32 = 16.0;
const LEGEND_ROW: f32 = 15.0;
const SMALL: f32 = 11.0;

/// The colour of a line, and whether its number is so high that the colour came before and it is dashed.
pub(super) fn look(number: usize, width: f32) -> Pen {
    let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or(INK);
    let pen = Pen::new(colour, width);
    if number < COLOURS.len() { pen } else { pen.dashed(4.0, 2.5) }
}

/// Text in the usual size, from its left end.
pub(super) const fn small(colour: Colour) -> Lettering {
    Lettering { size: SMALL, bold: false, colour, anchor: Anchor::Start }
}

/// What all panels of a page share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// First and last step.
    pub steps: (f64, f64),
    /// Where stages begin.
    pub stages: Vec<f64>,
}

/// A legend entry: its place and its text.
struct Entry {
    at: At,
    text: String,
    line: usize,
}

/// Draws a panel into its frame.
pub(super) fn paint(board: &mut dyn Board, panel: &Panel<'_>, frame: Frame, shared: &Shared) {
    board.rect(frame, CARD, Some(EDGE), 8.0);
    let (left, room) = (frame.x + PAD, frame.w - 2.0 * PAD);
    head(board, panel, (left, frame.y), room);
    let (entries, rows) = if panel.legend { legend(panel, left, frame.y + 64.0, room) } else { (Vec::new(), 0) };
    for entry in &entries {
        let Some(line) = panel.lines.get(entry.line) else { continue };
        let y = entry.at.1 - 3.5;
        board.line(&[(entry.at.0, y), (entry.at.0 + 14.0, y)], look(line.colour, 2.5));
        board.text((entry.at.0 + 19.0, entry.at.1), &entry.text, small(SOFT));
    }
    let under_head = if panel.caption.is_empty() { 42.0 } else { 60.0 };
    let gap = if rows > 0 { 6.0 } else { 0.0 };
    let top = frame.y + under_head + gap + rows as f32 * LEGEND_ROW;
    let curves: Vec<Curve> = panel.lines.iter().map(|line| curve(line.series, line.band, panel.smooth)).collect();
    let values = values(panel, &curves);
    let widest = values.ticks.iter().map(|tick| width(&tick.1, SMALL, false)).fold(0.0, f32::max);
    let plot_left = left + widest + 8.0;
    let plot = Frame { x: plot_left, y: top, w: left + room - plot_left - 4.0, h: frame.y + frame.h - 32.0 - top };
    let steps = Axis::steps(shared.steps.0, shared.steps.1);
    axes(board, plot, &steps, &values, shared);
    let place =
        |x: f64, y: f64| (plot.x + plot.w * steps.place(x) as f32, plot.y + plot.h * (1.0 - values.place(y) as f32));
    lines(board, panel, &curves, &place);
}

/// Title, newest value, caption.
fn head(board: &mut dyn Board, panel: &Panel<'_>, (left, top): At, room: f32) {
    let mut free = room;
    if let [line] = panel.lines.as_slice()
        && let Some(last) = line.series.last()
    {
        let text = told(last, panel.unit);
        let how = Lettering { size: 14.0, bold: true, colour: look(line.colour, 1.0).colour, anchor: Anchor::End };
        board.text((left + room, top + 27.0), &text, how);
        free -= width(&text, 14.0, true) + 12.0;
    }
    let title = Lettering { size: 14.0, bold: true, colour: INK, anchor: Anchor::Start };
    board.text((left, top + 27.0), &fitted(&panel.title, 14.0, true, free), title);
    let mut caption = panel.caption.clone();
    if panel.left_out > 0 {
        caption = format!("{caption} · {} more lines are not drawn", panel.left_out);
    }
    board.text((left, top + 44.0), &fitted(&caption, SMALL, false, room), small(SOFT));
}

/// Entries from left to right, in as many rows as they need.
fn legend(panel: &Panel<'_>, left: f32, top: f32, room: f32) -> (Vec<Entry>, usize) {
    let (mut x, mut row) = (0.0, 0);
    let mut entries = Vec::new();
    for (line, shown) in panel.lines.iter().enumerate() {
        let last = shown.series.last().map(|last| told(last, panel.unit)).unwrap_or_default();
        let text = format!("{} {last}", fitted(&shown.label, SMALL, false, room / 2.0));
        let wide = 19.0 + width(&text, SMALL, false);
        if x > 0.0 && x + wide > room {
            (x, row) = (0.0, row + 1);
        }
        entries.push(Entry { at: (left + x, top + row as f32 * LEGEND_ROW), text, line });
        x += wide + 14.0;
    }
    (entries, row + 1)
}

/// The axis of values that has room for all lines and bands.
fn values(panel: &Panel<'_>, curves: &[Curve]) -> Axis {
    let lines = curves.iter().flat_map(|curve| curve.line.iter().chain(&curve.behind)).map(|point| point.1);
    // Where lines share a panel, the first is what it is named after; the bands of the others may be cut.
    let banded = if panel.legend { 1 } else { curves.len() };
    let bands = curves.iter().take(banded).flat_map(|curve| &curve.band).flat_map(|&(_, low, high)| [low, high]);
    let (least, most) = range(lines.clone());
    let many = panel.powers && least > 0.0 && most / least >= 30.0;
    let (low, high) = range(lines.chain(bands));
    if many { Axis::powers(least, most) } else { Axis::values(low, high, panel.unit) }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

fn axes(board: &mut dyn Board, plot: Frame, steps: &Axis, values: &Axis, shared: &Shared) {
    let (right, bottom) = (plot.x + plot.w, plot.y + plot.h);
    for (value, text) in &values.ticks {
        let y = bottom - plot.h * values.place(*value) as f32;
        board.line(&[(plot.x, y), (right, y)], Pen::new(GRID, 1.0));
        let how = Lettering { anchor: Anchor::End, ..small(SOFT) };
        board.text((plot.x - 6.0, y + 3.8), text, how);
    }
    let (first, last) = steps.ends();
    for step in shared.stages.iter().filter(|step| **step > first && **step < last) {
        let x = plot.x + plot.w * steps.place(*step) as f32;
        board.line(&[(x, plot.y), (x, bottom)], Pen::new(AXIS, 1.0).dashed(1.5, 3.0));
    }
    board.line(&[(plot.x, bottom), (right, bottom)], Pen::new(AXIS, 1.0));
    for (step, text) in &steps.ticks {
        let x = plot.x + plot.w * steps.place(*step) as f32;
        board.line(&[(x, bottom), (x, bottom + 4.0)], Pen::new(AXIS, 1.0));
        // A number at an end stays inside the card.
        let half = width(text, SMALL, false) / 2.0;
        let middle = x.min(right + 4.0 - half);
        board.text((middle, bottom + 17.0), text, Lettering { anchor: Anchor::Middle, ..small(SOFT) });
    }
}

fn lines(board: &mut dyn Board, panel: &Panel<'_>, curves: &[Curve], place: &dyn Fn(f64, f64) -> At) {
    let bands = curves.iter().filter(|curve| !curve.band.is_empty()).count();
    // Bands that lie over each other must not hide the lines.
    let strength = if bands > 1 { 0.08 } else { 0.16 };
    let at = |points: &[(f64, f64)]| -> Vec<At> { points.iter().map(|&(x, y)| place(x, y)).collect() };
    let pen = |i: usize, width: f32| look(panel.lines.get(i).map_or(0, |line| line.colour), width);
    for (i, curve) in curves.iter().enumerate().filter(|(_, curve)| curve.band.len() > 1) {
        let high = curve.band.iter().map(|&(x, _, high)| place(x, high));
        let low = curve.band.iter().rev().map(|&(x, low, _)| place(x, low));
        board.area(&high.chain(low).collect::<Vec<_>>(), pen(i, 1.0).colour, strength);
    }
    let faint = if curves.len() > 2 { 0.16 } else { 0.3 };
    for (i, curve) in curves.iter().enumerate().filter(|(_, curve)| curves.len() <= 4 && curve.behind.len() > 1) {
        let thin = Pen { dash: None, ..pen(i, 0.9) };
        board.line(&at(&curve.behind), thin.faint(faint));
    }
    // The first line is the one the panel is named after: it lies on top.
    for (i, curve) in curves.iter().enumerate().rev() {
        let points = at(&curve.line);
        if points.len() > 1 {
            board.line(&points, pen(i, if curves.len() > 4 { 1.6 } else { 2.0 }));
        }
        if points.len() <= 30 {
            points.iter().for_each(|point| board.dot(*point, 2.6, pen(i, 1.0).colour));
        }
    }
}
