//! A recorded session as a film: one SVG that plays by itself, for documentation.
//!
//! CSS shows one frame after another, without a script, so that it plays where a page embeds it as a picture. Rows of the
//! screen and pictures stand in it once, however many frames show them. Where nothing may move, or nothing can, the last
//! frame stands still.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::TuiError;
use super::action::{Action, Scrub, Unit};
use super::export_svg::{Ground, Picture, opening, pixels_of, row_to_svg};
use super::picture::{Shot, Studio};
use super::theme::Theme;

/// Frames of an even pace; zooms and the end have their own besides.
const FRAMES: usize = 14;
/// Seconds a frame stands.
const FRAME: f64 = 0.4;
/// Seconds the screen stands where the page or a crop has come.
const ZOOM: f64 = 1.4;
/// Seconds the last frame stands, before it begins again.
const LAST: f64 = 3.0;

/// A screen and how long it stands.
struct Still {
    rows: Vec<usize>,
    pictures: Vec<usize>,
    seconds: f64,
}

/// Frames as they are collected, with what they share.
#[derive(Default)]
struct Reel {
    stills: Vec<Still>,
    rows: Shelf,
    pictures: Shelf,
}

/// Pieces of SVG, each kept once.
#[derive(Default)]
struct Shelf {
    places: HashMap<String, usize>,
    pieces: Vec<String>,
}

impl Shelf {
    fn put(&mut self, piece: String) -> usize {
        if let Some(at) = self.places.get(&piece) {
            return *at;
        }
        self.pieces.push(piece.clone());
        self.places.insert(piece, self.pieces.len() - 1);
        self.pieces.len() - 1
    }
}

/// The explorer's screen as a recorded session plays. `shot.token` is the number of tokens from frame to frame; none
/// chooses it by the session's length.
///
/// # Errors
/// [`TuiError::Recording`] when the session cannot be read.
pub fn film(path: &Path, shot: Shot, theme: Theme) -> Result<String, TuiError> {
    let mut studio = Studio::open(path, shot, theme, None)?;
    let tokens = studio.app.explorer.as_ref().map_or(0, |explorer| explorer.model_tokens().count());
    let every = shot.token.unwrap_or_else(|| tokens.div_ceil(FRAMES)).max(1);
    let mut reel = Reel::default();
    let mut images = 0;
    studio.act(Action::Scrub(Scrub::Start));
    for token in 0..=tokens {
        if token > 0 {
            studio.act(Action::Step(Unit::Token));
        }
        let now = images_shown(&studio);
        let last = token == tokens;
        let zoomed = now > images;
        images = now;
        if last {
            studio.act(Action::Scrub(Scrub::End));
        }
        if last || zoomed || token % every == 0 {
            let (buffer, pictures) = studio.draw();
            let seconds = if last {
                LAST
            } else if zoomed {
                ZOOM
            } else {
                FRAME
            };
            reel.add(&buffer, studio.ground(), &pictures, seconds);
        }
    }
    Ok(reel.develop(opening(shot.width, shot.height, studio.ground())))
}

fn images_shown(studio: &Studio) -> usize {
    let explorer = studio.app.explorer.as_ref();
    explorer.map_or(0, |explorer| explorer.trace().at(explorer.cursor()).images().count())
}

impl Reel {
    fn add(&mut self, buffer: &Buffer, ground: Ground, pictures: &[Picture], seconds: f64) {
        let rows = (0..buffer.area.height).map(|y| row_to_svg(buffer, y, ground)).filter(|row| !row.is_empty());
        let rows = rows.map(|row| self.rows.put(row)).collect();
        let mut shown = Vec::new();
        for picture in pictures {
            for png in picture.layers() {
                shown.push(self.pictures.put(image(picture.area, &png)));
            }
        }
        self.stills.push(Still { rows, pictures: shown, seconds });
    }

    /// The film, after its root element's beginning.
    fn develop(&self, opening: String) -> String {
        let mut svg = opening;
        self.style(&mut svg);
        svg.push_str("<defs>\n");
        for (id, row) in self.rows.pieces.iter().enumerate() {
            let _ = writeln!(svg, "<g id=\"r{id}\">\n{row}</g>");
        }
        for (id, picture) in self.pictures.pieces.iter().enumerate() {
            let _ = writeln!(svg, "<g id=\"p{id}\">{picture}</g>");
        }
        svg.push_str("</defs>\n");
        for (n, still) in self.stills.iter().enumerate() {
            let _ = write!(svg, "<g class=\"f\" id=\"f{n}\">");
            for row in &still.rows {
                let _ = write!(svg, "<use href=\"#r{row}\"/>");
            }
            for picture in &still.pictures {
                let _ = write!(svg, "<use href=\"#p{picture}\"/>");
            }
            svg.push_str("</g>\n");
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn style(&self, svg: &mut String) {
        let all: f64 = self.stills.iter().map(|still| still.seconds).sum();
        let last = self.stills.len().saturating_sub(1);
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<style>\n.f{{visibility:hidden;animation:{all:.2}s step-end infinite}}");
        let _ = writeln!(svg, "#f{last}{{visibility:visible}}");
        let mut from = 0.0;
        for (n, still) in self.stills.iter().enumerate() {
            let to = from + still.seconds;
            let share = |seconds: f64| 100.0 * seconds / all.max(f64::MIN_POSITIVE);
            let before = if n == 0 { String::new() } else { "0%{visibility:hidden}".to_owned() };
            let after = if n == last { String::new() } else { format!("{:.3}%{{visibility:hidden}}", share(to)) };
            let _ = writeln!(svg, "@keyframes k{n}{{{before}{:.3}%{{visibility:visible}}{after}}}", share(from));
            let _ = writeln!(svg, "#f{n}{{animation-name:k{n}}}");
            from = to;
        }
        svg.push_str("@media(prefers-reduced-motion:reduce){.f{animation:none}}\n</style>\n");
    }
}

fn image(area: Rect, png: &str) -> String {
    let (x, y, w, h) = pixels_of(area);
    format!("<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" href=\"{png}\"/>")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
