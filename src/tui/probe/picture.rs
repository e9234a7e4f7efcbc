//! A sweep as a picture: the page with a heat map over it.

use image::{Rgb, RgbImage};

use crate::geometry::PageBox;
use crate::probe::{Report, SweepFigures, brief, heat_colour};
use crate::text::one_line;
use crate::train::plot::board::{Anchor, Board, Colour, Frame, Lettering, Pen};
use crate::train::plot::letters::width;
use crate::train::plot::png::PngBoard;

/// Width of the page in a picture that is written to a file, in pixels of the picture.
const PAGE_WIDTH: f32 = 560.0;
/// Tallest page there.
const PAGE_HEIGHT: f32 = 1200.0;
/// Room around it.
const MARGIN: f32 = 20.0;
/// Room for the legend.
const LEGEND: f32 = 200.0;
/// How much of a colour covers the page.
const OPACITY: f32 = 0.62;
/// Longest side of the page on a screen.
const MOST_SIDE: u32 = 1600;
const INK: Colour = [32, 32, 40];
const SOFT: Colour = [96, 96, 108];
const TARGET: Colour = [226, 32, 64];
const WHITE: Colour = [255; 3];

/// The whole picture as a PNG file: question, page with heat map, legend, sentence. None where there is no memory for it.
pub fn sweep_png(page: &RgbImage, report: &Report) -> Option<Vec<u8>> {
    let figures = report.sweep.as_ref()?;
    let (w, h) = (page.width().max(1) as f32, page.height().max(1) as f32);
    let scale = (PAGE_WIDTH / w).min(PAGE_HEIGHT / h);
    let place = Frame { x: MARGIN, y: MARGIN + 40.0, w: w * scale, h: h * scale };
    let all = MARGIN + place.w + MARGIN + LEGEND + MARGIN;
    let words = wrapped(&report.sentence, 14.0, all - 2.0 * MARGIN);
    let foot = place.y + place.h + MARGIN;
    let mut board = PngBoard::new(all, foot + 20.0 * words.len() as f32 + MARGIN, 1.0)?;
    board.rect(Frame { x: 0.0, y: 0.0, w: all, h: foot + 1000.0 }, WHITE, None, 0.0);
    let title = fitted_title(report);
    board.text((MARGIN, MARGIN + 14.0), &title, lettering(17.0, true, INK));
    board.image(place, &faded(page));
    heat(&mut board, place, figures, 12.0);
    legend(&mut board, (place.x + place.w + MARGIN, place.y), figures);
    for (i, line) in words.iter().enumerate() {
        board.text((MARGIN, foot + 14.0 + 20.0 * i as f32), line, lettering(14.0, false, INK));
    }
    board.finish()
}

/// The page with the heat map over it, for a screen: numbers where they fit, the target outlined, no legend.
pub fn sweep_page(page: &RgbImage, figures: &SweepFigures) -> Option<RgbImage> {
    let (w, h) = (page.width().max(1), page.height().max(1));
    let scale = (f64::from(MOST_SIDE) / f64::from(w.max(h))).min(1.0);
    let size = |side: u32| (f64::from(side) * scale).round().max(1.0) as f32;
    let place = Frame { x: 0.0, y: 0.0, w: size(w), h: size(h) };
    let mut board = PngBoard::new(place.w, place.h, 1.0)?;
    board.image(place, &faded(page));
    heat(&mut board, place, figures, place.w / 34.0);
    Some(board.pixels())
}

/// Grey and light, so that colours and numbers stand out.
fn faded(page: &RgbImage) -> RgbImage {
    let light = |p: &Rgb<u8>| {
        let [r, g, b] = p.0.map(f32::from);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        (255.0 - (255.0 - luma) * 0.75).round() as u8
    };
    RgbImage::from_fn(page.width(), page.height(), |x, y| Rgb([light(page.get_pixel(x, y)); 3]))
}

fn heat(board: &mut PngBoard, place: Frame, figures: &SweepFigures, size: f32) {
    let on = |b: &PageBox| {
        let (sx, sy) = (
            f64::from(place.w) / f64::from(figures.page.0.max(1)),
            f64::from(place.h) / f64::from(figures.page.1.max(1)),
        );
        let (x, y) = (place.x + (b.x1 * sx) as f32, place.y + (b.y1 * sy) as f32);
        Frame { x, y, w: (b.width() * sx) as f32, h: (b.height() * sy) as f32 }
    };
    let (columns, rows) = figures.blocks();
    let blocks = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    for (column, row) in blocks {
        let (Some(block), Some(p)) = (figures.block(column, row), figures.p_of(column, row)) else { continue };
        let (frame, colour) = (on(&block), heat_colour(p));
        board.area(&corners(frame), colour, OPACITY);
        board.line(&closed(frame), Pen::new(WHITE, 1.0).faint(0.35));
        number(board, frame, &brief(p), colour, size);
    }
    for target in &figures.targets {
        let frame = on(target);
        board.line(&closed(frame), Pen::new(WHITE, 5.0));
        board.line(&closed(frame), Pen::new(TARGET, 3.0).dashed(9.0, 5.0));
    }
}

