//! kitty's graphics protocol with direct placements, as text.
//!
//! Pixels are sent once and kept by the terminal under an id; what is seen of them, and where, is a placement of a few dozen
//! bytes. Moving over the page changes the placement alone. Boxes are a second, transparent picture above it: as fine as
//! pixels, where box-drawing characters would jump from cell to cell and hide the art; as PNG a few kilobytes.
//!
//! PNG (`f=100`) and not zlib (`o=z`), because every terminal with this protocol reads it and no probe is needed.

use std::fmt::Write;
use std::sync::Arc;

use image::DynamicImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use ratatui::layout::Rect;

use crate::tui::export_svg::base64;

/// Longest piece of base64 that is sent at once.
const CHUNK: usize = 4096;

/// Pixels the terminal can keep.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheet {
    size: (u32, u32),
    /// A PNG in base64.
    data: String,
}

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Soon ready: a page.
    Little,
    /// Small: what is sent often and is nearly empty.
    Much,
}

/// What a pane shows of pixels the terminal keeps.
#[derive(Clone, Debug)]
pub struct Direct {
    /// The picture.
    pub sheet: Arc<Sheet>,
    /// `x, y, width, height` of what is seen, in the sheet's pixels.
    pub source: [u32; 4],
    /// Boxes, as large as what is seen is on the screen.
    pub overlay: Option<Arc<Sheet>>,
}

impl Sheet {
    /// Encodes a picture.
    pub(super) fn new(picture: &DynamicImage, effort: Effort) -> Result<Self, String> {
        let mut png = Vec::new();
        let compression = match effort {
            Effort::Little => CompressionType::Fast,
            Effort::Much => CompressionType::Default,
        };
        let encoder = PngEncoder::new_with_quality(&mut png, compression, FilterType::Up);
        picture.write_with_encoder(encoder).map_err(|e| e.to_string())?;
        Ok(Self { size: (picture.width(), picture.height()), data: base64(&png) })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// A part given in numbers of a picture that measures `space`, as whole pixels `x, y, width, height` of the sheet.
    pub(super) fn part(&self, [x1, y1, x2, y2]: [f64; 4], space: (u32, u32)) -> [u32; 4] {
        let side = |from: f64, to: f64, space: u32, pixels: u32| {
            let unit = f64::from(pixels) / f64::from(space.max(1));
            let at = |v: f64| if v.is_finite() { (v * unit).round().clamp(0.0, f64::from(pixels)) as u32 } else { 0 };
            let first = at(from).min(pixels.saturating_sub(1));
            (first, at(to).saturating_sub(first).max(1))
        };
        let ((x, w), (y, h)) = (side(x1, x2, space.0, self.size.0), side(y1, y2, space.1, self.size.1));
        [x, y, w, h]
    }
}

/// Sends pixels to be kept under an id; shows nothing. `q=2` asks the terminal not to answer.
pub(super) fn transmit(out: &mut String, sheet: &Sheet, id: u32) {
    let mut head = format!("a=t,f=100,t=d,i={id},");
    let mut rest = sheet.data.as_str();
    loop {
        let (piece, after) = rest.split_at(rest.len().min(CHUNK));
        // Writing to a string cannot fail.
        let _ = write!(out, "\x1b_G{head}q=2,m={};{piece}\x1b\\", u8::from(!after.is_empty()));
        head.clear();
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

/// Shows kept pixels, or a part of them, over these cells; a placement that is there already is replaced at once. The cursor
/// goes to the cells' corner and stays there (`C=1`).
pub(super) fn place(out: &mut String, id: u32, cells: Rect, source: Option<[u32; 4]>, z: i32) {
    let (row, column) = (u32::from(cells.y) + 1, u32::from(cells.x) + 1);
    let part = source.map(|[x, y, w, h]| format!("x={x},y={y},w={w},h={h},")).unwrap_or_default();
    let _ = write!(
        out,
        "\x1b[{row};{column}H\x1b_Ga=p,i={id},p=1,{part}c={},r={},z={z},C=1,q=2\x1b\\",
        cells.width, cells.height
    );
}

/// Takes a picture off the screen; its pixels stay with the terminal.
pub(super) fn hide(out: &mut String, id: u32) {
    let _ = write!(out, "\x1b_Ga=d,d=i,i={id},q=2\x1b\\");
}

/// Takes a picture off the screen and out of the terminal's memory.
pub(super) fn free(out: &mut String, id: u32) {
    let _ = write!(out, "\x1b_Ga=d,d=I,i={id},q=2\x1b\\");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use image::{RgbImage, RgbaImage};

    #[test]
    fn pixels_go_in_pieces_that_say_whether_more_comes() {
        let noise =
            RgbImage::from_fn(90, 60, |x, y| image::Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (x ^ y) as u8]));
        let sheet = Sheet::new(&DynamicImage::ImageRgb8(noise), Effort::Little).unwrap();
        let mut out = String::new();
        transmit(&mut out, &sheet, 7);
        let pieces: Vec<&str> = out.split("\x1b\\").filter(|p| !p.is_empty()).collect();
        assert_eq!(pieces.len(), sheet.data.len().div_ceil(CHUNK));
        assert!(pieces.len() > 1 && pieces[0].starts_with("\x1b_Ga=t,f=100,t=d,i=7,q=2,m=1;"));
        assert!(pieces[1..].iter().all(|p| p.starts_with("\x1b_Gq=2,m=")) && pieces.last().unwrap().contains("m=0;"));
        let joined: String = pieces.iter().map(|p| p.split_once(';').unwrap().1).collect();
        assert_eq!(joined, sheet.data);
    }

    #[test]
    fn a_part_is_whole_pixels_inside_the_sheet() {
        let sheet = Sheet { size: (100, 200), data: String::new() };
        assert_eq!(sheet.part([0.0, 0.0, 200.0, 400.0], (200, 400)), [0, 0, 100, 200]);
        assert_eq!(sheet.part([50.0, 100.0, 150.0, 300.0], (200, 400)), [25, 50, 50, 100]);
        let [x, y, w, h] = sheet.part([f64::NAN, 9e9, f64::INFINITY, -3.0], (200, 400));
        assert!(x + w <= 100 && y + h <= 200 && w > 0 && h > 0);
    }

    #[test]
    fn boxes_alone_are_a_few_kilobytes() {
        let mut lines = RgbaImage::new(800, 1000);
        for x in 100..700 {
            for y in [200, 201, 800, 801] {
                lines.put_pixel(x, y, image::Rgba([255, 0, 0, 255]));
            }
        }
        let sheet = Sheet::new(&DynamicImage::ImageRgba8(lines), Effort::Much).unwrap();
        assert!(sheet.data.len() < 8000, "{}", sheet.data.len());
    }
}
