//! A small terminal that keeps pictures as kitty's protocol says.

use std::collections::BTreeMap;

use image::{RgbImage, RgbaImage};
use ratatui::layout::Rect;

/// A placement: cells and what of the picture is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Column and row of its corner, from 0.
    pub at: (u32, u32),
    /// Columns and rows.
    pub cells: (u32, u32),
    /// `x, y, w, h`; `None` is all of it.
    pub source: Option<[u32; 4]>,
    pub z: i32,
}

/// What was sent to it.
#[derive(Default)]
pub struct Terminal {
    /// PNGs in base64 under each id.
    pub images: BTreeMap<u32, String>,
    pub placements: BTreeMap<u32, Placement>,
    /// Ids in the order they were transmitted.
    pub transmitted: Vec<u32>,
    cursor: (u32, u32),
    saved: Option<(u32, u32)>,
    /// The id whose pieces are still coming.
    coming: Option<u32>,
}

impl Terminal {
    /// Obeys; anything that is not what this program may say is an error.
    pub fn obey(&mut self, bytes: &str) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("\x1b_G") {
                let (command, after) = after.split_once("\x1b\\").expect("an unfinished command");
                assert!(command.len() <= 4096 + 200, "a piece is too long: {}", command.len());
                self.graphics(command);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("\x1b7") {
                self.saved = Some(self.cursor);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("\x1b8") {
                self.cursor = self.saved.take().expect("nothing was saved");
                rest = after;
            } else if let Some(after) = rest.strip_prefix("\x1b[") {
                let (place, after) = after.split_once('H').expect("only the cursor is moved");
                let (row, column) = place.split_once(';').expect("row and column");
                self.cursor = (column.parse::<u32>().unwrap() - 1, row.parse::<u32>().unwrap() - 1);
                rest = after;
            } else {
                panic!("not for a terminal: {:?}", rest.chars().take(40).collect::<String>());
            }
        }
        assert!(self.coming.is_none(), "the last piece never came");
        assert!(self.saved.is_none(), "the cursor is given back");
    }

    fn graphics(&mut self, command: &str) {
        let (head, data) = command.split_once(';').unwrap_or((command, ""));
        let keys: BTreeMap<&str, &str> = head.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let number = |key: &str| keys.get(key).map(|v| v.parse::<u32>().unwrap());
        assert_eq!(keys.get("q"), Some(&"2"), "no answer may come: {head}");
        if let Some(id) = self.coming {
            assert!(keys.keys().all(|k| ["q", "m"].contains(k)), "{head}");
            self.images.get_mut(&id).unwrap().push_str(data);
            self.coming = (number("m") == Some(1)).then_some(id);
            return;
        }
        let id = number("i").expect("every command names its picture");
        match keys.get("a").copied() {
            Some("t") => {
                assert_eq!((keys["f"], keys["t"]), ("100", "d"));
                self.images.insert(id, data.to_owned());
                self.transmitted.push(id);
                self.coming = (number("m") == Some(1)).then_some(id);
            }
            Some("p") => {
                assert!(self.images.contains_key(&id), "{id} is placed before it is sent");
                assert_eq!((keys["C"], keys["p"]), ("1", "1"), "the cursor stays, the placement is the same");
                let source = number("x").map(|x| [x, number("y").unwrap(), number("w").unwrap(), number("h").unwrap()]);
                let cells = (number("c").unwrap(), number("r").unwrap());
                let z = keys["z"].parse().unwrap();
                self.placements.insert(id, Placement { at: self.cursor, cells, source, z });
            }
            Some("d") => {
                self.placements.remove(&id);
                if keys["d"] == "I" {
                    self.images.remove(&id);
                }
            }
            other => panic!("{other:?} in {head}"),
        }
    }

    /// What stands over cells of `cell` pixels in an area, pictures above each other as their z says.
    pub fn seen(&self, area: Rect, cell: (u32, u32)) -> RgbImage {
        let mut screen = RgbaImage::new(u32::from(area.width) * cell.0, u32::from(area.height) * cell.1);
        let mut placed: Vec<_> = self.placements.iter().collect();
        placed.sort_by_key(|(id, p)| (p.z, **id));
        for (id, p) in placed {
            let picture = image::load_from_memory(&decoded(&self.images[id])).unwrap().to_rgba8();
            let [x, y, w, h] = p.source.unwrap_or([0, 0, picture.width(), picture.height()]);
            let part = image::imageops::crop_imm(&picture, x, y, w, h).to_image();
            let size = (p.cells.0 * cell.0, p.cells.1 * cell.1);
            let part = image::imageops::resize(&part, size.0, size.1, image::imageops::FilterType::Triangle);
            let at = |place: u32, from: u16, pixels: u32| (i64::from(place) - i64::from(from)) * i64::from(pixels);
            image::imageops::overlay(&mut screen, &part, at(p.at.0, area.x, cell.0), at(p.at.1, area.y, cell.1));
        }
        image::DynamicImage::ImageRgba8(screen).to_rgb8()
    }

    /// What ED 2 and a resize do.
    pub fn clear(&mut self) {
        self.images.clear();
        self.placements.clear();
    }
}

/// The bytes behind base64.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text.bytes().filter_map(|b| DIGITS.iter().position(|d| *d == b)).map(|d| d as u32).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let all = group.iter().fold(0, |all, d| all << 6 | d) << (6 * (4 - group.len()));
        bytes.extend((0..group.len() - 1).map(|i| (all >> (16 - 8 * i)) as u8));
    }
    bytes
}
