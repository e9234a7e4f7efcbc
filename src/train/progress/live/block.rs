//! Rows at the end of the scrollback that are written anew where they stand.
//!
//! Only moves relative to the cursor are used: no question to the terminal (whose answer would have to be read from where
//! the user types), no raw mode, no other screen.

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// The rows, and what they are written to. The cursor stands at the start of the row below them.
#[derive(Debug)]
pub(super) struct Block<W> {
    out: W,
    rows: Vec<String>,
}

impl<W: Write> Block<W> {
    /// Nothing yet.
    pub fn new(out: W) -> Self {
        Self { out, rows: Vec::new() }
    }

    /// Shows a buffer in the place of what was shown before.
    pub fn draw(&mut self, buffer: &Buffer) -> io::Result<()> {
        let rows: Vec<String> = (buffer.area.top()..buffer.area.bottom()).map(|y| row(buffer, y)).collect();
        if rows == self.rows {
            return Ok(());
        }
        let mut text = self.back();
        let same_place = rows.len() == self.rows.len();
        if !same_place {
            text.push_str("\x1b[J");
        }
        for (i, row) in rows.iter().enumerate() {
            if !same_place || self.rows.get(i) != Some(row) {
                text.push_str(row);
                text.push_str("\x1b[K");
            }
            text.push_str("\r\n");
        }
        self.rows = rows;
        self.write(&text)
    }

    /// Writes lines above the rows, which are gone until they are drawn again.
    pub fn above(&mut self, lines: &str) -> io::Result<()> {
        let mut text = self.back();
        text.push_str("\x1b[J");
        for line in lines.lines() {
            text.push_str(line);
            text.push_str("\r\n");
        }
        self.rows.clear();
        self.write(&text)
    }

    /// Lets the rows stand where they are; the next ones come below.
    pub fn leave(&mut self) {
        self.rows.clear();
    }

    /// To the start of the first row.
    fn back(&self) -> String {
        if self.rows.is_empty() { "\r".into() } else { format!("\r\x1b[{}A", self.rows.len()) }
    }

    /// All at once, so that nobody sees half of it.
    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
impl Block<Vec<u8>> {
    /// What was written.
    pub fn written(&self) -> &[u8] {
        &self.out
    }
}

/// A row as text with escape sequences, without the blanks at its end.
fn row(buffer: &Buffer, y: u16) -> String {
    let mut text = String::new();
    let (mut style, mut blanks, mut covered) = (Style::default(), 0, 0);
    for x in buffer.area.left()..buffer.area.right() {
        let Some(cell) = buffer.cell((x, y)) else { continue };
        if covered > 0 {
            covered -= 1;
            continue;
        }
        if cell.symbol() == " " {
            blanks += 1;
            continue;
        }
        text.extend(std::iter::repeat_n(' ', std::mem::take(&mut blanks)));
        let wanted = Style { fg: Some(cell.fg), add_modifier: cell.modifier, ..Style::default() };
        if wanted != style {
            let _ = write!(text, "\x1b[0{}m", codes(wanted));
            style = wanted;
        }
        text.push_str(cell.symbol());
        covered = cell.symbol().width().saturating_sub(1);
    }
    if style != Style::default() {
        text.push_str("\x1b[0m");
    }
    text
}

/// The terminal's own colours, which fit its ground.
fn codes(style: Style) -> String {
    let mut codes = String::new();
    for (modifier, code) in [(Modifier::BOLD, ";1"), (Modifier::DIM, ";2")] {
        if style.add_modifier.contains(modifier) {
            codes.push_str(code);
        }
    }
    codes.push_str(match style.fg {
        Some(Color::Red) => ";31",
        Some(Color::Green) => ";32",
        Some(Color::Yellow) => ";33",
        Some(Color::Blue) => ";34",
        Some(Color::Magenta) => ";35",
        Some(Color::Cyan) => ";36",
        Some(Color::DarkGray) => ";90",
        _ => "",
    });
    codes
}
