//! Themes: a palette and the roles it is used for, as TOML data.
//!
//! Views ask for a [`Role`], never for a colour. Meaning that a colour carries is always carried by a glyph, a word or an
//! underline too, so that `NO_COLOR` (every colour becomes the terminal's own) loses nothing. A [`Shelf`] holds all themes
//! there are: those that come with the program and a person's own.

mod depth;
mod file;
mod role;
mod shelf;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

pub use depth::ColorDepth;
pub use role::Role;
pub use shelf::{Shelf, Wish};

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Not the TOML of a theme.
    #[error("theme {name}: {fault}")]
    Syntax {
        /// Theme or file.
        name: String,
        /// Where, and what is wrong there.
        fault: crate::config::Fault,
    },
    /// A colour that is neither in the palette nor `#rrggbb`.
    #[error("theme {name}: \"{color}\" is neither in [palette] nor #rrggbb")]
    Color {
        /// Theme or file.
        name: String,
        /// The colour as written.
        color: String,
    },
    /// Neither it nor what it inherits gives something.
    #[error("theme {name} lacks {what}; inherits = \"dark\" would give it one")]
    Missing {
        /// Theme or file.
        name: String,
        /// What is missing.
        what: String,
    },
    /// It inherits itself, by however many steps.
    #[error("theme {name} inherits itself")]
    Circle {
        /// Theme or file.
        name: String,
    },
    /// There is no such theme.
    #[error("there is no theme \"{name}\"; {instead}")]
    Unknown {
        /// As asked for.
        name: String,
        /// What there is.
        instead: String,
    },
    /// A file that cannot be read.
    #[error("theme {name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A theme ready for use.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// What it is like, in a sentence.
    pub about: String,
    /// Whether it is made for a dark background.
    pub dark: bool,
    /// Colour of text that has none.
    pub ink: [u8; 3],
    /// Colour of the background it is made for.
    pub paper: [u8; 3],
    /// Whether it paints that background; else it is the terminal's.
    pub fill: bool,
    /// Colours of zoom boxes, taken in turn.
    pub zooms: Vec<[u8; 3]>,
    /// Colour of target boxes.
    pub target: [u8; 3],
    /// Colour around the boxes.
    pub halo: [u8; 3],
    /// What the terminal can show.
    pub depth: ColorDepth,
    styles: Vec<Style>,
}

impl Theme {
    /// The dark or the light theme that comes with the program.
    ///
    /// # Errors
    /// The embedded file is broken (a test holds that it is not).
    pub fn builtin(dark: bool, depth: ColorDepth) -> Result<Self, ThemeError> {
        Self::named(if dark { "dark" } else { "light" }, depth)
    }

    /// A theme that comes with the program.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(name: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        file::build(name, &shelf::shipped(), depth)
    }

    /// A theme from TOML; `name` is used in errors. It may inherit from those that come with the program.
    ///
    /// # Errors
    /// Names the field, colour or role at fault.
    pub fn parse(name: &str, text: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        let mut texts = shelf::shipped();
        texts.insert(name.to_owned(), text.to_owned());
        file::build(name, &texts, depth)
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The colour of the zoom with this number (from 1).
    pub fn zoom_color(&self, number: u32) -> [u8; 3] {
        let index = (number.max(1) as usize - 1) % self.zooms.len().max(1);
        self.zooms.get(index).copied().unwrap_or([255, 160, 40])
    }

    /// Paints the theme's background where nothing else has one, if it has one to paint.
    pub fn paint(&self, buf: &mut Buffer) {
        if !self.fill || self.depth == ColorDepth::None {
            return;
        }
        let (ink, paper) = (self.depth.color(self.ink), self.depth.color(self.paper));
        for cell in &mut buf.content {
            if cell.bg == Color::Reset {
                cell.bg = paper;
            }
            if cell.fg == Color::Reset {
                cell.fg = ink;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