/// A number in the middle of a block, where it fits.
fn number(board: &mut PngBoard, frame: Frame, text: &str, colour: Colour, size: f32) {
    let wide = width(text, size, true);
    if wide + 8.0 > frame.w || size + 6.0 > frame.h {
        return;
    }
    let (x, y) = (frame.x + frame.w / 2.0, frame.y + frame.h / 2.0);
    let back = Frame { x: x - wide / 2.0 - 3.0, y: y - size * 0.65, w: wide + 6.0, h: size * 1.3 };
    board.rect(back, colour, None, 3.0);
    let [r, g, b] = colour.map(f32::from);
    let ink = if 0.299 * r + 0.587 * g + 0.114 * b > 130.0 { [0; 3] } else { WHITE };
    let how = Lettering { anchor: Anchor::Middle, ..lettering(size, true, ink) };
    board.text((x, y + size * 0.36), text, how);
}

fn legend(board: &mut PngBoard, (x, y): (f32, f32), figures: &SweepFigures) {
    board.text((x, y + 12.0), "P(right | looked there)", lettering(14.0, true, INK));
    let (top, tall, steps) = (y + 28.0, 180.0, 90);
    for step in 0..steps {
        let p = 1.0 - f64::from(step) / f64::from(steps - 1);
        let slice = Frame { x, y: top + tall * step as f32 / steps as f32, w: 26.0, h: tall / steps as f32 + 1.0 };
        board.rect(slice, heat_colour(p), None, 0.0);
    }
    for quarter in 0..=4_u8 {
        let p = f32::from(quarter) / 4.0;
        let at = top + tall * (1.0 - p);
        board.line(&[(x + 26.0, at), (x + 32.0, at)], Pen::new(SOFT, 1.0));
        board.text((x + 38.0, at + 5.0), &format!("{p:.2}"), lettering(13.0, false, INK));
    }
    let mut at = top + tall + 40.0;
    board.line(&[(x, at - 5.0), (x + 26.0, at - 5.0)], Pen::new(TARGET, 3.0).dashed(9.0, 5.0));
    board.text((x + 38.0, at), "target", lettering(13.0, false, INK));
    let mut rows = vec![("all regions".to_owned(), figures.mean)];
    rows.extend(figures.on_target.map(|s| ("on the target".to_owned(), s.mean)));
    rows.extend(figures.off_target.map(|s| ("off the target".to_owned(), s.mean)));
    rows.extend(figures.own.as_ref().map(|own| ("its own crop".to_owned(), own.p_right)));
    rows.push(("no crop".to_owned(), figures.none.p_right));
    at += 14.0;
    for (name, p) in rows {
        at += 20.0;
        board.rect(Frame { x, y: at - 11.0, w: 26.0, h: 13.0 }, heat_colour(p), None, 2.0);
        board.text((x + 38.0, at), &format!("{p:.2}  {name}"), lettering(13.0, false, INK));
    }
    at += 32.0;
    for line in wrapped("Each block: the mean over all regions that show it.", 12.0, LEGEND) {
        board.text((x, at), &line, lettering(12.0, false, SOFT));
        at += 16.0;
    }
}

fn fitted_title(report: &Report) -> String {
    let truth = report.truth.as_deref().map(|truth| format!(" ({truth})")).unwrap_or_default();
    let title = format!("{}{truth}", report.question);
    crate::train::plot::letters::fitted(&one_line(&title), 17.0, true, PAGE_WIDTH + LEGEND)
}

fn lettering(size: f32, bold: bool, colour: Colour) -> Lettering {
    Lettering { size, bold, colour, anchor: Anchor::Start }
}

fn corners(f: Frame) -> [(f32, f32); 4] {
    [(f.x, f.y), (f.x + f.w, f.y), (f.x + f.w, f.y + f.h), (f.x, f.y + f.h)]
}

fn closed(f: Frame) -> [(f32, f32); 5] {
    let [a, b, c, d] = corners(f);
    [a, b, c, d, a]
}

fn wrapped(text: &str, size: f32, room: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in one_line(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, false) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
