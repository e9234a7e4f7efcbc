//! How pixels reach this terminal: asked once, before anything else reads the keyboard.

use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Capability, Picker, ProtocolType};

use crate::tui::theme::ColorDepth;

/// What a person may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageMode {
    /// Ask the terminal.
    #[default]
    Auto,
    /// kitty graphics, Unicode placeholders.
    Kitty,
    /// iTerm2 inline images.
    Iterm2,
    /// Sixel.
    Sixel,
    /// Coloured block characters.
    Blocks,
    /// No pictures; boxes as a list.
    None,
}

/// The way that was settled on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// kitty graphics, Unicode placeholders.
    Kitty,
    /// iTerm2 inline images.
    Iterm2,
    /// Sixel.
    Sixel,
    /// Coloured block characters.
    Blocks,
    /// No pictures.
    None,
}

/// What the terminal can show.
#[derive(Clone, Debug)]
pub struct Caps {
    /// How pictures are drawn.
    pub way: Way,
    /// Pixels of a cell, width and height.
    pub cell: (u16, u16),
    /// Whether escape sequences must be wrapped for tmux.
    pub tmux: bool,
    /// Whether kitty may be sent compressed pixels.
    pub compress: bool,
    /// Colours of block characters.
    pub depth: ColorDepth,
    /// The terminal's background, where it was asked and told.
    pub background: Option<[u8; 3]>,
}

/// How long the terminal may take to answer, in milliseconds.
const ANSWER_MS: i32 = 700;

impl Caps {
    /// Block characters on cells twice as high as wide; asks nobody.
    pub const fn blocks(depth: ColorDepth) -> Self {
        Self { way: Way::Blocks, cell: (10, 20), tmux: false, compress: false, depth, background: None }
    }

    /// Height divided by width of a cell.
    pub fn cell_aspect(&self) -> f64 {
        f64::from(self.cell.1.max(1)) / f64::from(self.cell.0.max(1))
    }

    /// Asks the terminal where `mode` leaves that open. Writes to the terminal and reads its answer, so it comes before
    /// raw mode, the alternate screen and the event reader.
    pub fn detect(mode: ImageMode, depth: ColorDepth, var: impl Fn(&str) -> Option<String>) -> Self {
        let mut caps = Self::blocks(depth);
        match mode {
            ImageMode::None => caps.way = Way::None,
            ImageMode::Blocks => {}
            ImageMode::Auto | ImageMode::Kitty | ImageMode::Iterm2 | ImageMode::Sixel => {
                let remote = var("SSH_CONNECTION").is_some();
                // No answer, or no terminal: block characters work everywhere.
                let picker = Picker::from_query_stdio_with_options(options(remote)).ok();
                if let Some(picker) = &picker {
                    let font = picker.font_size();
                    if font.width > 0 && font.height > 0 {
                        caps.cell = (font.width, font.height);
                    }
                    caps.background = picker.capabilities().iter().find_map(|c| match c {
                        Capability::Background(r, g, b) => Some([*r, *g, *b]),
                        _ => None,
                    });
                    caps.tmux = picker.tmux_detected();
                    caps.compress = picker.capabilities().contains(&Capability::KittyCompression);
                }
                caps.way = match mode {
                    ImageMode::Kitty => Way::Kitty,
                    ImageMode::Iterm2 => Way::Iterm2,
                    ImageMode::Sixel => Way::Sixel,
                    _ => picker.as_ref().map_or(Way::Blocks, |p| settle(p, &var)),
                };
            }
        }
        caps
    }
}

fn options(remote: bool) -> QueryStdioOptions {
    QueryStdioOptions {
        timeout_ms: ANSWER_MS,
        kitty_compression: remote,
        terminal_background_color_osc: true,
        #[cfg(unix)]
        stdio: if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            None
        } else {
            QueryStdioOptions::stdio_dev_tty().ok()
        },
        ..QueryStdioOptions::default()
    }
}

/// The terminal's answer, corrected where a terminal is known to promise what it does not keep.
fn settle(picker: &Picker, var: &impl Fn(&str) -> Option<String>) -> Way {
    let says_sixel = picker.capabilities().contains(&Capability::Sixel);
    way_for(picker.protocol_type(), says_sixel, var)
}

fn way_for(found: ProtocolType, says_sixel: bool, var: &impl Fn(&str) -> Option<String>) -> Way {
    let is = |name: &str| var(name).is_some_and(|v| !v.is_empty());
    let program = var("TERM_PROGRAM").unwrap_or_default();
    let iterm = program.contains("iTerm") || var("LC_TERMINAL").is_some_and(|v| v.contains("iTerm"));
    match found {
        // Zellij answers the kitty probe but rejects the placeholders pictures are drawn with.
        ProtocolType::Kitty if is("ZELLIJ") => {
            if says_sixel {
                Way::Sixel
            } else {
                Way::Blocks
            }
        }
        ProtocolType::Kitty | ProtocolType::Sixel if iterm && !is("TMUX") => Way::Iterm2,
        // Neither draws kitty placeholders.
        ProtocolType::Kitty if program.contains("WezTerm") || is("KONSOLE_VERSION") => Way::Iterm2,
        ProtocolType::Kitty => Way::Kitty,
        ProtocolType::Iterm2 => Way::Iterm2,
        ProtocolType::Sixel => Way::Sixel,
        ProtocolType::Halfblocks => Way::Blocks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_that_are_not_kept_are_corrected() {
        let with = |found, sixel, pairs: &'static [(&str, &str)]| {
            way_for(found, sixel, &move |k: &str| pairs.iter().find(|(n, _)| *n == k).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(with(ProtocolType::Kitty, false, &[]), Way::Kitty);
        assert_eq!(with(ProtocolType::Kitty, false, &[("ZELLIJ", "0")]), Way::Blocks);
        assert_eq!(with(ProtocolType::Kitty, true, &[("ZELLIJ", "0")]), Way::Sixel);
        assert_eq!(with(ProtocolType::Kitty, false, &[("TERM_PROGRAM", "iTerm.app")]), Way::Iterm2);
        assert_eq!(with(ProtocolType::Kitty, false, &[("KONSOLE_VERSION", "220400")]), Way::Iterm2);
        assert_eq!(with(ProtocolType::Halfblocks, false, &[]), Way::Blocks);
    }

    #[test]
    fn asking_for_blocks_or_none_asks_nobody() {
        let none = |_: &str| None;
        assert_eq!(Caps::detect(ImageMode::Blocks, ColorDepth::True, none).way, Way::Blocks);
        assert_eq!(Caps::detect(ImageMode::None, ColorDepth::True, none).way, Way::None);
    }
}
