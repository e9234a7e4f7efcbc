//! `--images`, for every command that shows pixels.

use clap::ValueEnum;

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
    /// Coloured half blocks, two pixels a cell
    Blocks,
    /// No images
    None,
}
