//! Shades of a heat table.

use ratatui::style::{Color, Style};

use super::share;
use crate::tui::theme::{ColorDepth, Role, Theme};

const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// The glyph of a share: blank for nothing, `█` from seven eighths on.
pub fn glyph(x: f64) -> &'static str {
    let x = share(x);
    let step = if x <= 0.0 { 0 } else { ((x * 4.0).round() as usize).max(1) };
    SHADES.get(step).copied().unwrap_or("█")
}

/// The style of a cell with this share: the theme's paper mixed with the colour of this role, none without colours.
pub fn shade(x: f64, role: Role, theme: &Theme) -> Style {
    let style = theme.style(Role::Text);
    if theme.depth == ColorDepth::None || share(x) <= 0.0 {
        return style;
    }
    // A palette's number is no mixture of anything; the theme's target colour is one of its own.
    let ink = match theme.style(role).fg {
        Some(Color::Rgb(r, g, b)) => [r, g, b],
        _ => theme.target,
    };
    // Half of the way at most, so that ink stays legible on it.
    let by = 0.12 + 0.4 * share(x);
    let mixed = [0, 1, 2].map(|i: usize| {
        let of = |rgb: [u8; 3]| f64::from(rgb.get(i).copied().unwrap_or(0));
        (of(theme.paper) * (1.0 - by) + of(ink) * by).round() as u8
    });
    style.bg(theme.depth.color(mixed))
}

#[cfg(test)]
mod tests {
    use super::super::tests::theme;
    use super::*;

    #[test]
    fn more_is_darker_and_nothing_is_blank() {
        assert_eq!([0.0, 0.01, 0.3, 0.5, 0.75, 1.0, f64::NAN].map(glyph).concat(), " ░░▒▓█ ");
        let theme = theme();
        assert_ne!(shade(0.1, Role::Wrong, &theme), shade(0.9, Role::Wrong, &theme));
        assert_ne!(shade(0.9, Role::Right, &theme), shade(0.9, Role::Wrong, &theme));
        assert_eq!(shade(0.0, Role::Wrong, &theme), theme.style(Role::Text));
    }
}
