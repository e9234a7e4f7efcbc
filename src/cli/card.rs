//! The test card of `doctor`: what a terminal shows, and in words what should be seen.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use ratatui::style::Color;

use super::images_flag::ImagesFlag;
use super::print_image::print_image;
use crate::benchmark::synthetic::{Difficulty, draw_page};
use crate::tui::images::{Caps, Line, Mark, Request, Slot, View, Way, picture_of};
use crate::tui::theme::ColorDepth;

/// Columns of the ramp and of the page.
const COLUMNS: u16 = 32;
/// The page of the card, any that has much to see.
const SEED: u64 = 7;
/// Glyphs that the explorer draws, in groups whose widths are often wrong, with the cells each group takes.
const GLYPHS: [(&str, &str); 4] =
    [("▁▂▃▄▅▆▇█", "bars"), ("▘▝▀▖▌▗▚▞", "quarters"), ("⟨⟩▸▲●✓✗◀", "marks"), ("日本語紙", "wide")];

/// Prints the card to the scrollback.
///
/// # Errors
/// stdout cannot be written.
pub(super) fn print_card(caps: &Caps) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{}", ramp(caps.depth))?;
    writeln!(out, "  {}", ramp_words(caps.depth))?;
    write!(out, "\n{}\n", glyphs())?;
    writeln!(out, "  The four bars on the right stand in one column; every sign is whole, none is a box.\n")?;
    out.flush()?;
    drop(out);
    let flag = ImagesFlag::of(caps.way);
    let shown = print_image(&page(caps), flag, Some(COLUMNS))?;
    let mut out = io::stdout().lock();
    writeln!(out, "  {}", page_words(caps.way, shown))?;
    out.flush()
}

/// One row of colours, through grey to red.
fn ramp(depth: ColorDepth) -> String {
    let mut row = String::from("  ");
    for column in 0..COLUMNS {
        let step = (column * 255 / (COLUMNS - 1)) as u8;
        match depth.color([255, step, 255 - step]) {
            Color::Rgb(r, g, b) => drop(write!(row, "\x1b[48;2;{r};{g};{b}m ")),
            Color::Indexed(i) => drop(write!(row, "\x1b[48;5;{i}m ")),
            _ => row.push(if column % 2 == 0 { '░' } else { '▓' }),
        }
    }
    row.push_str("\x1b[0m");
    row
}

const fn ramp_words(depth: ColorDepth) -> &'static str {
    match depth {
        ColorDepth::True => "A smooth ramp from magenta to yellow. Steps: fewer colours than TERM promises.",
        ColorDepth::Indexed => "A ramp from magenta to yellow in steps; COLORTERM=truecolor makes it smooth.",
        ColorDepth::None => "No colour, since NO_COLOR is set.",
    }
}

/// A line for each group of glyphs, ended by a bar.
fn glyphs() -> String {
    let lines = GLYPHS.iter().map(|(glyphs, name)| format!("  {name:<9}{glyphs}│"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A drawn page with a box around a part of it.
fn page(caps: &Caps) -> image::RgbImage {
    let pixels = Arc::new(draw_page(SEED, Difficulty::Easy).pixels);
    let (w, h) = pixels.dimensions();
    let (fw, fh) = (f64::from(w), f64::from(h));
    let corners = [fw * 0.1, fh * 0.1, fw * 0.9, fh * 0.5];
    let mark = Mark { corners, color: [255, 90, 30], label: "1".to_owned(), line: Line::Solid };
    // The box is painted at the size of the screen, as the explorer does; blocks show two pixels a cell.
    let unit = if caps.way == Way::Blocks { 2.0 } else { f64::from(caps.cell.0.max(1)) };
    let rows = f64::from(COLUMNS) * unit * fh
        / fw
        / (if caps.way == Way::Blocks { 2.0 } else { f64::from(caps.cell.1.max(1)) });
    let cells = (COLUMNS, (rows.round() as u16).max(1));
    let view = View { source: [0.0, 0.0, fw, fh], cells };
    let request = Request { marks: vec![mark], view: Some(view), ..Request::new(Slot::Page, pixels, cells) };
    picture_of(&request, caps)
}

const fn page_words(way: Way, shown: bool) -> &'static str {
    match (way, shown) {
        (Way::None, _) | (_, false) => "No picture: boxes are listed in words in the explorer.",
        (Way::Blocks, true) => "A page of panels from coloured blocks, an orange box in its upper half.",
        (_, true) => "A page in real pixels with an orange box, number 1. Letters instead: try\n  another --images.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn the_groups_of_glyphs_are_equally_wide() {
        let lines = glyphs();
        for line in lines.lines() {
            assert_eq!(line.width(), 2 + 9 + 8 + 1, "{line}");
        }
    }

    #[test]
    fn the_ramp_uses_no_colour_where_none_is_wanted() {
        assert!(ramp(ColorDepth::True).contains("48;2;") && ramp(ColorDepth::Indexed).contains("48;5;"));
        assert!(!ramp(ColorDepth::None).contains("[48"));
    }

    #[test]
    fn the_page_has_its_box() {
        for way in [Way::Blocks, Way::Sixel] {
            let picture = page(&Caps { way, ..Caps::blocks(ColorDepth::True) });
            assert!(picture.pixels().filter(|p| p.0 == [255, 90, 30]).count() > 50, "{way:?}");
        }
    }
}
