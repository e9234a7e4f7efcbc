//! Attention as a picture for a file: the image with its heat map, a legend, words.

use std::sync::Arc;

use image::{Rgb, RgbImage};

use super::level_colour;
use crate::text::one_line;
use crate::train::plot::board::{Anchor, Board, Colour, Frame, Lettering, Pen};
use crate::train::plot::letters::fitted;
use crate::train::plot::png::PngBoard;
use crate::tui::images::Wash;

/// Widest and tallest the image is drawn, in pixels of the picture.
const ROOM: (f32, f32) = (720.0, 1100.0);
const MARGIN: f32 = 20.0;
const INK: Colour = [32, 32, 40];
const SOFT: Colour = [96, 96, 108];
const WHITE: Colour = [255; 3];
const BOX: Colour = [226, 32, 64];

/// An image with what is laid over it.
#[derive(Clone, Debug)]
pub struct AttentionPicture {
    /// The image.
    pub pixels: Arc<RgbImage>,
    /// Its heat map.
    pub wash: Arc<Wash>,
    /// The first line.
    pub title: String,
    /// What the strongest colour stands for.
    pub most: f32,
    /// Lines below.
    pub words: Vec<String>,
    /// Boxes in the image's pixels, with a word each.
    pub boxes: Vec<([f64; 4], String)>,
}

/// The picture as a PNG file; `None` where there is no memory for it.
pub fn attention_png(picture: &AttentionPicture) -> Option<Vec<u8>> {
    let (w, h) = (picture.pixels.width().max(1) as f32, picture.pixels.height().max(1) as f32);
    let scale = (ROOM.0 / w).min(ROOM.1 / h);
    let place = Frame { x: MARGIN, y: MARGIN + 30.0, w: w * scale, h: h * scale };
    let wide = place.w.max(460.0) + 2.0 * MARGIN;
    let foot = place.y + place.h + 14.0;
    let tall = foot + 34.0 + 19.0 * picture.words.len() as f32 + MARGIN;
    let mut board = PngBoard::new(wide, tall, 1.0)?;
    board.rect(Frame { x: 0.0, y: 0.0, w: wide, h: tall }, WHITE, None, 0.0);
    let title = fitted(&one_line(&picture.title), 15.0, true, wide - 2.0 * MARGIN);
    board.text((MARGIN, MARGIN + 12.0), &title, lettering(15.0, true, INK));
    board.image(place, &washed(&picture.pixels, &picture.wash));
    for (corners, word) in &picture.boxes {
        let [x1, y1, x2, y2] = corners.map(|v| v as f32 * scale);
        let line = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)].map(|(x, y)| (place.x + x, place.y + y));
        board.line(&line, Pen::new(WHITE, 5.0));
        board.line(&line, Pen::new(BOX, 2.5).dashed(9.0, 5.0));
        board.text((place.x + x1 + 5.0, place.y + y1 + 17.0), word, lettering(13.0, true, BOX));
    }
    ramp(&mut board, (MARGIN, foot), picture.most);
    for (i, words) in picture.words.iter().enumerate() {
        let words = fitted(&one_line(words), 13.0, false, wide - 2.0 * MARGIN);
        board.text((MARGIN, foot + 50.0 + 19.0 * i as f32), &words, lettering(13.0, false, INK));
    }
    board.finish()
}

/// The image with its heat map.
fn washed(pixels: &RgbImage, wash: &Wash) -> RgbImage {
    let (w, h) = pixels.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let share = |at: u32, of: u32| (f64::from(at) + 0.5) / f64::from(of.max(1));
        let (colour, cover) = Wash::paint_of(wash.level(share(x, w), share(y, h)));
        let under = pixels.get_pixel(x, y).0;
        let cover = u32::from(cover);
        let mix = |under: u8, over: u8| ((u32::from(under) * (255 - cover) + u32::from(over) * cover) / 255) as u8;
        let ([a, b, c], [r, g, b2]) = (under, colour);
        Rgb([mix(a, r), mix(b, g), mix(c, b2)])
    })
}

fn ramp(board: &mut PngBoard, (x, y): (f32, f32), most: f32) {
    let (steps, wide) = (64_u16, 180.0);
    for step in 0..steps {
        let slice = wide / f32::from(steps);
        let level = (u32::from(step) * 255 / u32::from(steps - 1)) as u8;
        let frame = Frame { x: x + slice * f32::from(step), y, w: slice + 0.5, h: 12.0 };
        board.rect(frame, level_colour(level), None, 0.0);
    }
    board.text((x, y + 27.0), "0", lettering(12.0, false, SOFT));
    let how = Lettering { anchor: Anchor::End, ..lettering(12.0, false, SOFT) };
    board.text((x + wide, y + 27.0), &format!("{:.2} % a patch", f64::from(most) * 100.0), how);
}

fn lettering(size: f32, bold: bool, colour: Colour) -> Lettering {
    Lettering { size, bold, colour, anchor: Anchor::Start }
}
