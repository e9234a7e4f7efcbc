//! Themes: a palette and the roles it is used for, as TOML data.
//!
//! Views ask for a [`Role`], never for a colour. Meaning that a colour carries is always carried by a glyph, a word or an
//! underline too, so that `NO_COLOR` (every colour becomes the terminal's own) loses nothing.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// What a piece of text on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Secondary text.
    Soft,
    /// Hints, rules, empty states.
    Faint,
    /// Frames.
    Border,
    /// Titles of panes.
    Title,
    /// The program's own highlights.
    Accent,
    /// Names of keys.
    Key,
    /// The status line.
    Status,
    /// The selected row of a list.
    Selection,
    /// The question asked.
    Question,
    /// Label of a think segment.
    Think,
    /// Label of a zoom.
    Zoom,
    /// Label of the answer.
    Answer,
    /// What the tool said.
    Tool,
    /// Label of text outside any tag.
    Plain,
    /// A token the model was sure of.
    Sure,
    /// A token it was not sure of.
    Unsure,
    /// A token it doubted.
    Doubtful,
    /// What comes after the cursor.
    Ghost,
    /// A tag, drawn as one bracket.
    Tag,
    /// The token under the cursor.
    Cursor,
    /// A right answer.
    Right,
    /// A wrong answer.
    Wrong,
    /// Errors and refusals.
    Error,
    /// Probability bar of the token that was drawn.
    Bar,
    /// Probability bar of an alternative.
    BarOther,
    /// The entropy line.
    Spark,
    /// A zoom on the entropy line.
    MarkZoom,
    /// The cursor on the entropy line.
    MarkCursor,
    /// A text field.
    Field,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 30] = [
        Self::Text,
        Self::Soft,
        Self::Faint,
        Self::Border,
        Self::Title,
        Self::Accent,
        Self::Key,
        Self::Status,
        Self::Selection,
        Self::Question,
        Self::Think,
        Self::Zoom,
        Self::Answer,
        Self::Tool,
        Self::Plain,
        Self::Sure,
        Self::Unsure,
        Self::Doubtful,
        Self::Ghost,
        Self::Tag,
        Self::Cursor,
        Self::Right,
        Self::Wrong,
        Self::Error,
        Self::Bar,
        Self::BarOther,
        Self::Spark,
        Self::MarkZoom,
        Self::MarkCursor,
        Self::Field,
    ];
}

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorDepth {
    /// 24 bits.
    True,
    /// The 256-colour palette.
    Indexed,
    /// `NO_COLOR`: text keeps the terminal's own colours.
    None,
}

impl ColorDepth {
    /// Reads `NO_COLOR`, `COLORTERM` and `TERM` through `var`.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        if var("NO_COLOR").is_some_and(|v| !v.is_empty()) {
            return Self::None;
        }
        let truecolor = var("COLORTERM").is_some_and(|v| v.contains("truecolor") || v.contains("24bit"));
        let term = var("TERM").unwrap_or_default();
        let known = ["direct", "kitty", "ghostty", "alacritty", "wezterm", "foot", "contour"];
        if truecolor || known.iter().any(|name| term.contains(name)) { Self::True } else { Self::Indexed }
    }

    /// The nearest colour this depth can show.
    pub fn color(self, [r, g, b]: [u8; 3]) -> Color {
        match self {
            Self::True => Color::Rgb(r, g, b),
            Self::Indexed => Color::Indexed(nearest_indexed([r, g, b])),
            Self::None => Color::Reset,
        }
    }

    /// The colour of an image's pixel: without colour in the text, pictures still have theirs.
    pub fn pixel(self, rgb: [u8; 3]) -> Color {
        if self == Self::None { Self::True.color(rgb) } else { self.color(rgb) }
    }
}

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Not the TOML of a theme.
    #[error("theme {name}: {message}")]
    Syntax {
        /// Theme or file.
        name: String,
        /// What the TOML parser says, with line and column.
        message: String,
    },
    /// A colour that is neither in the palette nor `#rrggbb`.
    #[error("theme {name}: \"{color}\" is neither in [palette] nor #rrggbb")]
    Color {
        /// Theme or file.
        name: String,
        /// The colour as written.
        color: String,
    },
    /// A role without a style.
    #[error("theme {name}: [roles] lacks {role:?}")]
    Missing {
        /// Theme or file.
        name: String,
        /// The role.
        role: Role,
    },
}

/// A theme ready for use.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Whether it is made for a dark background.
    pub dark: bool,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    dark: bool,
    palette: BTreeMap<String, String>,
    roles: BTreeMap<Role, Spec>,
    boxes: Boxes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Spec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reversed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boxes {
    zooms: Vec<String>,
    target: String,
    halo: String,
}

const DARK: &str = include_str!("../../themes/dark.toml");
const LIGHT: &str = include_str!("../../themes/light.toml");

impl Theme {
    /// A theme that comes with the program.
    ///
    /// # Errors
    /// The embedded file is broken (a test holds that it is not).
    pub fn builtin(dark: bool, depth: ColorDepth) -> Result<Self, ThemeError> {
        Self::parse(if dark { "dark" } else { "light" }, if dark { DARK } else { LIGHT }, depth)
    }

