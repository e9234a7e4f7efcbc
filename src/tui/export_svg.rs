//! A screen as an SVG picture: what was drawn, cell by cell, so that documentation shows the program as it is.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use image::{DynamicImage, RgbImage, RgbaImage};

/// Pixels of a cell.
const CELL: (u32, u32) = (8, 17);

/// Colours the terminal would choose itself.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// Colour of text without one.
    pub ink: [u8; 3],
    /// Colour of the background.
    pub paper: [u8; 3],
}

/// A picture that stands over cells.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The cells.
    pub area: Rect,
    /// The picture, without boxes.
    pub pixels: RgbImage,
    /// Boxes above it, where there are some.
    pub overlay: Option<RgbaImage>,
}

/// The screen as SVG: rectangles for grounds and block characters, one `<text>` for each run of one style; pictures
/// are embedded as PNG.
pub fn buffer_to_svg(buffer: &Buffer, ground: Ground, pictures: &[Picture]) -> String {
    let mut svg = opening(buffer.area.width, buffer.area.height, ground);
    for y in 0..buffer.area.height {
        svg.push_str(&row_to_svg(buffer, y, ground));
    }
    for picture in pictures {
        for png in picture.layers() {
            let (x, y, w, h) = pixels_of(picture.area);
            let image = format!("<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" href=\"{png}\"/>\n");
            svg.push_str(&image);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The root element of a screen of so many cells, with its background.
pub(super) fn opening(columns: u16, rows: u16, ground: Ground) -> String {
    let (w, h) = (u32::from(columns) * CELL.0, u32::from(rows) * CELL.1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" shape-rendering=\"crispEdges\">\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>\n",
        hex(ground.paper)
    )
}

/// One row of the screen, without pictures.
pub(super) fn row_to_svg(buffer: &Buffer, y: u16, ground: Ground) -> String {
    let mut svg = String::new();
    grounds(buffer, y, ground, &mut svg);
    texts(buffer, y, ground, &mut svg);
    svg
}

/// Left, top, width and height of cells in the SVG's pixels.
pub(super) fn pixels_of(area: Rect) -> (u32, u32, u32, u32) {
    let across = |cells: u16| u32::from(cells) * CELL.0;
    let down = |cells: u16| u32::from(cells) * CELL.1;
    (across(area.x), down(area.y), across(area.width), down(area.height))
}

impl Picture {
    /// Its layers from below as addresses that hold the data.
    pub(super) fn layers(&self) -> impl Iterator<Item = String> {
        // Writing a PNG into memory fails only for sizes that no screen has; the frame then stays empty.
        let below = DynamicImage::from(self.pixels.clone());
        [Some(below), self.overlay.clone().map(DynamicImage::from)].into_iter().flatten().filter_map(|layer| {
            let mut png = std::io::Cursor::new(Vec::new());
            layer.write_to(&mut png, image::ImageFormat::Png).ok()?;
            Some(format!("data:image/png;base64,{}", base64(png.get_ref())))
        })
    }
}

/// Base 64 with padding (RFC 4648).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let all = group.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let letter = LETTERS.get((all >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'A');
            text.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn cell_at(buffer: &Buffer, x: u16, y: u16) -> Option<&Cell> {
    buffer.cell((buffer.area.x + x, buffer.area.y + y))
}

/// Ink and ground of a cell, reversal applied.
fn colors(cell: &Cell, ground: Ground) -> ([u8; 3], [u8; 3]) {
    let (ink, paper) = (rgb(cell.fg, ground.ink), rgb(cell.bg, ground.paper));
    if cell.modifier.contains(Modifier::REVERSED) { (paper, ink) } else { (ink, paper) }
}

fn grounds(buffer: &Buffer, y: u16, ground: Ground, svg: &mut String) {
    let mut x = 0;
    while let Some(cell) = cell_at(buffer, x, y) {
        let (ink, paper) = colors(cell, ground);
        let start = x;
        while cell_at(buffer, x, y).is_some_and(|c| colors(c, ground).1 == paper) {
            x += 1;
        }
        if paper != ground.paper {
            rect(svg, f64::from(start), f64::from(y), f64::from(x - start), 1.0, paper);
        }
        let _ = ink;
    }
    for x in 0..buffer.area.width {
        let Some(cell) = cell_at(buffer, x, y) else { continue };
        for (dx, dy, w, h) in quarters(cell.symbol()) {
            rect(svg, f64::from(x) + dx, f64::from(y) + dy, w, h, colors(cell, ground).0);
        }
    }
}

/// The filled parts of a block character, in cells.
fn quarters(symbol: &str) -> Vec<(f64, f64, f64, f64)> {
    let rows: &[(f64, f64, f64, f64)] = match symbol {
        "█" => &[(0.0, 0.0, 1.0, 1.0)],
        "▀" => &[(0.0, 0.0, 1.0, 0.5)],
        "▌" => &[(0.0, 0.0, 0.5, 1.0)],
        "▘" => &[(0.0, 0.0, 0.5, 0.5)],
        "▝" => &[(0.5, 0.0, 0.5, 0.5)],
        "▖" => &[(0.0, 0.5, 0.5, 0.5)],
        "▗" => &[(0.5, 0.5, 0.5, 0.5)],
        "▚" => &[(0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5)],
        _ => &[],
    };
    rows.to_vec()
}

fn rect(svg: &mut String, x: f64, y: f64, w: f64, h: f64, color: [u8; 3]) {
    let (cw, ch) = (f64::from(CELL.0), f64::from(CELL.1));
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
        x * cw,
        y * ch,
        w * cw,
        h * ch,
        hex(color)
    );
}

fn texts(buffer: &Buffer, y: u16, ground: Ground, svg: &mut String) {
    let mut x = 0;
    while let Some(cell) = cell_at(buffer, x, y) {
        if is_blank(cell) {
            x += 1;
            continue;
        }
        let style = (colors(cell, ground).0, cell.modifier);
        let start = x;
        let mut text = String::new();
        while let Some(next) = cell_at(buffer, x, y) {
            if (colors(next, ground).0, next.modifier) != style || (is_blank(next) && next.symbol() != " ") {
                break;
            }
            text.push_str(next.symbol());
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(next.symbol()).max(1)).unwrap_or(1);
        }
        run(svg, start, y, x - start, text.trim_end(), style);
    }
}

fn is_blank(cell: &Cell) -> bool {
    // Where a picture stands, the cell holds what draws it.
    if cell.symbol().contains(['\u{1b}', '\u{10EEEE}']) {
        return true;
    }
    let underlined = cell.modifier.contains(Modifier::UNDERLINED);
    (cell.symbol().trim().is_empty() && !underlined) || !quarters(cell.symbol()).is_empty()
}

fn run(svg: &mut String, x: u16, y: u16, cells: u16, text: &str, (color, modifier): ([u8; 3], Modifier)) {
    let mut attributes = String::new();
    if modifier.contains(Modifier::BOLD) {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::ITALIC) {
        attributes.push_str(" font-style=\"italic\"");
    }
    if modifier.contains(Modifier::UNDERLINED) {
        attributes.push_str(" text-decoration=\"underline\"");
    }
    let trimmed = unicode_width::UnicodeWidthStr::width(text).min(usize::from(cells));
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" xml:space=\"preserve\" fill=\"{}\"{attributes}>{}</text>",
        u32::from(x) * CELL.0,
        u32::from(y) * CELL.1 + 13,
        trimmed as u32 * CELL.0,
        hex(color),
        escape(text)
    );
}

