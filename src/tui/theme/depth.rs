//! How many colours a terminal shows, and which of them comes nearest.

use ratatui::style::Color;

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
mod tests {
    use super::*;

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
}
