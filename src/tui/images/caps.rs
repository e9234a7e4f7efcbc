//! How pixels reach this terminal: asked once, before anything else reads the keyboard.

use std::time::{Duration, Instant};

use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Capability, Picker, ProtocolType};

use crate::tui::terminal::Raw;
use crate::tui::theme::ColorDepth;

/// What a person may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageMode {
    /// Ask the terminal.
    #[default]
    Auto,
    /// kitty graphics: placements, or placeholders where they cannot be.
    Kitty,
    /// kitty graphics, Unicode placeholders.
    KittyPlaceholders,
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
    /// kitty graphics, direct placements: pixels are sent once and placed as often as need be.
    Kitty,
    /// kitty graphics, Unicode placeholders: the picture lives in cells, which tmux can move.
    KittyPlaceholders,
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
    /// Whether it was not asked, or answered in time: no answer is on its way.
    pub answered: bool,
    /// Why this way, in words.
    pub why: &'static str,
}

/// How long the terminal may take to answer.
const ANSWER: Duration = Duration::from_millis(700);

impl Way {
    /// Its name, as `--images` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kitty => "kitty",
            Self::KittyPlaceholders => "kitty-placeholders",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
            Self::Blocks => "blocks",
            Self::None => "none",
        }
    }
}

impl Caps {
    /// Block characters on cells twice as high as wide; asks nobody.
    pub const fn blocks(depth: ColorDepth) -> Self {
        Self {
            way: Way::Blocks,
            cell: (10, 20),
            tmux: false,
            compress: false,
            depth,
            background: None,
            answered: true,
            why: "block characters were asked for",
        }
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
            ImageMode::None => (caps.way, caps.why) = (Way::None, "no pictures were asked for"),
            ImageMode::Blocks => {}
            // Nothing is asked of a file or a pipe, and nothing is drawn into it.
            _ if !std::io::IsTerminal::is_terminal(&std::io::stdout()) => {
                (caps.way, caps.why) = (Way::None, "the output is no terminal");
            }
            _ => caps.ask(mode, &var),
        }
        caps
    }

    fn ask(&mut self, mode: ImageMode, var: &impl Fn(&str) -> Option<String>) {
        let remote = var("SSH_CONNECTION").is_some();
        // No answer: block characters work everywhere.
        // The library leaves the terminal raw where it does not answer.
        let raw = Raw::take();
        let asked = Instant::now();
        let picker = Picker::from_query_stdio_with_options(options(remote)).ok();
        drop(raw);
        // It does not say whether it has waited in vain, and counts whole milliseconds.
        self.answered = asked.elapsed() < ANSWER * 9 / 10;
        if let Some(picker) = &picker {
            let font = picker.font_size();
            if font.width > 0 && font.height > 0 {
                self.cell = (font.width, font.height);
            }
            self.background = picker.capabilities().iter().find_map(|c| match c {
                Capability::Background(r, g, b) => Some([*r, *g, *b]),
                _ => None,
            });
            self.tmux = picker.tmux_detected();
            self.compress = picker.capabilities().contains(&Capability::KittyCompression);
        }
        self.tmux |= var("TMUX").is_some_and(|v| !v.is_empty());
        let asked = "it was asked for with --images";
        (self.way, self.why) = match mode {
            ImageMode::Kitty if self.tmux => {
                (Way::KittyPlaceholders, "kitty was asked for, and tmux moves only what is in cells")
            }
            ImageMode::Kitty => (Way::Kitty, asked),
            ImageMode::KittyPlaceholders => (Way::KittyPlaceholders, asked),
            ImageMode::Iterm2 => (Way::Iterm2, asked),
            ImageMode::Sixel => (Way::Sixel, asked),
            ImageMode::Auto | ImageMode::Blocks | ImageMode::None => match &picker {
                Some(picker) if self.answered => settle(picker, self.tmux, var),
                _ => (Way::Blocks, "the terminal did not answer"),
            },
        };
    }
}

fn options(remote: bool) -> QueryStdioOptions {
    QueryStdioOptions {
        timeout_ms: ANSWER.as_millis() as i32,
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
fn settle(picker: &Picker, tmux: bool, var: &impl Fn(&str) -> Option<String>) -> (Way, &'static str) {
    way_for(picker.protocol_type(), tmux, var)
}

fn way_for(found: ProtocolType, tmux: bool, var: &impl Fn(&str) -> Option<String>) -> (Way, &'static str) {
    let is = |name: &str| var(name).is_some_and(|v| !v.is_empty());
    let program = var("TERM_PROGRAM").unwrap_or_default();
    let iterm = program.contains("iTerm") || var("LC_TERMINAL").is_some_and(|v| v.contains("iTerm"));
    match found {
        ProtocolType::Kitty | ProtocolType::Sixel if iterm && !tmux => {
            (Way::Iterm2, "iTerm2 draws its own images best")
        }
        // Neither draws all of kitty's protocol.
        ProtocolType::Kitty if program.contains("WezTerm") || is("KONSOLE_VERSION") => {
            (Way::Iterm2, "this terminal draws iTerm2 images better than kitty's")
        }
        ProtocolType::Kitty if tmux => {
            (Way::KittyPlaceholders, "kitty graphics answered through tmux, which moves only what is in cells")
        }
        // Zellij, too: it rejects placeholders but places pictures.
        ProtocolType::Kitty => (Way::Kitty, "the terminal answered that it has kitty graphics"),
        ProtocolType::Iterm2 => (Way::Iterm2, "this terminal is known to have iTerm2 images"),
        ProtocolType::Sixel => (Way::Sixel, "the terminal answered that it has sixel"),
        ProtocolType::Halfblocks => (Way::Blocks, "the terminal answered with no graphics"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_that_are_not_kept_are_corrected() {
        let with = |found, tmux, pairs: &'static [(&str, &str)]| {
            way_for(found, tmux, &move |k: &str| pairs.iter().find(|(n, _)| *n == k).map(|(_, v)| (*v).to_owned())).0
        };
        assert_eq!(with(ProtocolType::Kitty, false, &[]), Way::Kitty);
        assert_eq!(with(ProtocolType::Kitty, true, &[]), Way::KittyPlaceholders);
        assert_eq!(with(ProtocolType::Kitty, false, &[("ZELLIJ", "0")]), Way::Kitty);
        assert_eq!(with(ProtocolType::Kitty, false, &[("TERM_PROGRAM", "iTerm.app")]), Way::Iterm2);
        assert_eq!(with(ProtocolType::Kitty, true, &[("LC_TERMINAL", "iTerm2")]), Way::KittyPlaceholders);
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
