//! `--images`, for every command that shows pixels.

use clap::ValueEnum;

use crate::tui::images::{ImageMode, Way};

/// How pixels reach the terminal.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImagesFlag {
    /// Whatever this terminal is known to do
    #[default]
    Auto,
    /// Kitty's graphics protocol (kitty, Ghostty)
    Kitty,
    /// The same through Unicode placeholders, as inside tmux
    KittyPlaceholders,
    /// iTerm2's inline images (iTerm2, WezTerm, Konsole, mintty)
    Iterm2,
    /// Sixel graphics (foot, xterm -ti vt340)
    Sixel,
    /// Coloured block characters, up to four pixels a cell
    Blocks,
    /// No images
    None,
}

impl ImagesFlag {
    /// What the explorer is asked for.
    pub const fn mode(self) -> ImageMode {
        match self {
            Self::Auto => ImageMode::Auto,
            Self::Kitty => ImageMode::Kitty,
            Self::KittyPlaceholders => ImageMode::KittyPlaceholders,
            Self::Iterm2 => ImageMode::Iterm2,
            Self::Sixel => ImageMode::Sixel,
            Self::Blocks => ImageMode::Blocks,
            Self::None => ImageMode::None,
        }
    }

    /// The flag that asks for a way.
    pub const fn of(way: Way) -> Self {
        match way {
            Way::Kitty => Self::Kitty,
            Way::KittyPlaceholders => Self::KittyPlaceholders,
            Way::Iterm2 => Self::Iterm2,
            Way::Sixel => Self::Sixel,
            Way::Blocks => Self::Blocks,
            Way::None => Self::None,
        }
    }
}