    /// A theme from TOML; `name` is used in errors.
    ///
    /// # Errors
    /// Names the field, colour or role at fault.
    pub fn parse(name: &str, text: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        let file: File = toml::from_str(text)
            .map_err(|e| ThemeError::Syntax { name: name.to_owned(), message: e.to_string().trim_end().to_owned() })?;
        let rgb = |color: &str| {
            let text = file.palette.get(color).map_or(color, String::as_str);
            parse_rgb(text).ok_or_else(|| ThemeError::Color { name: name.to_owned(), color: color.to_owned() })
        };
        let mut styles = Vec::with_capacity(Role::ALL.len());
        for role in Role::ALL {
            let spec = file.roles.get(&role).ok_or_else(|| ThemeError::Missing { name: name.to_owned(), role })?;
            styles.push(spec.style(depth, &rgb)?);
        }
        let zooms = file.boxes.zooms.iter().map(|c| rgb(c)).collect::<Result<Vec<_>, _>>()?;
        let (target, halo) = (rgb(&file.boxes.target)?, rgb(&file.boxes.halo)?);
        Ok(Self { name: file.name, dark: file.dark, zooms, target, halo, depth, styles })
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
}

impl Spec {
    fn style(
        &self,
        depth: ColorDepth,
        rgb: &impl Fn(&str) -> Result<[u8; 3], ThemeError>,
    ) -> Result<Style, ThemeError> {
        let mut style = Style::new();
        if let Some(fg) = &self.fg {
            style = style.fg(depth.color(rgb(fg)?));
        }
        if let Some(bg) = &self.bg {
            style = style.bg(depth.color(rgb(bg)?));
            if depth == ColorDepth::None {
                style = style.add_modifier(Modifier::REVERSED);
            }
        }
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ];
        Ok(modifiers.into_iter().filter(|(on, _)| *on).fold(style, |s, (_, m)| s.add_modifier(m)))
    }
}

fn parse_rgb(text: &str) -> Option<[u8; 3]> {
    let hex = text.strip_prefix('#').filter(|h| h.len() == 6)?;
    let number = u32::from_str_radix(hex, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    Some([r, g, b])
}

/// The nearest entry of the 6×6×6 cube or the grey ramp (the first 16 differ between terminals).
fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step =
        |v: u8| (0u8..6).min_by_key(|i| STEPS.get(usize::from(*i)).map_or(u8::MAX, |s| s.abs_diff(v))).unwrap_or(0);
    let value = |i: u8| STEPS.get(usize::from(i)).copied().unwrap_or(0);
    let [r, g, b] = rgb.map(step);
    let cube = [value(r), value(g), value(b)];
    let mean = rgb.iter().map(|v| u32::from(*v)).sum::<u32>() / 3;
    let level = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = [8 + 10 * level; 3];
    if distance(rgb, grey) < distance(rgb, cube) { 232 + level } else { 16 + 36 * r + 6 * g + b }
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn embedded_themes_are_whole() {
        for (dark, depth) in [(true, ColorDepth::True), (false, ColorDepth::Indexed), (true, ColorDepth::None)] {
            let theme = Theme::builtin(dark, depth).unwrap();
            assert_eq!(theme.dark, dark);
            assert!(theme.zooms.len() >= 3);
            for (i, role) in Role::ALL.into_iter().enumerate() {
                assert_eq!(role as usize, i);
            }
        }
    }

    #[test]
    fn no_color_keeps_meaning_without_colours() {
        let theme = Theme::builtin(true, ColorDepth::None).unwrap();
        for role in Role::ALL {
            let style = theme.style(role);
            assert!(style.fg.is_none_or(|c| c == Color::Reset) && style.bg.is_none_or(|c| c == Color::Reset));
        }
        assert!(theme.style(Role::Cursor).add_modifier.contains(Modifier::REVERSED));
        assert_ne!(theme.style(Role::Unsure), theme.style(Role::Sure));
        assert_ne!(theme.style(Role::Doubtful), theme.style(Role::Unsure));
        assert_eq!(ColorDepth::None.pixel([1, 2, 3]), Color::Rgb(1, 2, 3));
    }

    #[test]
    fn colours_are_found_near() {
        assert_eq!(nearest_indexed([255, 255, 255]), 231);
        assert_eq!(nearest_indexed([0, 0, 0]), 16);
        assert_eq!(nearest_indexed([128, 128, 128]), 244);
        assert_eq!(nearest_indexed([255, 0, 0]), 196);
    }

    #[test]
    fn depth_is_read_from_the_environment() {
        let with = |pairs: &'static [(&str, &str)]| {
            ColorDepth::detect(move |k| pairs.iter().find(|(n, _)| *n == k).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(with(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), ColorDepth::None);
        assert_eq!(with(&[("COLORTERM", "truecolor")]), ColorDepth::True);
        assert_eq!(with(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        assert_eq!(with(&[("TERM", "xterm-kitty"), ("NO_COLOR", "")]), ColorDepth::True);
    }

    #[test]
    fn faults_are_named() {
        let broken = DARK.replace("fg = \"violet\"", "fg = \"violett\"");
        assert!(Theme::parse("x", &broken, ColorDepth::True).unwrap_err().to_string().contains("violett"));
        let broken = DARK.replace("ghost = { fg = \"faint\" }\n", "");
        assert!(Theme::parse("x", &broken, ColorDepth::True).unwrap_err().to_string().contains("Ghost"));
        assert!(Theme::parse("x", "name = 3", ColorDepth::True).is_err());
    }
}