fn escape(text: &str) -> String {
    // What XML 1.0 cannot hold.
    let text = text.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn rgb(color: Color, otherwise: [u8; 3]) -> [u8; 3] {
    match color {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(i) => indexed(i),
        Color::Black => [0; 3],
        Color::White => [255; 3],
        _ => otherwise,
    }
}

/// The xterm palette's cube and grey ramp; the first 16 are taken as greys.
fn indexed(i: u8) -> [u8; 3] {
    match i {
        0..=15 => [i * 16; 3],
        16..=231 => {
            let step = |v: u8| if v == 0 { 0 } else { 55 + 40 * v };
            let i = i - 16;
            [step(i / 36), step(i / 6 % 6), step(i % 6)]
        }
        232..=255 => [8 + 10 * (i - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_screen_becomes_rectangles_and_runs() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD));
        buffer.set_string(4, 0, "cd", Style::new().fg(Color::Rgb(4, 5, 6)));
        buffer.set_string(0, 1, "▌", Style::new().fg(Color::Rgb(9, 9, 9)).bg(Color::Rgb(8, 8, 8)));
        let svg = buffer_to_svg(&buffer, Ground { ink: [255; 3], paper: [0; 3] }, &[]);
        assert!(svg.contains("fill=\"#010203\" font-weight=\"bold\">a&lt;b</text>"), "{svg}");
        assert!(svg.contains("<text x=\"32\" y=\"13\" textLength=\"16\""), "{svg}");
        assert!(svg.contains("<rect x=\"0\" y=\"17\" width=\"8\" height=\"17\" fill=\"#080808\"/>"), "{svg}");
        assert!(svg.contains("<rect x=\"0\" y=\"17\" width=\"4\" height=\"17\" fill=\"#090909\"/>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2);
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
