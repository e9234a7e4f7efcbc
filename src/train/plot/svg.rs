//! Charts as SVG.

use std::fmt::Write;

use super::board::{Anchor, At, Board, Colour, Frame, Lettering, Pen};

/// An SVG file that is being written.
#[derive(Clone, Debug)]
pub struct SvgBoard {
    text: String,
}

impl SvgBoard {
    /// A page of this size; the title is read out to those who cannot see it.
    pub fn new(width: f32, height: f32, title: &str) -> Self {
        let (w, h, title) = (short(width), short(height), escaped(title));
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"'DejaVu Sans Condensed', 'Helvetica Neue', Helvetica, Arial, sans-serif\">\n\
             <title>{title}</title>\n"
        );
        Self { text }
    }

    /// The file.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

impl Board for SvgBoard {
    fn rect(&mut self, frame: Frame, fill: Colour, edge: Option<Colour>, radius: f32) {
        let edge = edge.map(|edge| format!(" stroke=\"{}\"", hex(edge))).unwrap_or_default();
        let [x, y, w, h, r] = [frame.x, frame.y, frame.w, frame.h, radius].map(short);
        let fill = hex(fill);
        let _ = writeln!(
            self.text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\" fill=\"{fill}\"{edge}/>"
        );
    }

    fn line(&mut self, points: &[At], pen: Pen) {
        let dash = pen.dash.map(|(dash, gap)| format!(" stroke-dasharray=\"{} {}\"", short(dash), short(gap)));
        let opacity = opacity("stroke", pen.opacity);
        let _ = writeln!(
            self.text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"{}\"{opacity}{}/>",
            list(points),
            hex(pen.colour),
            short(pen.width),
            if pen.dash.is_some() { "butt" } else { "round" },
            dash.unwrap_or_default()
        );
    }

    fn area(&mut self, points: &[At], colour: Colour, share: f32) {
        let opacity = opacity("fill", share);
        let _ = writeln!(self.text, "<polygon points=\"{}\" fill=\"{}\"{opacity}/>", list(points), hex(colour));
    }

    fn dot(&mut self, at: At, radius: f32, colour: Colour) {
        let [x, y, r] = [at.0, at.1, radius].map(short);
        let _ = writeln!(self.text, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{}\"/>", hex(colour));
    }

    fn text(&mut self, at: At, text: &str, how: Lettering) {
        let anchor = match how.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let bold = if how.bold { " font-weight=\"bold\"" } else { "" };
        let [x, y, size] = [at.0, at.1, how.size].map(short);
        let (fill, text) = (hex(how.colour), escaped(text));
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{bold}{anchor}>{text}</text>"
        );
    }
}

fn list(points: &[At]) -> String {
    let points: Vec<_> = points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect();
    points.join(" ")
}

fn opacity(of: &str, share: f32) -> String {
    if share < 1.0 { format!(" {of}-opacity=\"{}\"", short(share)) } else { String::new() }
}

fn hex([r, g, b]: Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Two decimals at most; what is no number is 0.
fn short(value: f32) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// Text that can stand in XML: no markup, no characters that XML forbids, nothing that turns the reading direction.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::text::one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
