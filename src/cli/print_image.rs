//! Pixels into the scrollback, for one-shot commands.
//!
//! Half blocks and recognised iTerm2 terminals are printed by `viuer`. Its kitty printer is not used: before the first
//! image it asks the terminal and waits for the answer without a time limit, so a terminal that keeps silent would hang
//! the program. Here nothing is ever asked: the environment decides, and `--images` overrides it.

use std::io::{self, IsTerminal, Write};

use image::{DynamicImage, ImageFormat, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::kitty::Kitty;

use super::escapes;
use super::images_flag::ImagesFlag;
use crate::geometry::Size;
use crate::model::processor::try_resize_bicubic;

/// Smallest images are enlarged at most this much where the terminal shows real pixels.
const MAX_ENLARGEMENT: f64 = 2.0;
/// Pixels of a cell when the terminal does not tell.
const USUAL_CELL: Size = Size::new(8, 16);

/// Prints an image, and says whether it did: not when stdout is no terminal, nor with `--images none`.
///
/// The image fits the window, less one row for the prompt, and has at most `width` columns.
///
/// # Errors
/// When writing fails.
pub fn print_image(image: &RgbImage, flag: ImagesFlag, width: Option<u16>) -> io::Result<bool> {
    if !io::stdout().is_terminal() || image.width() == 0 || image.height() == 0 {
        return Ok(false);
    }
    let way = resolve(flag, |name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let window = Window::ask(width);
    match way {
        Way::Nothing => return Ok(false),
        Way::Blocks => with_viuer(image, &window, false)?,
        Way::Iterm2 if viuer::is_iterm_supported() => with_viuer(image, &window, true)?,
        Way::Iterm2 => with_escapes(image, &window, escapes::iterm2)?,
        Way::Kitty => with_escapes(image, &window, escapes::kitty)?,
        Way::Placeholders => with_placeholders(image, &window)?,
        Way::Sixel => with_sixel(image, &window)?,
    }
    Ok(true)
}

/// How pixels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Kitty,
    Placeholders,
    Iterm2,
    Sixel,
    Blocks,
    Nothing,
}

/// What the flag means here; `var` reads the environment.
fn resolve(flag: ImagesFlag, var: impl Fn(&str) -> Option<String>) -> Way {
    match flag {
        ImagesFlag::Auto => detect(var),
        ImagesFlag::Kitty => Way::Kitty,
        ImagesFlag::KittyPlaceholders => Way::Placeholders,
        ImagesFlag::Iterm2 => Way::Iterm2,
        ImagesFlag::Sixel => Way::Sixel,
        ImagesFlag::Blocks => Way::Blocks,
        ImagesFlag::None => Way::Nothing,
    }
}

/// The best way that the environment vouches for.
fn detect(var: impl Fn(&str) -> Option<String>) -> Way {
    let term = var("TERM").unwrap_or_default();
    let program = var("TERM_PROGRAM").or_else(|| var("LC_TERMINAL")).unwrap_or_default().to_lowercase();
    let blocks = if var("NO_COLOR").is_some() { Way::Nothing } else { Way::Blocks };
    // A multiplexer stands between: what the outer terminal can do does not reach it.
    let nested = ["TMUX", "STY", "ZELLIJ"].iter().any(|name| var(name).is_some());
    if term == "dumb" {
        Way::Nothing
    } else if nested || term.starts_with("screen") || term.starts_with("tmux") {
        blocks
    } else if var("KITTY_WINDOW_ID").is_some() || term.contains("kitty") || program == "ghostty" {
        Way::Kitty
    } else if ["iterm", "wezterm", "mintty", "rio", "warp"].iter().any(|name| program.contains(name))
        || var("KONSOLE_VERSION").is_some()
    {
        Way::Iterm2
    } else if term.starts_with("foot") {
        Way::Sixel
    } else {
        blocks
    }
}

/// Room on the screen.
#[derive(Clone, Copy, Debug)]
struct Window {
    columns: u16,
    rows: u16,
    /// Pixels of one cell.
    cell: Size,
}

impl Window {
    /// The terminal's size, less a row for the prompt; at most `width` columns.
    fn ask(width: Option<u16>) -> Self {
        let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
        let pixels = crossterm::terminal::window_size().ok().map(|s| Size::new(s.width.into(), s.height.into()));
        Self::new(columns, rows, pixels.unwrap_or(Size::new(0, 0)), width)
    }

    fn new(columns: u16, rows: u16, pixels: Size, width: Option<u16>) -> Self {
        let cell = Size::new(
            pixels.w.checked_div(columns.into()).unwrap_or(0),
            pixels.h.checked_div(rows.into()).unwrap_or(0),
        );
        Self {
            columns: columns.min(width.unwrap_or(u16::MAX)).max(1),
            rows: rows.saturating_sub(1).max(1),
            cell: if cell.w == 0 || cell.h == 0 { USUAL_CELL } else { cell },
        }
    }

    /// Columns and rows for an image of this size, enlarged at most `most` times, its shape kept as cells allow.
    fn fit(&self, image: Size, most: f64) -> (u16, u16) {
        let (cw, ch) = (f64::from(self.cell.w), f64::from(self.cell.h));
        let (w, h) = (f64::from(image.w.max(1)), f64::from(image.h.max(1)));
        let scale = most.min(f64::from(self.columns) * cw / w).min(f64::from(self.rows) * ch / h);
        let cells = |length: f64, cell: f64, most: u16| ((length * scale / cell).round() as u16).clamp(1, most);
        (cells(w, cw, self.columns), cells(h, ch, self.rows))
    }
}

/// Blocks or iTerm2, by viuer, with every decision made beforehand.
fn with_viuer(image: &RgbImage, window: &Window, iterm: bool) -> io::Result<()> {
    let size = Size::new(image.width(), image.height());
    // With blocks a column is one pixel, so enlarging further shows nothing more.
    let most = if iterm { MAX_ENLARGEMENT } else { f64::from(window.cell.w) };
    let (columns, rows) = window.fit(size, most);
    let pixels = if iterm {
        pixels_for(image, window, (columns, rows))?
    } else {
        try_resize_bicubic(image, columns.into(), u32::from(rows) * 2).map_err(io::Error::other)?
    };
    let config = viuer::Config {
        absolute_offset: false,
        use_kitty: false,
        use_iterm: iterm,
        width: Some(columns.into()),
        height: Some(rows.into()),
        ..viuer::Config::default()
    };
    viuer::print(&DynamicImage::ImageRgb8(pixels), &config).map_err(io::Error::other)?;
    Ok(())
}

/// A protocol that takes a PNG and a size in cells.
fn with_escapes(image: &RgbImage, window: &Window, write: fn(&[u8], (u16, u16)) -> String) -> io::Result<()> {
    let cells = window.fit(Size::new(image.width(), image.height()), MAX_ENLARGEMENT);
    let mut png = io::Cursor::new(Vec::new());
    pixels_for(image, window, cells)?.write_to(&mut png, ImageFormat::Png).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", write(&png.into_inner(), cells))?;
    out.flush()
}

/// kitty's pictures in cells, which tmux lets through and moves with its text.
fn with_placeholders(image: &RgbImage, window: &Window) -> io::Result<()> {
    let (columns, rows) = window.fit(Size::new(image.width(), image.height()), MAX_ENLARGEMENT);
    let tmux = std::env::var("TMUX").is_ok_and(|v| !v.is_empty());
    // Pictures that differ must not share a name; 24 bits are what a colour holds.
    let hash = blake3::hash(image.as_raw());
    let id = hash.as_bytes().iter().take(3).fold(1, |id, byte| (id << 8 | u32::from(*byte)) & 0xff_ffff).max(1);
    let area = Rect::new(0, 0, columns, rows);
    let pixels = DynamicImage::ImageRgb8(pixels_for(image, window, (columns, rows))?);
    let kitty = Kitty::new(pixels, area.as_size(), id, tmux, false, false).map_err(io::Error::other)?;
    let mut cells = Buffer::empty(area);
    Image::new(&Protocol::Kitty(kitty)).render(area, &mut cells);
    let mut out = io::stdout().lock();
    out.write_all(placeholder_lines(&cells).as_bytes())?;
    out.flush()
}

/// Cells that hold placeholders, as lines; the colour of the text is the picture's name.
fn placeholder_lines(cells: &Buffer) -> String {
    let mut text = String::new();
    for y in cells.area.top()..cells.area.bottom() {
        for x in cells.area.left()..cells.area.right() {
            let Some(cell) = cells.cell((x, y)) else { continue };
            if let (true, Color::Rgb(r, g, b)) = (x == cells.area.left(), cell.fg) {
                text.push_str(&format!("\x1b[38;2;{r};{g};{b}m"));
            }
            text.push_str(cell.symbol());
        }
        text.push_str("\x1b[39m\n");
    }
    text
}

/// Sixel has no size in cells: the pixels are scaled to fill them.
fn with_sixel(image: &RgbImage, window: &Window) -> io::Result<()> {
    let (columns, rows) = window.fit(Size::new(image.width(), image.height()), MAX_ENLARGEMENT);
    let (w, h) = (u32::from(columns) * window.cell.w, u32::from(rows) * window.cell.h);
    let pixels = try_resize_bicubic(image, w, h).map_err(io::Error::other)?;
    let size = ratatui::layout::Size::new(columns, rows);
    let sixel = ratatui_image::protocol::sixel::Sixel::new(DynamicImage::ImageRgb8(pixels), size, false)
        .map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    write!(out, "{}", escapes::in_reserved_rows(&sixel.data, rows))?;
    out.flush()
}

/// The image at the size it has on the screen, unless it is smaller already.
fn pixels_for(image: &RgbImage, window: &Window, (columns, rows): (u16, u16)) -> io::Result<RgbImage> {
    let (w, h) = (u32::from(columns) * window.cell.w, u32::from(rows) * window.cell.h);
    if w >= image.width() {
        return Ok(image.clone());
    }
    try_resize_bicubic(image, w, h).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(env: &[(&str, &str)]) -> Way {
        detect(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        assert_eq!(detected(&[("TERM", "xterm-kitty")]), Way::Kitty);
        assert_eq!(detected(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "ghostty")]), Way::Kitty);
        assert_eq!(detected(&[("TERM_PROGRAM", "WezTerm")]), Way::Iterm2);
        assert_eq!(detected(&[("LC_TERMINAL", "iTerm2")]), Way::Iterm2);
        assert_eq!(detected(&[("TERM", "foot")]), Way::Sixel);
        assert_eq!(detected(&[("TERM", "xterm-256color")]), Way::Blocks);
        assert_eq!(detected(&[("TERM", "dumb")]), Way::Nothing);
    }

    #[test]
    fn multiplexers_and_no_color_are_respected() {
        assert_eq!(detected(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")]), Way::Blocks);
        assert_eq!(detected(&[("ZELLIJ", "0"), ("TERM", "xterm-kitty")]), Way::Blocks);
        assert_eq!(detected(&[("NO_COLOR", "1"), ("TERM", "xterm")]), Way::Nothing);
        assert_eq!(resolve(ImagesFlag::Blocks, |_| Some("1".into())), Way::Blocks, "the flag wins");
        assert_eq!(resolve(ImagesFlag::None, |_| None), Way::Nothing);
    }

    #[test]
    fn images_fit_and_keep_their_shape() {
        let window = Window::new(80, 25, Size::new(800, 500), None);
        assert_eq!(window.fit(Size::new(840, 1176), 2.0), (34, 24));
        assert_eq!(window.fit(Size::new(10, 10), 2.0), (2, 1));
        assert_eq!(window.fit(Size::new(100_000, 1), 2.0), (80, 1));
        let narrow = Window::new(80, 25, Size::new(0, 0), Some(20));
        assert_eq!((narrow.cell, narrow.fit(Size::new(300, 300), 2.0)), (USUAL_CELL, (20, 10)));
    }

    #[test]
    fn no_window_at_all_is_no_panic() {
        for (columns, rows, width) in [(0, 0, None), (1, 1, Some(0)), (u16::MAX, u16::MAX, Some(u16::MAX))] {
            let window = Window::new(columns, rows, Size::new(7, 7), width);
            let (w, h) = window.fit(Size::new(u32::MAX, 1), f64::MAX);
            assert!(w >= 1 && h >= 1);
        }
    }

    #[test]
    fn placeholders_are_lines_of_cells_in_the_colour_of_their_name() {
        let area = Rect::new(0, 0, 3, 2);
        let pixels = DynamicImage::ImageRgb8(RgbImage::new(30, 40));
        let kitty = Kitty::new(pixels, area.as_size(), 0x010203, false, false, false);
        let mut cells = Buffer::empty(area);
        kitty.map(|kitty| Image::new(&Protocol::Kitty(kitty)).render(area, &mut cells)).ok();
        let lines = placeholder_lines(&cells);
        assert_eq!(lines.lines().count(), 2);
        assert!(
            lines.lines().all(|l| l.starts_with("\x1b[38;2;1;2;3m") && l.matches('\u{10EEEE}').count() == 3),
            "{lines:?}"
        );
        assert_eq!(lines.matches("a=T").count(), 1);
    }
}
